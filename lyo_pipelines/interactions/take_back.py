"""Removing what an earlier landing of the same file left: one that was killed, or one by another format or mapping."""

from __future__ import annotations

from datetime import date

from lyo_pipelines.interactions.feedback import forget_feedback
from lyo_pipelines.interactions.repeats import repeat_path
from lyo_pipelines.storage.lake import Lake


def take_back(lake: Lake, file_hash: str) -> set[date]:
    """Remove all that bears the hash of a file; the days of raw_interactions that it touched.

    Call it only while the file has no ledger entry (ledger.begin).
    """
    name = f"{file_hash}.parquet"
    days = set()
    for day in lake.days("landing", name=name):
        lake.fs.rm(f"{lake.landing_dir(day)}/{name}")
        days.add(day)
    for day in lake.days("repeats", name=name):
        lake.fs.rm(repeat_path(lake, day, file_hash))
        days.add(day)
    for day in lake.days("feedback", name=name):
        lake.fs.rm(lake.path("feedback", f"date={day.isoformat()}", name))
    if lake.exists(lake.rejected(file_hash)):
        lake.fs.rm(lake.rejected(file_hash))
    return days | forget_feedback(lake, file_hash)
