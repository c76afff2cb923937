"""What a search may cost and what it has cost so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.config.search import SearchBudget
from lyo_pipelines.errors import LyoError
from lyo_pipelines.search.record import TrialRecord


class BudgetError(LyoError):
    """A budget cannot be kept to; the message says why."""


@dataclass(frozen=True)
class Spending:
    """Tokens and seconds of trainings, and what an hour costs."""

    tokens: int
    seconds: float
    per_hour: float

    @property
    def money(self) -> float:
        """What the seconds cost, in the recipe's currency."""
        return self.seconds / 3600 * self.per_hour


def spent_on(records: Sequence[TrialRecord], per_hour: float) -> Spending:
    """What trials have cost."""
    return Spending(sum(one.tokens for one in records), sum(one.seconds for one in records), per_hour)


def require_price(budget: SearchBudget, per_hour: float) -> None:
    """Raise BudgetError for a budget in money where an hour has no price."""
    if budget.money is not None and not per_hour:
        raise BudgetError(
            "a budget in money needs a price: the recipe's cost.per_hour is 0.",
            hint="Set it: `--set cost.per_hour=2.5`.",
        )


def ended(budget: SearchBudget, spent: Spending) -> str:
    """Which part of the budget is used up, as a sentence's end; "" while none is. The number of trials is not looked at."""
    for name, limit, used in (
        ("tokens", budget.tokens, spent.tokens),
        ("seconds", budget.seconds, spent.seconds),
        ("money", budget.money, spent.money),
    ):
        if limit is not None and used >= limit:
            return f"its {name} are used up ({used:,.6g} of {limit:,.6g})"
    return ""
