"""The funnel: how many rows each rule removed, per segment, as a table. The picture of it belongs to pictures.py."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa

from lyo_pipelines.curation.contract import FUNNEL
from lyo_pipelines.curation.rules import RULES


def funnel_table(counts: Mapping[tuple[str, int], int]) -> pa.Table:
    """FUNNEL rows for each segment and rule, from counts by (segment, position of the rule or -1 for kept)."""
    segments = sorted({segment for segment, _ in counts})
    rows = []
    for segment in segments:
        remaining = sum(number for (name, _), number in counts.items() if name == segment)
        for order, rule in enumerate(RULES):
            removed = counts.get((segment, order), 0)
            remaining -= removed
            rows.append(
                {"segment": segment, "rule": rule.name, "order": order, "removed": removed, "remaining": remaining}
            )
    return pa.Table.from_pylist(rows, schema=FUNNEL)


def combined(tables: Iterable[pa.Table], segment: str | None = None) -> list[tuple[str, int, int]]:
    """(rule, removed, remaining) in the order of the rules, summed over tables and segments (or for one segment).

    The first entry is ("read", 0, rows read).
    """
    removed: Counter[str] = Counter()
    orders: dict[str, int] = {}
    per_table: defaultdict[int, int] = defaultdict(int)
    for table in tables:
        for row in table.to_pylist():
            if segment in {None, row["segment"]}:
                removed[row["rule"]] += row["removed"]
                orders[row["rule"]] = max(row["order"], orders.get(row["rule"], 0))
                per_table[row["order"]] += row["remaining"]
    if not orders:
        return [("read", 0, 0)]
    remaining = per_table[max(per_table)] + sum(removed.values())
    result = [("read", 0, remaining)]
    for rule in sorted(orders, key=lambda name: orders[name]):
        remaining -= removed[rule]
        result.append((rule, removed[rule], remaining))
    return result


def funnel_picture(tables: Iterable[pa.Table], segment: str | None = None, title: str | None = None) -> bytes:
    """The funnel as PNG bytes; see pictures.py, which is loaded only when a picture is wanted."""
    from lyo_pipelines.curation.pictures import funnel_picture as draw

    return draw(tables, segment, title)
