"""Gates: what a candidate must have shown before it may be released, as data (configuration) evaluated by small pure functions.

A gate that cannot judge says so (`passed` is None) and lets nothing through: no evidence is no promotion. A gate on a metric that
belongs to other tasks does not apply: there is nothing that evidence could be missing for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from lyo_pipelines.config.evaluation import PARTS, PRIVACY, EvaluationConfig, GateConfig
from lyo_pipelines.contracts.privacy import PrivacyAudit
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_sections import Collateral, CollateralRow, JudgeGate, JudgeSection
from lyo_pipelines.contracts.report_values import Comparison, Gate, Slice
from lyo_pipelines.validity import EXPIRED, NOT_YET

TASK_METRICS = "task_metrics"
"""As a gate's metric: every metric of the task's own file."""
ReleaseAnswer = Literal["yes", "no", "cannot judge"]
"""What the gates together say of a release."""
NONE = "no_gates"
"""The one outcome where the configuration asks for no gate."""
RIVALS = ("champion", "start")
"""Roles that a gate against the champion is judged against: each that is there must be passed, for a tuned adapter its start too."""
NO_NUMBER = "loss_no_number"
"""Share of the items whose likelihood a model could not tell (NaN or infinite), beside its metrics."""
VALID_ANSWER = "valid_answer"
"""The metric that every task with a schema or a check has; it has gates of its own."""


def evaluate_gates(report: Report, config: EvaluationConfig) -> list[Gate]:
    """Evaluate every configured gate on a report, in order; where the configuration says that nothing gates, one outcome says so."""
    if not config.gates:  # an empty list in a file is refused: only the words mean this
        message = "nothing gates a release here: the configuration says `gates: none`"
        return [Gate(name=NONE, passed=True, blocking=False, message=message)]
    return [
        _judge_section(gate, report) if gate.metric in (*PARTS, PRIVACY) else _evaluate_gate(gate, report, config)
        for gate in config.gates
    ]


def describe(config: EvaluationConfig) -> dict[str, str]:
    """Gate name -> what it demands, in one sentence."""
    return {gate.name: _demand(gate) for gate in config.gates}


def may_be_released(outcomes: Sequence[Gate]) -> bool:
    """Whether some gate was judged and every blocking gate passed; one that could not be judged holds the release."""
    return not held_because(outcomes)


def held_because(outcomes: Sequence[Gate]) -> str:
    """Why these outcomes hold a release; "" where they let it through. Nothing that was judged is no evidence, so it holds."""
    failed = [gate for gate in outcomes if gate.blocking and gate.passed is not True]
    if failed:
        return "; ".join(f"{gate.name}: {gate.message}" for gate in failed)
    if not outcomes:
        return "no gate was asked"
    if not any(gate.applies and gate.passed is not None for gate in outcomes):
        told = "; ".join(f"{gate.name}: {gate.message}" for gate in outcomes)
        return f"none of the gates could judge anything ({told})"
    return ""


def release_answer(outcomes: Sequence[Gate]) -> ReleaseAnswer:
    """Whether the adapter may be released; "cannot judge" where nothing failed but evidence that is demanded is missing."""
    if may_be_released(outcomes):
        return "yes"
    return "no" if any(gate.blocking and gate.passed is False for gate in outcomes) else "cannot judge"


def release_sentence(outcomes: Sequence[Gate]) -> str:
    """Whether the adapter may be released and why, in a sentence or two; the same reason of several gates is said once."""
    if [gate.name for gate in outcomes] == [NONE]:
        return f"Yes: {outcomes[0].message}."
    answer = release_answer(outcomes)
    if answer == "yes":
        warned = [gate for gate in outcomes if gate.state == "failed"]
        unknown = [gate for gate in outcomes if gate.state == "cannot judge"]
        parts = [f"Yes: {_counted(sum(gate.state == 'passed' for gate in outcomes), 'gate')} passed"]
        parts += [f"{_counted(len(warned), 'warning')} ({_named(warned)})"] if warned else []
        parts += [f"{len(unknown)} could not be judged and {_holds(unknown)}"] if unknown else []
        return f"{', '.join(parts)}."
    if answer == "no":
        failed = [gate for gate in outcomes if gate.blocking and gate.passed is False]
        return f"No: {_counted(len(failed), 'gate')} failed. {_reasons(failed)}"
    missing = [gate for gate in outcomes if gate.blocking and gate.passed is None]
    if not missing:
        return f"Cannot judge: {held_because(outcomes)}."
    return f"Cannot judge, so it is held: {_reasons(missing)}"


def words(name: str) -> str:
    """The name of a gate or a check as people read it."""
    return name.replace("_", " ")


def _named(gates: Sequence[Gate]) -> str:
    return ", ".join(words(gate.name) for gate in gates)


def _holds(gates: Sequence[Gate]) -> str:
    return "hold nothing" if len(gates) > 1 else "holds nothing"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _reasons(gates: Sequence[Gate], limit: int = 3) -> str:
    """Why gates ended as they did, gates of the same reason together."""
    by_reason: dict[str, list[Gate]] = {}
    for gate in gates:
        by_reason.setdefault(gate.message, []).append(gate)
    told = [
        f"{words(mine[0].name)}{f' (and {len(mine) - 1} more)' if len(mine) > 1 else ''}: {reason}"
        for reason, mine in list(by_reason.items())[:limit]
    ]
    rest = len(by_reason) - limit
    return "; ".join(told) + (f"; and {_counted(rest, 'more reason')}." if rest > 0 else ".")


def _demand(gate: GateConfig) -> str:
    effect = "It blocks a release." if gate.blocking else "It only warns."
    if gate.metric in (*PARTS, PRIVACY):
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


def _evaluate_gate(gate: GateConfig, report: Report, config: EvaluationConfig) -> Gate:
    tasks = report.tasks
    if report.without_likelihood and gate.metric == config.primary_metric:
        if report.primary_metric == gate.metric:
            return _outcome(
                gate, None, "a provider tells no likelihood, and no other metric of this task takes its place"
            )
        gate = gate.model_copy(update={"metric": report.primary_metric})
    own = [name for name in tasks.own_metrics if name != VALID_ANSWER and _can_be_evaluated(gate, report, name)]
    if gate.metric == TASK_METRICS and not own:
        return _outcome(gate, True, "does not apply: the task has no metrics of its own", applies=False)
    if gate.metric in tasks.elsewhere:
        return _outcome(gate, True, f"does not apply: {gate.metric} is not a metric of this task", applies=False)
    rivals = [role for role in RIVALS if role in report.models]
    if gate.against == "champion" and not rivals:
        itself = report.candidate_is_champion
        why = "it is the adapter that serves now" if itself else "no adapter serves this segment yet"
        return _outcome(gate, True, f"{why}: nothing to beat", vacuous=True)
    if report.groups < config.minimum_groups:
        message = f"not enough groups: the test set has {report.groups}, at least {config.minimum_groups} are needed"
        return _outcome(gate, None, message)
    names = own if gate.metric == TASK_METRICS else [gate.metric]
    against = rivals if gate.against == "champion" else [gate.against]
    outcomes = {
        " against ".join((name, *([role] if role and len(against) > 1 else []))): _evaluate_one(
            gate.model_copy(update={"metric": name, "against": role}), report
        )
        for name in names
        for role in against
    }
    return (
        _together(gate, outcomes) if gate.metric == TASK_METRICS or len(outcomes) > 1 else next(iter(outcomes.values()))
    )


def _judge_section(gate: GateConfig, report: Report) -> Gate:
    if gate.metric == "collateral":
        outcome = None if report.collateral is None else collateral_gate(report.collateral)
    elif gate.metric == PRIVACY:
        outcome = None if report.privacy is None else privacy_gate(report.privacy, gate.maximum or 0.0)
    else:
        outcome = None if report.judge is None else judge_gate(report.judge)
    if outcome is None:
        return _outcome(gate, True, f"does not apply: {OFF[gate.metric]}", applies=False)
    passed, why = outcome
    return _outcome(gate, passed, why, blocking=passed is not None)  # a guard that cannot judge stops nothing


def _outcome(
    gate: GateConfig,
    passed: bool | None,
    message: str,
    *,
    blocking: bool = True,
    applies: bool = True,
    vacuous: bool = False,
) -> Gate:
    """The outcome of a configured gate. blocking: False where this outcome stops nothing, whatever the gate does otherwise."""
    blocks = gate.blocking and blocking
    return Gate(name=gate.name, passed=passed, blocking=blocks, message=message, applies=applies, vacuous=vacuous)


def _can_be_evaluated(gate: GateConfig, report: Report, name: str) -> bool:
    return gate.against is None or report.metrics[name].direction != "neutral"


def _evaluate_one(gate: GateConfig, report: Report) -> Gate:
    if gate.against is None:
        return _bounds(gate, report)
    if gate.require == "no_slice_worse":
        return _no_slice_worse(gate, report)
    return _verdict(gate, report)


def _together(gate: GateConfig, outcomes: Mapping[str, Gate]) -> Gate:
    """One outcome of several metrics: failed where one failed; a guard that cannot judge one of them still judges the others."""
    failed = [outcome.message for outcome in outcomes.values() if outcome.passed is False]
    unknown = [outcome.message for outcome in outcomes.values() if outcome.passed is None and outcome.blocking]
    passed = [name for name, outcome in outcomes.items() if outcome.passed]
    if failed or unknown:
        return _outcome(gate, False if failed else None, "; ".join(failed or unknown))
    if not passed:
        return _outcome(gate, None, f"none of {', '.join(outcomes)} could be judged", blocking=False)
    return _outcome(gate, True, f"passed by {', '.join(passed)}")


def _verdict(gate: GateConfig, report: Report) -> Gate:
    if gate.metric == "loss" and (lost := report.metric("candidate", NO_NUMBER)):
        # what the candidate can still say of the other items does not count: a model that breaks on some is broken
        return _outcome(gate, False, f"the candidate's loss is no number on {lost:.1%} of the items")
    found = report.comparison(gate.metric, str(gate.against))
    if found is None or found.note:
        why = found.note if found else "not measured"
        # what must be shown blocks while it is not; a guard cannot guard what is not there
        must = gate.require == "better"
        return _outcome(gate, None, f"{gate.metric} against {gate.against}: {why}", blocking=must)
    passed = found.verdict == "better" if gate.require == "better" else found.verdict != "worse"
    return _outcome(gate, passed, f"{_said(found)}; required: {(gate.require or '').replace('_', ' ')}")


def _no_slice_worse(gate: GateConfig, report: Report) -> Gate:
    judged = [
        (part, c)
        for part in report.slices
        for c in part.comparisons
        if c.metric == gate.metric and c.b == gate.against and not c.note and not _is_expired(part)
    ]
    if not judged:
        return _outcome(gate, None, "no slice is large enough to be judged", blocking=False)
    worse = [f"{part.dimension} {part.value}" for part, c in judged if c.verdict == "worse"]
    message = (
        f"{gate.metric} is worse in {', '.join(worse)}"
        if worse
        else f"{gate.metric} is worse in none of {len(judged)} judged slices"
    )
    return _outcome(gate, not worse, message)


def _is_expired(part: Slice) -> bool:
    """A slice of what holds no more (or not yet): an adapter may, and should, answer otherwise there."""
    return part.dimension == "validity" and part.value in (EXPIRED, NOT_YET)


def _bounds(gate: GateConfig, report: Report) -> Gate:
    value = report.metric("candidate", gate.metric)
    if value is None:
        return _outcome(gate, None, f"{gate.metric}: not measured", blocking=False)
    low = gate.minimum if gate.minimum is not None else float("-inf")
    high = gate.maximum if gate.maximum is not None else float("inf")
    return _outcome(gate, low <= value <= high, f"{gate.metric} is {value:.3g}; required: {_limits(gate)}")


def _limits(gate: GateConfig) -> str:
    bounds = (("at least", gate.minimum), ("at most", gate.maximum))
    return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


def _said(c: Comparison) -> str:
    low, high = c.interval
    interval = "" if low is None else f" [{_signed(low)}, {_signed(high)}]"
    return f"{c.metric} against {c.b}: {c.verdict.replace('_', ' ')} ({_signed(c.difference)}{interval}, n {c.n})"


def _interval(of: CollateralRow | JudgeGate) -> str:
    return f"[{_signed(of.ci_low)}, {_signed(of.ci_high)}]"


def _signed(value: float | None) -> str:
    return "not known" if value is None else f"{value:+.3g}"


Outcome = tuple[bool | None, str]
"""(passed or None where it cannot be judged, why)."""


def collateral_gate(section: Collateral) -> Outcome:
    """Whether nothing else is shown to have become worse."""
    if damaged := [row for row in section.rows if row.damaged]:
        told = [f"{row.set} {row.metric} {_signed(row.change)} {_interval(row)}" for row in damaged]
        return False, f"shown to be worse than the {section.before}: {'; '.join(told)}"
    if not section.judged:
        return None, f"nothing could be judged: {'; '.join(sorted({row.note for row in section.rows})) or 'no items'}"
    judged = [f"{row.set} {row.metric} {_signed(row.change)}" for row in section.rows if row.damaged is not None]
    return True, f"no damage shown against the {section.before}: {', '.join(judged)}"


def judge_gate(section: JudgeSection) -> Outcome:
    """Whether the judge does not find the candidate worse, in languages in which it may say so."""
    gate = section.gate
    if gate.note:
        return None, f"reported only: {gate.note}"
    told = (
        f"{gate.wins} wins, {gate.ties} ties, {gate.losses} losses against the {section.against} in "
        f"{', '.join(gate.languages)} (score {_signed(gate.score)} {_interval(gate)})"
    )
    return gate.verdict != "worse", told


def privacy_gate(audit: PrivacyAudit, maximum: float) -> Outcome:
    """Whether the share of canaries of few rows that an audit finds is shown to be within the maximum, or beyond it."""
    usual = audit.usual
    if not audit.sound:
        return None, "the privacy audit is not sound: it finds canaries that nobody planted"
    if usual is None or usual.share is None:
        return None, f"the privacy audit planted no canary in at most {audit.usual_rows} rows"
    told = (
        f"{usual.found} of {usual.canaries} canaries in at most {audit.usual_rows} rows are found, {usual.share:.0%} "
        f"[{usual.ci_low:.0%}, {usual.ci_high:.0%}]; tolerated: {maximum:.0%}"
    )
    if usual.ci_low > maximum:
        return False, told
    return (True, told) if usual.ci_high <= maximum else (None, f"too few canaries to tell: {told}")


OFF = {
    PRIVACY: "there is no privacy audit of this dataset and recipe (`lyo privacy SEGMENT` makes one)",
    "collateral": "nothing besides the test items was looked at (evaluation: collateral)",
    "judge": "no judge is set up (evaluation: judge)",
}
DEMANDS = {
    PRIVACY: "Of made-up secrets that few training rows hold, an audit does not find more than is tolerated.",
    "collateral": (
        "Results for other segments and for general questions are not shown to be worse than with the adapter that serves now, "
        "beyond the tolerated margin."
    ),
    "judge": (
        "A language model judge, whose agreement with people has been measured, does not find the candidate's answers worse than "
        "those of the adapter that serves now."
    ),
}
