"""What a file's accepted rows hold, counted block by block: how often each field is there, languages, ratings, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.formats.mapping_gaps import filled_in
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.arrow import pc

_COUNTED = ("task", "language", "subject", "thumbs")


@dataclass
class Tally:
    """filled: field -> rows in which it is there. counts: column -> value -> rows. ratings: rating to a whole one -> rows.

    first, last: when the rows happened. shown: the first rows, at most `show`.
    """

    show: int = 0
    rows: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _COUNTED})
    ratings: Counter[int] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    shown: list[TableRow] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """Count a block of accepted rows, of interactions or of feedback."""
        self.rows += len(table)
        self.shown += table.slice(0, max(0, self.show - len(self.shown))).to_pylist()
        self.filled.update(filled_in(table))
        for name, counts in self.counts.items():
            if name in table.column_names:
                counts.update({str(value): count for value, count in _values(table[name])})
        self.ratings.update({int(value): count for value, count in _values(pc.round(table["rating"]))})
        happened = "occurred_at" if "occurred_at" in table.column_names else "feedback_at"
        bounds = pc.min_max(table[happened]).as_py()
        if bounds["min"] is not None:
            self.first = min(filter(None, (self.first, bounds["min"])))
            self.last = max(filter(None, (self.last, bounds["max"])))


def _values(column: pa.ChunkedArray) -> Sequence[tuple[Any, int]]:
    counted = pc.value_counts(column.drop_null()).to_pylist()
    return [(item["values"], item["counts"]) for item in counted]
