"""What was spent as a picture (PNG): a bar for each month, its kinds in colours. What it was spent on comes from spent.py."""

from __future__ import annotations

from collections.abc import Mapping

from lyo_pipelines.costs.spent import KINDS, Kind
from lyo_pipelines.plotting import INK, SERIES, SMALL, SOFT, legend, new_panel, small_png

SHOWN = 12
"""Newest months that one picture shows."""


def months_plot(months: Mapping[str, Mapping[Kind, float]], currency: str, of: str) -> bytes:
    """Draw the newest months of `months` (month -> kind -> amount, oldest first); b"" where nothing is priced. of: whose cost it
    is."""
    shown = list(months.items())[-SHOWN:]
    if not shown:
        return b""
    says = f"{currency} a month, the middle of the stated prices"
    figure, axes = new_panel(2.4, f"What {of} cost", says, margins=(0.55, 0.15, 0.85, 0.35), grid="y")
    bottom = [0.0] * len(shown)
    for kind, colour in zip(KINDS, SERIES, strict=True):
        values = [kinds.get(kind, 0.0) for _, kinds in shown]
        if any(values):
            axes.bar(range(len(shown)), values, bottom=bottom, width=0.6, color=colour, label=kind)
            bottom = [below + value for below, value in zip(bottom, values, strict=True)]
    for place, amount in enumerate(bottom):
        axes.annotate(
            f"{amount:.3g}", (place, amount), (0, 2), textcoords="offset points", ha="center", fontsize=SMALL, color=INK
        )
    axes.set_xticks(range(len(shown)), [month for month, _ in shown], fontsize=SMALL, color=SOFT)
    axes.set_xlim(-0.6, max(len(shown) - 0.4, 2.6))
    axes.set_ylim(0, max(bottom) * 1.15 or 1)
    legend(axes, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(KINDS), handlelength=0.9, columnspacing=1.0)
    return small_png(figure)
