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
from lyo_pipelines.statistics.forecast import FeaturePrior, Forecaster, PastValues
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


class CostForecasts:
    """Forecasts out of the past trainings and reports (oldest first) of a lake, the newest of them."""

    def __init__(self, runs: Sequence[PastRun], reports: Sequence[PastReport], config: ForecastConfig) -> None:
        self._confidence = config.confidence
        self._seconds = _seconds_forecaster(runs[-config.newest :])
        self._memory = _memory_forecaster([run for run in runs if run.memory and run.estimate][-config.newest :])
        self._reports = _report_forecaster([one for one in reports if one.answers and one.seconds][-config.newest :])

    def of(self, plan: PlannedRun, hour: Money | None) -> CostForecast | None:
        """What the planned training would take; None without a past one. hour: the machine's price, None: not charged."""
        seconds = self._range(self._seconds, plan, _sizes(plan.tokens, plan.steps))
        if seconds is None:
            return None
        memory = self._range(self._memory, plan, [1.0], scale=plan.estimate) if plan.estimate else None
        report = self._range(self._reports, plan, [1.0, math.log(plan.answers)]) if plan.answers else None
        money = None
        if hour is not None:
            low, high = seconds.low, seconds.high
            if report is not None:
                low, high = low + report.low, high + report.high
            money = hour.times(low / 3600, high / 3600)
        return CostForecast(self._confidence, seconds, memory, report, money)

    def _range(self, past: Forecaster, plan: PlannedRun, sizes: list[float], scale: float = 1.0) -> Range | None:
        """Out of the logarithm. What is beyond any clock or memory is cut there, as it says nothing."""
        found = past.forecast(np.array(sizes), (plan.kind, plan.machine), self._confidence)
        if found is None:
            return None
        ends = (found.low, found.middle, found.high)
        low, middle, high = (scale * math.exp(min(max(end, -60.0), 60.0)) for end in ends)
        return Range(low, middle, high, found.runs, found.alike, found.calibrated)


def _seconds_forecaster(runs: Sequence[PastRun]) -> Forecaster:
    """Of a training's seconds, by what it trained; held against what was planned."""
    x = [_sizes(run.tokens, run.steps) for run in runs]
    planned = [_sizes(run.planned_tokens, run.planned_steps) for run in runs]
    return _forecaster(x, planned, [run.seconds for run in runs], runs, _SECONDS, _SECONDS_SPREAD)


def _memory_forecaster(runs: Sequence[PastRun]) -> Forecaster:
    """Of how far the estimates of memory were off."""
    ones, off = [[1.0]] * len(runs), [run.memory / run.estimate for run in runs if run.memory and run.estimate]
    return _forecaster(ones, ones, off, runs, _MEMORY, _MEMORY_SPREAD)


def _report_forecaster(reports: Sequence[PastReport]) -> Forecaster:
    """Of a report's seconds, by its answers."""
    x = [[1.0, math.log(one.answers)] for one in reports]
    return _forecaster(x, x, [one.seconds for one in reports], reports, _REPORT, _SECONDS_SPREAD)


def _forecaster(
    x: Sequence[Sequence[float]],
    planned: Sequence[Sequence[float]],
    values: Sequence[float],
    of: Sequence[PastRun] | Sequence[PastReport],
    priors: tuple[FeaturePrior, ...],
    spread: float,
) -> Forecaster:
    """Of the logarithm of positive values, grouped by kind of recipe and machine."""
    shape = (len(values), len(priors))
    logs = np.log(np.array(values, dtype=np.float64))
    known, before = (np.array(one, dtype=np.float64).reshape(shape) for one in (x, planned))
    past = PastValues(known, before, logs, [(one.kind, one.machine) for one in of])
    return Forecaster(past, priors, spread)


def _sizes(tokens: float, steps: int) -> list[float]:
    return [1.0, math.log(max(tokens, 1.0)), math.log(max(steps, 1))]
