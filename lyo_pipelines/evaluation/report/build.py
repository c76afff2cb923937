"""report.json: putting it together (contract of the design) and reading it back. Its readable form stands in `markdown`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lyo_pipelines.config.evaluation import EvaluationFigures
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import REPORT
from lyo_pipelines.evaluation.endpoints.section import incomplete
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.compare import compare_all
from lyo_pipelines.evaluation.measures.measure import Measured
from lyo_pipelines.evaluation.measures.results import ModelOutputs, Timing
from lyo_pipelines.evaluation.measures.validity import VALID_ANSWER
from lyo_pipelines.evaluation.measures.values import About, Found, MetricValues, WholeValues, interval_of
from lyo_pipelines.evaluation.report.gates import gates, may_be_released
from lyo_pipelines.evaluation.report.slices import slice_all
from lyo_pipelines.evaluation.report.tasks import task_section


class MissingReportError(LyoError):
    """There is no finished report in a folder."""


def read_report(folder: str | Path) -> dict[str, Any]:
    """Read a finished report. Raises MissingReportError saying what to do."""
    path = Path(folder) / REPORT
    if not path.is_file():
        raise MissingReportError(
            f"{path} is not there: the evaluation has not finished. Materialize eval_report; it goes on."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def build_report(
    inputs: EvaluationInputs,
    outputs: Mapping[str, ModelOutputs],
    measured: Measured,
    *,
    seconds: float,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The whole report as plain values. `seconds`: how long this run took; `now`: when it ended (UTC).

    more: further parts by name; the gates see them. Where one of them still waits for answers from outside, the data version says so,
    and the next evaluation of the same inputs asks again.
    """
    figures, items, metrics, values = inputs.figures, inputs.items, measured.metrics, measured.values
    groups = [item.group_id for item in items]
    report: dict[str, Any] = {
        "segment": inputs.served.segment if inputs.served else inputs.segment,
        **_served(inputs),
        "version": next(spec.version for spec in inputs.models if spec.role == "candidate"),
        "dataset_fingerprint": inputs.dataset_fingerprint,
        "data_version": inputs.data_version,
        "created_at": now.isoformat(timespec="seconds"),
        "n_test": len(items),
        "groups": len(set(groups)),
        "test_split": {"items": inputs.items_in_split, "groups": inputs.groups_in_split},
        "enough_groups": len(set(groups)) >= figures.minimum_groups,
        "minimum_groups": figures.minimum_groups,
        "primary_metric": figures.primary_metric,
        "model_versions": _versions(inputs),
        "candidate_is_champion": inputs.same_as_champion,
        "metrics": {
            metric.name: {
                "direction": metric.direction,
                "unit": metric.unit,
                "description": metric.sentence,
                "whole": any(isinstance(found[metric.name], WholeValues) for found in values.values()),
            }
            for metric in metrics
        },
        "models": {role: _model_values(by_metric, items, outputs[role], figures) for role, by_metric in values.items()},
        "tasks": task_section(inputs, outputs, measured),
        "comparisons": [asdict(c) for c in compare_all(values, metrics, groups, figures)],
        "slices": [asdict(part) for part in slice_all(values, metrics, items, figures)],
        "timings": {role: timing_values(answered.timing) for role, answered in outputs.items() if answered.timing},
        "samples": samples(items, outputs, measured, figures),
        "statistics": {
            "resamples": figures.resamples,
            "whole_resamples": figures.whole_resamples,
            "confidence": figures.confidence,
            "alpha": figures.alpha,
            "power": figures.power,
            "interval": "BCa bootstrap over groups",
            "p_value": "paired sign-flip test over groups",
            "correction": "Holm",
        },
        "generation": {
            "max_new_tokens": max(answered.max_new_tokens for answered in outputs.values()),
            "decoding": "greedy",
            "batch": figures.generation_batch,
            "max_length": figures.max_length,
        },
        "seconds": round(seconds, 1),
        **(more or {}),
    }
    report["incomplete"] = incomplete(report)
    if report["incomplete"]:
        report["data_version"] += "-incomplete"
    outcomes = gates(report, figures)
    report["gates"] = [asdict(gate) for gate in outcomes]
    report["may_be_released"] = may_be_released(outcomes)
    return report


def compared_champion(report: Mapping[str, Any]) -> str:
    """Version of the adapter that served when the report was made, as the candidate was compared with it; "" where none did."""
    return str(report.get("model_versions", {}).get("champion", ""))


def _versions(inputs: EvaluationInputs) -> dict[str, str]:
    """Role -> version; the champion's also where it is the candidate itself."""
    served = {"champion": inputs.champion_version} if inputs.champion_version else {}
    return {spec.role: spec.version for spec in inputs.models} | served


def _served(inputs: EvaluationInputs) -> dict[str, Any]:
    """For a thin segment: whose adapter serves it, why, and how many of the test items are its own."""
    if inputs.served is None:
        return {}
    own = [item for item in inputs.items if item.segment == inputs.served.segment]
    return {"served_by": {"segment": inputs.segment, "reason": inputs.served.reason, "own_items": len(own)}}


