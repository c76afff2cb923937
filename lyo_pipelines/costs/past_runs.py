"""The finished trainings of a lake and their reports, as costs and forecasts need them: sizes, times, memory, machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import median

from pydantic import ValidationError

from lyo_pipelines.contracts.adapter import MANIFEST, AdapterManifest
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import REPORT
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.dimensions import dimensions_of
from lyo_pipelines.training.memory import estimate_memory, largest_batch
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.preflight import base_folder
from lyo_pipelines.training.recipes import Recipe
from lyo_pipelines.training.versions import list_adapters

TOKENS_PER_EXAMPLE = 200.0
"""Where no training says it: what the sample's tutoring dialogues have with the embedded model's tokenizer."""


@dataclass(frozen=True)
class PastRun:
    """One finished training. kind: base model, method and dtype, what makes a recipe fast or slow. machine: "" where it is not
    known.

    tokens, steps, seen: what it trained, `seen` counting an example once for each time; planned_steps, planned_seen: what it
    would have, had it not stopped early. planned_tokens: as they would have been guessed before it, from the trainings before.
    estimate: bytes of memory that training/memory.py would have said, None where the architecture is not known. hour: what an
    hour cost by its own recipe, in `currency`; 0: not said."""

    segment: str
    version: str
    at: datetime
    base_model: str
    method: str
    kind: str
    machine: str
    steps: int
    planned_steps: int
    seen: float
    planned_seen: float
    tokens: int
    planned_tokens: float
    seconds: float
    memory: int | None
    estimate: int | None
    hour: float
    currency: str
    folder: Path

    @property
    def tokens_per_example(self) -> float:
        """Tokens of one example."""
        return self.tokens / max(1.0, self.seen)


@dataclass(frozen=True)
class PastReport:
    """One finished report. answers: items times models; version: of the adapter; machine: that of its training."""

    segment: str
    version: str
    at: datetime
    kind: str
    machine: str
    answers: int
    seconds: float


def kind_of(base_model: str, method: str, dtype: str | None) -> str:
    """What makes a recipe fast or slow, as forecasts group by it."""
    return " · ".join(part for part in (base_model, method, dtype or "") if part)


def past_runs(lake: Lake, models_dir: Path) -> list[PastRun]:
    """All finished trainings, oldest first. A damaged adapter says nothing of costs."""
    found: list[PastRun] = []
    for segment in lake.names(lake.path("adapters")):
        try:
            found += [run for one in list_adapters(lake, segment) if (run := _run(one, models_dir)) is not None]
        except LyoError:
            continue
    return with_guesses(sorted(found, key=lambda run: (run.at, run.version)))


def past_reports(reports: Sequence[Report], runs: Sequence[PastRun]) -> list[PastReport]:
    """What the finished reports of the trainings took, oldest first."""
    trained = {run.version: run for run in runs}
    found = [_report(report, trained.get(report.version)) for report in reports]
    return sorted(found, key=lambda one: (one.at, one.version))


def read_reports(lake: Lake) -> list[Report]:
    """All finished reports of a lake, without their slices and samples; damaged and unfinished ones are passed over.

    Triggers ask at every look: a report is parsed once, and again when its file is another one.
    """
    found: list[Report] = []
    for segment in lake.names(lake.path("reports")):
        for version in lake.names(lake.report_dir(segment)):
            folder = lake.local(lake.report_dir(segment, version))
            try:
                written = (folder / REPORT).stat()
                found.append(_without_rows(folder, (written.st_mtime_ns, written.st_size, written.st_ino)))
            except (DocumentError, OSError):
                continue
    return found


@lru_cache(maxsize=2_048)
def _without_rows(folder: Path, written: tuple[int, int, int]) -> Report:
    """The report of a folder. written: time, size and inode of its file, by which another one is known."""
    return read_report(folder).model_copy(update={"slices": (), "samples": ()})


def with_guesses(runs: Sequence[PastRun]) -> list[PastRun]:
    """The same runs, oldest first, each with the tokens that would have been guessed before it from those before."""
    found: list[PastRun] = []
    for run in runs:
        each = tokens_per_example(found, run.segment)[0]
        found.append(replace(run, planned_tokens=each * run.planned_seen))
    return found


def tokens_per_example(runs: Sequence[PastRun], segment: str) -> tuple[float, bool]:
    """(tokens of one example, whether a training says so): of the segment, else of its language, else of any."""
    wanted = parse_parent(segment).language
    for fits in (lambda key: key == segment, lambda key: parse_parent(key).language == wanted, lambda _: True):
        if near := [run.tokens_per_example for run in runs if fits(run.segment) and run.tokens]:
            return median(near), True
    return TOKENS_PER_EXAMPLE, False


def run_of_manifest(manifest: AdapterManifest, *, at: datetime, folder: Path, models_dir: Path) -> PastRun | None:
    """A training as its manifest tells it; None where it learnt nothing that can be counted."""
    metrics = manifest.metrics
    speed = metrics.tokens_per_second
    seconds = metrics.seconds or (metrics.tokens / speed if speed else 0.0)
    if not (metrics.tokens and seconds):
        return None
    steps = max(1, metrics.steps)
    planned_steps = metrics.planned_steps or steps
    seen = manifest.examples.get("train", 0) * metrics.epochs
    return PastRun(
        segment=manifest.segment, version=manifest.version, at=at, base_model=manifest.base_model.name, method=manifest.method,
        kind=kind_of(manifest.base_model.name, manifest.method, manifest.dtype),
        machine=manifest.machine, steps=steps, planned_steps=planned_steps, seen=seen,
        planned_seen=seen * planned_steps / steps, tokens=metrics.tokens, planned_tokens=float(metrics.tokens),
        seconds=seconds, memory=metrics.peak_memory_bytes, estimate=_estimate(manifest, models_dir),
        hour=manifest.cost.per_hour, currency=manifest.cost.currency, folder=folder,
    )  # fmt: skip


def _run(result: TrainingResult, models_dir: Path) -> PastRun | None:
    at = datetime.fromtimestamp((result.path / MANIFEST).stat().st_mtime, UTC)
    return run_of_manifest(result.manifest, at=at, folder=result.path, models_dir=models_dir)


def _report(report: Report, run: PastRun | None) -> PastReport:
    return PastReport(
        segment=report.segment, version=report.version, at=report.created_at, kind=run.kind if run else "",
        machine=run.machine if run else "", answers=report.n_test * len(report.model_versions), seconds=report.seconds,
    )  # fmt: skip


def _estimate(manifest: AdapterManifest, models_dir: Path) -> int | None:
    """What the memory would have been estimated at before the training; None where recipe or architecture cannot be read."""
    try:
        recipe = Recipe.model_validate(manifest.recipe)
        dimensions = dimensions_of(recipe.base_model, base_folder(recipe.base_model, models_dir))
    except (ValidationError, OSError, ValueError, KeyError):
        return None
    if dimensions is None:
        return None
    device = "cpu" if manifest.machine.startswith("CPU") or not manifest.machine else "cuda"
    batch = largest_batch(recipe, parse_parent(manifest.segment).task)
    dtype = manifest.dtype if manifest.dtype in ("float32", "bfloat16") else None
    return estimate_memory(dimensions, recipe, batch, device, dtype=dtype).total
