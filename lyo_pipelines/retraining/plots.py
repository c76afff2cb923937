"""A replay as a plot (PNG): time from left to right, one line per segment and policy. What happened comes from backtest.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lyo_pipelines.plotting import BAD, GOOD, INK, NEUTRAL, RULE, SOFT, new_figure, png_bytes
from lyo_pipelines.retraining.backtest import Backtest, BacktestStep
from lyo_pipelines.retraining.decision_reasons import LIMITS, DecisionSpan, decision_spans
from lyo_pipelines.retraining.findings import KINDS, Kind

_COLOURS: dict[Kind, str] = {"quality": BAD, "performance": NEUTRAL, "business": GOOD, "volume": "#8a6412"}
_QUIET, _UNSURE, _MIX, _HELD = "#f0f2f5", "#d3dde7", "#b7a3d0", "#e3b95f"
_STATES = {
    "a cause, held back": _HELD,
    "a change of mix": _MIX,
    "cannot tell yet": _UNSURE,
    "nothing to train for": _QUIET,
}
MAXIMUM_SEGMENTS = 40
_WIDTH, _ROW, _TOP, _BOTTOM = 11.0, 0.30, 0.92, 0.95
_TICKS = 9


@dataclass(frozen=True)
class _Line:
    """One line of the plot: at which height it stands, and how thick it is."""

    place: float
    thickness: float
    steps: tuple[BacktestStep, ...]


def backtest_plot(backtests: Sequence[Backtest], names: Sequence[str]) -> bytes:
    """Draw replays of the same days as PNG bytes; with several, each segment has one line per policy, in the order of `names`.

    At most MAXIMUM_SEGMENTS segments are drawn, those with launches first; how many are left out stands below.
    """
    order = _in_order(backtests)
    shown = order[:MAXIMUM_SEGMENTS]
    row = _ROW * (1 if len(backtests) == 1 else 1.6)
    height = _TOP + _BOTTOM + row * max(1, len(shown))
    left = (0.45 + 0.076 * max([len(name) for name in shown], default=10)) / _WIDTH
    figure = new_figure(_WIDTH, height, dpi=120)
    axes = figure.add_axes((left, _BOTTOM / height, 0.93 - left, 1 - (_TOP + _BOTTOM) / height))
    _frame(axes, backtests[0], shown)
    for at, segment in enumerate(shown):
        lines = _lines([found.by_segment.get(segment, ()) for found in backtests], at)
        for line in lines:
            _draw_line(axes, line)
        counts = [str(sum(step.outcome == "fire" for step in line.steps)) for line in lines]
        told, loud = " → ".join(counts), any(count != "0" for count in counts)
        axes.annotate(
            told, (1, at), (10, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center", fontsize=9,
            color=INK if loud else SOFT, fontweight="bold" if loud else "normal", annotation_clip=False,
        )  # fmt: skip
    _words(figure, backtests, names, height)
    _legend(figure, height, _left_out(order, backtests))
    return png_bytes(figure)


def _in_order(backtests: Sequence[Backtest]) -> list[str]:
    """Segments by their first launch, then those with a cause that was held, then the others."""
    first: dict[str, date] = {}
    held: dict[str, int] = {}
    for found in backtests:
        for step in found.steps:
            held.setdefault(step.segment, 0)
            if step.outcome == "fire":
                first[step.segment] = min(step.day, first.get(step.segment, step.day))
            held[step.segment] += step.reason in LIMITS or step.reason == "mix"
    return sorted(held, key=lambda segment: (first.get(segment, date.max), -held[segment], segment))


def _lines(steps: Sequence[tuple[BacktestStep, ...]], at: int) -> list[_Line]:
    if len(steps) == 1:
        return [_Line(at, 0.62, steps[0])]
    return [
        _Line(at + (n - (len(steps) - 1) / 2) * 0.8 / len(steps), 0.66 / len(steps), mine)
        for n, mine in enumerate(steps)
    ]


def _draw_line(axes: Any, line: _Line) -> None:
    for span in decision_spans((step.day, "", _colour(step), "") for step in line.steps):
        _bar(axes, span, line)
    for step in line.steps:
        if step.outcome == "fire":
            # two kinds of causes share a mark; of more, the two most urgent are shown
            one, other = (*step.kinds, *step.kinds)[:2]
            axes.plot(
                step.day, line.place, marker="D", markersize=9 if line.thickness > 0.5 else 7.5,
                fillstyle="full" if one == other else "left", markerfacecolor=_COLOURS[one],
                markerfacecoloralt=_COLOURS[other], markeredgecolor="white", markeredgewidth=1.1, zorder=3, clip_on=False,
            )  # fmt: skip


def _bar(axes: Any, span: DecisionSpan, line: _Line) -> None:
    # the reason of these spans is a colour
    axes.barh(
        line.place, span.days, left=_half_before(span.first), height=line.thickness, color=span.reason, linewidth=0
    )


def _half_before(day: date) -> float:
    """Noon of the day before: a day's bar is centred on its mark."""
    from matplotlib.dates import date2num

    return float(date2num(day)) - 0.5


