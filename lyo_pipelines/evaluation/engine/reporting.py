"""What is said of a finished evaluation: its place, or the metadata of its asset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.headline import correctness_line
from lyo_pipelines.evaluation.report.markdown import gates_table, verdict_table
from lyo_pipelines.evaluation.report.markdown_parts import optional_sections as other_parts
from lyo_pipelines.evaluation.report.markdown_tasks import task_part
from lyo_pipelines.evaluation.report.plots import differences_plot
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.plotting import MAXIMUM_BYTES, markdown_image


def report_evaluation(report_to: Reporter, output: Path) -> None:
    """The report in `output` is finished: Dagster gets the asset, a terminal the report's place (on stdout)."""
    if not report_to.launched_by_dagster:
        print(output / "report.md", flush=True)  # noqa: T201  (a command speaks to its user)
        return
    report = read_report(output)
    report_to.materialize(materialization_metadata(report, output), report.data_version)


def materialization_metadata(report: Report, output: Path) -> dict[str, Any]:  # as Pipes sends it
    """What an asset page shows of a report, in the shape that Pipes sends."""
    candidate = report.timings["candidate"]
    metadata: dict[str, Any] = {  # values of several kinds, each with its type beside it
        "verdicts": {"type": "md", "raw_value": verdict_table(report)},
        "gates": {"type": "md", "raw_value": gates_table(report)},
        "n_test": {"type": "int", "raw_value": report.n_test},
        "groups": {"type": "int", "raw_value": report.groups},
        "enough_groups": {"type": "bool", "raw_value": report.enough_groups},
        "may_be_released": {"type": "bool", "raw_value": report.may_be_released},
        "version": {"type": "text", "raw_value": report.version},
        "dataset_fingerprint": {"type": "text", "raw_value": report.dataset_fingerprint},
        "report": {"type": "path", "raw_value": str(output / "report.md")},
        "seconds": {"type": "float", "raw_value": float(report.seconds)},
    }
    if (speed := candidate.generation_tokens_per_second) is not None:
        metadata["generation_tokens_per_second"] = {"type": "float", "raw_value": round(float(speed), 1)}
    if (first := candidate.time_to_first_token_ms.p50) is not None:
        metadata["time_to_first_token_ms_p50"] = {"type": "float", "raw_value": float(first)}
    if told := correctness_line(report):
        metadata["correctness"] = {"type": "md", "raw_value": told}
    if told := other_parts(report):
        metadata["more"] = {"type": "md", "raw_value": told}
    if told := task_part(report):
        metadata["task"] = {"type": "md", "raw_value": told}
    for metric in (report.primary_metric, "checked_answer", *report.tasks.own_metrics):
        if (value := report.metric("candidate", metric)) is not None:
            metadata[metric] = {"type": "float", "raw_value": float(value)}
    plot = differences_plot(report, small=True)
    if plot and len(plot) <= MAXIMUM_BYTES:  # a larger one stays in the lake
        metadata["differences"] = {"type": "md", "raw_value": markdown_image(plot, "differences")}
    return metadata
