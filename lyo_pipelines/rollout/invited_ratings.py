"""Ratings of the two arms of a stage where chance chose whom to ask for one: all of them, the corrected ones, and which decide.

In one arm more users may volunteer a rating than in the other, or others, though both answer alike. The corrected comparison decides
once it is as exact as the plan asks for, or when all ratings are shown to mislead, over all looks together. Until then all ratings do:
they are biased alike in both arms while alike users volunteer, and a comparison of the few invited ones would hold every release for
weeks. How means are corrected stands in statistics/invitations.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.rollout.arm_differences import (
    RATING_STEP,
    bounds_of_difference,
    levels_before,
    rating_difference,
    with_least_spread,
)
from lyo_pipelines.rollout.findings import Measurement, rounded_measurements
from lyo_pipelines.rollout.observations import Arm, Observation
from lyo_pipelines.statistics.cluster_robust import (
    Floats,
    Ratio,
    RatioDifference,
    cluster_robust_difference,
    cluster_robust_ratio,
    covariate_adjusted_difference,
)
from lyo_pipelines.statistics.deciding_mean import ALL_RATINGS, ALPHA, UNKNOWN, Choice, Gap, choose_mean
from lyo_pipelines.statistics.invitations import (
    Correction,
    Responses,
    fit_correction,
    influence_error,
    mean_influence,
    worst_case_bounds,
)

AGREEMENT = 0.8
"""Confidence, over all looks, with which the invited ratings must show a drop for which all ratings send a candidate back."""


@dataclass(frozen=True, eq=False)
class ComparedRatings:
    """Candidate minus current, of all ratings (`plain`) and corrected (None: nobody was invited); `choice` says which decides.

    lowest, highest: of the candidate and the current adapter, what the mean may be, whatever the silent among the invited think.
    """

    plain: RatioDifference
    corrected: RatioDifference | None = None
    choice: Choice = ALL_RATINGS
    lowest: tuple[float, float] = (math.nan, math.nan)
    highest: tuple[float, float] = (math.nan, math.nan)
    drop_agreed: bool = True
    """Whether the invited ratings show a drop, too (at AGREEMENT), where all ratings decide; nothing hides from that by who rates."""

    @property
    def deciding(self) -> RatioDifference:
        """The comparison that decides."""
        return self.corrected if self.corrected is not None and self.choice.by == "corrected" else self.plain

    @property
    def counted(self) -> str:
        """What the deciding comparison counts."""
        return "invited ratings" if self.choice.by == "corrected" else "rated answers"

    def evidence(self) -> dict[str, Measurement]:
        """What is written down beside the deciding difference; nothing where the log knows of no invitation."""
        if self.corrected is None:
            return {}
        ours, base = self.corrected.ratio, self.corrected.base
        return rounded_measurements(
            decides=self.choice.by, plain=self.plain.estimate, corrected=self.corrected.estimate,
            corrected_error=self.corrected.standard_error, invited=int(ours.n), invited_current=int(base.n),
            lowest=self.lowest[0], lowest_current=self.lowest[1], highest=self.highest[0], highest_current=self.highest[1],
        )  # fmt: skip


def compare_ratings(seen: Observation, config: RolloutConfig) -> ComparedRatings:
    """Compare the arms' ratings; as all ratings have it where the log knows of no invitation in either arm."""
    plain = rating_difference(seen)
    if not (seen.candidate.invited_n.any() and seen.current.invited_n.any()):
        return ComparedRatings(plain)
    ours, base = _Invited(seen.candidate), _Invited(seen.current)
    corrected = _corrected(seen, ours, base)
    needed, planned = config.up.rated, config.planned_errors
    invited = min(seen.candidate.invited_rated, seen.current.invited_rated)
    choice = choose_mean(
        invited=seen.candidate.invited_rated, needed=needed, can_correct=not math.isnan(corrected.estimate),
        is_enough=invited >= needed and corrected.standard_error <= planned.rating,
        gap=_plain_gap(ours, base, planned.rating),
        volunteering=(ours.volunteering.value, base.volunteering.value),
        volunteering_gap=_gap(cluster_robust_difference(ours.volunteering, base.volunteering), planned.share),
    )  # fmt: skip
    (low, high), (low_base, high_base) = (worst_case_bounds(one.invited) for one in (ours, base))
    agreed = choice.by == "corrected" or math.isnan(corrected.estimate)
    return ComparedRatings(
        plain, corrected, choice, (float(low[0]), float(low_base[0])), (float(high[0]), float(high_base[0])),
        drop_agreed=agreed or bounds_of_difference(corrected, AGREEMENT, planned.rating).high < 0,
    )  # fmt: skip


