"""The funnel: how many rows each rule removed, per segment, as a table. The plot of it stands below."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from lyo_pipelines.curation.contract import FUNNEL
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.plotting import ATTENTION, BAD, GOOD, INK, NEUTRAL, RULE, SMALL, SOFT, new_panel, small_png


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


_READ, _GONE, _KEPT = NEUTRAL, BAD, GOOD
_HELD, _HELD_INK = ATTENTION, "#8a6412"
_HELD_OUT = frozenset({"cultural_review_pending"})


def funnel_plot(tables: Iterable[pa.Table], segment: str | None = None, title: str | None = None) -> bytes:
    """Draw the funnel of FUNNEL tables (several days add up), of all segments or of one, as PNG bytes.

    One bar per rule that removed anything: what was left before it, and the part that it removed. Rows held out for review
    have a colour of their own, because a person may still let them in.
    """
    steps = combined(list(tables), segment)
    read = steps[0][2]
    shown = [("read", 0, read), *(step for step in steps[1:] if step[1])]
    kept = steps[-1][2]
    return _draw(shown, read, kept, title or segment or "All segments")


def _draw(shown: list[tuple[str, int, int]], read: int, kept: int, title: str) -> bytes:
    rows = len(shown) + 1
    height = 0.75 + 0.25 * rows
    says = f"{kept:,} of {read:,} interactions became examples" if read else "no interactions"
    figure, axes = new_panel(height, title, says, margins=(1.5, 1.02, 0.62, 0.1), grid="")
    whole = max(read, 1)
    for place, (name, removed, remaining) in enumerate(shown):
        if name == "read":
            axes.barh(place, read, color=_READ, height=0.66)
            _label(axes, place, whole, (f"{read:,}", ""), INK)
            continue
        bar, ink = (_HELD, _HELD_INK) if name in _HELD_OUT else (_GONE, _GONE)
        axes.barh(place, remaining, color=RULE, height=0.66)
        # a sliver would not be seen, so the removed part has a smallest width
        axes.barh(place, max(removed, whole * 0.004), left=remaining, color=bar, height=0.66)
        _label(axes, place, whole, (f"−{removed:,}", f"{removed / whole:.1%}"), ink)
    axes.barh(rows - 1, kept, color=_KEPT, height=0.66)
    _label(axes, rows - 1, whole, (f"{kept:,}", f"{kept / whole:.1%}"), _KEPT)
    names = [name.replace("_", " ") for name, *_ in shown]
    axes.set_yticks(range(rows), [*names, "kept"], fontsize=SMALL, color=INK)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, whole)
    axes.set_xticks([])
    return small_png(figure)


def _label(axes: Any, place: int, whole: int, texts: tuple[str, str], colour: str) -> None:
    """A count and its share in two columns right of the bars."""
    axes.text(whole * 1.3, place, texts[0], fontsize=SMALL, color=colour, va="center", ha="right", fontweight="bold")
    axes.text(whole * 1.6, place, texts[1], fontsize=SMALL, color=SOFT, va="center", ha="right")
