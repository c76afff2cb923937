"""How far a job's examples have come before anything is trained on them: landed, curated, enough of them kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from lyo_pipelines.config.loading import Config
from lyo_pipelines.fine_tuning.record import TuningJob
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.store.ledger import LedgerEntry, read_entry
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

Stage = Literal["landing", "curating", "ready", "refused"]


@dataclass(frozen=True)
class Progress:
    """says: what is known of the examples; of a job that is refused, why."""

    stage: Stage
    says: str
    kept: int = 0


def progress_of(lake: Lake, job: TuningJob, config: Config) -> Progress:
    """How far it is, as the lake says now. Raises DamagedFileError."""
    entry = read_entry(lake, job.file_hash)
    if entry is None:
        return Progress("landing", "the examples wait in the inbox")
    if not entry.accepted:
        return Progress("refused", f"none of {job.rows:,} examples was accepted ({_reasons(entry)})")
    days = [date.fromisoformat(day) for day in entry.days]
    if set(days) & set(days_to_rebuild(lake, config.curation)):
        return Progress(
            "curating", f"{entry.accepted:,} of {job.rows:,} examples were accepted; curation looks at them"
        )
    kept = sum(_kept(lake, day, job) for day in days)
    says = f"curation kept {kept:,} of {job.rows:,} examples in {job.segment}"
    if kept < (least := config.dataset.minimum_groups):
        return Progress(
            "refused", f"{says}; at least {least} are needed (see `lyo show {job.segment} --removed`)", kept
        )
    return Progress("ready", says, kept)


def _kept(lake: Lake, day: date, job: TuningJob) -> int:
    path = lake.examples(day)
    if not lake.exists(path):
        return 0
    ours = pc.equal(lake.read_table(path, ["segment"])["segment"], job.segment)
    return int(pc.sum(ours).as_py() or 0)


def _reasons(entry: LedgerEntry) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in entry.rejected_by_reason.items()) or "no reason is known"
