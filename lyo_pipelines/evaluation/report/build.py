"""report.json: putting its parts together and reading it back. Its readable form stands in `markdown`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.report import GenerationUsed, Report, ServedBy, StatisticsUsed, TestSplit
from lyo_pipelines.contracts.report_sections import (
    Collateral,
    CultureFinding,
    EndpointSection,
    JudgeSection,
    Satisfaction,
    TaskSection,
)
from lyo_pipelines.contracts.report_values import MetricDescription, MetricValue, Percentiles, Sample, Timings
from lyo_pipelines.evaluation.command import REPORT
from lyo_pipelines.evaluation.endpoints.section import is_incomplete
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.compare import compare_all
from lyo_pipelines.evaluation.measures.metric_values import Found, MetricFacts, MetricValues, WholeValues, interval_of
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs, Timing
from lyo_pipelines.evaluation.measures.run_metrics import Measured
from lyo_pipelines.evaluation.measures.validity import VALID_ANSWER
from lyo_pipelines.evaluation.report.checked import correctness_section
from lyo_pipelines.evaluation.report.gates import NO_NUMBER, evaluate_gates, may_be_released
from lyo_pipelines.evaluation.report.hopes import hopes_section
from lyo_pipelines.evaluation.report.slices import slice_all
from lyo_pipelines.evaluation.report.tasks import task_section


@dataclass(frozen=True)
class Sections:
    """The sections beyond the items' own metrics, as far as they were wanted."""

    collateral: Collateral | None = None
    endpoints: tuple[EndpointSection, ...] = ()
    judge: JudgeSection | None = None
    culture: tuple[CultureFinding, ...] | None = None
    satisfaction: Satisfaction | None = None


def read_report(folder: str | Path) -> Report:
    """Read the finished report of a folder. Raises DocumentError naming the file when it is missing, damaged or too new."""
    return Report.read(Path(folder) / REPORT)


def build_report(
    inputs: EvaluationInputs,
    outputs: Mapping[str, ModelOutputs],
    measured: Measured,
    *,
    seconds: float,
    now: datetime,
    sections: Sections | None = None,
) -> Report:
    """The whole report, gates judged. `seconds`: how long this run took; `now`: when it ended (UTC).

    Where one of the sections still waits for answers from outside, the data version says so, and the next evaluation of the same
    inputs asks again.
    """
    sections = sections or Sections()
    config, items, metrics, values = inputs.config, inputs.items, measured.metrics, measured.values
    groups = [item.group_id for item in items]
    # what holds no more is asked and shown, but an adapter that forgot it is not worse for that
    holding = [row for row, item in enumerate(items) if item.holds]
    missing = is_incomplete(sections.endpoints, sections.judge)
    timings = {role: timing_values(answered.timing) for role, answered in outputs.items() if answered.timing}
    tasks = task_section(inputs, outputs, measured)
    report = Report(
        segment=inputs.served.segment if inputs.served else inputs.segment,
        served_by=_served(inputs),
        version=next(spec.version for spec in inputs.models if spec.role == "candidate"),
        dataset_fingerprint=inputs.dataset_fingerprint,
        row_figures=inputs.row_figures,
        data_version=f"{inputs.data_version}-incomplete" if missing else inputs.data_version,
        created_at=now.replace(microsecond=0),
        n_test=len(items),
        expired=len(items) - len(holding),
        groups=len(set(groups)),
        test_split=TestSplit(items=inputs.items_in_split, groups=inputs.groups_in_split),
        enough_groups=len(set(groups)) >= config.minimum_groups,
        minimum_groups=config.minimum_groups,
        primary_metric=_primary(inputs, measured, tasks),
        model_versions=_versions(inputs),
        candidate_is_champion=inputs.same_as_champion,
        without_likelihood=tuple(spec.role for spec in inputs.models if spec.hosted is not None),
        metrics={
            metric.name: MetricDescription(
                direction=metric.direction,
                unit=metric.unit,
                description=metric.sentence,
                whole=any(isinstance(found[metric.name], WholeValues) for found in values.values()),
            )
            for metric in metrics
        },
        models={role: _model_values(by_metric, items, outputs[role], config) for role, by_metric in values.items()},
        tasks=tasks,
        comparisons=tuple(compare_all(values, metrics, groups, config, holding)),
        slices=tuple(slice_all(values, metrics, items, config)),
        timings=timings,
        samples=samples(items, outputs, measured, config),
        statistics=StatisticsUsed(
            resamples=config.resamples,
            whole_resamples=config.whole_resamples,
            confidence=config.confidence,
            alpha=config.alpha,
            power=config.power,
            interval="BCa bootstrap over groups",
            p_value="paired sign-flip test over groups",
            correction="Holm",
        ),
        generation=GenerationUsed(
            max_new_tokens=max(answered.max_new_tokens for answered in outputs.values()),
            decoding="greedy",
            batch=config.generation_batch,
            max_length=config.max_length,
        ),
        seconds=round(seconds, 1),
        collateral=sections.collateral,
        endpoints=sections.endpoints,
        judge=sections.judge,
        culture=sections.culture,
        satisfaction=sections.satisfaction,
        correctness=correctness_section(inputs, measured),
        privacy=inputs.privacy,
        reinforcement=inputs.reinforcement,
        hopes=hopes_section(items, outputs, measured, timings, config) if config.hopes else None,
        incomplete=missing,
        gates=(),  # they judge the rest of the report
        may_be_released=False,
    )
    outcomes = tuple(evaluate_gates(report, config))
    return report.model_copy(update={"gates": outcomes, "may_be_released": may_be_released(outcomes)})


