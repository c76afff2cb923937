"""What a release decision sees: two arms of one stage, summed by the unit that was assigned. No thresholds belong here.

Everything counts from the beginning of the stage. Within a stage the arms' shares stay as they are, so both arms lived through the
same days; sums over several stages would compare a candidate's late days with the champion's early ones (Simpson's paradox).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lyo_pipelines.config.rollout import BusinessMeasure

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def _none() -> Counts:
    return np.zeros(0, np.int64)


def _nothing() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm since the stage began. Arrays have one entry per unit of assignment (a user; a class where whole classes are assigned),
    in the same order.

    users: units seen. ratings_n, ratings_sum: rated answers and the sum of their ratings. answers_n: answers, of which errors_n
    failed, cultural_n drew a cultural complaint and retries_n had to be asked again. times_n, log_ms_sum: answers with a known
    response time, and the sum of the natural logarithms of their milliseconds. pre_period_n, pre_period_sum: rated answers of
    the same units in the weeks before the release began (served by the current adapter) and the sum of their ratings: who was
    lenient then is now.

    unnamed_n, unnamed_errors_n: rows of the same units that name neither arm nor adapter, and those of them that failed (a gateway's
    time-out); elsewhere_n: their rows that came in no known arm and not from the candidate, but for those failures (a machine that
    cannot load it). Empty where there are none. nobody: whether the first unit is all rows that name no user.

    invited_n, uninvited_n: answers without error for which a rating was invited at random, and those for which the log says that none
    was; invited_rated_n, invited_sum, uninvited_rated_n, uninvited_sum: those with a rating and the sum of their ratings. Empty where
    the log knows of no invitation.
    """

    users: int
    interactions: int
    ratings_n: Counts
    ratings_sum: Floats
    answers_n: Counts
    errors_n: Counts
    cultural_n: Counts
    retries_n: Counts
    times_n: Counts
    log_ms_sum: Floats
    pre_period_n: Counts
    pre_period_sum: Floats
    unnamed_n: Counts = field(default_factory=_none)
    unnamed_errors_n: Counts = field(default_factory=_none)
    elsewhere_n: Counts = field(default_factory=_none)
    invited_n: Counts = field(default_factory=_none)
    invited_rated_n: Counts = field(default_factory=_none)
    invited_sum: Floats = field(default_factory=_nothing)
    uninvited_n: Counts = field(default_factory=_none)
    uninvited_rated_n: Counts = field(default_factory=_none)
    uninvited_sum: Floats = field(default_factory=_nothing)
    nobody: bool = False

    @cached_property
    def rated(self) -> int:
        """Rated answers."""
        return int(self.ratings_n.sum())

    @cached_property
    def answers(self) -> int:
        """Answers."""
        return int(self.answers_n.sum())

    @cached_property
    def invited_rated(self) -> int:
        """Ratings that were invited."""
        return int(self.invited_rated_n.sum())


@dataclass(frozen=True)
class Attribution:
    """What could not be said of the rows of a stage: whose they are.

    armless: answers of the candidate's version that name no known arm (they count as the candidate's); names: the unknown names that
    arms had, with their rows. versionless: answers in the candidate's arm that name no adapter (they count, too). mismatched: rows
    that are left out because arm and adapter contradict each other; fallbacks: those of them in which another adapter answered in
    the candidate's arm. orphans: failures that name neither arm nor adapter, of users
    who were seen in no arm or in both. rows: of all; orphans_before, rows_before: failures and rows without an adapter, and all
    rows, in the weeks before the release.
    """

    armless: int = 0
    names: tuple[tuple[str, int], ...] = ()
    versionless: int = 0
    mismatched: int = 0
    fallbacks: int = 0
    orphans: int = 0
    rows: int = 0
    orphans_before: int = 0
    rows_before: int = 0


@dataclass(frozen=True, eq=False)
class BusinessSums:
    """One business measure of both arms, an entry for each user of whom it is known: the total and what it is a total of.

    waiting: users (or sessions) of whom it cannot be known yet.
    """

    candidate_total: Floats
    candidate_n: Floats
    current_total: Floats
    current_n: Floats
    waiting: int = 0


@dataclass(frozen=True, eq=False)
class Observation:
    """One release at one moment. stage: 1 to n; share: of the candidate, in force since `stage_began_at`; times have a zone.

    business: the measures that are configured (rollout/business.py). last_day: the newest day with a row of this release; None where
    nobody looked, or there is none.
    """

    segment: str
    version: str
    stage: int
    share: float
    began_at: datetime
    stage_began_at: datetime
    now: datetime
    candidate: Arm
    current: Arm
    attribution: Attribution = Attribution()
    business: Mapping[BusinessMeasure, BusinessSums] = field(default_factory=dict)
    last_day: date | None = None

    @property
    def silent_days(self) -> int:
        """Whole days since the newest row, before today."""
        return 0 if self.last_day is None else max(0, (self.now.date() - self.last_day).days - 1)

    @property
    def stage_days(self) -> float:
        """Days at this stage so far."""
        return (self.now - self.stage_began_at).total_seconds() / 86_400


def empty_arm() -> Arm:
    """An arm that nobody was sent to."""
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    return Arm(0, 0, none, nothing, none, none, none, none, none, nothing, none, nothing)
