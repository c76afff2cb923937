"""The closing table: base against adapter, with intervals and verdicts, out of report.json."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Comparison
from lyo_pipelines.evaluation.report.gates import release_sentence
from lyo_pipelines.evaluation.report.headline import correctness_line

_MARKS = {
    "passed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "cannot judge": "[yellow]?[/]",
    "nothing to compare": "[dim]–[/]",
}
_COLOURS = {"better": "green", "worse": "red", "cannot_tell": "yellow"}


def print_summary(console: Console, report: Report, report_dir: Path) -> None:
    """Print what a report says, metric by metric."""
    table = Table(title=f"{report.segment} · {report.version} · {report.n_test} test items", title_justify="left")
    for name, style in (
        ("metric", None),
        ("against", "dim"),
        ("its value", "dim"),
        ("adapter", "bold"),
        ("difference", None),
        ("interval of the verdict", None),
        ("verdict", None),
    ):
        table.add_column(name, style=style, justify="left" if name in {"metric", "against", "verdict"} else "right")
    for row in report.comparisons:
        verdict = row.note or row.verdict
        colour = _COLOURS.get(verdict, "dim")
        table.add_row(
            row.metric,
            {"champion": "current adapter", "start": "what it was tuned from"}.get(row.b, row.b),
            _number(report.metric(row.b, row.metric) if row.mean_a is None else row.mean_b),
            _number(report.metric("candidate", row.metric) if row.mean_a is None else row.mean_a),
            f"{row.difference:+.3f}" if row.difference is not None else "",
            _interval(row),
            f"[{colour}]{verdict.replace('_', ' ')}[/]",
        )
    console.print()
    console.print(table)
    if served := report.served_by:
        console.print(
            f"{report.segment} trains nothing of its own: {served.segment} serves it, and these are its figures "
            f"({served.own_items} of the test items are of {report.segment}). Why: {served.reason}",
            highlight=False,
            soft_wrap=True,
        )
    if told := correctness_line(report):
        console.print(told.strip("*"), highlight=False, soft_wrap=True)
    for gate in report.gates:
        if not gate.applies:
            continue
        console.print(f"{_MARKS[gate.state]} {gate.name}: {gate.message}", highlight=False, soft_wrap=True)
    console.print(f"May it be released? {release_sentence(report.gates)}", highlight=False, soft_wrap=True)
    console.print(f"\nReport: {report_dir / 'report.md'}", highlight=False, soft_wrap=True)


def _interval(row: Comparison) -> str:
    low, high = row.interval
    return "" if low is None or high is None else f"{low:+.3f} … {high:+.3f}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
