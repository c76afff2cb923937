"""The signals of one segment, computed row by row in plain Python: what measure.py must give from sums."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from statistics import mean
from typing import Any
from zlib import crc32

import numpy as np

from lyo_pipelines.retraining.windows import WindowPair, Windows

Row = dict[str, Any]
Value = Callable[[Row], float | None]


def rating(row: Row) -> float | None:
    return row["rating"]


def log_time(row: Row) -> float | None:
    return None if row["error"] or row["response_time_ms"] is None else math.log(row["response_time_ms"])


def relevance(row: Row) -> float | None:
    return row["relevance_score"]


def cultural(row: Row) -> float:
    return float(row["complaint_category"] == "cultural")


def negative(row: Row) -> float | None:
    complained = row["complaint_category"] is not None
    if row["rating"] is None and row["thumbs"] is None and not complained:
        return None
    return float((row["rating"] is not None and row["rating"] <= 2) or row["thumbs"] == -1 or complained)


class Naive:
    """One quantity of one segment in a pair of windows; `coarse` leaves grades out of the strata."""

    def __init__(
        self, rows: Iterable[Row], pair: WindowPair, windows: Windows, value: Value, *, coarse: bool = False
    ) -> None:
        self.rows = [row for row in rows if value(row) is not None]
        self.now, self.base = ([r for r in self.rows if r["day"] in days] for days in (pair.now, pair.base))
        self.value, self.windows, self.coarse = value, windows, coarse

    def stratum(self, row: Row) -> tuple[Any, ...]:
        return row["topic"] or "", "" if self.coarse else row["grade"] or "", row["day"] in self.windows.exams

    def values(self, rows: Iterable[Row]) -> list[float]:
        return [float(self.value(row) or 0.0) for row in rows]

    def levels(self, rows: list[Row]) -> dict[tuple[Any, ...], float]:
        return {
            key: mean(self.values(r for r in rows if self.stratum(r) == key)) for key in {self.stratum(r) for r in rows}
        }

    def comparable(self) -> list[Row]:
        known = Counter(self.stratum(row) for row in self.base)
        return [row for row in self.now if known[self.stratum(row)] >= 3]

    @property
    def expected(self) -> float:
        levels = self.levels(self.base)
        return mean(levels[self.stratum(row)] for row in self.comparable())

    @property
    def within(self) -> float:
        return mean(self.values(self.comparable())) - self.expected

    @property
    def coverage(self) -> float:
        return len(self.comparable()) / len(self.now)

    def variance(self, rows: list[Row]) -> float:
        levels = self.levels(rows)
        return sum((float(self.value(r) or 0) - levels[self.stratum(r)]) ** 2 for r in rows) / (len(rows) - len(levels))

    @property
    def error(self) -> float:
        known, asked = (Counter(self.stratum(row) for row in rows) for rows in (self.base, self.comparable()))
        n = sum(asked.values())
        now, base = self.spreads(self.now), self.spreads(self.base)
        return math.sqrt(sum((c / n) ** 2 * (now[key] / c + base[key] / known[key]) for key, c in asked.items()))

    @property
    def worth(self) -> float:
        """How many baseline values of today's mix those of the baseline are worth."""
        known, asked = (Counter(self.stratum(row) for row in rows) for rows in (self.base, self.comparable()))
        n = sum(asked.values())
        return 1 / sum((count / n) ** 2 / known[key] for key, count in asked.items())

    def spreads(self, rows: list[Row]) -> dict[tuple[Any, ...], float]:
        """Each stratum's variance, drawn towards the pooled one as if four values more had it."""
        levels, pooled = self.levels(rows), self.variance(rows)
        sizes = Counter(self.stratum(row) for row in rows)
        squares = dict.fromkeys(sizes, 0.0)
        for row in rows:
            squares[self.stratum(row)] += (float(self.value(row) or 0) - levels[self.stratum(row)]) ** 2
        return {key: (4 * pooled + squares[key]) / (4 + n - 1) for key, n in sizes.items()}

    @property
    def dispersion(self) -> float:
        scatter = degrees_of_freedom = 0.0
        for rows in (self.now, self.base):
            levels, variance = self.levels(rows), self.variance(rows)
            days = {row["day"] for row in rows}
            for day in days:
                beyond = [float(self.value(r) or 0) - levels[self.stratum(r)] for r in rows if r["day"] == day]
                scatter += sum(beyond) ** 2 / len(beyond) / variance
            # independent rows scatter by `freedom`: each row's level is a mean in which the day's rows have a part
            sizes = Counter(self.stratum(row) for row in rows)
            for day in days:
                asked = Counter(self.stratum(row) for row in rows if row["day"] == day)
                degrees_of_freedom += 1 - sum(n**2 / sizes[key] for key, n in asked.items()) / sum(asked.values())
        return max(1.0, scatter / degrees_of_freedom) if degrees_of_freedom >= 5 else 1.0

    def without(self, rows: list[Row], out: int) -> float:
        return mean(self.values(r for r in rows if group_of(r) != out))

    @property
    def plain_user_error(self) -> float:
        """Of the plain change, by leaving one group of users out of both windows at a time."""
        left = [
            self.without(self.now, out) - self.without(self.base, out)
            for out in {group_of(row) for row in (*self.now, *self.base)}
        ]
        return math.sqrt((len(left) - 1) / len(left) * sum((x - mean(left)) ** 2 for x in left))

    @property
    def user_error(self) -> float:
        values = [self.values(rows) for rows in (self.now, self.base)]
        plain = sum(np.var(v) / (len(v) - 1) for v in values)
        return self.error * self.plain_user_error / math.sqrt(plain)

    @property
    def level_user_error(self) -> float:
        """Of the window's mean, by leaving one group of users out at a time."""
        groups, level = {group_of(row) for row in self.now}, mean(self.values(self.now))
        moved = sum((self.without(self.now, out) - level) ** 2 for out in groups)
        return math.sqrt((len(groups) - 1) / len(groups) * moved)

    @property
    def user_dispersion(self) -> float:
        """Of a change of shares, against independent trials."""
        independent = 0.0
        for rows in (self.now, self.base):
            share = mean(self.values(rows))
            independent += share * (1 - share) / len(rows)
        return max(1.0, self.plain_user_error**2 / independent)


def group_of(row: Row) -> int:
    return crc32(row["user_pseudonym"].encode()) % 32 if row["user_pseudonym"] else 32
