"""When a release and its stage began, as far as the clocks of those who wrote its events can be believed.

An event never lies before the one before it, so one writer whose clock is ahead would put all that follows into the future: nothing
would count, no guardrail would act. What lies ahead of the reader's clock is therefore judged by other events: the writer's own clock
where it was moved, else the first later event that can be believed (it happened after), else the last earlier one (before it, the
candidate had no users at this stage).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.findings import ReleaseFinding, rounded_measurements, told_time

TOLERANCE = timedelta(minutes=10)
"""Clocks of machines that are kept in time differ by far less."""
REACH = timedelta(days=28)
"""How far back rows count where no event of the segment can be believed."""
RULE = "state.clock"


def by_real_time(release: Release, now: datetime) -> tuple[Release, ReleaseFinding | None]:
    """The release with times that do not lie ahead of `now`, and a finding that holds it where nobody knows when its stage began."""
    assert release.began_at is not None and release.stage_began_at is not None
    stage, sure = _time(release, release.stage_began_by, release.stage_began_at, now)
    began, _ = _time(release, release.began_by, release.began_at, now)
    judged = replace(release, began_at=min(began, stage), stage_began_at=stage)
    if sure:
        return judged, None
    ahead = (release.stage_began_at - now) / timedelta(days=1)
    says = (
        f"the event that began this stage lies {ahead:.1f} days ahead of this clock: guardrails count from "
        f"{told_time(stage)} on, and days do not count. Set the clock that is wrong; then `lyo pause` and `lyo resume "
        f"{release.segment}` let the days of this stage count from then on"
    )
    return judged, ReleaseFinding(RULE, "hold", says, rounded_measurements(days_ahead=ahead))


def _time(release: Release, event: int, at: datetime, now: datetime) -> tuple[datetime, bool]:
    """When an event (by its number) happened, and whether its days may be counted."""
    latest = now + TOLERANCE
    if at <= latest:
        return at, True
    after = [clock for clock in release.clocks[event - 1 :] if clock <= latest]
    if after:
        return after[0], True
    before = [clock for clock in release.clocks[: event - 1] if clock <= latest]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(before, default=midnight - REACH), False
