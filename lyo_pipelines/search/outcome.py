"""What a search found: the best trial against the recipe's own figures, over the validation examples, with an interval.

The best of k trials looks better than it is. So its interval and p-value are those of one of k comparisons (Bonferroni): they hold for
whichever trial was picked. What validation cannot say, the report on the test split says, once the winner is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from lyo_pipelines.config.search import Figure, SearchConfig
from lyo_pipelines.contracts.document import Document, DocumentPart
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.search.budget import Spending
from lyo_pipelines.search.record import SEARCH_VERSION, TrialRecord, best_of
from lyo_pipelines.statistics.bootstrap import paired_bootstrap_by_group
from lyo_pipelines.statistics.verdict import Verdict, comparison_verdict

RESULT = "result.json"


class Comparison(DocumentPart):
    """Loss of the best trial minus that of trial 0, nats per answer token; n: validation examples; of: comparisons corrected for."""

    difference: float
    ci_low: float | None
    ci_high: float | None
    p_adjusted: float
    n: int
    groups: int
    of: int
    verdict: Verdict


class SearchResult(Document):
    """result.json of a search. best: number of the best trial, None where none is complete; comparison: None where that is trial 0."""

    KIND: ClassVar[str] = "result of a search"
    VERSION: ClassVar[int] = SEARCH_VERSION

    version: int = VERSION
    segment: str
    dataset_fingerprint: str
    recipe: str
    why_ended: str
    trials: dict[str, int]
    best: int | None = None
    figures: dict[str, Figure] = Field(default_factory=dict)
    own_loss: float | None = None
    best_loss: float | None = None
    comparison: Comparison | None = None
    importance: dict[str, float] = Field(default_factory=dict)
    tokens: int
    seconds: float
    money: float
    currency: str = ""
    says: str = ""

    @property
    def is_better(self) -> bool:
        """Whether the best trial was shown to be better than the recipe's own figures."""
        return self.comparison is not None and self.comparison.verdict == "better"


def compare_trials(measured: RawRow, records: Sequence[TrialRecord], config: SearchConfig) -> Comparison:
    """Compare the best trial with trial 0. measured: what example_losses.py wrote for (best, trial 0)."""
    tokens = np.asarray(measured["tokens"], np.float64)
    kept = tokens > 0
    best, own = (np.asarray(one, np.float64)[kept] / tokens[kept] for one in measured["losses"])
    groups = [group for group, there in zip(measured["group_id"], kept, strict=True) if there]
    tried = max(1, sum(one.state in {"complete", "pruned"} for one in records[1:]))
    confidence = 1 - (1 - config.confidence) / tried
    found = paired_bootstrap_by_group(
        best, own, groups, weights=tokens[kept], resamples=config.resamples, seed=config.seed, confidence=confidence
    )
    p_adjusted = min(1.0, found.p_value * tried)
    verdict = comparison_verdict(
        found.estimate, found.low, found.high, p_adjusted, direction="lower", alpha=1 - config.confidence
    )
    low, high = (None if np.isnan(end) else float(end) for end in (found.low, found.high))
    return Comparison(
        difference=found.estimate, ci_low=low, ci_high=high, p_adjusted=p_adjusted, n=found.n, groups=found.groups,
        of=tried, verdict=verdict,
    )  # fmt: skip


def result_of(
    records: Sequence[TrialRecord],
    *,
    segment: str,
    fingerprint: str,
    recipe: str,
    why_ended: str,
    spent: Spending,
    currency: str,
    comparison: Comparison | None,
    importance: dict[str, float],
) -> SearchResult:
    """Put the result together."""
    best = best_of(records)
    states = [one.state for one in records]
    own = records[0].loss if records else None
    return SearchResult(
        segment=segment, dataset_fingerprint=fingerprint, recipe=recipe, why_ended=why_ended,
        trials={state: states.count(state) for state in sorted(set(states))}, best=best.number if best else None,
        figures=best.figures if best else {}, own_loss=own, best_loss=best.loss if best else None,
        comparison=comparison, importance=importance, tokens=spent.tokens, seconds=round(spent.seconds, 2),
        money=round(spent.money, 4), currency=currency, says=_says(best, own, comparison),
    )  # fmt: skip


def _says(best: TrialRecord | None, own: float | None, found: Comparison | None) -> str:
    """The result in a sentence for people."""
    if best is None or best.loss is None or own is None:
        return "The recipe's own figures were not trained to their end within the budget: nothing can be compared."
    if best.number == 0:
        return f"No trial was better than the recipe's own figures (validation loss {own:.4f})."
    lead = f"Trial {best.number} has a validation loss of {best.loss:.4f}, the recipe's own figures {own:.4f}"
    if found is None or found.ci_low is None or found.ci_high is None:
        return f"{lead}; there are too few groups of validation examples to say whether that is more than chance."
    between = f"{found.difference:+.4f} [{found.ci_low:+.4f}, {found.ci_high:+.4f}]"
    basis = f"over {found.n} examples, corrected for {found.of} trials"
    word = {
        "better": "It is better",
        "worse": "It is worse on the whole validation split",
        "cannot_tell": "It was not shown to be better than the recipe's own figures",
    }[found.verdict]
    return f"{lead}. {word}: {between} {basis}."
