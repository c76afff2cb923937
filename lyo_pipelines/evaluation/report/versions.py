"""A segment's adapter versions over time, as their reports tell of them: how far each was from the base model, and what followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import release_answer
from lyo_pipelines.evaluation.report.markdown_tables import difference_with_interval, number
from lyo_pipelines.evaluation.report.plots import COLOURS
from lyo_pipelines.plotting import INK, SMALL, SOFT, new_panel, small_png
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched

SHOWN = 20
COLUMNS = ("version", "reported", "test items", "base", "adapter", "difference", "verdict", "may be released")


@dataclass(frozen=True)
class VersionHistory:
    """Reports of a segment, oldest first; skipped: versions whose report cannot be read."""

    reports: tuple[Report, ...]
    skipped: tuple[str, ...] = ()


def version_history(lake: Lake, segment: str) -> VersionHistory:
    """The newest reports of the segment's versions, those of parents that serve it included."""
    reports, skipped = [], []
    for version in lake.names(lake.report_dir(segment)):
        folder = fetched(lake, lake.report_dir(segment, version))
        if not is_complete(folder):
            continue
        try:
            reports.append(read_report(folder))
        except LyoError:
            skipped.append(version)
    ordered = sorted(reports, key=lambda report: (report.created_at, report.version))
    return VersionHistory(tuple(ordered[-SHOWN:]), tuple(skipped))


def version_rows(reports: Sequence[Report]) -> list[dict[str, str]]:
    """A row for each report, newest first, by its primary metric against the base; cells as COLUMNS."""
    rows = []
    for report in reversed(reports):
        found = report.comparison(report.primary_metric, "base")
        interval = found and difference_with_interval(found.difference, *found.interval)
        rows.append(
            {
                "version": report.version,
                "reported": f"{report.created_at:%Y-%m-%d %H:%M}",
                "test items": str(report.n_test),
                "base": number(report.metric("base", report.primary_metric)),
                "adapter": number(report.metric("candidate", report.primary_metric)),
                "difference": interval or "–",
                "verdict": (found.note or found.verdict.replace("_", " ")) if found else "not compared",
                "may be released": release_answer(report.gates),
            }
        )
    return rows


def versions_plot(reports: Sequence[Report]) -> bytes:
    """The difference from the base model by version, oldest on the left, with the interval of its verdict; b"" with fewer than two.

    Test sets grow with time, so each difference is against the base on the very same items; only differences are comparable.
    """
    points = [
        (report, found.difference, *found.interval, found.verdict)
        for report in reports
        if (found := report.comparison(report.primary_metric, "base")) and found.difference is not None
    ]
    if len(points) < 2:
        return b""
    newest = points[-1][0]
    about = newest.metrics[newest.primary_metric]
    says = f"{newest.primary_metric}: adapter - base ({about.direction} is better)"
    figure, axes = new_panel(2.5, f"Versions of {newest.segment}", says, margins=(0.55, 0.15, 0.62, 0.5), grid="y")
    for place, (_, difference, low, high, verdict) in enumerate(points):
        if low is not None and high is not None:
            axes.plot([place, place], [low, high], color=COLOURS[verdict], linewidth=2.2)
        axes.plot(place, difference, "o", color=COLOURS[verdict], markersize=7)
        axes.annotate(
            f"{difference:+.3g}", (place, difference), (8, 0), textcoords="offset points", fontsize=SMALL, va="center",
            color=INK,
        )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    labels = [f"{report.version[-6:]}\n{report.created_at:%d %b}" for report, *_ in points]
    axes.set_xticks(range(len(points)), labels, fontsize=SMALL, color=SOFT)
    axes.set_xlim(-0.5, len(points) - 0.3)
    return small_png(figure)
