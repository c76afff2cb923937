"""Times as sources write them (ISO 8601, epoch in four units, a pattern) to microseconds since 1970 in UTC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import Bad, by_value
from lyo_pipelines.storage.arrow import pc

TIMESTAMP = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIT_MICROSECONDS = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}
_MAX_TEXT = 64


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def times(values: Sequence[Any], bad: Bad, name: str, zone: tzinfo = UTC) -> pa.Array:
    """A column of times; text without an offset is of `zone`, numbers tell their unit by size."""
    if zone is UTC and set(map(type, values)) <= {str, type(None)}:
        try:
            return pa.array(values, pa.string()).cast(TIMESTAMP)
        except (pa.ArrowInvalid, UnicodeEncodeError):
            pass  # some value has another form: look at each
    return pa.array(by_value(values, bad, name, partial(parse_moment, zone=zone)), pa.int64()).cast(TIMESTAMP)


_FOUND = "found "
OUT_OF_RANGE = ("occurred_at_out_of_range", "feedback_at_out_of_range")
"""Reasons of rows that only their time speaks against."""


def check_bounds(array: pa.Array, bad: Bad, name: str, *, earliest: int, latest: int) -> None:
    """Reject times outside [earliest, latest] (microseconds since 1970)."""
    if len(array) == array.null_count:
        return
    raw = array.cast(pa.int64())
    bounds = pc.min_max(raw).as_py()
    if bounds["min"] < earliest or bounds["max"] > latest:
        outside = pc.or_(pc.less(raw, earliest), pc.greater(raw, latest)).fill_null(False)
        for index in np.flatnonzero(outside.to_numpy(zero_copy_only=False)).tolist():
            bad.setdefault(index, RowError(f"{name}_out_of_range", f"{_FOUND}{show_time(raw[index].as_py())}"))


def refused_moment(reason: str, detail: str) -> int | None:
    """The time (microseconds since 1970) for which `check_bounds` rejected a row; None for another reason or a time of no calendar."""
    if reason not in OUT_OF_RANGE or not detail.startswith(_FOUND):
        return None
    try:
        return microseconds(datetime.fromisoformat(detail.removeprefix(_FOUND)))
    except (ValueError, OverflowError):
        return None


def parse_moment(
    value: Any, name: str, *, unit: str | None = None, pattern: str | None = None, zone: tzinfo = UTC
) -> int | None:
    """Microseconds of one time in any form; None for NaN or empty text.

    unit: s, ms, us or ns for numbers; without it the size tells (below 1e11 seconds, 1e14 ms, 1e17 us, else ns).
    pattern: a strptime pattern for text. zone: for text that names no offset. Raises RowError with what was expected.
    """
    if isinstance(value, datetime):
        return microseconds(value if value.tzinfo else value.replace(tzinfo=zone))
    if isinstance(value, date):
        return microseconds(datetime(value.year, value.month, value.day, tzinfo=zone))
    if isinstance(value, str):
        return _from_text(value.strip(), name, unit, pattern, zone)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowError(f"bad_{name}", f"expected a time, found {type(value).__name__}")
    return _from_number(value, name, unit)


def _from_number(value: float, name: str, unit: str | None) -> int | None:
    if isinstance(value, float) and math.isnan(value):
        return None
    size = abs(value)
    if unit is None:
        unit = "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"
    if size > 9e18 / max(UNIT_MICROSECONDS[unit], 1.0):
        raise RowError(f"{name}_out_of_range", "the number is too large for a time")
    if isinstance(value, int):
        return value // 1000 if unit == "ns" else value * int(UNIT_MICROSECONDS[unit])
    return round(value * UNIT_MICROSECONDS[unit])


def _from_text(value: str, name: str, unit: str | None, pattern: str | None, zone: tzinfo) -> int | None:
    if not value:
        return None
    try:
        if pattern:
            parsed = datetime.strptime(value[:_MAX_TEXT], pattern)
        elif unit or (value.lstrip("-").replace(".", "", 1).isdecimal() and len(value) > 8):
            return _from_number(float(value) if "." in value else int(value[:_MAX_TEXT]), name, unit)
        else:
            parsed = datetime.fromisoformat(value[:_MAX_TEXT].replace(" UTC", "+00:00"))
        return microseconds(parsed if parsed.tzinfo else parsed.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        expected = f"the pattern {pattern}" if pattern else "epoch " + unit if unit else "ISO 8601 or an epoch number"
        raise RowError(f"bad_{name}", f"expected {expected}, found other text") from None


def show_time(value: int) -> str:
    """A time for a message, also far outside the calendar."""
    try:
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    except OverflowError:
        return f"{value} microseconds since 1970"
