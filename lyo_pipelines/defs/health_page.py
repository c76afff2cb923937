"""What the page of `segment_health` shows: segments over weeks, and what is near a launch, since when and by when."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import dagster as dg

from lyo_pipelines.config.loading import Config
from lyo_pipelines.defs.cost_page import cost_metadata
from lyo_pipelines.defs.metadata import Metadata, excerpt, metadata_table
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.plots import weeks_plot
from lyo_pipelines.health.read import examples_by_day, read_health
from lyo_pipelines.health.weeks import WEEKS, weeks_of
from lyo_pipelines.retraining.assess import assess_segments
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.history import Launch
from lyo_pipelines.retraining.near import NearCause, near_causes
from lyo_pipelines.storage.lake import Lake

SHOWN, SHOWN_COMING = 20, 5
"""Causes, and first trainings on their way, that the page lists, most urgent first; `lyo why SEGMENT` tells all."""


def watch_metadata(
    instance: dg.DagsterInstance, lake: Lake, config: Config, runs: list[Launch], now: datetime
) -> Metadata:
    """The weeks up to the newest day of health, and what is near a launch now. runs: of the retraining job."""
    days = lake.days("health")
    if not days:
        return {}
    try:
        return {
            **_weeks(instance, lake, config, max(days)),
            **_near(lake, config, runs, now),
            **cost_metadata(instance, lake, config.costs, now),
        }
    except LyoError as error:  # the aggregates are written; a picture of other days must not fail them
        return {"not_shown": error.message}


def _weeks(instance: dg.DagsterInstance, lake: Lake, config: Config, last: date) -> Metadata:
    health = read_health(lake, [last - timedelta(days=n) for n in range(7 * WEEKS)])
    found = weeks_of(health, last)
    png = weeks_plot(found, rating_limit=lambda key: config.retraining.for_segment(key).quality.average_rating)
    if not png:
        return {}
    alt = "mean rating with its 95 % interval, interactions, share of complaints and response time by week"
    return {"segments_by_week": picture(instance, png, alt)}


def _near(lake: Lake, config: Config, runs: list[Launch], now: datetime) -> Metadata:
    curriculum = load_curriculum(lake)
    found = assess_segments(lake, config.retraining, curriculum, runs, now, by="segment_health", costs=config.costs)
    near = near_causes(lake, found.decisions.values(), examples_by_day(lake), today=now.date())
    coming = [one for one in near if one.expected]
    # how far a refresh is is no news; its day stands in `lyo why`
    others = [one for one in near if not one.rule.startswith("volume.") or one.state == "fires"]
    shown = [*others[:SHOWN], *coming[:SHOWN_COMING]]
    return {"near_a_launch": metadata_table(map(_row, shown), ["segment", "what"])}


def _row(one: NearCause) -> dict[str, str]:
    if one.expected:
        return {"segment": one.segment, "what": f"first training about {one.expected:%d %b %Y}: {one.says}"}
    since = f"since {one.since:%d %b}" if one.since else "new"
    return {"segment": one.segment, "what": excerpt(f"{one.state}, {since}: {one.says}", 160)}
