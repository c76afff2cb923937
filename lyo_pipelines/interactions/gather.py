"""Rows of Python values to columns, each value that does not fit with its reason. The fast way for clean files: columnar.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions import columns, times
from lyo_pipelines.interactions.columns import Bad
from lyo_pipelines.interactions.fields import NUMBERS, TEXTS, TIMES, Gathered


def gather(rows: Sequence[dict[str, Any]], bad: Bad) -> Gathered:
    """Columns of canonical rows; what is wrong with a value goes to `bad`."""
    present = set().union(*rows) if rows else set()

    def column(name: str) -> list[Any]:
        return [row.get(name) for row in rows] if name in present else [None] * len(rows)

    data: dict[str, pa.Array] = {name: columns.texts(column(name), bad, name) for name in TEXTS}
    for name, limits in NUMBERS.items():
        data[name] = columns.numbers(column(name), bad, name, **limits)
    for name in TIMES:
        data[name] = times.times(column(name), bad, name)
    data["history"] = columns.histories(column("history"), bad, "history")
    traces, users = (columns.texts(column(name), bad, name) for name in ("trace_id", "user_id"))
    return Gathered(data, traces, users, column("metadata"))
