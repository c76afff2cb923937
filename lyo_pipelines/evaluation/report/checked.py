"""How many answers of a report could be checked against a known result. What the head of a report says of it: headline."""

from __future__ import annotations

from collections import Counter

from lyo_pipelines.contracts.report_sections import Correctness
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.inputs.known_results import known_result
from lyo_pipelines.evaluation.measures.catalogue import applies_to_task
from lyo_pipelines.evaluation.measures.run_metrics import Measured

CHECKED_ANSWER = "checked_answer"


def correctness_section(inputs: EvaluationInputs, measured: Measured) -> Correctness | None:
    """The report's `correctness`; None where no item is of a task whose answers have a checkable result, or it is not wanted."""
    if CHECKED_ANSWER not in {metric.name for metric in measured.metrics}:
        return None
    path = inputs.metric_files[CHECKED_ANSWER]
    known = [
        known_result(item)
        for item, task in zip(inputs.items, inputs.tasks, strict=True)
        if not item.is_plain and applies_to_task(CHECKED_ANSWER, path, task, inputs.config.primary_metric)
    ]
    if not known:
        return None
    sources = Counter(found.source for found in known)
    return Correctness(
        items=len(known),
        of_rows=sources["row"],
        of_references=sources["reference"],
        unchecked=dict(sorted(Counter(found.why for found in known if found.why).items())),
    )
