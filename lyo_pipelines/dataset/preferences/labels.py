"""Labels and pairs out of rated answers: pure functions on a frame. Splitting and writing belong to build.py.

The frame has one row per answer: `example_id`, `prompt`, `answer`, `original_answer` (digests of texts, the last null where
nobody corrected), `rating`, `user_pseudonym`, `split`. The same `prompt` means the same question in the same conversation so far.
"""

from __future__ import annotations

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import PreferenceConfig
from lyo_pipelines.dataset.preferences.contract import EDIT, TWO_ANSWERS


def labelled(frame: pl.DataFrame, curation: CurationConfig) -> pl.DataFrame:
    """Rows with a clear label: `label` is true from `minimum_rating` on, false up to `bad_rating`; what is between is out."""
    rating = pl.col("rating").fill_nan(None)
    label = pl.when(rating >= curation.minimum_rating).then(True).when(rating <= curation.bad_rating).then(False)
    return frame.with_columns(label=label).filter(pl.col("label").is_not_null())


def merged(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each prompt and answer: the same answer rated by several people has their mean rating."""
    same = ["prompt", "answer"]
    mean = pl.col("rating").fill_nan(None).mean().over(same)
    return frame.with_columns(rating=mean).sort("example_id").unique(same, keep="first", maintain_order=True)


def capped(frame: pl.DataFrame, cap: int) -> pl.DataFrame:
    """At most `cap` labels of one user (0: no cap), those with the smallest example ids (hashes)."""
    if not cap:
        return frame
    place = pl.col("example_id").rank("ordinal").over("user_pseudonym")
    return frame.filter(pl.col("user_pseudonym").is_null() | (place <= cap))


def balanced(frame: pl.DataFrame) -> pl.DataFrame:
    """In each split as many good as bad answers: of the more frequent ones those with the smallest example ids (hashes) stay.

    KTO's loss is only well behaved while the two kinds weigh about the same (Ethayarajh et al. 2024, equation 8).
    """
    if not frame.height:
        return frame
    sizes = frame.group_by("split", "label").len()
    both = sizes.group_by("split").agg(least=pl.col("len").min(), kinds=pl.len())
    allowed = both.select("split", least=pl.when(pl.col("kinds") == 2).then("least").otherwise(0))
    place = pl.col("example_id").rank("ordinal").over("split", "label")
    kept = frame.with_columns(place=place).join(allowed, on="split", maintain_order="left")
    return kept.filter(pl.col("place") <= pl.col("least")).drop("place", "least")


def pairs(frame: pl.DataFrame, config: PreferenceConfig, curation: CurationConfig) -> pl.DataFrame:
    """Pairs of a better and a worse answer: `example_id`, `chosen`, `rejected`, `kind`, `rejected_example_id`, `split`.

    two_answers: the same prompt, one answer good and one bad, at most `pairs_per_question` of them, the widest difference of ratings
    first. edit: what a person made of an answer against the answer itself. Equal texts are no pair.
    """
    found = pl.concat([_two_answers(frame, config, curation), _edits(frame)])
    different = found.filter(pl.col("chosen") != pl.col("rejected"))
    return different.unique(["example_id", "rejected_example_id", "kind"]).sort(
        "kind", "example_id", "rejected_example_id"
    )


PAIR_COLUMNS = ("example_id", "chosen", "rejected", "kind", "rejected_example_id", "split")


def _two_answers(frame: pl.DataFrame, config: PreferenceConfig, curation: CurationConfig) -> pl.DataFrame:
    judged = labelled(frame, curation)
    good = judged.filter("label").select("prompt", "split", "example_id", "rating", chosen="answer")
    bad = judged.filter(~pl.col("label")).select(
        "prompt", "split", rejected="answer", rejected_example_id="example_id", worse="rating"
    )
    # the same prompt is always in one group and so in one split
    joined = good.join(bad, on=["prompt", "split"]).with_columns(gap=pl.col("rating") - pl.col("worse"))
    ranked = joined.sort(["gap", "example_id", "rejected_example_id"], descending=[True, False, False]).with_columns(
        place=pl.int_range(pl.len()).over("prompt")
    )
    chosen = ranked.filter(pl.col("place") < config.pairs_per_question)
    return chosen.with_columns(kind=pl.lit(TWO_ANSWERS)).select(PAIR_COLUMNS)


def _edits(frame: pl.DataFrame) -> pl.DataFrame:
    edited = frame.filter(pl.col("original_answer").is_not_null())
    return edited.select(
        "example_id",
        chosen="answer",
        rejected="original_answer",
        kind=pl.lit(EDIT),
        rejected_example_id="example_id",
        split="split",
    )
