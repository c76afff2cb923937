"""What is made from landed rows by day: interactions, examples, health; and the index of keys. All of it can be made again."""

from __future__ import annotations

from lyo_pipelines.integrity.findings import Verification
from lyo_pipelines.integrity.tables import table_damage, tables_below
from lyo_pipelines.storage.lake import Lake

_STAGES = {
    "interactions": "raw_interactions",
    "examples": "filtered_examples",
    "health": "segment_health",
    "documents": "document_chunks",
}
"""Folder -> the asset that makes it."""


def verify_days(lake: Lake, told: Verification) -> None:
    """Open every file of every day."""
    for stage, asset in _STAGES.items():
        for path in tables_below(lake, stage):
            told.checked[f"files of {stage}"] += 1
            if said := table_damage(lake, path, deep=told.deep):
                day = path.split("/")[-2].removeprefix("date=")
                hint = f"Remove it and materialize {asset} for {day}: it is made from what is there."
                told.add({path: said}, "derived", hint)
    for stage in ("keys/interactions", "keys/feedback"):
        for path in tables_below(lake, stage):
            told.checked["key indexes"] += 1
            if said := table_damage(lake, path, deep=told.deep):
                told.add({path: said}, "derived", "Nothing: the next landing that needs it makes it again.")
    for path in tables_below(lake, "decisions"):
        told.checked["files of decisions"] += 1
        if said := table_damage(lake, path, deep=told.deep):
            told.add({path: said}, "source", "Restore it from a backup. The triggers go on; `lyo why` shows less.")
