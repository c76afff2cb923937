"""What a person is searched for by: the pseudonym, and the id as it was given where it is long enough to be told from chance."""

from __future__ import annotations

import re
from collections.abc import Iterable

LEAST = 5
"""Characters from which on an id is searched for in texts: a shorter one stands in every second file by chance."""
_BEFORE, _AFTER = r"(?<![0-9A-Za-z_])", r"(?![0-9A-Za-z_])"


def told_apart(ids: Iterable[str]) -> frozenset[str]:
    """Those of the ids that can be searched for."""
    return frozenset(one for one in ids if len(one) >= LEAST)


def needle_pattern(needles: Iterable[str]) -> re.Pattern[str]:
    """What finds any of them as a whole: `student-3` is not found in `student-31`."""
    return re.compile(f"{_BEFORE}(?:{_either(needles)}){_AFTER}")


def needle_bytes(needles: Iterable[str]) -> re.Pattern[bytes]:
    """The same in the bytes of a file, UTF-8."""
    return re.compile(f"{_BEFORE}(?:{_either(needles)}){_AFTER}".encode("utf-8", "surrogatepass"))


def _either(needles: Iterable[str]) -> str:
    return "|".join(re.escape(one) for one in sorted(needles, key=len, reverse=True)) or r"(?!)"
