"""Segments over weeks as small multiples (PNG): rating, volume, complaints and response time, a row for each segment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lyo_pipelines.health.weeks import Week
from lyo_pipelines.plotting import BAD, DPI, INK, NEUTRAL, RULE, SMALL, SOFT, TITLE, WIDTH, new_figure, small_png

SHOWN = 10
"""Segments that one picture shows, those with most interactions; the table beside it has all that are near a trigger."""
_ROW, _TOP, _BOTTOM, _LEFT, _GAP = 0.66, 0.82, 0.3, 0.09, 0.16
_COLUMNS = ("rating", "interactions", "complaints", "response time")


def weeks_plot(weeks: Mapping[str, Sequence[Week]], *, rating_limit: Callable[[str], float]) -> bytes:
    """Draw the first segments of `weeks`, b"" where there are none. rating_limit: the mean rating that retrains it."""
    shown = list(weeks.items())[:SHOWN]
    if not shown:
        return b""
    height = _TOP + _BOTTOM + _ROW * len(shown)
    figure = new_figure(WIDTH, height)
    _words(figure, height, shown, len(weeks))
    width = (WIDTH - 2 * _LEFT - 3 * _GAP) / 4
    slowest = [one.response_ms for _, mine in shown for one in mine if math.isfinite(one.response_ms)]
    for row, (segment, mine) in enumerate(shown):
        bottom = (height - _TOP - _ROW * (row + 1) + 0.04) / height
        figure.text(
            0.02, bottom + (_ROW - 0.12) / height, segment, fontsize=SMALL, color=INK, va="center", fontweight="bold"
        )
        for column, draw in enumerate((_rating, _volume, _complaints, _response)):
            left = (_LEFT + column * (width + _GAP)) / WIDTH
            axes = figure.add_axes((left, bottom, width / WIDTH, (_ROW - 0.32) / height))
            draw(axes, mine, rating_limit(segment), max(slowest, default=1.0))
            _frame(axes, mine, last=row == len(shown) - 1)
    return small_png(figure, dpi=DPI)


def _words(figure: Any, height: float, shown: Sequence[tuple[str, Sequence[Week]]], total: int) -> None:
    weeks = shown[0][1]
    figure.text(0.02, 1 - 0.2 / height, "Segments by week", fontsize=TITLE, fontweight="bold", color=INK, va="center")
    rest = f"; {total - len(shown)} smaller segments are left out" if total > len(shown) else ""
    says = f"{len(weeks)} weeks from {weeks[0].start.isoformat()}{rest}"
    figure.text(0.02, 1 - 0.42 / height, says, fontsize=SMALL, color=SOFT, va="center")
    width = (WIDTH - 2 * _LEFT - 3 * _GAP) / 4
    for column, name in enumerate(_COLUMNS):
        left = (_LEFT + column * (width + _GAP)) / WIDTH
        figure.text(left, 1 - 0.68 / height, name, fontsize=SMALL, color=SOFT, va="center")


def _rating(axes: Any, weeks: Sequence[Week], limit: float, slowest: float) -> None:
    places = range(len(weeks))
    axes.axhline(limit, color=BAD, linewidth=0.8, linestyle=(0, (3, 2)))
    low, high = [one.rating_low for one in weeks], [one.rating_high for one in weeks]
    axes.fill_between(places, low, high, color=NEUTRAL, alpha=0.22, linewidth=0)
    values = [one.rating for one in weeks]
    axes.plot(places, values, color=NEUTRAL, linewidth=1.6)
    axes.set_ylim(1, 5.2)
    _last(axes, values, "{:.2f}".format)


def _volume(axes: Any, weeks: Sequence[Week], limit: float, slowest: float) -> None:
    values = [float(one.interactions) for one in weeks]
    axes.bar(range(len(weeks)), values, color=NEUTRAL, width=0.72)
    axes.set_ylim(0, max(1.0, *values) * 1.15)
    _last(axes, values, "{:,.0f}".format)


def _complaints(axes: Any, weeks: Sequence[Week], limit: float, slowest: float) -> None:
    values = [one.complaints for one in weeks]
    axes.plot(range(len(weeks)), values, color=BAD, linewidth=1.6)
    known = [value for value in values if math.isfinite(value)]
    axes.set_ylim(0, max(0.02, *known) * 1.3 if known else 0.02)
    _last(axes, values, "{:.1%}".format)


def _response(axes: Any, weeks: Sequence[Week], limit: float, slowest: float) -> None:
    values = [one.response_ms / 1000 for one in weeks]
    axes.plot(range(len(weeks)), values, color=INK, linewidth=1.6)
    axes.set_ylim(0, slowest / 1000 * 1.15)
    _last(axes, values, "{:.1f} s".format)


def _last(axes: Any, values: Sequence[float], told: Callable[[float], str]) -> None:
    """The newest figure in the corner, as no axis has numbers."""
    known = [value for value in values if math.isfinite(value)]
    text = told(known[-1]) if known else "none"
    axes.annotate(text, (1, 1.02), xycoords="axes fraction", ha="right", va="bottom", fontsize=SMALL, color=INK)


def _frame(axes: Any, weeks: Sequence[Week], *, last: bool) -> None:
    for name, side in axes.spines.items():
        side.set_visible(name == "bottom")
        side.set_color(RULE)
    axes.set_yticks([])
    axes.set_xlim(-0.6, len(weeks) - 0.4)
    ticks = [0] if last else []  # a second label would touch the first
    axes.set_xticks(ticks, [f"{weeks[at].start.day} {weeks[at].start:%b}" for at in ticks], fontsize=SMALL, color=SOFT)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("left")
    axes.tick_params(length=0)
