"""Python values to Arrow columns: fast when a column is clean, value by value when it is not, one reason per bad value.

Types and numbers only; times stand in times.py, and what a row needs to be an interaction in convert.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NotRequired, TypedDict

import orjson
import pyarrow as pa

from lyo_pipelines.interactions.contract import IMAGE, INTERACTION, MESSAGE
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.storage.arrow import pc

Bad = dict[int, RowError]
"""Row index -> the first thing found wrong with it."""

NOTHING = (None, "", [], {})
"""Values that say nothing."""
_NONE = type(None)
_EXACT = 2.0**53
"""Larger whole numbers are rounded in a float."""

HISTORY = pa.list_(MESSAGE)
IMAGES = pa.list_(IMAGE)
_FLAG_WORDS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "1": True,
    "0": False,
    "1.0": True,
    "0.0": False,
    "": None,
}


def by_value(values: Sequence[Any], bad: Bad, name: str, convert: Callable[[Any, str], Any]) -> list[Any]:
    """Convert each value that is there; a RowError goes to `bad` and leaves None."""
    result = []
    for index, value in enumerate(values):
        converted = None
        if value is not None:
            try:
                converted = convert(value, name)
            except RowError as error:
                bad.setdefault(index, error)
        result.append(converted)
    return result


def texts(values: Sequence[Any], bad: Bad, name: str) -> pa.Array:
    """Text values; whole numbers become their digits (grade 7, user id 12), anything else is a reason."""
    if set(map(type, values)) <= {str, _NONE}:
        try:
            return pa.array(values, pa.string())
        except UnicodeEncodeError:
            pass  # half a surrogate pair in some value: find it below
    return pa.array(by_value(values, bad, name, parse_text), pa.string())


def parse_text(value: Any, name: str) -> str | None:
    """One text value. Raises RowError for objects, lists and text that is no valid Unicode."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise RowError("broken_unicode", f"{name} holds half a surrogate pair") from None
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowError(f"bad_{name}", f"expected text, found {_kind(value)}")
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if value.is_integer() and abs(value) > _EXACT:
            return f"{value:.5E}"  # not the number that was written: as an id it must be seen to be none
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value) if abs(value) < 10**40 else _too_large(name)


def numbers(values: Sequence[Any], bad: Bad, name: str, *, whole: bool = False, low: float, high: float) -> pa.Array:
    """Numbers (float64) within [low, high]; NaN is "not known"; text that spells a number counts as one, a boolean does not."""

    def convert(value: Any, name: str) -> float | None:
        return parse_number(value, name, whole=whole, low=low, high=high)

    return converted_numbers(values, bad, name, convert, whole=whole, low=low, high=high)


def converted_numbers(
    values: Sequence[Any],
    bad: Bad,
    name: str,
    convert: Callable[[Any, str], float | None],
    *,
    whole: bool = False,
    low: float,
    high: float,
) -> pa.Array:
    """Numbers (float64), converted one by one where they are not all numbers within [low, high]."""
    if set(map(type, values)) <= {float, int, _NONE}:
        try:
            array = without_nan(pa.array(values, pa.float64()))
        except (pa.ArrowInvalid, OverflowError):
            array = None  # an integer beyond 64 bits
        if array is not None and all_fit(array, whole=whole, low=low, high=high):
            return array
    return pa.array(by_value(values, bad, name, convert), pa.float64())


def without_nan(array: pa.Array) -> pa.Array:
    """NaN is how some writers say that nothing is known."""
    return pc.if_else(pc.is_nan(array), None, array)


def all_fit(array: pa.Array, *, whole: bool = False, low: float, high: float) -> bool:
    """Whether every number of a column is within [low, high], finite, and whole where it must be."""
    bounds = pc.min_max(array).as_py()
    if bounds["min"] is None:
        return True
    if not low <= bounds["min"] <= bounds["max"] <= high or math.isinf(bounds["max"]) or math.isinf(bounds["min"]):
        return False
    return not whole or pc.all(pc.equal(array, pc.floor(array))).as_py()


