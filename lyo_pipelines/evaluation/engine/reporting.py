"""What is said of a finished evaluation: its place on a terminal, its version to Dagster, which reads the report itself."""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.external_process.reporter import Reporter


def report_evaluation(report_to: Reporter, output: Path) -> None:
    """The report in `output` is finished: Dagster gets the asset, a terminal the report's place (on stdout)."""
    if not report_to.launched_by_dagster:
        print(output / "report.md", flush=True)  # noqa: T201  (a command speaks to its user)
        return
    report = read_report(output)
    report_to.materialize({"version": {"raw_value": report.version, "type": "text"}}, report.data_version)
