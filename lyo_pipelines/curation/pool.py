"""Rules over all days of one segment, in one ordered list: pure functions on a table of examples. Reading days belongs elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.examples import image_names, rating_weight
from lyo_pipelines.curation.judgements import with_shared_ratings

REMOVED_FROM_POOL = pa.schema(
    [pa.field("example_id", pa.string(), nullable=False), pa.field("rule", pa.string(), nullable=False)]
)

Test = Callable[[pl.DataFrame, CurationConfig, int | None], pl.Series]


@dataclass(frozen=True)
class PoolRule:
    """A named reason to leave an example out of its segment; `removes` gives True for each one it applies to."""

    name: str
    description: str
    removes: Test


@dataclass(frozen=True)
class Pooled:
    """A segment's examples after the rules (EXAMPLE columns, by time) and the removed ones (example_id, rule)."""

    kept: pa.Table
    removed: pa.Table

    @property
    def removed_by_rule(self) -> dict[str, int]:
        """How many examples each rule removed, in the order of the rules."""
        names = self.removed["rule"].to_pylist()
        return {rule.name: names.count(rule.name) for rule in POOL_RULES if rule.name in names}


def segment_minimum(frame: pl.DataFrame, config: CurationConfig, interactions_in_segment: int | None) -> pl.Series:
    """The segment has too few interactions to be extracted at all."""
    few = interactions_in_segment is not None and interactions_in_segment < config.segment_minimum_interactions
    return pl.repeat(few, frame.height, eager=True, dtype=pl.Boolean)


def judged_low(frame: pl.DataFrame, config: CurationConfig, _: int | None) -> pl.Series:
    """The same answer to the same question is rated below the minimum on the whole, whatever this one rating says."""
    return (frame["rating"].fill_nan(None) < config.minimum_rating).fill_null(False)


def exact_duplicate(frame: pl.DataFrame, _: CurationConfig, __: int | None) -> pl.Series:
    """The same texts occurred before (upper/lower case and spacing aside): a rated example stays, the earliest of them."""
    keys = frame.select(
        *(_folded(name) for name in ("question", "answer", "context", "system_prompt")),
        pl.col("history")
        .list.eval(pl.element().struct.field("content").fill_null(""))
        .list.join("\x1d")
        .alias("history"),
    )
    if (shown := image_names(frame)) is not None:  # the same words to another picture are another question
        keys = keys.with_columns(shown)
    order = frame.select("rated", "occurred_at", "interaction_id", "example_id").with_columns(
        row=pl.int_range(pl.len()), key=keys.to_struct("key").hash(seed=11)
    )
    order = order.sort("rated", "occurred_at", "interaction_id", "example_id", descending=[True, False, False, False])
    first = order.unique("key", keep="first", maintain_order=True)["row"]
    return (
        pl.repeat(True, frame.height, eager=True, dtype=pl.Boolean).scatter(first, False)
        if frame.height
        else pl.Series([], dtype=pl.Boolean)
    )


def _folded(name: str) -> pl.Expr:
    return pl.col(name).fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars().alias(name)


def user_cap(frame: pl.DataFrame, config: CurationConfig, _: int | None) -> pl.Series:
    """The user has more examples than the cap: the best rated stay, among equals those with the smallest example id (a hash)."""
    if not config.user_cap:
        return pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    # ids are hashes, so among equally rated examples the choice is as good as random and never depends on their order
    ranked = frame.select(
        "user_pseudonym", "example_id", rating=pl.col("rating").fill_nan(None).fill_null(0.0)
    ).with_columns(row=pl.int_range(pl.len()))
    ranked = ranked.sort(["rating", "example_id"], descending=[True, False]).with_columns(
        place=pl.int_range(pl.len()).over("user_pseudonym")
    )
    over = ranked.sort("row").select((pl.col("place") >= config.user_cap) & pl.col("user_pseudonym").is_not_null())
    return over.to_series()


POOL_RULES: tuple[PoolRule, ...] = tuple(
    PoolRule(test.__name__, (test.__doc__ or "").strip(), test)
    for test in (segment_minimum, judged_low, exact_duplicate, user_cap)
)
"""All rules over a segment, in order."""


def apply_pool_rules(
    table: pa.Table, config: CurationConfig, interactions_in_segment: int | None, shared: pl.DataFrame | None = None
) -> Pooled:
    """Apply POOL_RULES to one segment's examples of all days.

    table: EXAMPLE rows of one segment (or parent), in any order; interactions_in_segment: interactions before filtering, for the
    minimum; None where the rows are no interactions. shared: mean ratings of answers (judgements.mean_ratings); they and the weights
    that follow from them stand in the kept rows in place of each one's own.
    The result does not depend on the order of the rows; kept + removed == len(table).
    """
    frame = pl.DataFrame(pl.from_arrow(table)).sort("occurred_at", "interaction_id", "example_id")
    frame = frame.with_columns(rated=pl.col("rating").fill_nan(None).is_not_null())
    if shared is not None:
        own = frame["rating"]
        frame = with_shared_ratings(frame, shared)
        weight = rating_weight(pl.col("rating").fill_nan(None), config).cast(frame.schema["weight"])
        frame = frame.with_columns(weight=pl.when(pl.col("rating").ne_missing(own)).then(weight).otherwise("weight"))
    removed: list[pl.DataFrame] = []
    for rule in POOL_RULES:
        gone = rule.removes(frame, config, interactions_in_segment)
        if frame.height and gone.any():
            removed.append(frame.filter(gone).select("example_id", rule=pl.lit(rule.name)))
            frame = frame.filter(~gone)
    out = pl.concat(removed).to_arrow().cast(REMOVED_FROM_POOL) if removed else REMOVED_FROM_POOL.empty_table()
    return Pooled(frame.select(table.column_names).to_arrow().cast(table.schema), out)