_WITH_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[.\s'’]\d{3})+)(?:,\d+)?")


def with_point(text: str, name: str) -> str:
    """A number whose fraction begins with a comma ("1.234,5", "0,75") as others write it. Raises RowError for any other text."""
    stripped = text.strip()
    if stripped and not _WITH_COMMA.fullmatch(stripped):
        raise RowError(f"bad_{name}", "expected a number with a decimal comma, found other text")
    return re.sub(r"[.\s'’]", "", stripped).replace(",", ".")


def parse_number(
    value: Any, name: str, *, whole: bool = False, low: float = -math.inf, high: float = math.inf
) -> float | None:
    """One number. Raises RowError when it is none, infinite, out of range, or has a fraction where a whole one is due."""
    if isinstance(value, timedelta) and name.endswith("_ms"):  # a duration has its unit
        value = value / timedelta(milliseconds=1)
    if isinstance(value, str):
        if not value.strip():
            return None
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowError(f"bad_{name}", f"expected a number, found {_kind(value)}")
    try:
        result = float(value)
    except OverflowError:
        return _too_large(name)
    except ValueError:
        raise RowError(f"bad_{name}", "expected a number, found other text") from None
    if math.isnan(result):
        return None
    if not low <= result <= high or math.isinf(result):
        raise RowError(f"{name}_out_of_range", f"found {result:g}, expected {low:g} to {high:g}")
    if whole and not result.is_integer():
        raise RowError(f"bad_{name}", f"expected a whole number, found {result:g}")
    return int(result) if whole else result


def flags(values: Sequence[Any], bad: Bad, name: str) -> pa.Array:
    """Yes or no (bool): true and false, 1 and 0, and these as text; anything else is a reason."""
    if set(map(type, values)) <= {bool, _NONE}:
        return pa.array(values, pa.bool_())
    return pa.array(by_value(values, bad, name, parse_flag), pa.bool_())


def parse_flag(value: Any, name: str) -> bool | None:
    """One yes or no; None where nothing is said. Raises RowError for any other value."""
    if isinstance(value, str):
        value = _FLAG_WORDS.get(value.strip().lower(), value)
    elif isinstance(value, float) and math.isnan(value):
        return None
    if value is None or (isinstance(value, (bool, int, float)) and value in (0, 1)):
        return None if value is None else bool(value)
    raise RowError(f"bad_{name}", f"expected true or false, found {_kind(value)}")


def histories(values: Sequence[Any], bad: Bad, name: str) -> pa.Array:
    """Earlier turns: a list of {role, content}, or the same as JSON inside a string."""
    if set(map(type, values)) <= {list, _NONE}:
        try:
            array = pa.array(values, HISTORY)
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
            array = None  # some value needs a closer look
        if array is not None and not array.flatten().null_count:
            return array
    return pa.array(by_value(values, bad, name, parse_history), HISTORY)


def parse_history(value: Any, name: str) -> list[dict[str, str | None]] | None:
    """One history. Raises RowError when it is no list of messages."""
    value = parsed_json(value)
    if value in ("", None):
        return None
    if not isinstance(value, list):
        raise RowError(f"bad_{name}", f"expected a list of messages, found {_kind(value)}")
    result = []
    for message in value:
        if not isinstance(message, dict):
            raise RowError(f"bad_{name}", f"expected messages with role and content, found {_kind(message)}")
        role, content = message.get("role"), message.get("content")
        result.append(
            {
                "role": None if role is None else parse_text(role, name),
                "content": None if content is None else parse_text(content, name),
            }
        )
    return result


def parsed_json(value: Any) -> Any:
    """What stands inside a string that is JSON (object or list); any other value as it is."""
    if isinstance(value, str) and value[:64].lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return value
    return value


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "text", bool: "true/false", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )


def _too_large(name: str) -> Any:
    raise RowError(f"{name}_out_of_range", "the number is too large")


class Limits(TypedDict):
    """Bounds of a number; whole: it has no fraction."""

    low: float
    high: float
    whole: NotRequired[bool]


NUMBERS: dict[str, Limits] = {
    "rating": {"low": 1, "high": 5},
    "thumbs": {"low": -1, "high": 1, "whole": True},
    "relevance_score": {"low": 0, "high": 1},
    "turn": {"low": 0, "high": 1_000_000, "whole": True},
    "response_time_ms": {"low": 0, "high": math.inf},
    "time_to_first_token_ms": {"low": 0, "high": math.inf},
    "retries": {"low": 0, "high": 1_000_000, "whole": True},
}
"""What a number in an interaction or its feedback may be."""

TIMES = ("occurred_at", "feedback_at")
FLAGS = ("rating_invited",)
FREE_TEXTS = (
    "question",
    "answer",
    "edited_answer",
    "system_prompt",
    "context",
    "error",
    "complaint_text",
    "reference_answer",
)
"""Texts in which people write; the others are names and ids."""

_SPECIAL = {
    *NUMBERS,
    *TIMES,
    *FLAGS,
    "history",
    "images",
    "metadata",
    "user_pseudonym",
    "source",
    "source_file",
    "source_line",
}
TEXTS = tuple(name for name in INTERACTION.names if name not in _SPECIAL)
ESSENTIAL = {
    *(
        "interaction_id",
        "conversation_id",
        "occurred_at",
        "task",
        "language",
        "question",
        "answer",
        "system_prompt",
        "context",
    ),
    *("edited_answer", "model", "adapter_version", "experiment_arm", "error"),
}
"""A row whose value of one of these is not understood is rejected; any other value that is not costs itself alone.

Besides what is learnt and told apart by, that is all by which a candidate is judged: its failures must not lose their version.
"""


@dataclass
class Gathered:
    """Canonical rows as columns.

    data: every text, number (float64), flag (bool), time (timestamp) and the history, by name. trace_ids, user_ids: raw, as text.
    pseudonyms: as rows bring them, None where none does. metadata: one Python value a row. parent_ids: raw, None where no row names
    one. timeless: rows with the date of their file. ids_inside: whether a user's own id may stand in another field of the row.
    """

    data: dict[str, pa.Array]
    trace_ids: pa.Array
    user_ids: pa.Array
    metadata: list[Any]
    ids_inside: bool = True
    parent_ids: pa.Array | None = None
    timeless: tuple[int, ...] = ()
    pseudonyms: pa.Array | None = None