def timing_values(timing: Timing) -> dict[str, Any]:
    """p50 and p95 of the response times in milliseconds, throughput, memory."""
    first, total = timing.first_token_seconds, timing.total_seconds
    after = [(t - f) / max(1, timing.probe_tokens - 1) for f, t in zip(first, total, strict=True)]
    return {
        "probes": len(first),
        "probe_tokens": timing.probe_tokens,
        "time_to_first_token_ms": _percentiles(first),
        "total_ms": _percentiles(total),
        "per_token_ms": _percentiles(after),
        "generation_seconds": round(timing.generation_seconds, 2),
        "generation_tokens_per_second": _number(timing.generation_tokens_per_second),
        "peak_memory_bytes": timing.peak_memory_bytes,
        "device": timing.device,
        "dtype": timing.dtype,
        "reused": timing.reused,
    }


def samples(
    items: Sequence[Item], outputs: Mapping[str, ModelOutputs], measured: Measured, figures: EvaluationFigures
) -> list[dict[str, Any]]:
    """The items where the candidate gained and lost most against the base on the sample metric, gains first."""
    metric = _sample_metric(measured, figures)
    if metric is None or not {"base", "candidate"} <= set(measured.values):
        return []
    name = metric.name
    base, candidate = (_by_item(measured.values[role][name]) for role in ("base", "candidate"))
    sign = -1 if metric.direction == "lower" else 1
    changes = sorted(
        (sign * (y - x), item.item_id, row)
        for row, (item, x, y) in enumerate(zip(items, base, candidate, strict=True))
        if x is not None and y is not None
    )
    losses = min(figures.samples // 2, len(changes))
    gains = min(figures.samples - losses, len(changes) - losses)
    chosen = [*changes[::-1][:gains], *changes[:losses]]
    return [
        {
            "item_id": items[row].item_id,
            "metric": name,
            "change": round(sign * gain, 4),
            "question": items[row].question,
            "reference": items[row].reference,
            "answers": {role: answered.texts[row] for role, answered in outputs.items()},
        }
        for gain, _, row in chosen
    ]


def _sample_metric(measured: Measured, figures: EvaluationFigures) -> About | None:
    """The figures' choice where it is measured here, else the first one that judges answers item by item, the tasks' own first."""
    by_item = [m for m in measured.metrics if m.direction != "neutral" and m.name != figures.primary_metric]
    by_item = [m for m in by_item if all(isinstance(found[m.name], MetricValues) for found in measured.values.values())]
    chosen = [m for m in measured.metrics if m.name == figures.sample_metric]
    return next(iter([*chosen, *(m for m in by_item if m.name != VALID_ANSWER), *by_item]), None)


def _by_item(found: Found) -> Sequence[float | None]:
    return found.values if isinstance(found, MetricValues) else [None] * len(found.judged)


def _model_values(
    by_metric: Mapping[str, Found], items: Sequence[Item], outputs: ModelOutputs, figures: EvaluationFigures
) -> dict[str, Any]:
    groups = [item.group_id for item in items]
    found = {name: _metric_value(measured, groups, figures) for name, measured in by_metric.items()}
    if "loss" in found and found["loss"]["value"] is not None:
        loss = found["loss"]
        found["perplexity"] = {"n": loss["n"], "groups": loss["groups"]} | {
            key: None if loss[key] is None else math.exp(min(loss[key], 700.0))
            for key in ("value", "ci_low", "ci_high")
        }
    asked = [row for row, item in enumerate(items) if not item.is_plain and outputs.is_answered(row)]
    for name in ("answer_tokens", "prompt_tokens", "truncated"):
        found[name] = _share(getattr(outputs, name), asked)
    found["cut_to_fit"] = _share(outputs.cut, range(len(items)))
    return found


def _share(values: Sequence[float | None], rows: Sequence[int]) -> dict[str, float | int | None]:
    known = [value for row in rows if (value := values[row]) is not None]
    return {"value": sum(known) / len(known) if known else None, "n": len(known)}


def _metric_value(found: Found, groups: Sequence[str], figures: EvaluationFigures) -> dict[str, Any]:
    rows = [row for row in range(len(groups)) if found.known(row)]
    if not rows:
        return {"value": None, "n": 0, "groups": 0, "ci_low": None, "ci_high": None}
    interval = interval_of(found, rows, [groups[row] for row in rows], figures)
    return {
        "value": _number(interval.estimate),
        "n": interval.n,
        "groups": interval.groups,
        "ci_low": _number(interval.low),
        "ci_high": _number(interval.high),
    }


def _percentiles(seconds: Sequence[float]) -> dict[str, float | None]:
    if not seconds:
        return {"p50": None, "p95": None}
    p50, p95 = np.percentile(np.asarray(seconds) * 1000, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
