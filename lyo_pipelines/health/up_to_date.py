"""Building what is stale in one go, for whoever is about to learn from it: interactions, then examples, then health of each day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from lyo_pipelines.config.cluster import ClusterConfig
from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.days import curate_days
from lyo_pipelines.curation.inputs import stale_days as stale_examples
from lyo_pipelines.health.day import build_day as build_health
from lyo_pipelines.health.day import stale_days as stale_health
from lyo_pipelines.interactions.days.build import build_day as build_interactions
from lyo_pipelines.interactions.days.build import stale_days as stale_interactions
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class BuiltDays:
    """Days that were built anew, by what was built of them. damaged: days that could not be, and why; they stay as they were."""

    interactions: tuple[date, ...] = ()
    examples: tuple[date, ...] = ()
    health: tuple[date, ...] = ()
    damaged: Mapping[date, str] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        """All of them, in order."""
        return sorted({*self.interactions, *self.examples, *self.health})


def build_stale_days(
    lake: Lake,
    config: CurationConfig,
    *,
    wanted: Callable[[date], bool],
    pseudonyms: Pseudonyms | None,
    cluster: ClusterConfig | None = None,
) -> BuiltDays:
    """Build every stale day that is `wanted`, as the daily job would: a damaged one is told and the others go on.

    pseudonyms: as interactions' build_day takes them. cluster: as curate_days takes it. A daily run at the same time does no harm:
    each file is put into place whole, and one made of older inputs is stale again. Raises what building a day raises, but for damage.
    """
    damaged: dict[date, str] = {}

    def built(days: Iterable[date], build: Callable[[date], object]) -> tuple[date, ...]:
        done = []
        for day in filter(wanted, days):
            try:
                build(day)
            except DamagedFileError as error:
                damaged[day] = str(error)
            else:
                done.append(day)
        return tuple(done)

    interactions = built(stale_interactions(lake), lambda day: build_interactions(lake, day, pseudonyms))
    examples = []
    for day, report in curate_days(lake, list(filter(wanted, stale_examples(lake, config))), config, cluster):
        if isinstance(report, DamagedFileError):
            damaged[day] = str(report)
        else:
            examples.append(day)
    health = built(stale_health(lake, config), lambda day: build_health(lake, day, config))
    return BuiltDays(interactions, tuple(examples), health, damaged)
