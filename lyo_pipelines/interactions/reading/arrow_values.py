"""Arrow columns to plain Python values, as JSON would hold them, at any depth.

Times become ISO 8601 text (exact, also in nanoseconds), durations `timedelta` (their unit is known only here), decimals numbers
where a number holds them exactly and text otherwise, UUIDs their text. Objects within lists lose the keys that are null: Parquet must
give each object of a column all keys of all of them.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from lyo_pipelines.images.normalise import known_format
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.arrow import pc

_TURNS = ({"role", "content"}, {"from", "value"})
_IDS_OF_SPANS = ("trace", "span")


def column_values(column: pa.Array, name: str = "") -> list[Any]:
    """The values of a column; name: where it stands, which tells how bytes without a type of their own are written.

    Raises pa.ArrowException or ValueError where a value cannot be read.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(column, name)
    for fits, convert in _CONVERSIONS:
        if fits(kind):
            return convert(column, name)
    return column.to_pylist()


def _extension(column: Any, name: str) -> list[Any]:
    kind = column.type
    if kind.extension_name == "arrow.uuid":
        return [None if value is None else str(uuid.UUID(bytes=value)) for value in column.storage.to_pylist()]
    if kind.extension_name == "arrow.bool8":
        return [None if value is None else bool(value) for value in column.storage.to_pylist()]
    return column_values(column.storage, name)


def _text(column: pa.Array, name: str) -> list[Any]:
    return column.cast(pa.string()).to_pylist()


def _bytes(column: pa.Array, name: str) -> list[Any]:
    try:
        return column.cast(pa.large_string()).to_pylist()
    except pa.ArrowInvalid:
        values = column.to_pylist()
        if not any(value is not None and known_format(value) for value in values):
            raise
        return [None if value is None else _told_bytes(value, name) for value in values]


def _told_bytes(value: bytes, name: str) -> str:
    """A picture as the data: URL that JSON would hold, any other bytes as the text that they are. Raises ValueError."""
    if known_format(value):
        return f"data:;base64,{base64.b64encode(value).decode('ascii')}"
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{name}: bytes that are neither text nor a picture") from None


def _fixed_bytes(column: pa.Array, name: str) -> list[Any]:
    """Bytes of one length are ids: text where they are letters and signs, else a UUID (16 of them, not of a span) or hex digits."""

    def shown(value: bytes) -> str:
        text = value.rstrip(b"\0")
        if text.isascii() and text.decode("ascii").isprintable() and text:
            return text.decode("ascii")
        is_uuid = len(value) == 16 and not any(word in name.lower() for word in _IDS_OF_SPANS)
        return str(uuid.UUID(bytes=value)) if is_uuid else value.hex()

    return [None if value is None else shown(value) for value in column.to_pylist()]


def _decimals(column: pa.Array, name: str) -> list[Any]:
    return [None if value is None else _plain_decimal(value) for value in column.to_pylist()]


def _plain_decimal(value: Decimal) -> int | float | str:
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value.normalize())


def _durations(column: pa.Array, name: str) -> list[Any]:
    """Microseconds are the finest that is kept."""
    microseconds = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}[column.type.unit]
    counts = column.cast(pa.int64()).to_pylist()
    return [None if count is None else timedelta(microseconds=count * microseconds) for count in counts]


def _dictionary(column: Any, name: str) -> list[Any]:
    return column_values(column.dictionary_decode(), name)


def _run_ends(column: pa.Array, name: str) -> list[Any]:
    return column_values(pc.run_end_decode(column), name)


def _struct(column: Any, name: str) -> list[Any]:
    names = [field.name for field in column.type]
    if len(set(names)) != len(names):
        raise ValueError(f"{name}: an object has two values of one name")
    inner = [column_values(child, f"{name}.{key}") for key, child in zip(names, column.flatten(), strict=True)]
    there = column.is_valid().to_pylist()
    rows = zip(*inner, strict=True) if inner else ((),) * len(column)
    values: list[RawRow | None] = [
        dict(zip(names, row, strict=True)) if valid else None for row, valid in zip(rows, there, strict=True)
    ]
    return [_turns(value) for value in values] if _is_list_of_turns(column.type) else values


def _is_list_of_turns(kind: Any) -> bool:
    """Whether an object of lists stands for a list of messages, as `datasets` stores a sequence of them."""
    names = {field.name for field in kind}
    return any(turn <= names for turn in _TURNS) and all(_is_list(field.type) for field in kind)


def _turns(value: RawRow | None) -> Any:
    if value is None:
        return None
    given = {name: items for name, items in value.items() if items is not None}
    if len({len(items) for items in given.values()}) > 1:
        raise ValueError("an object of lists that are not of one length")
    return [_without_null(dict(zip(given, turn, strict=True))) for turn in zip(*given.values(), strict=True)]


def _lists(column: Any, name: str) -> list[Any]:
    kind = column.type
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        column = column.cast(pa.large_list(kind.value_type))
    values = column_values(column.flatten(), name)
    if _holds_objects(kind.value_type):
        values = [_without_null(value) for value in values]
    result: list[Any] = []
    at = 0
    for length in pc.list_value_length(column).to_pylist():
        result.append(None if length is None else values[at : at + length])
        at += length or 0
    return result


def _holds_objects(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_struct(kind)


def _without_null(value: Any) -> Any:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def _maps(column: Any, name: str) -> list[Any]:
    offsets = column.offsets.to_pylist()
    first, size = offsets[0], offsets[-1] - offsets[0]
    keys = column_values(column.keys.slice(first, size), name)
    items = column_values(column.items.slice(first, size), name)
    there = column.is_valid().to_pylist()
    return [
        dict(zip(keys[a - first : b - first], items[a - first : b - first], strict=True)) if valid else None
        for (a, b), valid in zip(pairwise(offsets), there, strict=True)
    ]


def _is_list(kind: Any) -> bool:
    return any(
        fits(kind)
        for fits in (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        )
    )


def _is_bytes(kind: Any) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _is_moment(kind: Any) -> bool:
    return pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_interval(kind)


_CONVERSIONS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str], list[Any]]], ...] = (
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_struct, _struct),
    (_is_list, _lists),
    (pa.types.is_map, _maps),
    (pa.types.is_duration, _durations),
    (_is_moment, _text),
    (pa.types.is_decimal, _decimals),
    (_is_bytes, _bytes),
    (pa.types.is_fixed_size_binary, _fixed_bytes),
    (pa.types.is_run_end_encoded, _run_ends),
)
