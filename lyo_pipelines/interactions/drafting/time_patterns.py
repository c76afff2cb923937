"""Patterns of times in tables: which of the usual ones all values of a column fit, and the zone that its header names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from lyo_pipelines.interactions.drafting.header_words import header_words, in_brackets

_DAYS_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y")
_MONTHS_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_NAMED = (
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%a %d %b %Y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%d %b, %Y", "%d %B, %Y"),
)
_YEARS_FIRST = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d", "%Y-%d-%m")
_CLOCKS = (
    *(
        " %H:%M",
        " %H:%M:%S",
        " %I:%M %p",
        " %I:%M:%S %p",
        " %I:%M%p",
        ", %H:%M",
        ", %H:%M:%S",
        ", %I:%M %p",
        ", %I:%M:%S %p",
        "",
    ),
    *(" %H:%M:%S.%f", " %H:%M %z", " %H:%M:%S %z", " at %H:%M", " at %I:%M %p", " - %H:%M", "-%H:%M:%S", " %H.%M"),
)
CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H.%M", "%H:%M:%S.%f")
"""Times of day in a column of their own."""
_OTHER = ("%a %b %d %H:%M:%S %Y", "%a %b %d %Y %H:%M:%S GMT%z", "%d/%b/%Y:%H:%M:%S %z")
PATTERNS = (
    *(f"{day}{clock}" for day in (*_DAYS_FIRST, *_MONTHS_FIRST, *_NAMED, *_YEARS_FIRST) for clock in _CLOCKS),
    *_OTHER,
)
_TRIED = 300
_SHAPES = {
    **dict.fromkeys(("%d", "%m", "%H", "%I", "%M", "%S", "%y"), r"\d{1,2}"),
    **dict.fromkeys(("%b", "%B", "%a", "%A", "%p"), r"[^\W\d_]+\.?"),
    "%Y": r"\d{4}",
    "%f": r"\d{1,6}",
    "%z": r"[-+Z][\d:]*",
}
_ZONES = {
    "ist": "Asia/Kolkata",
    "utc": "UTC",
    "gmt": "UTC",
    "npt": "Asia/Kathmandu",
    "sgt": "Asia/Singapore",
    "gst": "Asia/Dubai",
}
"""Zones that a header may name; those that stand for several (BST, CST) are left out. IST is India's here, as the curriculum's."""
_INDIAN = "Asia/Kolkata"


def fitting_patterns(texts: Sequence[str], patterns: Sequence[str] = PATTERNS) -> tuple[str, ...]:
    """The patterns that all of these texts fit, days before months before years."""
    tried = [text.strip() for text in texts[:_TRIED]]
    likely = [pattern for pattern in patterns if tried and _shape(pattern).fullmatch(tried[0])]
    return tuple(pattern for pattern in likely if all(_fits(text, pattern) for text in tried))


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    """What texts of a pattern look like: `strptime` keeps five patterns only and compiles each other one anew at every call."""
    parts = re.split(r"(%[A-Za-z])", pattern)
    return re.compile("".join(_SHAPES.get(part, re.escape(part)) for part in parts))


def is_date(pattern: str) -> bool:
    """Whether a pattern tells no time of day."""
    return not ("%H" in pattern or "%I" in pattern)


def _fits(text: str, pattern: str) -> bool:
    try:
        parsed = datetime.strptime(text, pattern)
    except (ValueError, OverflowError):
        return False
    return pattern in CLOCKS or 1990 <= parsed.year < 2100


def zone_of_header(name: str) -> str | None:
    """The zone that a header names: "Asked on (IST)", "created_utc"."""
    words = [*header_words(name), *in_brackets(name).lower().split()]
    return next((zone for word in words if (zone := _ZONES.get(word))), None)


def likely_pattern(patterns: Sequence[str], zone: str | None) -> str | None:
    """The one pattern, or of day-first and month-first the first where the zone is India's; None where either may be meant."""
    if len(patterns) == 1:
        return patterns[0]
    day_first = [pattern for pattern in patterns if pattern.startswith("%d")]
    return day_first[0] if zone == _INDIAN and len(day_first) == 1 else None
