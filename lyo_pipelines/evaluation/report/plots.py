"""The report's plots: differences with intervals, slices, response times. Labels are English only (matplotlib's font)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Timings
from lyo_pipelines.evaluation.measures.compare import OURS
from lyo_pipelines.evaluation.report.markdown_tables import number
from lyo_pipelines.plotting import (
    ATTENTION,
    BAD,
    COLORS,
    FILE_DPI,
    GOOD,
    INK,
    NEUTRAL,
    QUIET,
    RULE,
    SMALL,
    SOFT,
    legend,
    new_panel,
    small_png,
)
from lyo_pipelines.telling import told_span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EDGE = 5.0
"""Differences beyond so many half intervals are drawn as an arrow, so that one large effect does not hide the others."""

COLOURS = {"better": GOOD, "worse": BAD, "cannot_tell": SOFT}
NAMES = {"better": "better", "worse": "worse", "cannot_tell": "cannot tell"}
ROLES = {"base": QUIET, "champion": ATTENTION, "start": "#8a5a83", "candidate": NEUTRAL}


def report_plots(report: Report, *, dpi: int = FILE_DPI) -> dict[str, bytes]:
    """File name -> PNG, only those that have something to show."""
    made = {
        "differences.png": differences_plot(report),
        "slices.png": slices_plot(report),
        "times.png": response_times_plot(report),
    }
    return {name: small_png(figure, colors=COLORS[:1], dpi=dpi) for name, figure in made.items() if figure}


def differences_plot(report: Report) -> Figure | None:
    """Forest plot: each comparison in units of its own half interval, so that all metrics share one axis; right is better."""
    shown = [
        (c, c.difference, low, high)
        for c in report.comparisons
        for low, high in (c.interval,)
        if c.difference is not None and low is not None and high is not None and c.b in OURS
    ]
    if not shown:
        return None
    height = 1.15 + 0.24 * len(shown)
    rivals = sorted({c.b for c, *_ in shown})
    one = len(rivals) == 1
    title = f"Candidate against the {rivals[0]}" if one else "Candidate against the others"
    says = f"{report.n_test} items in {report.groups} groups"
    figure, axes = new_panel(height, title, says, margins=(1.5, 1.3, 0.62, 0.5))
    for row, (c, difference, ci_low, ci_high) in enumerate(reversed(shown)):
        sign = -1 if report.metrics[c.metric].direction == "lower" else 1
        half = (ci_high - ci_low) / 2 or 1.0
        low, high = sorted((sign * ci_low / half, sign * ci_high / half))
        middle, colour = sign * difference / half, COLOURS[c.verdict]
        if abs(middle) > EDGE:  # off the scale: an arrow at the edge, the figure stands beside it
            axes.plot(EDGE if middle > 0 else -EDGE, row, ">" if middle > 0 else "<", color=colour, markersize=6)
        else:
            axes.plot([max(low, -EDGE), min(high, EDGE)], [row, row], color=colour, linewidth=1.8)
            axes.plot(middle, row, "o", color=colour, markersize=5)
        word = "few groups" if c.note else NAMES[c.verdict]
        text = f"{number(difference, True)}  {word}"
        axes.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=colour)
    axes.set_xlim(-EDGE - 0.4, EDGE + 0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(-4, 5, 2))
    labels = [(c.metric if one else f"{c.metric}, {c.b}").replace("_", " ") for c, *_ in reversed(shown)]
    axes.set_yticks(range(len(shown)), labels, color=INK)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("← worse    half widths    better →", fontsize=SMALL, color=SOFT)
    return figure


def slices_plot(report: Report) -> Figure | None:
    """Primary metric by slice, each model a dot; n beside it."""
    metric = report.primary_metric
    parts = [p for p in report.slices if metric in p.models["candidate"] and p.value.isascii()]
    parts = [p for p in parts if p.n < report.n_test]  # one that holds every item repeats the whole
    if not parts:
        return None
    about = report.metrics[metric]
    says = f"{metric} ({about.unit}, {about.direction} is better)"
    figure, axes = new_panel(1.1 + 0.24 * len(parts), "By slice", says, margins=(1.75, 0.85, 0.62, 0.35))
    for row, part in enumerate(reversed(parts)):
        known = {
            role: value
            for role, by_metric in part.models.items()
            if role in OURS and (value := by_metric[metric].value) is not None
        }
        if len(known) > 1:
            axes.plot([min(known.values()), max(known.values())], [row, row], color=RULE, linewidth=2.5, zorder=1)
        for role, value in known.items():
            axes.plot(value, row, "o", color=ROLES[role], markersize=6, zorder=2, label=role if row == 0 else None)
    labels = [f"{p.dimension} {p.value[:16]} (n {p.n})".replace("_", " ") for p in reversed(parts)]
    axes.set_yticks(range(len(parts)), labels, color=INK)
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def response_times_plot(report: Report) -> Figure | None:
    """Time to the first token and to the last, median with a line to the 95th percentile."""
    timings: dict[str, tuple[Timings, float, float, float]] = {}
    for role, t in report.timings.items():
        first, total, total_p95 = t.time_to_first_token_ms.p50, t.total_ms.p50, t.total_ms.p95
        if t.probes and first is not None and total is not None and total_p95 is not None:
            timings[role] = (t, first, total, total_p95)
    if not timings:
        return None
    tokens = next(iter(timings.values()))[0].probe_tokens
    says = f"{tokens} tokens, one question at a time (dark: first token)"
    figure, axes = new_panel(1.1 + 0.3 * len(timings), "Response time", says, margins=(0.8, 1.55, 0.62, 0.45))
    for row, (role, (_, first, total, total_p95)) in enumerate(reversed(timings.items())):
        axes.barh(row, total, color=ROLES[role], alpha=0.35, height=0.5)
        axes.barh(row, first, color=ROLES[role], height=0.5)
        axes.plot([total, total_p95], [row, row], color=INK, linewidth=1)
        text = f"{told_span(first / 1000)}, all {told_span(total / 1000)}"
        axes.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=INK)
    axes.set_yticks(range(len(timings)), list(reversed(timings)), color=INK)
    axes.set_xlabel("milliseconds", fontsize=SMALL, color=SOFT)
    return figure
