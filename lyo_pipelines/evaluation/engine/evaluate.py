"""One evaluation from inputs to files: ask the models, measure, compare, write the report (report.json last)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.evaluation.command import HTML_REPORT, PROGRESS, REPORT
from lyo_pipelines.evaluation.engine.ask_hosted import ask_all
from lyo_pipelines.evaluation.engine.ask_models import Asker
from lyo_pipelines.evaluation.engine.model_host import ModelHost, quiet_libraries
from lyo_pipelines.evaluation.engine.optional_parts import ask_endpoints, ask_judge, ask_other_segments
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.inputs.known_results import known_result
from lyo_pipelines.evaluation.measures.catalogue import load_metrics
from lyo_pipelines.evaluation.measures.language_quality import culture_section, language_metrics
from lyo_pipelines.evaluation.measures.metric_values import MetricValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.measures.run_metrics import Measured, run_metrics
from lyo_pipelines.evaluation.measures.satisfaction import learn_satisfaction
from lyo_pipelines.evaluation.report.build import Sections, build_report
from lyo_pipelines.evaluation.report.html import render_html
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.evaluation.report.plots import report_plots
from lyo_pipelines.external_process.progress import Progress
from lyo_pipelines.storage.damage import PARQUET
from lyo_pipelines.storage.whole_files import whole_file, write_whole


def evaluate(
    inputs: EvaluationInputs,
    output: Path,
    models_dir: Path,
    cache: Path,
    say: Callable[[str], None],
    shared: Path | None = None,
    *,
    clock: Callable[[], datetime],
) -> Report:
    """Evaluate and write everything under `output`; returns the report.

    cache: answers to the segment's own items; shared: to items that other segments' evaluations ask, too (default: the same).
    clock: says, with a time zone, when the report was finished.
    """
    quiet_libraries()
    started = time.monotonic()
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT).unlink(missing_ok=True)  # a report of other inputs must not stand beside new files
    progress = Progress(output / PROGRESS, say)
    config = inputs.config
    say(
        f"{len(inputs.items)} of {inputs.items_in_split} test items for {', '.join(spec.role for spec in inputs.models)}"
    )
    metrics = load_metrics(inputs.metric_files)  # a metric that does not load must fail before hours of generation
    host = ModelHost(models_dir, device=config.device, dtype=config.dtype, attention=config.attention)
    around = inputs.context
    satisfaction = learn_satisfaction(around.rated, config)
    asker = Asker(inputs, host, cache, progress)
    ours = ask_all(asker)
    collateral = ask_other_segments(replace(asker, cache=shared or cache))
    remote, endpoints = ask_endpoints(asker, ours)
    judge = ask_judge(asker, ours)
    outputs = {**ours, **remote}
    progress.start("metrics and statistics", "all", 1)
    contextual = [
        *language_metrics(around.lists, around.curation),
        *([satisfaction.metric] if satisfaction.metric else []),
    ]
    measured = run_metrics(inputs, metrics, outputs, contextual)
    texts = {role: answered.texts for role, answered in outputs.items()}
    culture = culture_section(inputs.items, inputs.tasks, texts, around.lists, around.curation)
    sections = Sections(collateral, endpoints, judge, culture, satisfaction.section)
    seconds = time.monotonic() - started
    report = build_report(inputs, outputs, measured, seconds=seconds, now=clock(), sections=sections)
    write_items(output / "items.parquet", inputs, outputs, measured)
    plots = report_plots(report)
    for name, png in plots.items():
        write_whole(output / name, png)
    write_whole(output / "report.md", render_report(report))
    write_whole(output / HTML_REPORT, render_html(report, plots))
    write_whole(output / REPORT, report.to_json())
    progress.update(1, 1)
    return report


def write_items(path: Path, inputs: EvaluationInputs, outputs: Mapping[str, ModelOutputs], measured: Measured) -> None:
    """One row for each item and model: what was asked and answered, why the answer is not valid, and every metric's value.

    A metric of the whole set has no value of an item: it stands in the report only.
    """
    rows = []
    for role, answered in outputs.items():
        for row, item in enumerate(inputs.items):
            rows.append(
                {
                    "item_id": item.item_id, "group_id": item.group_id, "model": role, "language": item.language,
                    "subject": item.subject, "topic": item.topic, "grade": item.grade, "question": item.question,
                    "reference": item.reference, "reference_answer": item.reference_answer,
                    "known_result": known_result(item).text or None, "answer": answered.texts[row],
                    "answer_tokens": answered.answer_tokens[row], "prompt_tokens": answered.prompt_tokens[row],
                    "truncated": answered.truncated[row], "nll_sum": answered.nll_sums[row],
                    "nll_tokens": answered.nll_tokens[row],
                    "problem": measured.answers[role][row].problem,
                    **{
                        f"metric_{name}": found.values[row]
                        for name, found in measured.values[role].items()
                        if isinstance(found, MetricValues)
                    },
                }
            )  # fmt: skip
    with whole_file(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary, **PARQUET)
