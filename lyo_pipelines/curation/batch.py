"""One batch of raw interactions -> examples, removed rows, findings and counts. Pure: no file, no clock.

Days are put together in day.py.

Order: repair question and answer, find the language, ask the rules, then repair and redact everything that the examples show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.curation import culture, quality
from lyo_pipelines.curation.contract import EXAMPLE, NO_SEGMENT, REMOVED
from lyo_pipelines.curation.language.codes import language_code
from lyo_pipelines.curation.language.written import bucket_language, written_language
from lyo_pipelines.curation.repairs import repair
from lyo_pipelines.curation.review import Decisions, Review, verdict
from lyo_pipelines.curation.rowtexts import redact_rows
from lyo_pipelines.curation.rules import RULES, first_rule
from lyo_pipelines.curation.texts import distinct, history_contents, spread, with_contents
from lyo_pipelines.curation.wordlists import Wordlists
from lyo_pipelines.interactions.segments import SegmentKeyError, segment_key


@dataclass(frozen=True)
class BatchResult:
    """What one batch gives: tables of the contract, review lines, and counts that add up over batches."""

    kept: pa.Table
    removed: pa.Table
    findings: list[Review]
    funnel: Counter[tuple[str, int]]
    pii: Counter[str]
    languages: Counter[str]
    repaired: Counter[str]
    quality: quality.Tally
    read: int = field(default=0)


def curate_batch(
    raw: pa.RecordBatch | pa.Table, figures: CurationFigures, lists: Wordlists, decided: Decisions
) -> BatchResult:
    """Curate rows of the INTERACTION schema. kept + removed == read, always; order is kept."""
    frame = pl.DataFrame(pl.from_arrow(raw))
    repaired: Counter[str] = Counter()
    frame = _prepared(frame, figures, lists, decided, repaired)
    verdicts = first_rule(frame, figures, lists)
    kept, removed = frame.filter(verdicts < 0), frame.filter(verdicts >= 0)
    removed = removed.with_columns(verdict=verdicts.filter(verdicts >= 0))

    kept = _repair_rest(kept, lists, repaired)
    clean = redact_rows(kept, figures)
    sample, others = _sampled(removed, figures)
    clean_sample = redact_rows(sample, figures)
    pending = _reviews(clean_sample.frame, lists, figures)
    return BatchResult(
        kept=_examples(clean.frame, figures),
        removed=_removed(clean_sample.frame, others, figures),
        findings=pending,
        funnel=Counter(
            {(s, v): n for s, v, n in frame.select("segment", v=verdicts).group_by("segment", "v").len().iter_rows()}
        ),
        pii=Counter(clean.counts),
        languages=Counter(dict(frame.group_by("written").len().iter_rows())),
        repaired=repaired,
        quality=quality.tally(frame.with_columns(verdict=verdicts), clean.rows_with_pii, kept["segment"]),
        read=frame.height,
    )


def _prepared(
    frame: pl.DataFrame, figures: CurationFigures, lists: Wordlists, decided: Decisions, repaired: Counter[str]
) -> pl.DataFrame:
    """Cleaned question and answer, declared/written/bucket language, segment, findings and decision: what the rules look at."""
    for column, answers in (("question", False), ("answer", True)):
        texts, changed = repair(frame[column], lists, answers=answers)
        repaired.update(changed)
        frame = frame.with_columns(texts.alias(column))
    declared = _mapped(frame["language"], language_code).alias("declared")
    written = written_language(frame["answer"], declared, figures)
    frame = frame.with_columns(declared, written, bucket_language(declared, written))
    frame = frame.with_columns(_segments(frame))
    found = culture.findings(frame, lists, figures)
    return frame.with_columns(found, _decisions(frame["interaction_id"], found, decided))


def _decisions(ids: pl.Series, found: pl.Series, decided: Decisions) -> pl.Series:
    """keep, drop or pending for rows with findings, null for the others."""
    rows = (found.list.len() > 0).arg_true()
    nothing = pl.Series("decision", [None] * len(ids), dtype=pl.String)
    if not len(rows):
        return nothing
    return nothing.scatter(rows, [verdict(ids[row], found[row], decided) for row in rows])


def _mapped(values: pl.Series, function: Callable[[str | None], str]) -> pl.Series:
    known = values.unique().to_list()
    return values.replace_strict(known, [function(value) for value in known], return_dtype=pl.String)


def _segments(frame: pl.DataFrame) -> pl.Series:
    keys = frame.select("task", "bucket", "subject").unique()
    found = []
    for task, bucket, subject in keys.iter_rows():
        try:
            found.append(segment_key(task or "", bucket or "", subject))
        except SegmentKeyError:
            found.append(NO_SEGMENT)
    joined = frame.select("task", "bucket", "subject").join(
        keys.with_columns(segment=pl.Series(found, dtype=pl.String)),
        on=["task", "bucket", "subject"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return joined["segment"]


def _repair_rest(frame: pl.DataFrame, lists: Wordlists, repaired: Counter[str]) -> pl.DataFrame:
    """Repair system prompt, context and earlier turns of the rows that stay, each distinct text once."""
    _, roles, contents = history_contents(frame["history"])
    columns = [frame["system_prompt"], frame["context"], frame["complaint_text"], contents]
    texts, positions = distinct(columns)
    mended, changed = repair(texts, lists, answers=False)
    repaired.update(changed)
    system, context, complaint, contents = (
        spread(mended, where, c.name) for c, where in zip(columns, positions, strict=True)
    )
    spoken = roles == "assistant"
    if spoken.any():
        own, changed = repair(contents.filter(spoken), lists, answers=True)
        contents = contents.scatter(spoken.arg_true(), own)
    return frame.with_columns(
        system.alias("system_prompt"),
        context.alias("context"),
        complaint.alias("complaint_text"),
        with_contents(frame["history"], roles, contents).alias("history"),
    )


def _sampled(removed: pl.DataFrame, figures: CurationFigures) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The removed rows whose texts are looked at: the first of each segment and rule, and all that have findings to review."""
    place = pl.int_range(pl.len()).over("segment", "verdict")
    looked_at = (place < figures.removed_sample_per_rule) | (
        pl.col("decision").is_not_null() & (pl.col("verdict") >= _FIRST_CULTURAL)
    )
    marked = removed.with_columns(sampled=looked_at, place=pl.int_range(pl.len()))
    return marked.filter("sampled"), marked.filter(~pl.col("sampled"))


