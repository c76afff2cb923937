"""Gates: what a candidate must have shown before it may be released, as data (figures) judged by small pure functions.

A gate that cannot judge says so (`passed` is None) and lets nothing through: no evidence is no promotion. A gate on a metric that
belongs to other tasks does not apply: there is nothing that evidence could be missing for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lyo_pipelines.config import figures as figures_module
from lyo_pipelines.config.evaluation import PARTS, EvaluationFigures, GateFigures

TASK_METRICS = "task_metrics"
"""As a gate's metric: every metric of the task's own file."""
RIVALS = ("champion", "start")
"""Roles that a gate against the champion is judged against: each that is there must be passed, for a tuned adapter its start too."""
VALID_ANSWER = "valid_answer"
"""The metric that every task with a schema or a check has; it has gates of its own."""


@dataclass(frozen=True)
class Gate:
    """The outcome of one gate. passed: True, False, or None where it cannot be judged; `message` says why in a sentence.

    applies: False where the gate's metric belongs to other tasks; such a gate passes.
    """

    name: str
    passed: bool | None
    blocking: bool
    message: str
    applies: bool = True


def gates(report: Mapping[str, Any], figures: EvaluationFigures) -> list[Gate]:
    """Judge every gate of the figures on a report (its contract shape), in order."""
    return [
        _judge_part(gate, report) if gate.metric in PARTS else _judge(gate, report, figures) for gate in figures.gates
    ]


def describe(figures: EvaluationFigures) -> dict[str, str]:
    """Gate name -> what it demands, in one sentence."""
    return {gate.name: _demand(gate) for gate in figures.gates}


def may_be_released(outcomes: Sequence[Gate]) -> bool:
    """Whether every blocking gate passed; one that could not be judged holds the release."""
    return all(gate.passed is True for gate in outcomes if gate.blocking)


def _demand(gate: GateFigures) -> str:
    effect = "It blocks a release." if gate.blocking else "It only warns."
    if gate.metric in PARTS:
        return f"{DEMANDS[gate.metric]} {effect}"
    what = "each of the task's own metrics" if gate.metric == TASK_METRICS else f"the candidate's {gate.metric}"
    if gate.against is None:
        return f"{what[0].upper()}{what[1:]} is {_limits(gate)}. {effect}"
    demands = {
        "better": f"{what} is shown to be better than the {gate.against}'s; a tie does not pass.",
        "not_worse": f"{what} is not shown to be worse than the {gate.against}'s.",
        "no_slice_worse": f"in no slice is {what} shown to be worse than the {gate.against}'s.",
    }
    demand = demands[gate.require or "better"]
    return f"{demand[0].upper()}{demand[1:]} {effect}"


def _judge(gate: GateFigures, report: Mapping[str, Any], figures: EvaluationFigures) -> Gate:
    tasks = report.get("tasks", {})
    own = [name for name in tasks.get("own_metrics", ()) if name != VALID_ANSWER and _judgeable(gate, report, name)]
    if gate.metric == TASK_METRICS and not own:
        return Gate(gate.name, True, gate.blocking, "does not apply: the task has no metrics of its own", False)
    if gate.metric in tasks.get("elsewhere", ()):
        message = f"does not apply: {gate.metric} is not a metric of this task"
        return Gate(gate.name, True, gate.blocking, message, False)
    rivals = [role for role in RIVALS if role in report["models"]]
    if gate.against == "champion" and not rivals:
        itself = report.get("candidate_is_champion", False)
        why = "it is the adapter that serves now" if itself else "no adapter serves this segment yet"
        return Gate(gate.name, True, gate.blocking, f"{why}: nothing to beat")
    if report["groups"] < figures.minimum_groups:
        return Gate(
            gate.name, None, gate.blocking,
            f"not enough groups: the test set has {report['groups']}, at least {figures.minimum_groups} are needed",
        )  # fmt: skip
    names = own if gate.metric == TASK_METRICS else [gate.metric]
    against = rivals if gate.against == "champion" else [gate.against]
    outcomes = {
        " against ".join((name, *([role] if role and len(against) > 1 else []))): _judge_one(
            gate.model_copy(update={"metric": name, "against": role}), report
        )
        for name in names
        for role in against
    }
    return (
        _together(gate, outcomes) if gate.metric == TASK_METRICS or len(outcomes) > 1 else next(iter(outcomes.values()))
    )


def _judge_part(gate: GateFigures, report: Mapping[str, Any]) -> Gate:
    if (part := report.get(gate.metric)) is None:
        return Gate(gate.name, True, gate.blocking, f"does not apply: {OFF[gate.metric]}", False)
    passed, why = PART_GATES[gate.metric](part)
    return Gate(gate.name, passed, gate.blocking and passed is not None, why)  # a guard that cannot judge stops nothing


def _judgeable(gate: GateFigures, report: Mapping[str, Any], name: str) -> bool:
    return gate.against is None or report["metrics"][name]["direction"] != "neutral"


def _judge_one(gate: GateFigures, report: Mapping[str, Any]) -> Gate:
    if gate.against is None:
        return _bounds(gate, report)
    if gate.require == "no_slice_worse":
        return _no_slice_worse(gate, report)
    return _verdict(gate, report)


def _together(gate: GateFigures, outcomes: Mapping[str, Gate]) -> Gate:
    """One outcome of several metrics: failed where one failed; a guard that cannot judge one of them still judges the others."""
    failed = [outcome.message for outcome in outcomes.values() if outcome.passed is False]
    unknown = [outcome.message for outcome in outcomes.values() if outcome.passed is None and outcome.blocking]
    passed = [name for name, outcome in outcomes.items() if outcome.passed]
    if failed or unknown:
        return Gate(gate.name, False if failed else None, gate.blocking, "; ".join(failed or unknown))
    if not passed:
        return Gate(gate.name, None, False, f"none of {', '.join(outcomes)} could be judged")
    return Gate(gate.name, True, gate.blocking, f"passed by {', '.join(passed)}")


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


Outcome = tuple[bool | None, str]
"""(passed or None where it cannot be judged, why)."""


def collateral(part: Mapping[str, Any]) -> Outcome:
    """Whether nothing else is shown to have become worse."""
    rows = part["rows"]
    if damaged := [row for row in rows if row["damaged"]]:
        told = [
            f"{row['set']} {row['metric']} {row['change']:+.3g} [{row['ci_low']:+.3g}, {row['ci_high']:+.3g}]"
            for row in damaged
        ]
        return False, f"shown to be worse than the {part['before']}: {'; '.join(told)}"
    if not part["judged"]:
        return None, f"nothing could be judged: {'; '.join(sorted({row['note'] for row in rows})) or 'no items'}"
    judged = [f"{row['set']} {row['metric']} {row['change']:+.3g}" for row in rows if row["damaged"] is not None]
    return True, f"no damage shown against the {part['before']}: {', '.join(judged)}"


def judge(part: Mapping[str, Any]) -> Outcome:
    """Whether the judge does not find the candidate worse, in languages in which it may say so."""
    gate = part["gate"]
    if gate["note"]:
        return None, f"reported only: {gate['note']}"
    told = (
        f"{gate['wins']} wins, {gate['ties']} ties, {gate['losses']} losses against the {part['against']} in "
        f"{', '.join(gate['languages'])} (score {gate['score']:+.3g} [{gate['ci_low']:+.3g}, {gate['ci_high']:+.3g}])"
    )
    return gate["verdict"] != "worse", told


PART_GATES: dict[str, Callable[[Mapping[str, Any]], Outcome]] = {"collateral": collateral, "judge": judge}
OFF = {
    "collateral": "nothing besides the test items was looked at (evaluation: collateral)",
    "judge": "no judge is set up (evaluation: judge)",
}
DEMANDS = {
    "collateral": (
        "Results for other segments and for general questions are not shown to be worse than with the adapter that serves now, "
        "beyond the tolerated margin."
    ),
    "judge": (
        "A language model judge, whose agreement with people has been measured, does not find the candidate's answers worse than "
        "those of the adapter that serves now."
    ),
}
GATES: dict[str, str] = describe(_packaged())
"""The packaged gates with their demands; what asset checks are declared from."""
