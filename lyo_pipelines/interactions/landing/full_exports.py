"""A file of feedback that says it is full replaces the earlier ones of its name pattern: what it no longer holds was taken back.

Most tools export what is new. Some export everything each time, and then a rating that was deleted shows only by its absence. Which
do so is declared (`interactions.full_exports`), never guessed: a partial file taken for a full one would delete good feedback.
"""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

from lyo_pipelines.interactions.days.feedback_routing import forget_feedback
from lyo_pipelines.interactions.store.landed_parts import FEEDBACK, forget_part
from lyo_pipelines.interactions.store.ledger import landed_files, read_entry
from lyo_pipelines.storage.lake import Lake

REPLACED = "rows of earlier full exports no longer count"


def replace_earlier_exports(lake: Lake, file_hash: str, pattern: str) -> tuple[set[date], int]:
    """Remove the feedback of the other landed files of a pattern; their entries in the ledger stay.

    Call it before the ledger entry of the new file is written: killed in between, the next run lands that file again. Returns the days
    of interactions that are concerned, and how many rows of feedback no longer count.
    """
    days, rows = set[date](), 0
    for other in landed_files(lake):
        entry = read_entry(lake, other)
        if other == file_hash or entry is None or entry.rows != "feedback" or not fnmatchcase(entry.name, pattern):
            continue
        for day in entry.days:
            path = lake.path("feedback", f"date={day}", f"{other}.parquet")
            if lake.exists(path):
                with lake.open_table(path) as file:
                    rows += file.metadata.num_rows
                forget_part(lake, FEEDBACK, date.fromisoformat(day), f"{other}.parquet")
                lake.fs.rm(path)
        days |= forget_feedback(lake, other)
    return days, rows
