"""What loggers write into `error` when nothing went wrong, and what they write when something did: one text, or null.

A log in which every row says `none`, `false` or `200` has no failures; taken at its word it would have nothing else.
"""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa

from lyo_pipelines.storage.arrow import pc

_NO_ERROR = (
    *(
        "",
        "-",
        "--",
        "0",
        "0.0",
        "[]",
        "{}",
        "false",
        "n/a",
        "na",
        "nan",
        "nil",
        "no",
        "no error",
        "none",
        "no_error",
        "null",
    ),
    *("ok", "okay", "success", "successful", "succeeded", "undefined"),
)
_WENT_WELL = (
    r"^(?:http(?:/[0-9.]+)?[ :]*)?(?:status[ :]*)?(?:code[ :]*)?2[0-9]{2}(?:\.0)?(?:[ :-]*(?:ok|created|accepted))?$"
)
"""A status of HTTP that is none of a failure."""
UNNAMED = "error"


def error_value(value: Any) -> Any:
    """A value of `error` as text or number: false and empty objects are no error, true is one without a name, an object its JSON."""
    if value is True:
        return UNNAMED
    if isinstance(value, bool | dict | list):
        return orjson.dumps(value, default=str).decode() if value else None
    return value


def without_no_errors(errors: pa.Array) -> pa.Array:
    """Texts of `error`; null where they say in any common spelling that there was none."""
    if errors.null_count == len(errors):
        return errors
    encoded = errors.dictionary_encode()
    told = pc.utf8_lower(pc.utf8_trim_whitespace(encoded.dictionary))
    nothing = pc.or_(pc.is_in(told, value_set=pa.array(_NO_ERROR)), pc.match_substring_regex(told, _WENT_WELL))
    return pc.if_else(nothing, None, encoded.dictionary).take(encoded.indices)
