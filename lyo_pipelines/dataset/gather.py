"""Reading one segment's examples out of the day files, a few columns and one day at a time. Deciding belongs elsewhere.

All passes over the days see the same rows in the same order (day, time, example id), so that a decision about row n is a plain
array entry n and no pass has to look ids up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.errors import DaysChangedError
from lyo_pipelines.dataset.parallel import ordered_map
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

Result = TypeVar("Result")


@dataclass(frozen=True)
class DayRows:
    """What a first pass found: `days` that hold rows of the segment, `borders` (len(days) + 1 row numbers), all example ids."""

    segment: str
    days: list[date]
    borders: list[int]
    example_id: pa.Array


def first_pass(
    lake: Lake, segment: str, columns: Sequence[str], prepare: Callable[[pa.Table], pa.Table]
) -> tuple[DayRows, pa.Table | None]:
    """Read the given columns of all days, each day through `prepare` at once (to make it smaller).

    Return where each day's rows stand, and the table of all days (None without any row).
    """
    days, tables, borders = [], [], [0]
    every = lake.days("examples")
    for day, table in zip(
        every, ordered_map(lambda day: prepare(_read_day(lake, segment, day, columns)), every), strict=True
    ):
        if table.num_rows:
            days.append(day)
            tables.append(table)
            borders.append(borders[-1] + table.num_rows)
    if not tables:
        return DayRows(segment, [], [0], pa.array([], pa.string())), None
    whole = pa.concat_tables(tables)
    return DayRows(segment, days, borders, whole["example_id"].combine_chunks()), whole


def later_pass(
    lake: Lake, rows: DayRows, keep: np.ndarray, columns: Sequence[str], work: Callable[[pa.Table], Result]
) -> Iterator[Result]:
    """Yield, day by day, work(the rows that the mask `keep` wants); `keep` has one entry per row of the first pass.

    `work` runs in threads, days stay in order. Raises DaysChangedError when a day file is no longer what the first pass read.
    """

    def one(number: int) -> Result:
        start, end = rows.borders[number], rows.borders[number + 1]
        day = rows.days[number]
        table = _read_day(lake, rows.segment, day, columns)
        if not table["example_id"].combine_chunks().equals(rows.example_id.slice(start, end - start)):
            raise DaysChangedError(
                f"{rows.segment}: filtered_examples of {day} changed while the dataset was built. Build it again."
            )
        return work(table.filter(pa.array(keep[start:end])))

    wanted = [number for number in range(len(rows.days)) if keep[rows.borders[number] : rows.borders[number + 1]].any()]
    yield from ordered_map(one, wanted)


def _read_day(lake: Lake, segment: str, day: date, columns: Sequence[str]) -> pa.Table:
    """One day's rows of the segment, sorted by time and example id whatever order the file has."""
    wanted = list(dict.fromkeys([*columns, "occurred_at", "example_id"]))
    with lake.open_table(lake.examples(day)) as parquet:
        table = parquet.read(columns=list(dict.fromkeys([*wanted, "segment"])))
    table = table.filter(pc.equal(table["segment"], segment)).select(wanted).replace_schema_metadata(None)
    order = pc.sort_indices(table, sort_keys=[("occurred_at", "ascending"), ("example_id", "ascending")])
    return table if np.all(np.diff(order.to_numpy().astype(np.int64)) == 1) else table.take(order)
