"""What earlier launches gained, as their reports measured it: in the primary metric, turned so that larger is better.

The first adapter of a segment is held against the base model; a later one against the champion of its time, or, where nothing
served, against the gain over the base that the version before it had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from scipy.special import ndtri

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.statistics.next_gain import Gain

Turn = Literal["first", "again"]
"""Whether a training was the first of its segment: first gains are larger than those over an adapter that is there already."""


@dataclass(frozen=True)
class PastGain:
    """One measured gain and whether it was the segment's first."""

    turn: Turn
    metric: str
    gain: Gain


def past_gains(reports: Sequence[Report]) -> list[PastGain]:
    """The gains of all reports that measured one with an interval, by segment and time."""
    found: list[PastGain] = []
    before: dict[tuple[str, str], Gain] = {}
    for report in sorted(reports, key=lambda one: (one.created_at, one.version)):
        key = report.segment, report.primary_metric
        over_base, over_champion = gain_of(report, "base"), gain_of(report, "champion")
        earlier = before.get(key)
        if over_base is not None:
            before[key] = over_base
        if over_champion is not None:
            found.append(PastGain("again", report.primary_metric, over_champion))
        elif over_base is not None and earlier is None:
            found.append(PastGain("first", report.primary_metric, over_base))
        elif over_base is not None and earlier is not None:
            error = sqrt(over_base.standard_error**2 + earlier.standard_error**2)
            difference = Gain(report.segment, over_base.value - earlier.value, error)
            found.append(PastGain("again", report.primary_metric, difference))
    return found


def gain_of(report: Report, against: str) -> Gain | None:
    """The candidate's gain over a rival in the primary metric; None where it was not compared, or has no interval."""
    found, about = report.comparison(report.primary_metric, against), report.metrics.get(report.primary_metric)
    if found is None or about is None or found.difference is None or found.ci_low is None or found.ci_high is None:
        return None
    sign = -1.0 if about.direction == "lower" else 1.0
    error = (found.ci_high - found.ci_low) / (2 * float(ndtri(0.5 + report.statistics.confidence / 2)))
    return Gain(report.segment, sign * found.difference, error)
