"""Before a launch: seconds, memory and money of a training and of its report, as intervals that past runs are held against.

The statistics stand in statistics/forecast.py; what is believed of a run before any is known stands here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lyo_pipelines.config.costs import ForecastConfig
from lyo_pipelines.costs.money import Money
from lyo_pipelines.costs.past_runs import PastReport, PastRun
from lyo_pipelines.statistics.forecast import FeaturePrior, PastValues, ValueForecast, forecast_value
from lyo_pipelines.training.recipes import Recipe

# of log seconds: an unknown constant, nearly in proportion to tokens, a little to steps
_SECONDS = (FeaturePrior(-6.0, 1e4), FeaturePrior(0.9, 2.0), FeaturePrior(0.1, 1.0))
_SECONDS_SPREAD = 0.3
# of log seconds of a report: an unknown constant, in proportion to answers
_REPORT = (FeaturePrior(0.0, 1e4), FeaturePrior(0.9, 2.0))
# of log memory, measured from the estimate: not far from it
_MEMORY = (FeaturePrior(0.0, 10.0),)
_MEMORY_SPREAD = 0.15


@dataclass(frozen=True)
class PlannedRun:
    """A training before it starts. kind, machine: see PastRun; estimate: bytes of memory, None where the architecture is not
    known.

    answers: items times models of its report, 0 for none.
    """

    kind: str
    machine: str
    tokens: float
    steps: int
    estimate: int | None = None
    answers: int = 0


@dataclass(frozen=True)
class Range:
    """An interval with what it rests on. runs: past ones; alike: of the same kind on the same machine; calibrated: corrected by
    how earlier forecasts did."""

    low: float
    middle: float
    high: float
    runs: int
    alike: int
    calibrated: bool

    @property
    def told(self) -> str:
        """What it rests on, in words; that little is known is said."""
        base = f"from {self.runs} past run{'' if self.runs == 1 else 's'}, {self.alike} of them alike"
        if self.calibrated:
            return f"{base}, and held against how earlier forecasts did"
        return f"{base}: few, so the interval is wide"


@dataclass(frozen=True)
class CostForecast:
    """What a training would take. report_seconds, memory, money: None where no run, or no price, tells them. confidence: of each
    interval; of money, at least."""

    confidence: float
    seconds: Range
    memory: Range | None
    report_seconds: Range | None
    money: Money | None


def planned_size(recipe: Recipe, examples: float, each: float) -> tuple[float, int]:
    """(tokens, optimizer steps) of a recipe on so many training examples of `each` tokens."""
    budget, per_step = recipe.budget, recipe.batch.size * recipe.batch.accumulation
    tokens = min(max(1.0, examples) * each * budget.epochs, budget.tokens or float("inf"))
    tokens = min(tokens, (budget.steps or float("inf")) * per_step * each)
    return tokens, max(1, math.ceil(tokens / (per_step * each)))


def forecast_cost(
    plan: PlannedRun,
    runs: Sequence[PastRun],
    reports: Sequence[PastReport],
    config: ForecastConfig,
    *,
    hour: Money | None,
) -> CostForecast | None:
    """What the planned training would take, out of the past ones (oldest first); None where there is none. hour: the machine's
    price."""
    seconds = forecast_seconds(plan, runs, config)
    if seconds is None:
        return None
    report = _forecast_report(plan, reports, config) if plan.answers else None
    money = None
    if hour is not None:
        low, high = (
            end + more
            for end, more in ((seconds.low, report.low if report else 0), (seconds.high, report.high if report else 0))
        )
        money = hour.times(low / 3600, high / 3600)
    return CostForecast(config.confidence, seconds, forecast_memory(plan, runs, config), report, money)


def forecast_seconds(plan: PlannedRun, runs: Sequence[PastRun], config: ForecastConfig) -> Range | None:
    """Seconds of the training alone."""
    known = list(runs)[-config.newest :]
    past = PastValues(
        x=_rows([_sizes(run.tokens, run.steps) for run in known], len(_SECONDS)),
        planned=_rows([_sizes(run.planned_tokens, run.planned_steps) for run in known], len(_SECONDS)),
        y=np.log([run.seconds for run in known]) if known else np.zeros(0),
        groups=[(run.kind, run.machine) for run in known],
    )
    found = forecast_value(
        past, np.array(_sizes(plan.tokens, plan.steps)), (plan.kind, plan.machine), _SECONDS, spread=_SECONDS_SPREAD,
        confidence=config.confidence,
    )  # fmt: skip
    return _range(found)


def forecast_memory(plan: PlannedRun, runs: Sequence[PastRun], config: ForecastConfig) -> Range | None:
    """Bytes at the peak, by how far the estimates of past runs were off; None where this one has no estimate or none had."""
    known = [run for run in runs if run.memory and run.estimate][-config.newest :]
    if not known or not plan.estimate:
        return None
    ones = np.ones((len(known), 1))
    y = np.array([math.log(run.memory / run.estimate) for run in known if run.memory and run.estimate])
    past = PastValues(ones, ones, y, [(run.kind, run.machine) for run in known])
    found = forecast_value(
        past, np.ones(1), (plan.kind, plan.machine), _MEMORY, spread=_MEMORY_SPREAD, confidence=config.confidence
    )
    return _range(found, scale=plan.estimate)


def _forecast_report(plan: PlannedRun, reports: Sequence[PastReport], config: ForecastConfig) -> Range | None:
    known = [one for one in reports if one.answers and one.seconds][-config.newest :]
    x = _rows([[1.0, math.log(one.answers)] for one in known], len(_REPORT))
    y = np.log([one.seconds for one in known]) if known else np.zeros(0)
    past = PastValues(x, x, y, [(one.kind, one.machine) for one in known])
    found = forecast_value(
        past, np.array([1.0, math.log(plan.answers)]), (plan.kind, plan.machine), _REPORT, spread=_SECONDS_SPREAD,
        confidence=config.confidence,
    )  # fmt: skip
    return _range(found)


def _sizes(tokens: float, steps: int) -> list[float]:
    return [1.0, math.log(max(tokens, 1.0)), math.log(max(steps, 1))]


def _rows(rows: Sequence[Sequence[float]], width: int) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _range(found: ValueForecast | None, scale: float = 1.0) -> Range | None:
    """Out of the logarithm. What is beyond any clock or memory is cut there, as it says nothing."""
    if found is None:
        return None
    low, middle, high = (scale * math.exp(min(max(end, -60.0), 60.0)) for end in (found.low, found.middle, found.high))
    return Range(low, middle, high, found.runs, found.alike, found.calibrated)
