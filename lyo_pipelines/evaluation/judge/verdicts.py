"""From replies to a verdict: two orders make one judgement, judgements a comparison, and pairs that people rated say its worth.

A judgement is 1 (ours), 0 (a tie, or the orders disagree) or -1 (the other). One with an unreadable reply is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.config.evaluation import EvaluationConfig, JudgeConfig
from lyo_pipelines.contracts.report_sections import (
    Agreement,
    JudgeGate,
    JudgeHabits,
    JudgeOutcome,
    JudgeSection,
    RemoteUsage,
)
from lyo_pipelines.evaluation.judge.prompts import JudgeReply
from lyo_pipelines.statistics.bootstrap import bootstrap_mean_by_group, paired_bootstrap_by_group
from lyo_pipelines.statistics.verdict import comparison_verdict

_WORTH = {"first": 1, "second": -1, "tie": 0}


@dataclass(frozen=True)
class Judgement:
    """One pair. forth: what was said with ours first; back: with ours second; None where the reply could not be read."""

    language: str
    group_id: str
    forth: JudgeReply | None
    back: JudgeReply | None

    @property
    def score(self) -> int | None:
        """1, 0 or -1 for ours; None where a reply is missing."""
        if self.forth is None or self.back is None:
            return None
        there, back = _WORTH[self.forth], -_WORTH[self.back]
        return there if there == back else 0

    @property
    def flipped(self) -> bool:
        """Whether the two orders say different things."""
        return self.score is not None and _WORTH[self.forth or "tie"] != -_WORTH[self.back or "tie"]


def outcome(judgements: Sequence[Judgement], config: EvaluationConfig) -> JudgeOutcome:
    """Wins, ties and losses with the mean score, its interval and a verdict."""
    known = [(one, one.score) for one in judgements if one.score is not None]
    counts = Counter(score for _, score in known)
    groups = [one.group_id for one, _ in known]
    counted = JudgeOutcome(n=len(known), groups=len(set(groups)), wins=counts[1], ties=counts[0], losses=counts[-1])
    if counted.groups < 2:
        return counted.model_copy(update={"note": "nothing was judged" if not known else "not enough groups: 1"})
    scores = [float(score) for _, score in known]
    found = paired_bootstrap_by_group(
        scores,
        [0.0] * len(scores),
        groups,
        resamples=config.resamples,
        seed=config.seed,
        confidence=config.confidence,
    )
    word, note = (
        comparison_verdict(
            found.estimate, found.low, found.high, found.p_value, direction="higher", alpha=config.alpha
        ),
        "",
    )
    if counted.groups < config.minimum_groups:
        word, note = "cannot_tell", f"not enough groups: {counted.groups} of at least {config.minimum_groups}"
    return JudgeOutcome(
        n=counted.n,
        groups=counted.groups,
        wins=counted.wins,
        ties=counted.ties,
        losses=counted.losses,
        score=found.estimate,
        ci_low=found.low,
        ci_high=found.high,
        p_value=found.p_value,
        verdict=word,
        note=note,
    )


def habits(judgements: Sequence[Judgement]) -> JudgeHabits:
    """How the judge behaves: disagreement between orders, unreadable replies, and how often it prefers what comes first."""
    known = [one for one in judgements if one.score is not None]
    replies = [said for one in judgements for said in (one.forth, one.back)]
    chosen = Counter(said for said in replies if said in {"first", "second"})
    return JudgeHabits(
        flip_rate=sum(one.flipped for one in known) / len(known) if known else None,
        parse_failures=sum(said is None for said in replies),
        replies=len(replies),
        first_preferred=chosen["first"] / chosen.total() if chosen.total() else None,
    )


def agreement(judgements: Sequence[Judgement], config: EvaluationConfig, judge: JudgeConfig) -> dict[str, Agreement]:
    """By language: how far the judge agrees with people, whose better answer is `ours` here.

    agreement: mean of 1 (the same), 1/2 (a tie, or the orders disagree) and 0 (the other one). kappa: 2 x agreement - 1, corrected
    for chance as Cohen's kappa (1960) is, where chance agrees half of the time.
    """
    found = {}
    for language in sorted({one.language for one in judgements}):
        known = [one for one in judgements if one.language == language and one.score is not None]
        found[language] = _agreed(known, config, judge)
    return found


def _agreed(known: Sequence[Judgement], config: EvaluationConfig, judge: JudgeConfig) -> Agreement:
    groups = [one.group_id for one in known]
    if len(set(groups)) < 2:
        return Agreement(pairs=len(known), trusted=False, why=f"{len(known)} pairs that people rated")
    shares = [((one.score or 0) + 1) / 2 for one in known]
    interval = bootstrap_mean_by_group(
        shares, groups, resamples=config.resamples, seed=config.seed, confidence=config.confidence
    )
    why = ""
    if len(known) < judge.minimum_pairs:
        why = f"{len(known)} pairs that people rated, at least {judge.minimum_pairs} are needed"
    elif not interval.low >= judge.agreement_floor:  # nan is not shown either
        why = f"agreement is not shown to reach {judge.agreement_floor:g}"
    return Agreement(
        pairs=len(known),
        agreement=interval.estimate,
        ci_low=interval.low,
        ci_high=interval.high,
        kappa=2 * interval.estimate - 1,
        trusted=not why,
        why=why,
    )


def judge_section(
    judgements: Sequence[Judgement],
    rated: Sequence[Judgement],
    config: EvaluationConfig,
    judge: JudgeConfig,
    *,
    against: str,
    usage: RemoteUsage,
    why: str,
) -> JudgeSection:
    """The report's `judge`: everything that was judged, and under `gate` only languages in which people are shown to agree."""
    agreed = agreement(rated, config, judge)
    trusted = [language for language, told in agreed.items() if told.trusted]
    gate = outcome([one for one in judgements if one.language in trusted], config)
    note = "not every pair was judged" if why else gate.note
    if not trusted:
        untold = {one.language for one in judgements} - set(agreed)
        reasons = [f"{language}: {told.why}" for language, told in agreed.items()]
        reasons += [f"{language}: no pairs that people rated" for language in sorted(untold)]
        note = f"people are not shown to agree with the judge ({'; '.join(reasons) or 'nothing was judged'})"
    return JudgeSection(
        against=against,
        why=why,
        agreement=agreed,
        gate=JudgeGate(**{**dict(gate), "languages": tuple(trusted), "note": note}),
        **dict(usage),
        **dict(outcome(judgements, config)),
        **dict(habits([*judgements, *rated])),
    )
