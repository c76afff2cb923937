"""The rows of one day of interactions as the rollout reads them: part by part, and a damaged day told from a whole one.

A figure that is none (NaN, an infinity: half a write, another program) says nothing, as a missing one: added up, it would turn all
sums of its arm into nothing that a guardrail could judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl
import pyarrow as pa

from lyo_pipelines.storage.lake import Lake

_LATER = {"release_id": pl.String, "rating_invited": pl.Boolean}
"""Columns that days of before do not have."""
BATCH = 65_536
"""Rows that are in memory at once."""
_FIGURES = ("rating", "response_time_ms")
READ_ERRORS = (OSError, ValueError, KeyError, pl.exceptions.PolarsError)
"""What reading a damaged day raises, whichever library reads it."""


class DamagedDayError(Exception):
    """A day's file cannot be read to its end."""


def day_batches(lake: Lake, day: date, batch_rows: int, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """A day's rows with these columns, at most `batch_rows` at a time. Raises DamagedDayError."""
    try:
        with lake.open_table(lake.interactions(day)) as file:
            batches = file.iter_batches(batch_size=batch_rows, columns=list(columns))
            while (batch := next(batches, None)) is not None:
                rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                if missing := set(columns) - set(_LATER) - set(rows.columns):
                    raise KeyError(f"it has no column {', '.join(sorted(missing))}")
                unknown = {
                    name: pl.lit(None, kind)
                    for name, kind in _LATER.items()
                    if name in columns and name not in rows.columns
                }
                figures = (pl.col(name) for name in _FIGURES if name in rows.columns)
                yield rows.with_columns(*(pl.when(figure.is_finite()).then(figure) for figure in figures), **unknown)
    except READ_ERRORS as error:
        raise DamagedDayError(str(error)) from error