def _primary(inputs: EvaluationInputs, measured: Measured, tasks: TaskSection) -> str:
    """The deciding metric; where a model is a provider's, which tells no likelihood, the first that can take the place of one."""
    config, own = inputs.config, [name for name in tasks.own_metrics if name != VALID_ANSWER]
    if not any(spec.hosted for spec in inputs.models):
        return config.primary_metric
    judges = {metric.name for metric in measured.metrics if metric.direction != "neutral"}
    return next((name for name in (config.without_likelihood, *own) if name in judges), config.primary_metric)


def _versions(inputs: EvaluationInputs) -> dict[str, str]:
    """Role -> version; the champion's also where it is the candidate itself."""
    served = {"champion": inputs.champion_version} if inputs.champion_version else {}
    return {spec.role: spec.version for spec in inputs.models} | served


def _served(inputs: EvaluationInputs) -> ServedBy | None:
    """For a thin segment: whose adapter serves it, why, and how many of the test items are its own."""
    if inputs.served is None:
        return None
    own = [item for item in inputs.items if item.segment == inputs.served.segment]
    return ServedBy(segment=inputs.segment, reason=inputs.served.reason, own_items=len(own))


def timing_values(timing: Timing) -> Timings:
    """p50 and p95 of the response times in milliseconds, throughput, memory."""
    first, total = timing.first_token_seconds, timing.total_seconds
    after = [(t - f) / max(1, timing.probe_tokens - 1) for f, t in zip(first, total, strict=True)]
    return Timings(
        probes=len(first),
        probe_tokens=timing.probe_tokens,
        time_to_first_token_ms=_percentiles(first),
        total_ms=_percentiles(total),
        per_token_ms=_percentiles(after),
        generation_seconds=round(timing.generation_seconds, 2),
        generation_tokens_per_second=timing.generation_tokens_per_second,
        peak_memory_bytes=timing.peak_memory_bytes,
        device=timing.device,
        dtype=timing.dtype,
        reused=timing.reused,
    )