def _colour(step: BacktestStep) -> str:
    if step.reason in LIMITS:
        return _HELD
    return {"mix": _MIX, "cannot tell": _UNSURE}.get(step.reason, _QUIET)


def _frame(axes: Any, found: Backtest, shown: Sequence[str]) -> None:
    days = (found.last - found.first).days + 1
    weeks = max(1, -(-days // (7 * _TICKS)))
    monday = found.first + timedelta(days=-found.first.weekday() % 7)
    ticks = [monday + timedelta(days=7 * weeks * n) for n in range(_TICKS + 1)]
    ticks = [day for day in ticks if day <= found.last] or [found.first]
    axes.set_xlim(_half_before(found.first), _half_before(found.last) + 1)
    axes.set_xticks(ticks, [f"{day.day} {day:%b}" for day in ticks], fontsize=9, color=SOFT)
    axes.set_yticks(range(len(shown)), list(shown), fontsize=9.5, color=INK)
    axes.set_ylim(max(1, len(shown)) - 0.4, -0.6)
    axes.tick_params(length=0, pad=6)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _words(figure: Any, backtests: Sequence[Backtest], names: Sequence[str], height: float) -> None:
    top = 1 - 0.30 / height
    figure.text(
        0.012,
        top,
        "What would have been trained, when and why",
        fontsize=13,
        fontweight="bold",
        color=INK,
        va="center",
    )
    found = backtests[0]
    figure.text(0.988, top, f"{found.first} to {found.last}", fontsize=10, color=SOFT, va="center", ha="right")
    counts = [len(one.launches) for one in backtests]
    if len(backtests) == 1:
        says = f"{names[0]}  ·  launches: {counts[0]:,}  ·  segments: {len(found.by_segment):,}"
    else:
        places = ("upper line", "lower line")
        says = "  ·  ".join(
            f"{place}: {name}, launches: {n:,}" for place, name, n in zip(places, names, counts, strict=True)
        )
    figure.text(0.012, 1 - 0.58 / height, says, fontsize=10, color=SOFT, va="center")
    figure.text(0.988, 1 - 0.58 / height, "launches", fontsize=9, color=SOFT, va="center", ha="right")


def _legend(figure: Any, height: float, left_out: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Any] = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="D",
            markersize=8,
            color=_COLOURS[kind],
            markeredgecolor="white",
            label=f"launch: {kind}",
        )
        for kind in KINDS
    ]
    marks += [Patch(color=colour, label=text) for text, colour in _STATES.items()]
    figure.legend(
        handles=marks, loc="lower left", bbox_to_anchor=(0.004, 0.20 / height), ncols=8, frameon=False, fontsize=8.5,
        labelcolor=INK, handlelength=1.1, handletextpad=0.5, columnspacing=1.3,
    )  # fmt: skip
    says = "A replay with hindsight: late ratings are in their days already, and no launch changed what came after it."
    figure.text(0.012, 0.17 / height, f"{says}{left_out}", fontsize=8.5, color=SOFT, va="center")


def _left_out(order: Sequence[str], backtests: Sequence[Backtest]) -> str:
    rest = set(order[MAXIMUM_SEGMENTS:])
    if not rest:
        return ""
    fired = len({step.segment for found in backtests for step in found.launches} & rest)
    return f" Left out: {len(rest):,} segments, {fired:,} of them with launches."
