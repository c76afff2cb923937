"""What the owner hoped for against what was measured on this test set: each figure with its interval, or why it is not measured.

A rise or fall is the ratio of the two means over the same items, candidate by base, with a bootstrap interval over groups. A hope
is reached only where the whole interval lies at or beyond it, missed where the whole interval falls short; else nobody can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lyo_pipelines.config.evaluation import EvaluationConfig, HopeConfig
from lyo_pipelines.contracts.report_sections import Hope
from lyo_pipelines.contracts.report_values import Timings
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.metric_values import MetricValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.measures.run_metrics import Measured
from lyo_pipelines.statistics.bootstrap import Interval, bootstrap_mean_by_group, bootstrap_ratio_by_group

TOKENS, FIRST_TOKEN = "answer_tokens", "first_token_ms"
"""Measures that are no metrics: tokens of an answer, and the median time to the first token."""


@dataclass(frozen=True)
class _Values:
    """One measure of both models by item; None where it was not measured."""

    candidate: Sequence[float | None]
    base: Sequence[float | None]


def hopes_section(
    items: Sequence[Item],
    outputs: Mapping[str, ModelOutputs],
    measured: Measured,
    timings: Mapping[str, Timings],
    config: EvaluationConfig,
) -> tuple[Hope, ...]:
    """One entry for each configured hope, in their order."""
    return tuple(_hope(hope, items, outputs, measured, timings, config) for hope in config.hopes)


def _hope(
    hope: HopeConfig,
    items: Sequence[Item],
    outputs: Mapping[str, ModelOutputs],
    measured: Measured,
    timings: Mapping[str, Timings],
    config: EvaluationConfig,
) -> Hope:
    blank = Hope(name=hope.name, measure=hope.measure, hoped=hope.told, answer="not measured", note=hope.note or "")
    if hope.measure == FIRST_TOKEN:
        return _first_token(hope, blank, timings)
    values = _values(hope.measure, outputs, measured)
    if values is None:
        return blank.model_copy(update={"why": "this report does not have the measure"})
    rows = [row for row in range(len(items)) if values.candidate[row] is not None and values.base[row] is not None]
    if not rows:
        return blank.model_copy(update={"why": "no item of this test set has it"})
    found = _interval(hope, values, rows, [items[row].group_id for row in rows], config)
    if found is None:
        return blank.model_copy(update={"why": "the base model's mean is zero"})
    sign = -1.0 if hope.kind == "fall" else 1.0
    shift = 1.0 if hope.kind in ("rise", "fall") else 0.0
    ends = sorted(sign * (end - shift) for end in (found.low, found.high))
    told = blank.model_copy(
        update={
            "value": sign * (found.estimate - shift), "ci_low": ends[0], "ci_high": ends[1], "n": found.n,
            "groups": found.groups, "answer": "cannot tell",
        }
    )  # fmt: skip
    if found.groups < config.minimum_groups:
        return told.model_copy(update={"why": f"{found.groups} of {config.minimum_groups} groups that an answer needs"})
    return told.model_copy(update={"answer": _answer(hope, *ends)})


def _answer(hope: HopeConfig, low: float, high: float) -> str:
    if hope.kind == "at_most":
        return "reached" if high <= hope.figure[0] else "missed" if low > hope.figure[0] else "cannot tell"
    return "reached" if low >= hope.figure[0] else "missed" if high < hope.figure[0] else "cannot tell"


def _interval(
    hope: HopeConfig, values: _Values, rows: Sequence[int], groups: Sequence[str], config: EvaluationConfig
) -> Interval | None:
    ours = [float(values.candidate[row] or 0.0) for row in rows]
    chance = {"resamples": config.resamples, "seed": config.seed}
    if hope.kind in ("at_least", "at_most"):
        return bootstrap_mean_by_group(ours, groups, **chance, confidence=config.confidence)
    base = [float(values.base[row] or 0.0) for row in rows]
    if sum(base) <= 0:
        return None
    return bootstrap_ratio_by_group(ours, base, groups, **chance, confidence=config.confidence)


def _values(measure: str, outputs: Mapping[str, ModelOutputs], measured: Measured) -> _Values | None:
    """By item; None where either model, or the measure, is not there (a metric of a whole set has no items)."""
    if not {"candidate", "base"} <= set(outputs):
        return None
    if measure == TOKENS:
        return _Values(outputs["candidate"].answer_tokens, outputs["base"].answer_tokens)
    pair = [measured.values.get(role, {}).get(measure) for role in ("candidate", "base")]
    ours, base = pair
    if not isinstance(ours, MetricValues) or not isinstance(base, MetricValues):
        return None
    return _Values(ours.values, base.values)


def _first_token(hope: HopeConfig, blank: Hope, timings: Mapping[str, Timings]) -> Hope:
    """A median of a few probes has no interval: it is told, and is no proof."""
    timing = timings.get("candidate")
    value = None if timing is None else timing.time_to_first_token_ms.p50
    if timing is None or value is None:
        return blank.model_copy(update={"why": "response times were not measured"})
    why = f"the median of {timing.probes} probes on {timing.device}, without an interval"
    return blank.model_copy(update={"value": value, "n": timing.probes, "answer": "cannot tell", "why": why})
