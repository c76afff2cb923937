"""How a report looks on the page of `eval_report`: whether the adapter may be released first, then why, then the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Gate
from lyo_pipelines.defs.metadata import Metadata, excerpt, metadata_table
from lyo_pipelines.defs.pictures import picture, served_file
from lyo_pipelines.evaluation.command import HTML_REPORT
from lyo_pipelines.evaluation.report.gates import release_sentence, words
from lyo_pipelines.evaluation.report.headline import correctness_line
from lyo_pipelines.evaluation.report.html import render_html
from lyo_pipelines.evaluation.report.markdown import compared_means, gates_in_order
from lyo_pipelines.evaluation.report.markdown_parts import HOPE_COLUMNS, hope_rows, optional_sections
from lyo_pipelines.evaluation.report.markdown_tables import number
from lyo_pipelines.evaluation.report.markdown_tasks import task_part
from lyo_pipelines.evaluation.report.plots import report_plots
from lyo_pipelines.evaluation.report.versions import (
    COLUMNS,
    VersionHistory,
    version_history,
    version_rows,
    versions_plot,
)
from lyo_pipelines.plotting import DPI
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.telling import rounded, told_size, told_span


def report_metadata(instance: dg.DagsterInstance, lake: Lake, report: Report, *, shown_answers: int) -> Metadata:
    """Everything that the page shows, in the order in which people ask. shown_answers: questions with the answers of all models."""
    folder = lake.report_dir(report.segment, report.version)
    history = version_history(lake, report.segment)
    judged = [gate for gate in gates_in_order(report) if not gate.vacuous]
    small = report_plots(report, dpi=DPI)
    # the name that a browser gives to the download
    link = served_file(instance, f"report-{report.segment}-{report.version}.html", _page(lake, report, folder))
    shown = {name: picture(instance, png, name.removesuffix(".png")) for name, png in small.items()}
    return {
        "may_be_released": release_sentence(report.gates),
        **({"differences": shown["differences.png"]} if "differences.png" in shown else {}),
        **_verdicts(report),
        "gates": metadata_table(_by_reason(judged), ["outcome", "gate", "why"]),
        **({"report": dg.MetadataValue.url(link)} if link else {}),
        **({"hoped_for": metadata_table(_hopes(report), HOPE_COLUMNS[:4])} if report.hopes else {}),
        **_answers(report, shown_answers),
        **_versions(instance, history),
        **({"correctness": told.strip("*")} if (told := correctness_line(report)) else {}),
        **({"slices": shown["slices.png"]} if "slices.png" in shown else {}),
        **({"response_times": shown["times.png"]} if "times.png" in shown else {}),
        **({"task": dg.MetadataValue.md(told)} if (told := task_part(report)) else {}),
        **({"more": dg.MetadataValue.md(told)} if (told := optional_sections(report)) else {}),
        **_figures(report),
        "report_file": dg.MetadataValue.path(f"{folder}/{HTML_REPORT}"),
    }


def _hopes(report: Report) -> list[dict[str, str]]:
    """The owner's hopes, narrow enough for the page; the report says how each was measured."""
    return [dict(zip(HOPE_COLUMNS, row, strict=True)) for row in hope_rows(report)]


def _page(lake: Lake, report: Report, folder: str) -> bytes:
    """The report as one file: as its evaluation wrote it, or made now where that was a version without it."""
    path = fetched(lake, folder) / HTML_REPORT
    return path.read_bytes() if path.is_file() else render_html(report, report_plots(report)).encode("utf-8")


def gates_metadata(gates: list[Gate], demands: Mapping[str, str]) -> Metadata:
    """Gates that were asked, with what each demands."""
    rows = [{**row, "demand": demands.get(gate.name, "")} for gate, row in zip(gates, _gates(gates), strict=True)]
    return {"gates": metadata_table(rows, ["outcome", "gate", "why", "demand"])}


def _gates(gates: Sequence[Gate]) -> list[dict[str, str]]:
    """Gates as rows, in their order."""
    return [{"outcome": gate.state, "gate": words(gate.name), "why": gate.message} for gate in gates]


def _by_reason(gates: Sequence[Gate]) -> list[dict[str, str]]:
    """The same with a row for each reason: a small test set is the reason of most gates."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in _gates(gates):
        if (same := rows.get((row["outcome"], row["why"]))) is None:
            rows[row["outcome"], row["why"]] = row
        else:
            same["gate"] += f", {row['gate']}"
    return list(rows.values())


def _verdicts(report: Report) -> Metadata:
    """What was compared, by rival, narrow enough for the page; the report has all columns and what is only described."""
    arrows = {"higher": "↑", "lower": "↓"}
    found: Metadata = {}
    for rival in dict.fromkeys(c.b for c in report.comparisons):
        rows = [
            {
                "metric": f"{words(one.metric)} {arrows.get(report.metrics[one.metric].direction, '')}",
                "verdict": "few groups"
                if one.note.startswith("not enough")
                else one.note or one.verdict.replace("_", " "),
                "difference": number(one.difference, True),
                f"{rival} → adapter": f"{number(theirs)} → {number(ours)}",
                "interval": ""
                if None in one.interval
                else "[{}, {}]".format(*(number(end, True) for end in one.interval)),
            }
            for one in report.comparisons
            for theirs, ours in (compared_means(report, one),)
            if one.b == rival
        ]
        if rows:
            found[f"against_{'current' if rival == 'champion' else rival}"] = metadata_table(rows, list(rows[0]))
    return found


def _versions(instance: dg.DagsterInstance, history: VersionHistory) -> Metadata:
    """How the segment's versions compare over time, once there are two."""
    if len(history.reports) < 2:
        return {}
    png = versions_plot(history.reports)
    return {
        **({"over_time": picture(instance, png, "difference from the base model by version")} if png else {}),
        "versions": metadata_table(version_rows(history.reports), COLUMNS),
    }


def _answers(report: Report, count: int) -> Metadata:
    samples = report.samples[:count]
    if not samples:
        return {}
    roles = list(samples[0].answers)
    columns = ["question", *roles, "reference", "change"]
    rows = [
        {
            "question": excerpt(sample.question),
            "reference": excerpt(sample.reference),
            "change": f"{sample.metric} {sample.change:+.3g}",
            **{role: excerpt(text) for role, text in sample.answers.items()},
        }
        for sample in samples
    ]
    return {"answers": metadata_table(rows, columns)}


def _figures(report: Report) -> Metadata:
    """Figures that the page can plot over time, and what they were measured on."""
    names = (report.primary_metric, "checked_answer", *report.tasks.own_metrics)
    values = {name: value for name in names if (value := report.metric("candidate", name)) is not None}
    timing = report.timings.get("candidate")
    first = timing.time_to_first_token_ms.p50 if timing else None
    speed = timing.generation_tokens_per_second if timing else None
    return {
        **{name: rounded(value) for name, value in values.items()},
        "test_items": report.n_test,
        "groups": f"{report.groups:,}" + ("" if report.enough_groups else f" (at least {report.minimum_groups} are needed)"),
        **({"first_token": told_span(first / 1000)} if first is not None else {}),
        **({"tokens_per_s": rounded(speed, 3)} if speed is not None else {}),
        **({"peak_memory": told_size(timing.peak_memory_bytes)} if timing else {}),
        "took": told_span(report.seconds),
        "version": report.version,
        "compared_with": ", ".join(f"{role} {name}" for role, name in report.model_versions.items() if role != "candidate"),
        "dataset": report.dataset_fingerprint,
    }  # fmt: skip
