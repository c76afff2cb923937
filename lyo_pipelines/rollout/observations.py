"""What a release decision sees: two arms of one stage, summed by the unit that was assigned. No thresholds belong here.

Everything counts from the beginning of the stage. Within a stage the arms' shares stay as they are, so both arms lived through the
same days; sums over several stages would compare a candidate's late days with the champion's early ones (Simpson's paradox).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

CULTURAL = "cultural"
"""The complaint category that counts against the cultural score."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm since the stage began. Arrays have one entry per unit of assignment (a user; a class where whole classes are assigned),
    in the same order.

    users: units seen. ratings_n, ratings_sum: rated answers and the sum of their ratings. answers_n: answers, of which errors_n
    failed, cultural_n drew a cultural complaint and retries_n had to be asked again. times_n, log_ms_sum: answers with a known
    response time, and the sum of the natural logarithms of their milliseconds. pre_period_n, pre_period_sum: rated answers of
    the same units in the weeks before the release began (served by the current adapter) and the sum of their ratings: who was
    lenient then is now.
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

    @cached_property
    def rated(self) -> int:
        """Rated answers."""
        return int(self.ratings_n.sum())

    @cached_property
    def answers(self) -> int:
        """Answers."""
        return int(self.answers_n.sum())


@dataclass(frozen=True, eq=False)
class Observation:
    """One release at one moment. stage: 1 to n; share: of the candidate, in force since `stage_began_at`; times have a zone."""

    segment: str
    version: str
    stage: int
    share: float
    began_at: datetime
    stage_began_at: datetime
    now: datetime
    candidate: Arm
    current: Arm

    @property
    def stage_days(self) -> float:
        """Days at this stage so far."""
        return (self.now - self.stage_began_at).total_seconds() / 86_400


def empty_arm() -> Arm:
    """An arm that nobody was sent to."""
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    return Arm(0, 0, none, nothing, none, none, none, none, none, nothing, none, nothing)
