"""Which users are left out of a comparison because they wrote too much of it, and how far the others sway its figures.

One instance holds one quantity in a window and its baseline, by random group of users; a log that names no users is taken as it is.
Statistics of groups stand in statistics/random_groups.py; what is compared, in compute_signals.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lyo_pipelines.health.contract import NO_USER
from lyo_pipelines.retraining.signals import UserSpread
from lyo_pipelines.statistics.random_groups import (
    MINIMUM_GROUPS,
    GroupedRatio,
    dominant_groups,
    grouped_degrees_of_freedom,
    grouped_ratio,
    random_groups_error,
    share_change_dispersion,
    share_dispersion,
)

Floats = NDArray[np.float64]
_MOSTLY_UNNAMED = 0.5


@dataclass(frozen=True, eq=False)
class UserSums:
    """Counts and sums of a quantity by group of users: each of shape (rows, groups), the last group being rows without a user.

    n_base, total_base: of the baseline; without one, nothing but the window itself can be told.
    """

    n: Floats
    total: Floats
    n_base: Floats | None = None
    total_base: Floats | None = None

    @cached_property
    def unnamed(self) -> NDArray[np.bool_]:
        """Rows most of whose values name no user: users say nothing there."""
        with np.errstate(invalid="ignore"):
            return self.n[:, NO_USER] > _MOSTLY_UNNAMED * self.n.sum(axis=1)

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """Groups that are asked, of shape (rows, groups)."""
        counts = [self.n] if self.n_base is None else [self.n, self.n_base]
        return ~(dominant_groups(*counts) & ~self.unnamed[:, None])

    @cached_property
    def left_out(self) -> Floats:
        """Share of the window's values that are left out."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num(np.where(self.kept, 0.0, self.n).sum(axis=1) / self.n.sum(axis=1))

    @cached_property
    def level(self) -> GroupedRatio:
        """Ratio of the window without those who are left out; the error is nan where the log names no users."""
        found = grouped_ratio(self.n * self.kept, self.total * self.kept)
        error = np.where(self.unnamed, np.nan, found.standard_error)
        return GroupedRatio(found.n, found.value, error, found.degrees_of_freedom)

    @cached_property
    def degrees_of_freedom(self) -> Floats:
        """Of errors that rest on the window's groups."""
        sizes = self.n * self.kept
        with np.errstate(invalid="ignore", divide="ignore"):
            return grouped_degrees_of_freedom(sizes / sizes.sum(axis=1, keepdims=True))

    def _both(self) -> tuple[Floats, Floats, Floats, Floats]:
        assert self.n_base is not None and self.total_base is not None
        return self.n, self.total, self.n_base, self.total_base

    def _asked(self) -> tuple[Floats, Floats, Floats, Floats]:
        n, total, n_base, total_base = self._both()
        return n * self.kept, total * self.kept, n_base * self.kept, total_base * self.kept

    @cached_property
    def change_error(self) -> Floats:
        """Standard error of the plain change by users; infinite with too few of them, nan where the log names none."""
        n, *others = self._asked()
        few = (n > 0).sum(axis=1) < MINIMUM_GROUPS
        error = np.where(few & (n.sum(axis=1) > 0), np.inf, random_groups_error(n, *others))
        return np.where(self.unnamed, np.nan, error)

    def means(self, *, asked: bool) -> tuple[Floats, Floats, Floats, Floats]:
        """(n, mean, n of the baseline, its mean), of all users or of those who are asked."""
        n, total, n_base, total_base = (values.sum(axis=1) for values in (self._asked() if asked else self._both()))
        with np.errstate(invalid="ignore", divide="ignore"):
            return n, total / n, n_base, total_base / n_base

    def share_spread(self) -> list[UserSpread]:
        """How users sway the window's share."""
        return self._spreads(share_dispersion(self.n * self.kept, self.total * self.kept))

    def share_change_spread(self) -> list[UserSpread]:
        """How users sway the change of a share."""
        return self._spreads(share_change_dispersion(*self._asked()))

    def _spreads(self, dispersion: Floats) -> list[UserSpread]:
        dispersion = np.where(self.unnamed, 1.0, dispersion)
        freedom = np.where(self.unnamed, np.inf, self.degrees_of_freedom)
        return [
            UserSpread(*values)
            for values in zip(dispersion.tolist(), freedom.tolist(), self.left_out.tolist(), strict=True)
        ]