class _Invited:
    """One arm's answers by whether a rating was invited, with its correction; arrays of shape (1, users)."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.invited = Responses(*map(_row, (arm.invited_n, arm.invited_rated_n, arm.invited_sum)))
        self.uninvited = Responses(*map(_row, (arm.uninvited_n, arm.uninvited_rated_n, arm.uninvited_sum)))

    @cached_property
    def correction(self) -> Correction:
        return fit_correction(self.invited, self.uninvited)

    @cached_property
    def known(self) -> Floats:
        """Answers of which the log says whether a rating was invited; shape (users,)."""
        return (self.invited.n + self.uninvited.n)[0]

    @cached_property
    def totals(self) -> Floats:
        """Their ratio to `known` is the corrected mean; shape (users,)."""
        return self.correction.totals(self.invited, self.uninvited)[0]

    @cached_property
    def volunteering(self) -> Ratio:
        """Share of the uninvited answers that were rated."""
        return cluster_robust_ratio(self.uninvited.rated[0], self.uninvited.n[0])

    @cached_property
    def gap_variance(self) -> float:
        """Of the plain mean less the corrected one."""
        plain = mean_influence(_row(self.arm.ratings_n), _row(self.arm.ratings_sum))
        corrected = mean_influence(_row(self.known), _row(self.totals))
        return float(influence_error(plain - corrected, _row(self.arm.answers_n))[0]) ** 2

    @cached_property
    def gap(self) -> float:
        """The plain mean less the corrected one."""
        rated = self.arm.rated
        return float(self.arm.ratings_sum.sum()) / rated - float(self.correction.value[0]) if rated else math.nan

    def ratio(self, sums: Floats) -> Ratio:
        """The corrected mean out of adjusted totals, counted by the invited ratings that it rests on."""
        found = cluster_robust_ratio(sums, self.known)
        rated = self.invited.rated[0]
        count, square = float(rated.sum()), float(np.square(rated).sum())
        return replace(
            found,
            n=count,
            groups=int(np.count_nonzero(rated)),
            degrees_of_freedom=min(found.degrees_of_freedom, count**2 / square - 1 if square else 0.0),
        )


def _corrected(seen: Observation, ours: _Invited, base: _Invited) -> RatioDifference:
    """Adjusted for what users rated before: invited or not by chance alone, users of all answers are alike in both arms."""
    sums = ours.totals, base.totals
    levels = levels_before(seen)
    if levels is not None and np.isfinite(sums[0].sum() + sums[1].sum()):
        sums = covariate_adjusted_difference(sums[0], ours.known, levels[0], sums[1], base.known, levels[1])
    found = cluster_robust_difference(ours.ratio(sums[0]), base.ratio(sums[1]))
    return with_least_spread(found, RATING_STEP)


def _plain_gap(ours: _Invited, base: _Invited, planned_error: float) -> Gap:
    """The plain difference less the corrected one, both without an adjustment."""
    value, variance = ours.gap - base.gap, ours.gap_variance + base.gap_variance
    if not variance > 0:
        return UNKNOWN
    ends = [one.ratio(one.totals) for one in (ours, base)]
    known = min(end.degrees_of_freedom for end in ends)
    return _gap(RatioDifference(ends[0], ends[1], value, math.sqrt(variance), known), planned_error)


def _gap(found: RatioDifference, planned_error: float) -> Gap:
    bounds = bounds_of_difference(found, 1 - ALPHA / 2, planned_error)
    return Gap(found.estimate, bounds.low, bounds.high)


def _row(values: np.ndarray) -> Floats:
    return values.astype(np.float64)[None, :]
