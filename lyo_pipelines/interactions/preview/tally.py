"""What a file's accepted rows hold, counted block by block: how often each field is there, languages, ratings, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from lyo_pipelines.storage.arrow import pc

_COUNTED = ("task", "language", "subject", "thumbs")


@dataclass
class Tally:
    """filled: column -> rows in which it is there. counts: column -> value -> rows. ratings: rating to a whole one -> rows."""

    rows: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _COUNTED})
    ratings: Counter[int] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, table: pa.Table, time_column: str) -> None:
        """Count a block of accepted rows; `time_column` holds when they happened."""
        self.rows += len(table)
        for name in table.column_names:
            self.filled[name] += len(table) - table[name].null_count
        for name, counts in self.counts.items():
            if name in table.column_names:
                counts.update({str(value): count for value, count in _values(table[name])})
        self.ratings.update({int(value): count for value, count in _values(pc.round(table["rating"]))})
        bounds = pc.min_max(table[time_column]).as_py()
        if bounds["min"] is not None:
            self.first = min(filter(None, (self.first, bounds["min"])))
            self.last = max(filter(None, (self.last, bounds["max"])))

    def without_ratings(self) -> None:
        """Forget the ratings: none of them will be read."""
        self.ratings.clear()
        del self.filled["rating"]


def _values(column: pa.ChunkedArray) -> Sequence[tuple[Any, int]]:
    counted = pc.value_counts(column.drop_null()).to_pylist()
    return [(item["values"], item["counts"]) for item in counted]