def samples(
    items: Sequence[Item], outputs: Mapping[str, ModelOutputs], measured: Measured, config: EvaluationConfig
) -> tuple[Sample, ...]:
    """The items where the candidate gained and lost most against the base on the sample metric, gains first."""
    metric = _sample_metric(measured, config)
    if metric is None or not {"base", "candidate"} <= set(measured.values):
        return ()
    name = metric.name
    base, candidate = (_by_item(measured.values[role][name]) for role in ("base", "candidate"))
    sign = -1 if metric.direction == "lower" else 1
    changes = sorted(
        (sign * (y - x), item.item_id, row)
        for row, (item, x, y) in enumerate(zip(items, base, candidate, strict=True))
        if x is not None and y is not None
    )
    losses = min(config.samples // 2, len(changes))
    gains = min(config.samples - losses, len(changes) - losses)
    chosen = [*changes[::-1][:gains], *changes[:losses]]
    return tuple(
        Sample(
            item_id=items[row].item_id,
            metric=name,
            change=round(sign * gain, 4),
            question=items[row].question,
            reference=items[row].reference,
            answers={role: answered.texts[row] for role, answered in outputs.items()},
        )
        for gain, _, row in chosen
    )


def _sample_metric(measured: Measured, config: EvaluationConfig) -> MetricFacts | None:
    """The configured choice where it is measured here, else the first one that judges answers item by item, the tasks' own first."""
    by_item = [m for m in measured.metrics if m.direction != "neutral" and m.name != config.primary_metric]
    by_item = [m for m in by_item if all(isinstance(found[m.name], MetricValues) for found in measured.values.values())]
    chosen = [m for m in measured.metrics if m.name == config.sample_metric]
    return next(iter([*chosen, *(m for m in by_item if m.name != VALID_ANSWER), *by_item]), None)


def _by_item(found: Found) -> Sequence[float | None]:
    return found.values if isinstance(found, MetricValues) else [None] * len(found.graded)


def _model_values(
    by_metric: Mapping[str, Found], items: Sequence[Item], outputs: ModelOutputs, config: EvaluationConfig
) -> dict[str, MetricValue]:
    groups = [item.group_id for item in items]
    found = {name: _metric_value(measured, groups, config) for name, measured in by_metric.items()}
    if (loss := found.get("loss")) is not None and loss.value is not None:
        found["perplexity"] = MetricValue(
            value=_perplexity(loss.value),
            n=loss.n,
            groups=loss.groups,
            ci_low=_perplexity(loss.ci_low),
            ci_high=_perplexity(loss.ci_high),
        )
    asked = [row for row, item in enumerate(items) if not item.is_plain and outputs.is_answered(row)]
    for name in ("answer_tokens", "prompt_tokens", "truncated"):
        found[name] = _share(getattr(outputs, name), asked)
    if lost := outputs.without_a_number:
        found[NO_NUMBER] = _share(lost, range(len(lost)))
    found["cut_to_fit"] = _share(outputs.cut, range(len(items)))
    return found


def _perplexity(loss: float | None) -> float | None:
    return None if loss is None else math.exp(min(loss, 700.0))


def _share(values: Sequence[float | None], rows: Sequence[int]) -> MetricValue:
    known = [value for row in rows if (value := values[row]) is not None]
    return MetricValue(value=sum(known) / len(known) if known else None, n=len(known))


def _metric_value(found: Found, groups: Sequence[str], config: EvaluationConfig) -> MetricValue:
    rows = [row for row in range(len(groups)) if found.known(row)]
    if not rows:
        return MetricValue(value=None, n=0, groups=0)
    interval = interval_of(found, rows, [groups[row] for row in rows], config)
    return MetricValue(
        value=interval.estimate, n=interval.n, groups=interval.groups, ci_low=interval.low, ci_high=interval.high
    )


def _percentiles(seconds: Sequence[float]) -> Percentiles:
    if not seconds:
        return Percentiles(p50=None, p95=None)
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return Percentiles(p50=round(float(p50), 1), p95=round(float(p95), 1))
