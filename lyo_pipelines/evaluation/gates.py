"""Gates: what a candidate must have shown before it may be released, as data (figures) judged by small pure functions.

A gate that cannot judge says so (`passed` is None) and lets nothing through: no evidence is no promotion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lyo_pipelines.config import figures as figures_module
from lyo_pipelines.config.evaluation import EvaluationFigures, GateFigures


@dataclass(frozen=True)
class Gate:
    """The outcome of one gate. passed: True, False, or None where it cannot be judged; `message` says why in a sentence."""

    name: str
    passed: bool | None
    blocking: bool
    message: str


def gates(report: Mapping[str, Any], figures: EvaluationFigures) -> list[Gate]:
    """Judge every gate of the figures on a report (its contract shape), in order."""
    return [_judge(gate, report, figures) for gate in figures.gates]


def describe(figures: EvaluationFigures) -> dict[str, str]:
    """Gate name -> what it demands, in one sentence."""
    return {gate.name: _demand(gate) for gate in figures.gates}


def may_be_released(outcomes: Sequence[Gate]) -> bool:
    """Whether every blocking gate passed; one that could not be judged holds the release."""
    return all(gate.passed is True for gate in outcomes if gate.blocking)


def _demand(gate: GateFigures) -> str:
    effect = "It blocks a release." if gate.blocking else "It only warns."
    if gate.against is None:
        return f"The candidate's {gate.metric} is {_limits(gate)}. {effect}"
    demands = {
        "better": f"The candidate's {gate.metric} is shown to be better than the {gate.against}'s; a tie does not pass.",
        "not_worse": f"The candidate's {gate.metric} is not shown to be worse than the {gate.against}'s.",
        "no_slice_worse": f"In no slice is the candidate's {gate.metric} shown to be worse than the {gate.against}'s.",
    }
    return f"{demands[gate.require or 'better']} {effect}"


def _judge(gate: GateFigures, report: Mapping[str, Any], figures: EvaluationFigures) -> Gate:
    if gate.against == "champion" and "champion" not in report["models"]:
        return Gate(gate.name, True, gate.blocking, "no adapter serves this segment yet: nothing to beat")
    if report["groups"] < figures.minimum_groups:
        return Gate(
            gate.name, None, gate.blocking,
            f"not enough groups: the test set has {report['groups']}, at least {figures.minimum_groups} are needed",
        )  # fmt: skip
    if gate.against is None:
        return _bounds(gate, report)
    if gate.require == "no_slice_worse":
        return _no_slice_worse(gate, report)
    return _verdict(gate, report)


def _verdict(gate: GateFigures, report: Mapping[str, Any]) -> Gate:
    found = [c for c in report["comparisons"] if c["metric"] == gate.metric and c["b"] == gate.against]
    if not found or found[0]["verdict"] is None or found[0].get("note"):
        why = found[0]["note"] if found else "not measured"
        must = (
            gate.require == "better"
        )  # what must be shown blocks while it is not; a guard cannot guard what is not there
        return Gate(gate.name, None, gate.blocking and must, f"{gate.metric} against {gate.against}: {why}")
    word = found[0]["verdict"]
    passed = word == "better" if gate.require == "better" else word != "worse"
    return Gate(
        gate.name, passed, gate.blocking, f"{_said(found[0])}; required: {(gate.require or '').replace('_', ' ')}"
    )


def _no_slice_worse(gate: GateFigures, report: Mapping[str, Any]) -> Gate:
    judged = [
        (part, c)
        for part in report["slices"]
        for c in part["comparisons"]
        if c["metric"] == gate.metric and c["b"] == gate.against and not c.get("note")
    ]
    if not judged:
        return Gate(gate.name, None, False, "no slice is large enough to be judged")
    worse = [f"{part['dimension']} {part['value']}" for part, c in judged if c["verdict"] == "worse"]
    message = (
        f"{gate.metric} is worse in {', '.join(worse)}"
        if worse
        else f"{gate.metric} is worse in none of {len(judged)} judged slices"
    )
    return Gate(gate.name, not worse, gate.blocking, message)


def _bounds(gate: GateFigures, report: Mapping[str, Any]) -> Gate:
    value = report["models"]["candidate"].get(gate.metric, {}).get("value")
    if value is None:
        return Gate(gate.name, None, False, f"{gate.metric}: not measured")
    low = gate.minimum if gate.minimum is not None else float("-inf")
    high = gate.maximum if gate.maximum is not None else float("inf")
    return Gate(
        gate.name, low <= value <= high, gate.blocking, f"{gate.metric} is {value:.3g}; required: {_limits(gate)}"
    )


def _limits(gate: GateFigures) -> str:
    bounds = (("at least", gate.minimum), ("at most", gate.maximum))
    return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


def _said(c: Mapping[str, Any]) -> str:
    words = {"better": "better", "worse": "worse", "cannot_tell": "cannot tell"}
    interval = "" if c["ci_low"] is None else f" [{c['ci_low']:+.3g}, {c['ci_high']:+.3g}]"
    return f"{c['metric']} against {c['b']}: {words[c['verdict']]} ({c['difference']:+.3g}{interval}, n {c['n']})"


def _packaged() -> EvaluationFigures:
    text = (Path(figures_module.DEFAULTS) / "evaluation.yaml").read_text(encoding="utf-8")
    return EvaluationFigures.model_validate(yaml.safe_load(text))


GATES: dict[str, str] = describe(_packaged())
"""The packaged gates with their demands; what asset checks are declared from."""
