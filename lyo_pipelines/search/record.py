"""What is kept of a search: one JSON file a trial, written whole, from which everything else is made again.

The sampler's state is not kept: it is a function of the trials before and of the trial's number (sampling.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lyo_pipelines.config.search import Figure, SearchConfig
from lyo_pipelines.contracts.document import Document
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.recipes import WITHOUT_EFFECT_ON_WEIGHTS, Recipe

SEARCH_VERSION = 1
"""Raised when the same search would try other values."""
TRIAL, TRIALS = "trial.json", "trials"
BEST_RECIPE = "best.yaml"

State = Literal["running", "complete", "pruned", "diverged", "failed", "unfinished"]


class TrialRecord(Document):
    """One trial. values: its validation losses in order; loss: the best of them once it is complete; tokens, seconds: spent on it.

    running: begun, and not ended (also after a kill); unfinished: the budget ended first. Both go on where they were.
    """

    KIND: ClassVar[str] = "record of a trial"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    number: int
    figures: dict[str, Figure]
    state: State = "running"
    values: list[float] = Field(default_factory=list)
    loss: float | None = None
    tokens: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in {"running", "unfinished"}


def search_id(fingerprint: str, recipe: Recipe, config: SearchConfig) -> str:
    """Name of a search, 12 hex: the same data, recipe and space are the same search, whatever its budget."""
    values = {k: v for k, v in recipe.model_dump(mode="json").items() if k not in WITHOUT_EFFECT_ON_WEIGHTS}
    what = config.model_dump(mode="json", include={"space", "seed", "random_trials", "prune"})
    text = json.dumps([SEARCH_VERSION, fingerprint, values, what], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def trial_folder(search: Path, number: int) -> Path:
    """Folder of one trial: its record, and the output of its training."""
    return search / TRIALS / f"{number:04d}"


def trial_output(search: Path, number: int) -> Path:
    """What the training of a trial writes."""
    return trial_folder(search, number) / "training"


def write_record(search: Path, record: TrialRecord) -> TrialRecord:
    """Write a record whole; returns it."""
    folder = trial_folder(search, record.number)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / TRIAL, record.to_json())
    return record


def read_records(search: Path) -> list[TrialRecord]:
    """All records by number, without a gap; a folder without its record was never begun. Raises DocumentError for a damaged one."""
    found: list[TrialRecord] = []
    while (path := trial_folder(search, len(found)) / TRIAL).is_file():
        found.append(TrialRecord.read(path))
    return found


def best_of(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The complete trial with the lowest loss, the earliest of equals."""
    complete = [one for one in records if one.state == "complete" and one.loss is not None]
    return min(complete, key=lambda one: (one.loss or 0.0, one.number), default=None)
