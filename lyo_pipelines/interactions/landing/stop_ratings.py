"""Ratings of a file whose scale is not known: none of them is believed, also where they lie within ours.

Of 8, 4 and 10 the 4 is a bad mark, and would be read as a good one. The whole file is looked at before this can be told, so what was
staged is written anew; that costs a second pass over such a file, and nothing for others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import FEEDBACK_VALUES
from lyo_pipelines.interactions.conversion.rejected import RejectedRecord
from lyo_pipelines.storage.arrow import group_batches, pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.table_writer import TableWriter

REASON = "rating_scale_unknown"


@dataclass
class StoppedRatings:
    """How many ratings were taken out of accepted rows, and records of feedback rows of which nothing is left then."""

    ratings: int = 0
    rejected: list[RejectedRecord] = field(default_factory=list)


def stop_ratings(
    lake: Lake, staged: dict[date, str], off_scale: str, schema: pa.Schema
) -> tuple[dict[date, str], StoppedRatings]:
    """Staged files of interactions or feedback (told by their schema), without ratings. off_scale: what showed it."""
    stopped, result = StoppedRatings(), {}
    for day, path in staged.items():
        target = f"{path.removesuffix('.parquet')}-unrated.parquet"
        kept = 0
        with TableWriter(lake, target, schema) as writer, lake.open_table(path) as file:
            for batch in group_batches(file, 16_384):
                table = without_ratings(pa.Table.from_batches([batch], schema), stopped, off_scale)
                kept += len(table)
                writer.write_table(table)
        lake.fs.rm(path)
        if kept:
            result[day] = target
        else:
            lake.fs.rm(target)
    return result, stopped


def off_scale_note(off_scale: str) -> str:
    """What is said of the accepted rows whose ratings were taken out."""
    return f"rating not read, as the scale is not known ({off_scale}): declare it"


def without_ratings(table: pa.Table, stopped: StoppedRatings, off_scale: str) -> pa.Table:
    """A table of accepted rows without its ratings; feedback rows that hold nothing else are left out, and go to `stopped`."""
    stopped.ratings += len(table) - table["rating"].null_count
    rated = table["rating"].is_valid()
    nulls = pa.nulls(len(table), table.schema.field("rating").type)
    table = table.set_column(table.schema.get_field_index("rating"), table.schema.field("rating"), nulls)
    if "withdrawn" not in table.schema.names:
        return table
    silent = pc.and_(rated, pc.equal(table["withdrawn"], 0))
    for name in FEEDBACK_VALUES:
        silent = pc.and_(silent, table[name].is_null())
    mask = silent.to_numpy()
    lines = table["source_line"].to_numpy()[mask].tolist()
    stopped.rejected += [RejectedRecord(line=line, reason=REASON, detail=off_scale) for line in lines]
    stopped.ratings -= len(lines)
    return table.filter(pa.array(~np.asarray(mask)))
