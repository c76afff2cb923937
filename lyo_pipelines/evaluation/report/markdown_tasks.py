"""What a readable report says about the tasks of its items. Computes nothing: everything comes out of report.json's values."""

from __future__ import annotations

from collections.abc import Mapping

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_sections import ConfusionTable, TaskSection
from lyo_pipelines.contracts.report_values import MetricValue
from lyo_pipelines.evaluation.report.markdown_tables import code, markdown_table, quote

EXAMPLES = 3
"""Invalid answers that are shown, of the most frequent reasons."""


def task_part(report: Report) -> str:
    """What the tasks' own metrics say, valid answers, why others are not, and confusion tables; '' where a task has none."""
    tasks = report.tasks
    if not tasks.own_metrics:
        return ""
    parts = ["## Answers by the rules of the task", _metrics(report)]
    if valid := {role: found["valid_answer"] for role, found in report.models.items() if "valid_answer" in found}:
        parts.append(f"{_intro(tasks)} {_valid(valid)}")
    if tasks.invalid:
        parts += [_reasons(tasks, list(valid)), *_examples(tasks)]
    parts += [_confusion(found) for found in tasks.confusion]
    return "\n\n".join(parts)


def only_plain(report: Report) -> bool:
    """Whether every item is plain text, so that nothing was asked."""
    return report.tasks.plain_text == report.n_test


def summary_lines(report: Report) -> list[str]:
    """What the head of the report says about the kind of its items."""
    tasks = report.tasks
    lines = [f"Task {name}: {says}" for name, says in tasks.says.items()]
    if only_plain(report):
        lines.append("Plain text: loss only. Nothing is asked, so nothing that looks at an answer is measured.")
    elif tasks.plain_text:
        lines.append(
            f"{tasks.plain_text} of the items are plain text (loss only); all else is measured on the other items."
        )
    return lines


def method_lines(report: Report) -> list[str]:
    """How the tasks' own metrics were measured and compared."""
    tasks = report.tasks
    whole = [name for name in tasks.own_metrics if report.metrics[name].whole]
    lines = []
    if whole:
        lines.append(
            f"- {', '.join(whole)}: of the whole set, not means over items. Their intervals are percentiles of "
            f"{report.statistics.whole_resamples:,} resamples of whole groups, their p-values come from swapping the two models' "
            "answers of randomly chosen groups as often. Slices have their values in report.json, without a verdict."
        )
    if tasks.structured:
        lines.append(f"- {_freely(tasks)} What does not fit the schema counts as each metric's sentence says.")
    if tasks.unusable_references:
        lines.append(
            f"- {tasks.unusable_references} references do not fit their own schema; the task's metrics leave these items out."
        )
    return lines


def _metrics(report: Report) -> str:
    about = report.metrics
    lines = [f"- {name}: {about[name].description}" for name in report.tasks.own_metrics]
    return "Its own metrics, whose values stand in the result above:\n\n" + "\n".join(lines)


def _intro(tasks: TaskSection) -> str:
    names = ", ".join(tasks.structured)
    return f"{names}: an answer is one JSON object. {_freely(tasks)}" if names else "The task checks its answers."


def _freely(tasks: TaskSection) -> str:
    if tasks.constrained:
        return (
            "While they were written, all models' answers were held to the schema; response times are of free answers."
        )
    return "All models wrote freely: nothing held their answers to the schema."


def _valid(valid: Mapping[str, MetricValue]) -> str:
    told = [
        f"{role} {round(found.value * found.n)} of {found.n}"
        for role, found in valid.items()
        if found.value is not None
    ]
    return f"Valid answers: {', '.join(told)}."


def _reasons(tasks: TaskSection, roles: list[str]) -> str:
    rows = [[code(found.reason), *[str(found.models[role]) for role in roles]] for found in tasks.invalid]
    return "Why answers are not valid, the most frequent reasons:\n\n" + markdown_table(["reason", *roles], rows)


def _examples(tasks: TaskSection) -> list[str]:
    return [
        f"For instance, {code(found.reason)} ({found.example.model}, {found.example.item_id}):\n\n"
        f"{quote(found.example.answer)}"
        for found in tasks.invalid[:EXAMPLES]
    ]


def _confusion(found: ConfusionTable) -> str:
    """One table for all models, so that a row shows at once how each of them answered what should have been this value."""
    labels = [*found.labels, "another value", "not valid"]
    used = [
        place
        for place in range(len(labels))
        if place < len(found.labels) or any(row[place] for counts in found.models.values() for row in counts)
    ]
    rows = [
        [code(wanted), role, str(sum(counts[place])), *[str(counts[place][column]) for column in used]]
        for place, wanted in enumerate(found.labels)
        for role, counts in found.models.items()
    ]
    head = [
        "should be",
        "model",
        "items",
        *[labels[at] if at >= len(found.labels) else code(labels[at]) for at in used],
    ]
    return f"How {code(found.field)} was answered, by what it should have been:\n\n{markdown_table(head, rows)}"
