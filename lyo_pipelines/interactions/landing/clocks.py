"""What is said of a file or of rows from the future: nothing of them is lost, and a wrong clock is worth a look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from lyo_pipelines.interactions.fields.times import OUT_OF_RANGE
from lyo_pipelines.interactions.landing.inbox_listing import CLOCKS_DIFFER
from lyo_pipelines.interactions.landing.report import LandingReport

_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def with_times_told(report: LandingReport) -> LandingReport:
    """The report, with how many rows only their time spoke against."""
    outside = sum(report.rejected_by_reason.get(reason, 0) for reason in OUT_OF_RANGE)
    if not outside:
        return report
    said = f"outside the accepted times: {outside:,} of the rows, read again as soon as the range, or this machine's clock, has moved"
    return _noted(report, said)


def with_clock_told(report: LandingReport, mtime: float, now: datetime) -> LandingReport:
    """The report, with a file time (seconds since 1970) that lies ahead of this machine's clock."""
    ahead = mtime - now.timestamp()
    if ahead <= CLOCKS_DIFFER:
        return report
    size, unit = next(found for found in _UNITS if ahead >= found[0])
    return _noted(
        report, f"the file's time is {ahead / size:.0f} {unit} ahead of this machine's clock: one of the two is wrong"
    )


def _noted(report: LandingReport, said: str) -> LandingReport:
    return replace(report, note="; ".join(filter(None, (report.note, said))))
