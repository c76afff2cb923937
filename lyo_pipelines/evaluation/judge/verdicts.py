"""From replies to a verdict: two orders make one judgement, judgements a comparison, and pairs that people rated say its worth.

A judgement is 1 (ours), 0 (a tie, or the orders disagree) or -1 (the other). One with an unreadable reply is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.config.evaluation import EvaluationFigures, JudgeFigures
from lyo_pipelines.evaluation.judge.asking import Said
from lyo_pipelines.statistics.bootstrap import bootstrap_mean_by_group, paired_bootstrap_by_group
from lyo_pipelines.statistics.verdict import verdict

_WORTH = {"first": 1, "second": -1, "tie": 0}


@dataclass(frozen=True)
class Judgement:
    """One pair. forth: what was said with ours first; back: with ours second; None where the reply could not be read."""

    language: str
    group_id: str
    forth: Said | None
    back: Said | None

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


def outcome(judgements: Sequence[Judgement], figures: EvaluationFigures) -> dict[str, Any]:
    """Wins, ties and losses with the mean score, its interval and a verdict."""
    known = [(one, one.score) for one in judgements if one.score is not None]
    counts = Counter(score for _, score in known)
    groups = [one.group_id for one, _ in known]
    told: dict[str, Any] = {
        "n": len(known), "groups": len(set(groups)), "wins": counts[1], "ties": counts[0], "losses": counts[-1],
        "score": None, "ci_low": None, "ci_high": None, "p_value": None, "verdict": "cannot_tell", "note": "",
    }  # fmt: skip
    if len(set(groups)) < 2:
        return told | {"note": "nothing was judged" if not known else "not enough groups: 1"}
    scores = [float(score) for _, score in known]
    found = paired_bootstrap_by_group(
        scores,
        [0.0] * len(scores),
        groups,
        resamples=figures.resamples,
        seed=figures.seed,
        confidence=figures.confidence,
    )
    told |= {"score": found.estimate, "ci_low": found.low, "ci_high": found.high, "p_value": found.p_value}
    if told["groups"] < figures.minimum_groups:
        return told | {"note": f"not enough groups: {told['groups']} of at least {figures.minimum_groups}"}
    word = verdict(found.estimate, found.low, found.high, found.p_value, direction="higher", alpha=figures.alpha)
    return told | {"verdict": word}


def habits(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """How the judge behaves: disagreement between orders, unreadable replies, and how often it prefers what comes first."""
    known = [one for one in judgements if one.score is not None]
    replies = [said for one in judgements for said in (one.forth, one.back)]
    chosen = Counter(said for said in replies if said in {"first", "second"})
    return {
        "flip_rate": sum(one.flipped for one in known) / len(known) if known else None,
        "parse_failures": sum(said is None for said in replies),
        "replies": len(replies),
        "first_preferred": chosen["first"] / chosen.total() if chosen.total() else None,
    }


def agreement(
    judgements: Sequence[Judgement], figures: EvaluationFigures, judge: JudgeFigures
) -> dict[str, dict[str, Any]]:
    """By language: how far the judge agrees with people, whose better answer is `ours` here.

    agreement: mean of 1 (the same), 1/2 (a tie, or the orders disagree) and 0 (the other one). kappa: 2 x agreement - 1, corrected
    for chance as Cohen's kappa (1960) is, where chance agrees half of the time.
    """
    found = {}
    for language in sorted({one.language for one in judgements}):
        known = [one for one in judgements if one.language == language and one.score is not None]
        found[language] = _agreed(known, figures, judge)
    return found


def _agreed(known: Sequence[Judgement], figures: EvaluationFigures, judge: JudgeFigures) -> dict[str, Any]:
    told: dict[str, Any] = {"pairs": len(known), "agreement": None, "ci_low": None, "ci_high": None, "kappa": None}
    groups = [one.group_id for one in known]
    if len(set(groups)) < 2:
        return told | {"trusted": False, "why": f"{len(known)} pairs that people rated"}
    shares = [((one.score or 0) + 1) / 2 for one in known]
    interval = bootstrap_mean_by_group(
        shares, groups, resamples=figures.resamples, seed=figures.seed, confidence=figures.confidence
    )
    told |= {
        "agreement": interval.estimate,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "kappa": 2 * interval.estimate - 1,
    }
    if len(known) < judge.minimum_pairs:
        return told | {
            "trusted": False,
            "why": f"{len(known)} pairs that people rated, at least {judge.minimum_pairs} are needed",
        }
    trusted = interval.low >= judge.agreement_floor
    why = "" if trusted else f"agreement is not shown to reach {judge.agreement_floor:g}"
    return told | {"trusted": trusted, "why": why}


def judge_section(
    judgements: Sequence[Judgement],
    rated: Sequence[Judgement],
    figures: EvaluationFigures,
    judge: JudgeFigures,
    *,
    against: str,
    spent: Mapping[str, Any],
    why: str,
) -> dict[str, Any]:
    """The report's `judge`: everything that was judged, and under `gate` only languages in which people are shown to agree."""
    agreed = agreement(rated, figures, judge)
    trusted = [language for language, told in agreed.items() if told["trusted"]]
    gate = outcome([one for one in judgements if one.language in trusted], figures)
    if why:
        gate["note"] = "not every pair was judged"
    if not trusted:
        untold = {one.language for one in judgements} - set(agreed)
        reasons = [f"{language}: {told['why']}" for language, told in agreed.items()]
        reasons += [f"{language}: no pairs that people rated" for language in sorted(untold)]
        gate["note"] = f"people are not shown to agree with the judge ({'; '.join(reasons) or 'nothing was judged'})"
    return {
        "against": against, "why": why, **spent, **outcome(judgements, figures), **habits([*judgements, *rated]),
        "agreement": agreed, "gate": {"languages": trusted, **gate},
    }  # fmt: skip
