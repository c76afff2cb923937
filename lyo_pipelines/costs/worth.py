"""Is a launch worth it? The probability of a gain, what that gain is worth, and what the training is forecast to cost.

"cannot tell" is an answer: with few reports of earlier launches, and where the probability is neither high nor low. Launching,
and holding back, belong to retraining/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lyo_pipelines.config.costs import WorthConfig
from lyo_pipelines.costs.forecast import CostForecast
from lyo_pipelines.costs.gains import PastGain, Turn
from lyo_pipelines.costs.money import Money, in_currency
from lyo_pipelines.statistics.next_gain import next_gain
from lyo_pipelines.telling import told_span

Answer = Literal["worth_it", "not_worth_it", "cannot_tell"]
NEWEST = 150
"""Reports of earlier launches that are looked at: the newest of them, as a tick has no time for all."""
_SHOWN = 0.9
"""Probability of the interval of the gain that is shown."""


@dataclass(frozen=True)
class Worth:
    """What is said of one launch. probability: of a gain beyond the margin, None with too few reports; gain_low, gain_high: where
    the gain lies with 90 %. net: probability x value x answers - cost, None where no value is set, or no rate. reports: that it
    rests on."""

    answer: Answer
    says: str
    reports: int
    probability: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    net: Money | None = None


def launch_worth(
    segment: str,
    turn: Turn,
    gains: Sequence[PastGain],
    config: WorthConfig,
    rates: Mapping[str, float | None],
    *,
    answers: float,
    cost: CostForecast | None,
) -> Worth:
    """What a launch of the segment is worth. gains: of all segments; answers: of the segment in `config.days`; cost: None: not
    known."""
    metric = next((one.metric for one in reversed(gains)), "")
    alike = [one.gain for one in gains if one.turn == turn and one.metric == metric][-NEWEST:]
    kind = "first trainings" if turn == "first" else "trainings after the first"
    forecast = next_gain(alike, segment)
    if forecast is None or len(alike) < config.minimum_reports:
        says = f"cannot tell whether it is worth it: {len(alike)} of {config.minimum_reports} reports of {kind} that this needs"
        return Worth("cannot_tell", f"{says}{_cost(cost)}", len(alike))
    probability = forecast.exceeds(config.margin)
    low, high = forecast.quantile((1 - _SHOWN) / 2), forecast.quantile((1 + _SHOWN) / 2)
    answer: Answer = "cannot_tell"
    if probability >= config.probability:
        answer = "worth_it"
    elif probability <= 1 - config.probability:
        answer = "not_worth_it"
    net = _net(probability, config, rates, answers, cost)
    if net is not None and net.high < 0:
        answer = "not_worth_it"
    words = {
        "worth_it": "worth it",
        "not_worth_it": "not worth it",
        "cannot_tell": "cannot tell whether it is worth it",
    }[answer]
    beyond = f" of more than {config.margin:g}" if config.margin else ""
    says = (
        f"{words}: a gain{beyond} in {metric} with {_odds(probability)}, expected {forecast.mean:+.3g} [{low:+.3g}, {high:+.3g}], "
        f"by {len(alike)} reports of {kind}{_cost(cost)}"
    )
    if net is not None:
        says += f"; net {net} in {config.days:g} days"
    elif config.better_answer.amount is not None:
        says += "; the value is not set against the cost, as costs.rates states no rate for one of the currencies"
    return Worth(answer, says, len(alike), probability, low, high, net)


def _odds(probability: float) -> str:
    """A probability in words that claim no certainty."""
    return (
        "more than 99 %"
        if probability > 0.99
        else "less than 1 %"
        if probability < 0.01
        else f"{100 * probability:.0f} %"
    )


def _cost(cost: CostForecast | None) -> str:
    if cost is None:
        return ""
    price = f", {cost.money}" if cost.money else ""
    return f"; it would take {told_span(cost.seconds.low)} to {told_span(cost.seconds.high)}{price}"


def _net(
    probability: float,
    config: WorthConfig,
    rates: Mapping[str, float | None],
    answers: float,
    cost: CostForecast | None,
) -> Money | None:
    """None where no value is set, or currencies differ and no rate is stated. A training without a price costs nothing."""
    value = config.better_answer
    if value.amount is None:
        return None
    spent = Money(0.0, 0.0, value.currency)
    if cost is not None and cost.money is not None:
        converted = in_currency({cost.money.currency: cost.money}, value.currency, rates)
        if converted is None:
            return None
        spent = converted
    gained = probability * value.amount * answers
    return Money(gained - spent.high, gained - spent.low, value.currency)