_FIRST_CULTURAL = next(position for position, rule in enumerate(RULES) if rule.name == "cultural_dropped")


def _reviews(sample: pl.DataFrame, lists: Wordlists, figures: CurationFigures) -> list[Review]:
    found = sample.filter(pl.col("verdict") >= _FIRST_CULTURAL)
    lines = []
    for row in found.iter_rows(named=True):
        for name in row["findings"]:
            text = (
                row["answer"]
                if name != culture.COMPLAINT
                else f"{row['complaint_text'] or row['complaint_category']} | {row['answer']}"
            )
            shown = culture.excerpt(text, name, row["bucket"], lists, figures)
            lines.append(
                Review(row["interaction_id"], row["occurred_at"].date().isoformat(), row["segment"], name, shown)
            )
    return lines


def _removed(sample: pl.DataFrame, others: pl.DataFrame, figures: CurationFigures) -> pa.Table:
    """All removed rows in their order; excerpts only of the sample."""
    width = figures.removed_excerpt_characters
    names = pl.Series([rule.name for rule in RULES])
    shown = sample.select(
        "place",
        "interaction_id",
        "segment",
        "verdict",
        pl.col("question").str.slice(0, width),
        pl.col("answer").str.slice(0, width),
    )
    hidden = others.select(
        "place",
        "interaction_id",
        "segment",
        "verdict",
        question=pl.lit(None, pl.String),
        answer=pl.lit(None, pl.String),
    )
    rows = pl.concat([shown, hidden]).sort("place")
    rows = rows.with_columns(rule=names.gather(rows["verdict"]) if rows.height else pl.Series("rule", [], pl.String))
    return rows.select(REMOVED.names).to_arrow().cast(REMOVED)


def _examples(frame: pl.DataFrame, figures: CurationFigures) -> pa.Table:
    rating = pl.col("rating").fill_nan(None)
    span = max(5.0 - figures.minimum_rating, 1e-9)
    slope = (figures.weight_top_rating - figures.weight_minimum_rating) / span
    weight = (
        pl.when(rating.is_null())
        .then(figures.weight_unrated)
        .otherwise(figures.weight_top_rating - (5.0 - rating.clip(figures.minimum_rating, 5.0)) * slope)
    )
    out = frame.with_columns(
        example_id=_example_ids(frame),
        language=pl.col("written"),
        weight=weight.cast(pl.Float32),
        rating=rating.cast(pl.Float32),
    )
    return out.select(EXAMPLE.names).to_arrow().cast(EXAMPLE)


def _example_ids(frame: pl.DataFrame) -> pl.Series:
    turns = frame.select(
        pl.col("history")
        .list.eval(
            pl.concat_str(
                pl.element().struct.field("role").fill_null(""),
                pl.lit("\x1e"),
                pl.element().struct.field("content").fill_null(""),
            )
        )
        .list.join("\x1d")
        .fill_null("")
    ).to_series()
    texts = ("interaction_id", "system_prompt", "context", "question", "answer")
    whole = frame.select(*(pl.col(name).fill_null("") for name in texts), turns.alias("turns")).select(
        pl.concat_str(pl.all(), separator="\x1f")
    )
    return pl.Series(
        "example_id", [blake2b(text.encode(), digest_size=8).hexdigest() for text in whole.to_series()], dtype=pl.String
    )
