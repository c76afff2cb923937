"""One day of interactions and what curation said of them -> one day of health (`lake/health/date=…/*.parquet`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.contract import NO_SEGMENT
from lyo_pipelines.curation.inputs import built_from as examples_built_from
from lyo_pipelines.curation.inputs import stale_days as stale_examples
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.aggregate import ROWS, aggregate_day
from lyo_pipelines.health.contract import HEALTH, HEALTH_VERSION, USERS
from lyo_pipelines.health.on_trial import mark_registered_trials, read_releases
from lyo_pipelines.interactions.days.build import stale_days as stale_interactions
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY, inputs_of

_CURATED = ("kept", "examined", "mismatched")
_MISMATCH = next(position for position, rule in enumerate(RULES) if rule.name == "wrong_language")
_PLACES = {rule.name: position for position, rule in enumerate(RULES)}


@dataclass(frozen=True)
class HealthReport:
    """What one day's health holds; `rows` are those of the file, `interactions` what they count."""

    day: date
    interactions: int
    segments: int
    rows: int
    negative: int
    errors: int


class NotCuratedError(LyoError):
    """The day has no curated examples yet, so nothing is known of its segments."""


def build_day(lake: Lake, day: date, config: CurationConfig) -> HealthReport:
    """Aggregate one day. The health file comes last: until it is there, the day is stale. Raises NotCuratedError."""
    built = examples_built_from(lake, day)
    if built is None:
        raise NotCuratedError(
            f"{day.isoformat()} has no filtered_examples: materialize that day first (segments come from curation)."
        )
    health, users = aggregate_day(_rows(lake, day), config.cultural_complaint_categories)
    signature = _signature(built, config)
    for frame, schema, path in (
        (users, USERS, lake.health_users(day)),
        (health, HEALTH, lake.health(day)),
    ):
        told = frame.to_arrow().cast(schema).replace_schema_metadata({INPUTS_KEY: signature.encode()})
        lake.write_table(told, path)
    return HealthReport(
        day=day,
        interactions=int(health["n"].sum()),
        segments=health["segment"].n_unique(),
        rows=health.height,
        negative=int(health["negative"].sum()),
        errors=int(health["errors"].sum()),
    )


def stale_days(lake: Lake, config: CurationConfig) -> list[date]:
    """Curated days whose health is missing or was made from something else."""
    return [
        day
        for day in lake.days("examples")
        if (built := examples_built_from(lake, day)) is not None and built_from(lake, day) != _signature(built, config)
    ]


def days_to_rebuild(lake: Lake, config: CurationConfig) -> list[date]:
    """Days whose interactions, examples or health are not made from what lies there now: what a daily run has to do."""
    return sorted({*stale_interactions(lake), *stale_examples(lake, config), *stale_days(lake, config)})


def _signature(examples: str, config: CurationConfig) -> str:
    return f"{HEALTH_VERSION} {','.join(sorted(config.cultural_complaint_categories))} {examples}"


def built_from(lake: Lake, day: date) -> str | None:
    """What a day of health says it was made from; None when there is none, empty when its file is broken."""
    return inputs_of(lake, lake.health(day))


def _rows(lake: Lake, day: date) -> pl.DataFrame:
    """The day's interactions with their segment and what curation found; rows of no segment are left out."""
    columns = [name for name in ROWS if name not in ("segment", "registered_trial", *_CURATED)]
    raw = _frame(lake.read_table(lake.interactions(day), ["interaction_id", "occurred_at", *columns]))
    if "rating_invited" not in raw.columns:  # a day that was built before there were invitations
        raw = raw.with_columns(rating_invited=pl.lit(None, pl.Boolean))
    kept = _frame(lake.read_table(lake.examples(day), ["interaction_id", "segment"])).with_columns(place=pl.lit(-1))
    removed = _frame(lake.read_table(lake.examples(day, "removed"), ["interaction_id", "segment", "rule"])).select(
        "interaction_id",
        "segment",
        place=pl.col("rule").replace_strict(_PLACES, default=len(RULES), return_dtype=pl.Int32),
    )
    curated = pl.concat([kept, removed]).with_columns(
        kept=pl.col("place") < 0,
        # rules run in order: a row that an earlier rule removed was not examined for its language
        examined=(pl.col("place") < 0) | (pl.col("place") >= _MISMATCH),
        mismatched=pl.col("place") == _MISMATCH,
    )
    rows = raw.join(curated, on="interaction_id").filter(pl.col("segment") != NO_SEGMENT)
    asks = rows["adapter_version"].null_count() < rows.height  # else the registry could say nothing of them
    return mark_registered_trials(rows, read_releases(lake) if asks else {}).select(ROWS)


def _frame(table: pa.Table) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table))
