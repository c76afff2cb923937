"""What one metric found on one model, item by item or as a whole, and how two such findings are compared.

Which metrics there are stands in `catalogue` and in `tasks`; verdicts and corrections in `compare`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.statistics.bootstrap import (
    Interval,
    PairedDifference,
    bootstrap_mean_by_group,
    paired_bootstrap_by_group,
)
from lyo_pipelines.statistics.set_level import paired_whole_by_group, whole_by_group
from lyo_pipelines.tasks.base import GradedAnswer


class MetricFacts(Protocol):
    """What a metric says of itself, whether it comes from the catalogue or from a task."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def direction(self) -> Literal["higher", "lower", "neutral"]: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102

    @property
    def sentence(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class MetricValues:
    """One metric of one model: a value for each item (None: not measured) and, for a ratio of sums, their weights."""

    values: tuple[float | None, ...]
    weights: tuple[float, ...] | None = None

    def known(self, row: int) -> bool:
        """Whether this item was measured."""
        return self.values[row] is not None

    def value(self, rows: Sequence[int]) -> float | None:
        """The (weighted) mean over measured items; None where they have no weight."""
        mass = sum(1.0 if self.weights is None else self.weights[row] for row in rows)
        if mass <= 0:
            return None
        parts = ((self.values[row] or 0.0) * (1.0 if self.weights is None else self.weights[row]) for row in rows)
        return sum(parts) / mass


@dataclass(frozen=True)
class WholeValues:
    """A metric of all items at once (macro-F1): what each item's answer was judged to be (None: not measured), and the metric."""

    graded: tuple[GradedAnswer | None, ...]
    whole: Callable[[Sequence[GradedAnswer]], float | None]

    def known(self, row: int) -> bool:
        """Whether this item takes part."""
        return self.graded[row] is not None

    def value(self, rows: Sequence[int]) -> float | None:
        """The metric over these items; None where it is not defined."""
        if not rows:
            return None
        value = self.whole(self.chosen(rows))
        return None if value is None or not math.isfinite(value) else float(value)

    def chosen(self, rows: Sequence[int]) -> list[GradedAnswer]:
        """The judged answers of these items."""
        return [graded for row in rows if (graded := self.graded[row]) is not None]


Found = MetricValues | WholeValues


def interval_of(found: Found, rows: Sequence[int], groups: Sequence[str], config: EvaluationConfig) -> Interval:
    """The value over measured items with its bootstrap interval. groups: of these items."""
    settings = {"seed": config.seed, "confidence": config.confidence}
    if isinstance(found, WholeValues):
        chosen = found.chosen(rows)
        return whole_by_group(chosen, found.whole, groups, resamples=config.whole_resamples, **settings)
    weights = None if found.weights is None else [found.weights[row] for row in rows]
    values = [found.values[row] for row in rows]
    return bootstrap_mean_by_group(
        values,  # pyright: ignore[reportArgumentType]  (measured items only)
        groups, weights=weights, resamples=config.resamples, **settings,
    )  # fmt: skip


def difference_of(
    first: Found, second: Found, rows: Sequence[int], groups: Sequence[str], config: EvaluationConfig
) -> PairedDifference | None:
    """First minus second over items that both measured; None where their weights differ, so that no ratio is common to both."""
    settings = {"seed": config.seed, "confidence": config.confidence}
    if isinstance(first, WholeValues) and isinstance(second, WholeValues):
        ours, theirs = first.chosen(rows), second.chosen(rows)
        return paired_whole_by_group(ours, theirs, first.whole, groups, resamples=config.whole_resamples, **settings)
    if isinstance(first, WholeValues) or isinstance(second, WholeValues):
        raise TypeError("a metric is of items or of the whole set, for all models alike")
    weights = _common_weights(first, second, rows)
    if weights is None and first.weights is not None:
        return None
    return paired_bootstrap_by_group(
        [first.values[row] for row in rows],  # pyright: ignore[reportArgumentType]  (measured items only)
        [second.values[row] for row in rows],  # pyright: ignore[reportArgumentType]
        groups, weights=weights, resamples=config.resamples, **settings,
    )  # fmt: skip


def _common_weights(first: MetricValues, second: MetricValues, rows: Sequence[int]) -> list[float] | None:
    if first.weights is None or second.weights is None:
        return None
    ours, theirs = [first.weights[row] for row in rows], [second.weights[row] for row in rows]
    return ours if ours == theirs else None
