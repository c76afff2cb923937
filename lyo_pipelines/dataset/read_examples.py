"""Reading the examples of a scope out of day files and document sets, a few columns and one part at a time. No decisions.

All passes over the parts see the same rows in the same order (part, time, example id), so that a decision about row n is a plain
array entry n and no pass has to look ids up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.errors import DaysChangedError
from lyo_pipelines.dataset.parallel import ordered_map
from lyo_pipelines.dataset.scope import Scope, ScopePart
from lyo_pipelines.segments import segment_name
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

Result = TypeVar("Result")


@dataclass(frozen=True)
class DayRows:
    """What a first pass found: `parts` that hold rows of the scope, `borders` (len(parts) + 1 row numbers), all example ids."""

    scope: Scope
    parts: list[ScopePart]
    borders: list[int]
    example_id: pa.Array


def first_pass(
    lake: Lake,
    scope: Scope,
    columns: Sequence[str],
    prepare: Callable[[pa.Table], pa.Table],
    every: Sequence[ScopePart] | None = None,
) -> tuple[DayRows, pa.Table | None]:
    """Read the given columns of all parts (default: the scope's), each part through `prepare` at once (to make it smaller).

    Return where each part's rows stand, and the table of all parts (None without any row).
    """
    parts, tables, borders = [], [], [0]
    every = scope.parts(lake) if every is None else every
    for part, table in zip(
        every, ordered_map(lambda part: prepare(_read_part(lake, scope, part, columns)), every), strict=True
    ):
        if table.num_rows:
            parts.append(part)
            tables.append(table)
            borders.append(borders[-1] + table.num_rows)
    if not tables:
        return DayRows(scope, [], [0], pa.array([], pa.string())), None
    whole = pa.concat_tables(tables)
    return DayRows(scope, parts, borders, whole["example_id"].combine_chunks()), whole


def later_pass(
    lake: Lake, rows: DayRows, keep: np.ndarray, columns: Sequence[str], work: Callable[[pa.Table], Result]
) -> Iterator[Result]:
    """Yield, part by part, work(the rows that the mask `keep` wants); `keep` has one entry per row of the first pass.

    `work` runs in threads, parts stay in order. Raises DaysChangedError when a file is no longer what the first pass read.
    """

    def one(number: int) -> Result:
        start, end = rows.borders[number], rows.borders[number + 1]
        part = rows.parts[number]
        table = _read_part(lake, rows.scope, part, columns)
        if not table["example_id"].combine_chunks().equals(rows.example_id.slice(start, end - start)):
            raise DaysChangedError(
                f"{rows.scope.key}: the examples of {part.name} changed while the dataset was built. Build it again."
            )
        return work(table.filter(pa.array(keep[start:end])))

    wanted = [
        number for number in range(len(rows.parts)) if keep[rows.borders[number] : rows.borders[number + 1]].any()
    ]
    yield from ordered_map(one, wanted)


def _read_part(lake: Lake, scope: Scope, part: ScopePart, columns: Sequence[str]) -> pa.Table:
    """One part's rows of the scope, sorted by time and example id whatever order the file has."""
    wanted = list(dict.fromkeys([*columns, "occurred_at", "example_id"]))
    made = f"the documents of {part.name}" if part.documents else f"filtered_examples of {part.name}"
    with lake.remade_if_damaged(part.path, made), lake.open_table(part.path) as parquet:
        table = _with_all(parquet, list(dict.fromkeys([*wanted, "segment", *(["team"] if scope.team else [])])))
    inside = pc.is_in(table["segment"], value_set=pa.array(scope.segments, pa.string()))
    if scope.team:
        named = [name for name in table["team"].unique().to_pylist() if name and segment_name(name) == scope.team]
        inside = pc.and_(inside, pc.is_in(table["team"], value_set=pa.array(named, pa.string())))
    table = table.filter(inside).select(wanted).replace_schema_metadata(None)
    order = pc.sort_indices(table, sort_keys=[("occurred_at", "ascending"), ("example_id", "ascending")])
    return table if np.all(np.diff(order.to_numpy().astype(np.int64)) == 1) else table.take(order)


def _with_all(parquet: pq.ParquetFile, columns: list[str]) -> pa.Table:
    """The columns of a file; one that came later than the file is null in it."""
    there = parquet.schema_arrow.names
    table = parquet.read(columns=[name for name in columns if name in there])
    for name in columns:
        if name not in there:
            table = table.append_column(name, pa.nulls(table.num_rows, EXAMPLE.field(name).type))
    return table
