"""What a training would have cost on another machine, or at a provider: by speeds that were measured in this lake and prices that
are stated. Where no training of the same kind ran on a machine, nothing is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.costs.money import Money, price_of_hour
from lyo_pipelines.costs.past_runs import PastRun


@dataclass(frozen=True)
class Elsewhere:
    """One alternative. seconds: None at a provider; trainings: how many its speed is measured on."""

    place: str
    seconds: float | None
    money: Money | None
    trainings: int


def elsewhere(run: PastRun, runs: Sequence[PastRun], config: CostsConfig) -> list[Elsewhere]:
    """The alternatives to one training, other machines first. Speeds are medians of trainings of the same base model and
    method."""
    speeds: dict[str, list[float]] = {}
    for one in runs:
        if one.machine and one.machine != run.machine and (one.base_model, one.method) == (run.base_model, run.method):
            speeds.setdefault(one.machine, []).append(one.tokens / one.seconds)
    found: list[Elsewhere] = []
    for machine, measured in sorted(speeds.items()):
        seconds = run.tokens / median(measured)
        price = price_of_hour(machine, config)
        found.append(Elsewhere(machine, seconds, price and price.times(seconds / 3600), len(measured)))
    for name, provider in config.hosted.items():
        amount = provider.per_million_tokens * run.tokens / 1e6
        found.append(Elsewhere(name, None, Money(amount, amount, provider.currency), 0))
    return found
