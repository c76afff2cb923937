"""Texts in files of any kind that the lake holds: going through all of them, and replacing what a pattern finds.

Arrow columns are looked at by their distinct values, at any depth of lists and structs; all other files as UTF-8 text.
"""

# pyarrow brings no types, so an array is unknown here:
# pyright: reportUnknownMemberType=false, reportUnknownParameterType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

TEXT_ENDINGS = (".json", ".jsonl", ".csv", ".tsv", ".md", ".txt", ".html", ".yaml", ".yml", ".svg", ".log")


def files_below(lake: Lake, folder: str, *, without: Iterable[str] = ()) -> Iterator[str]:
    """Paths of all files at any depth below a folder, in order; `without`: names of folders directly below it that are passed over."""
    left_out = {f"{folder}/{name}" for name in without}
    for here, folders, names in lake.fs.walk(folder):
        place = here.rstrip("/")
        folders[:] = sorted(name for name in folders if f"{place}/{name}" not in left_out)
        for name in sorted(names):
            yield f"{place}/{name}"


def replaced_texts(table: pa.Table, pattern: re.Pattern[str], change: Callable[[str], str]) -> tuple[pa.Table, int]:
    """A table with every text that the pattern is found in changed, and how many distinct values were; the same table for none."""
    total = 0
    for index, field in enumerate(table.schema):
        column, count = _changed(table.column(index).combine_chunks(), pattern, change)
        if count:
            table = table.set_column(index, field, column.cast(field.type))
            total += count
    return table, total


def texts_of(table: pa.Table) -> Iterator[str]:
    """Every distinct text of a table, column by column, at any depth."""
    for column in table.columns:
        yield from _texts(column.combine_chunks())


def _plain(array: Any) -> Any:
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def _changed(array: Any, pattern: re.Pattern[str], change: Callable[[str], str]) -> tuple[Any, int]:
    array = _plain(array)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _changed_texts(array, pattern, change)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        whole = pc.list_flatten(array)
        values, count = _changed(whole, pattern, change)
        if not count:
            return array, 0
        lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
        offsets = pa.array([0, *pc.cumulative_sum(lengths).to_pylist()], pa.int32())
        return pa.ListArray.from_arrays(offsets, values, mask=array.is_null()).cast(kind), count
    if pa.types.is_struct(kind):
        parts = [_changed(array.field(index), pattern, change) for index in range(kind.num_fields)]
        if not any(count for _, count in parts):
            return array, 0
        columns = [part.cast(kind[n].type) for n, (part, _) in enumerate(parts)]
        made = pa.StructArray.from_arrays(columns, fields=list(kind), mask=array.is_null())
        return made, sum(count for _, count in parts)
    return array, 0


def _changed_texts(array: Any, pattern: re.Pattern[str], change: Callable[[str], str]) -> tuple[Any, int]:
    encoded = array.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    found = {n for n, value in enumerate(values) if value is not None and pattern.search(value)}
    if not found:
        return array, 0
    told = [
        pattern.sub(lambda match: change(match.group()), value) if n in found else value
        for n, value in enumerate(values)
    ]
    return pa.array(told, array.type).take(encoded.indices), len(found)


def _texts(array: Any) -> Iterator[str]:
    array = _plain(array)
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _texts(array.dictionary)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from (value for value in array.unique().to_pylist() if value is not None)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _texts(pc.list_flatten(array))
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _texts(part)
