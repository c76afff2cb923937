"""Feedback that reached no interaction yet: how much of each file, so that a person can see that something is missing.

Landing routes feedback to the days of its interactions (feedback_routing.py). What was routed nowhere waits for interactions that land
later; or for ever, when their ids are written otherwise, or when they are further away than `interactions.reach_days`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from lyo_pipelines.interactions.store.ledger import landed_files, read_entry
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class Unattached:
    """Rows of one landed file of feedback, and how many of them reached no interaction."""

    file_hash: str
    name: str
    rows: int
    waiting: int


def unattached_feedback(lake: Lake) -> list[Unattached]:
    """Every landed file of which some feedback reached no interaction, the largest number first."""
    entries = (read_entry(lake, file_hash) for file_hash in landed_files(lake))
    pending = {entry.file_hash: entry.name for entry in entries if entry is not None and entry.feedback_pending}
    reached = _lines(lake, "feedback_for", pending)
    result = []
    for file_hash, lines in _lines(lake, "feedback", pending).items():
        waiting = len(np.setdiff1d(lines, reached.get(file_hash, np.empty(0, np.int64))))
        if waiting:
            result.append(Unattached(file_hash, pending[file_hash], len(lines), waiting))
    return sorted(result, key=lambda file: (-file.waiting, file.name))


def said_of(files: list[Unattached], shown: int = 3) -> str:
    """One sentence for a person; empty when all feedback reached its interaction."""
    if not files:
        return ""
    waiting = sum(file.waiting for file in files)
    names = ", ".join(f"{file.name} ({file.waiting:,} of {file.rows:,})" for file in files[:shown])
    more = f" and {len(files) - shown:,} more files" if len(files) > shown else ""
    return (
        f"{waiting:,} {'row' if waiting == 1 else 'rows'} of feedback reached no interaction yet: {names}{more}. "
        "They are kept, and count as soon as their interactions land; if those are here, compare how both write the ids."
    )


def _lines(lake: Lake, stage: str, files: Container[str]) -> dict[str, np.ndarray]:
    """Hash of each of the files -> the lines of it that lie in a stage."""
    found: dict[str, list[np.ndarray]] = defaultdict(list)
    for day in lake.days(stage, name=""):
        folder = lake.path(stage, f"date={day.isoformat()}")
        for name in lake.names(folder):
            file_hash = name.removesuffix(".parquet").partition("-")[0]
            if file_hash in files:
                lines = lake.read_table(f"{folder}/{name}", columns=["source_line"])["source_line"]
                found[file_hash].append(lines.to_numpy())
    return {file_hash: np.unique(np.concatenate(parts)) for file_hash, parts in found.items()}
