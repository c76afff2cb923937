"""Whether launches are worth it, told with each decision that has causes; one that is not is held only where that is switched on.

What the answer rests on stands in costs/; this module brings what a tick knows and puts the answer among the findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.config.retraining import LaunchConfig, RetrainingConfig
from lyo_pipelines.costs.forecast import CostForecast, CostForecasts, PlannedRun, planned_size
from lyo_pipelines.costs.gains import PastGain, past_gains
from lyo_pipelines.costs.money import price_of_hour
from lyo_pipelines.costs.past_runs import PastRun, past_reports, past_runs, read_reports, tokens_per_example
from lyo_pipelines.costs.worth import Worth, launch_worth
from lyo_pipelines.errors import LyoError
from lyo_pipelines.retraining.decide import RetrainingDecision, is_erasure
from lyo_pipelines.retraining.findings import Outcome, TriggerFinding, measurements
from lyo_pipelines.retraining.history import Training
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe

RULE = "launch.worth"
TRAIN_SHARE = 0.8
"""Of curated examples, roughly, those that are trained on: the rest is held out."""


@dataclass(frozen=True)
class _Known:
    """What all segments share at one tick."""

    runs: Sequence[PastRun]
    gains: Sequence[PastGain]
    forecasts: CostForecasts
    costs: CostsConfig


def with_worth(
    lake: Lake,
    decisions: Sequence[RetrainingDecision],
    config: RetrainingConfig,
    costs: CostsConfig,
    *,
    trained: Mapping[str, Training],
    examples: Mapping[str, int],
    by_day: pl.DataFrame,
    today: date,
) -> list[RetrainingDecision]:
    """The same decisions; those with causes say whether the launch is worth it. examples: curated ones; by_day: see health.read.

    An erasure and another attempt of a launch are never held back for it.
    """
    if not any(decision.causes for decision in decisions):
        return list(decisions)
    try:
        known = _known(lake, costs)
    except (LyoError, OSError):  # a decision does not wait for what it would be worth
        return list(decisions)
    asked = _recent(by_day, today, costs.worth.days)
    found: list[RetrainingDecision] = []
    for decision in decisions:
        segment = decision.segment
        if not decision.causes:
            found.append(decision)
            continue
        try:
            worth = launch_worth(
                segment, "again" if segment in trained else "first", known.gains, costs.worth, costs.rates,
                answers=asked.get(segment, 0),
                cost=_forecast(segment, config.for_segment(segment).launch, examples.get(segment, 0), known),
            )  # fmt: skip
        except (ValueError, ArithmeticError, LookupError) as error:  # odd figures of an old report stop no decision
            worth = Worth("cannot_tell", f"cannot tell whether it is worth it: {error}", 0)
        found.append(_told(decision, worth, gates=costs.worth.gates))
    return found


def _known(lake: Lake, costs: CostsConfig) -> _Known:
    runs, reports = past_runs(lake, Path(lake.local(lake.side("models")))), read_reports(lake)
    forecasts = CostForecasts(runs, past_reports(reports, runs), costs.forecast)
    return _Known(runs, past_gains(reports), forecasts, costs)


def _told(decision: RetrainingDecision, worth: Worth, *, gates: bool) -> RetrainingDecision:
    held = (
        gates
        and worth.answer == "not_worth_it"
        and decision.outcome == "fire"
        and decision.attempt == 1
        and not any(map(is_erasure, decision.causes))
    )
    outcome: Outcome = "hold" if held else "not_enough_evidence" if worth.answer == "cannot_tell" else "clear"
    figures = measurements(
        probability=worth.probability, gain_low=worth.gain_low, gain_high=worth.gain_high, reports=worth.reports,
        net_low=worth.net.low if worth.net else None, net_high=worth.net.high if worth.net else None,
        currency=worth.net.currency if worth.net else None,
    )  # fmt: skip
    told = TriggerFinding(RULE, decision.kinds[0], outcome, worth.says, figures)
    decision = replace(decision, findings=(*decision.findings, told))
    if not held:
        return decision
    return replace(
        decision, outcome="hold", held_by=(*decision.held_by, worth.says), says=f"{decision.says}. Held: {worth.says}"
    )


def _forecast(segment: str, launch: LaunchConfig, examples: int, known: _Known) -> CostForecast | None:
    """What the launch would take on the machine of the newest training; None where nothing is known of it yet."""
    try:
        recipe = load_recipe(launch.recipe, launch.overrides)
    except (LyoError, ValueError, OSError):  # the launch itself will say so
        return None
    same = [run for run in known.runs if (run.base_model, run.method) == (recipe.base_model, recipe.method)]
    if not same:
        return None
    newest = same[-1]
    tokens, steps = planned_size(recipe, TRAIN_SHARE * examples, tokens_per_example(same, segment)[0])
    plan = PlannedRun(newest.kind, newest.machine, tokens, steps, answers=2 * (launch.evaluation_items or 0))
    price = price_of_hour(
        newest.machine, known.costs, recipe_price=recipe.cost.per_hour, recipe_currency=recipe.cost.currency
    )
    return known.forecasts.of(plan, price)


def _recent(by_day: pl.DataFrame, today: date, days: float) -> dict[str, int]:
    """Answers of each segment in the last days."""
    since = today - timedelta(days=days)
    return dict(by_day.filter(pl.col("day") >= since).group_by("segment").agg(pl.col("n").sum()).iter_rows())
