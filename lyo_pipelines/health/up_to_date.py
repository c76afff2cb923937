"""Building what is stale in one go, for whoever is about to learn from it: interactions, then examples, then health of each day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.day import stale_days as stale_examples
from lyo_pipelines.health.day import build_day as build_health
from lyo_pipelines.health.day import stale_days as stale_health
from lyo_pipelines.interactions.days.build import build_day as build_interactions
from lyo_pipelines.interactions.days.build import stale_days as stale_interactions
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class BuiltDays:
    """Days that were built anew, by what was built of them."""

    interactions: tuple[date, ...] = ()
    examples: tuple[date, ...] = ()
    health: tuple[date, ...] = ()


def build_stale_days(lake: Lake, config: CurationConfig, *, wanted: Callable[[date], bool]) -> BuiltDays:
    """Build every stale day that is `wanted`, as the daily job would. Raises what building a day raises.

    A daily run at the same time does no harm: each file is put into place whole, and one made of older inputs is stale again.
    """
    interactions = tuple(filter(wanted, stale_interactions(lake)))
    for day in interactions:
        build_interactions(lake, day)
    examples = tuple(filter(wanted, stale_examples(lake, config)))
    for day in examples:
        curate_day(lake, day, config)
    health = tuple(filter(wanted, stale_health(lake, config)))
    for day in health:
        build_health(lake, day, config)
    return BuiltDays(interactions, examples, health)
