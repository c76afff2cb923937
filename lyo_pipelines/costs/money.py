"""Amounts that may be known only within bounds, in a named currency. Two currencies are added only by rates that somebody
stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lyo_pipelines.config.costs import CostsConfig, MachineConfig


@dataclass(frozen=True)
class Money:
    """An amount of at least `low` and at most `high`."""

    low: float
    high: float
    currency: str

    def times(self, low: float, high: float | None = None) -> Money:
        """So many of it, within bounds."""
        return Money(self.low * low, self.high * (low if high is None else high), self.currency)

    def __str__(self) -> str:
        low, high = (_figure(value) for value in (self.low, self.high))
        return f"{low} {self.currency}" if low == high else f"{low} to {high} {self.currency}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}" if value >= 0.095 or value == 0 else f"{value:.2g}"


def total(amounts: Iterable[Money]) -> dict[str, Money]:
    """The sum of each currency, by currency."""
    found: dict[str, Money] = {}
    for one in amounts:
        before = found.get(one.currency, Money(0.0, 0.0, one.currency))
        found[one.currency] = Money(before.low + one.low, before.high + one.high, one.currency)
    return found


def in_currency(amounts: Mapping[str, Money], currency: str, rates: Mapping[str, float | None]) -> Money | None:
    """All of it in one currency; None where a rate that this needs is not stated."""
    wanted = rates.get(currency)
    low = high = 0.0
    for name, one in amounts.items():
        theirs = rates.get(name)
        if name == currency:
            factor = 1.0
        elif wanted is None or theirs is None:
            return None
        else:
            factor = theirs / wanted
        low, high = low + factor * one.low, high + factor * one.high
    return Money(low, high, currency)


def told(amounts: Mapping[str, Money]) -> str:
    """Sums of several currencies side by side; "not priced" where there is none."""
    return " + ".join(map(str, amounts.values())) or "not priced"


def machine_of(name: str, config: CostsConfig) -> tuple[str, MachineConfig] | None:
    """The entry of `machines` that holds for a machine of this name; None where none does, or the name is not known."""
    import re

    if not name:
        return None
    return next(((key, one) for key, one in config.machines.items() if re.search(one.matches, name)), None)


def price_of_hour(
    machine: str, config: CostsConfig, *, recipe_price: float = 0.0, recipe_currency: str = ""
) -> Money | None:
    """What an hour of the machine costs: the recipe's own price where it has one, else that of costs.yaml; None: not charged."""
    if recipe_price:
        return Money(recipe_price, recipe_price, recipe_currency)
    found = machine_of(machine, config)
    if found is None or found[1].per_hour is None:
        return None
    return Money(*found[1].per_hour, found[1].currency)
