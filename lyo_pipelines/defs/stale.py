"""What a run does before it learns: it brings days and document sets up to date itself, and tells Dagster which it built."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import dagster as dg

from lyo_pipelines.config.loading import Config
from lyo_pipelines.curation.inputs import built_from as examples_built_from
from lyo_pipelines.dataset.scope import DOCUMENTS, scope_of
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.partitions import DAYS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.documents.inputs import built_from as set_built_from
from lyo_pipelines.documents.inputs import stale_sets
from lyo_pipelines.health.day import built_from as health_built_from
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.days.build import built_from as interactions_built_from

_DATA_VERSION = "dagster/data_version"


def build_what_is_stale(context: dg.AssetExecutionContext, store: Store, config: Config, segment: str) -> None:
    """Build the stale days, and where the segment is of documents the stale sets; each is an event of the asset that it belongs to.

    A damaged day is told in the run's log and stays as it was.
    """
    lake = store.lake()

    def wanted(day: date) -> bool:  # a day of before the first partition was never built, unless it was one then
        return DAYS.has_partition_key(day.isoformat()) or lake.exists(lake.examples(day))

    built = build_stale_days(
        lake, config.curation, wanted=wanted, pseudonyms=store.pseudonyms(), cluster=config.cluster
    )
    for day, said in built.damaged.items():
        context.log.warning(f"{day.isoformat()} stays as it was: {said}")
    _tell(
        context,
        "raw_interactions",
        ((d, interactions_built_from(lake, lake.interactions(d))) for d in built.interactions),
    )
    _tell(context, "filtered_examples", ((d, examples_built_from(lake, d)) for d in built.examples))
    _tell(context, "segment_health", ((d, health_built_from(lake, d)) for d in built.health))
    if days := built.days:
        context.log.info(f"{len(days)} stale days were built first: {days[0]} to {days[-1]}")
    if DOCUMENTS not in scope_of(lake, segment, config.dataset.mixtures).tasks:
        return
    for name in stale_sets(lake, config.documents, config.curation):
        build_set(lake, name, config.documents, config.curation, now=clock.current_time())
        context.log.info(f"the document set {name} had changed and was read first ({set_built_from(lake, name)})")


def _tell(context: dg.AssetExecutionContext, asset: str, days: Iterable[tuple[date, str | None]]) -> None:
    for day, signature in days:
        if DAYS.has_partition_key(day.isoformat()):
            context.log_event(
                dg.AssetMaterialization(
                    asset,
                    description="Built by a run that was about to learn from it: it was stale.",
                    partition=day.isoformat(),
                    tags={_DATA_VERSION: signature or "none"},
                )
            )
