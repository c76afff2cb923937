"""Numbers, sizes, times and names as people read them. What is told with them belongs beside its data."""

from __future__ import annotations

import math
import re

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DIGITS = re.compile(r"(\d+)")


def rounded(value: float | None, digits: int = 4) -> float | None:
    """A number with so many significant digits (1.51234 -> 1.512); digits before the point are all kept (12,345.6 -> 12,346).

    None, nan and infinities stay what they are.
    """
    if value is None or not math.isfinite(value) or value == 0:
        return value
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return round(value, places)


def told_size(count: float) -> str:
    """A number of bytes (4.7 GiB), in powers of 1,024."""
    size, unit = float(count), 0
    while abs(size) >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.{1 if size < 99.95 else 0}f} {_UNITS[unit]}"


def told_span(seconds: float) -> str:
    """A span of time in its two largest units (18 min 51 s, 2 h 5 min, 3 d 4 h); tenths below ten seconds, ms below one."""
    if seconds < 0 or not math.isfinite(seconds):
        return "unknown"
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return _two(minutes, "min", rest, "s")
    days, hours = divmod(hours, 24)
    return _two(days, "d", hours, "h") if days else _two(hours, "h", minutes, "min")


def told_share(part: int, whole: int) -> str:
    """A count with the share that it is (312 of 1,024, 30 %)."""
    return f"{part:,} of {whole:,} ({part / whole:.0%})" if whole else f"{part:,} of {whole:,}"


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts names with numbers in them as people count: grade 9 before grade 10."""
    parts = [part for part in _DIGITS.split(name) if part]
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts)


def _two(large: int, unit: str, small: int, smaller: str) -> str:
    return f"{large} {unit} {small} {smaller}" if small else f"{large} {unit}"
