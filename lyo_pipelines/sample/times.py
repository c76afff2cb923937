"""When students ask: more on weekday evenings and Sunday, hardly ever at night (Indian time; written as UTC)."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from lyo_pipelines.sample.people import Chances

_WEEKDAY = (1.0, 1.05, 1.05, 1.0, 0.85, 0.7, 1.2)  # Monday to Sunday
_HOURS_INDIA = {
    6: 2,
    7: 3,
    8: 1,
    9: 1,
    10: 1,
    11: 1,
    12: 1,
    13: 1.5,
    14: 2,
    15: 3,
    16: 6,
    17: 9,
    18: 11,
    19: 12,
    20: 11,
    21: 7,
    22: 3,
}
_HOURS = Chances(_HOURS_INDIA)
_INDIA_AHEAD_S = 5 * 3600 + 1800


def day_counts(n: int, end: date, weeks: int) -> list[tuple[date, int]]:
    """Share n interactions over the days of the `weeks` weeks before `end` (exclusive); the counts add up to n."""
    days = [end - timedelta(days=back) for back in range(7 * weeks, 0, -1)]
    weights = [_WEEKDAY[day.weekday()] for day in days]
    whole, shared, counts = sum(weights), 0.0, []
    for weight in weights:
        before = round(n * shared / whole)
        shared += weight
        counts.append(round(n * shared / whole) - before)
    return list(zip(days, counts, strict=True))


def second_of_day(rng: Random) -> float:
    """Draw the UTC second at which a conversation starts; at least an hour before midnight UTC."""
    return _HOURS.draw(rng) * 3600 + rng.random() * 3600 - _INDIA_AHEAD_S


def timestamp(day: str, second: float) -> str:
    """ISO-8601 UTC time of a second of a day, to the millisecond."""
    whole = int(second)
    return f"{day}T{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{int((second - whole) * 1000):03d}Z"
