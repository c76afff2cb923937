"""One batch of raw interactions -> examples, removed rows, findings and counts. Pure: no file, no clock.

Days are put together in day.py.

Order: repair question and answer, read structured answers, find the language, ask the rules, then repair and redact everything
that the examples show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation import culture, quality
from lyo_pipelines.curation.asked_language import settled_language
from lyo_pipelines.curation.contract import NO_SEGMENT, REMOVED
from lyo_pipelines.curation.examples import corrected_examples, disliked_examples, make_examples, middling_answers
from lyo_pipelines.curation.image_rules import image_findings
from lyo_pipelines.curation.json_texts import redact_structured_rows
from lyo_pipelines.curation.judgements import day_ratings
from lyo_pipelines.curation.repairs import repair_texts
from lyo_pipelines.curation.review import Decisions, PhraseRules, Review, decided_by_phrase, review_verdict
from lyo_pipelines.curation.row_texts import RedactedRows, redact_rows
from lyo_pipelines.curation.rules import RULES, first_rule
from lyo_pipelines.curation.task_answers import read_answers
from lyo_pipelines.curation.texts import distinct_texts, history_contents, spread_texts, with_contents
from lyo_pipelines.curation.wordlists import Wordlists
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.written import bucket_language, written_language
from lyo_pipelines.segments import SegmentKeyError, segment_key


@dataclass(frozen=True)
class BatchResult:
    """What one batch gives: tables of the contract, review lines, and counts that add up over batches."""

    kept: pa.Table
    disliked: pa.Table
    ratings: pa.Table
    removed: pa.Table
    findings: list[Review]
    funnel: Counter[tuple[str, int]]
    pii: Counter[str]
    languages: Counter[str]
    repaired: Counter[str]
    quality: quality.Tally
    read: int = field(default=0)


def curate_batch(
    raw: pa.RecordBatch | pa.Table,
    config: CurationConfig,
    lists: Wordlists,
    decided: Decisions,
    phrases: PhraseRules | None = None,
) -> BatchResult:
    """Curate rows of the INTERACTION schema. kept + removed == read, always; order is kept.

    decided, phrases: what people decided about findings of rows, and about phrases in all of them.
    """
    phrases = phrases or {}
    frame = pl.DataFrame(pl.from_arrow(raw))
    repaired: Counter[str] = Counter()
    frame = _prepared(frame, config, lists, decided, phrases, repaired)
    verdicts = first_rule(frame, config, lists)
    clean, verdicts = _cleaned(_repair_rest(frame.filter(verdicts < 0), lists, repaired), verdicts, config)
    removed = frame.filter(verdicts >= 0).with_columns(verdict=verdicts.filter(verdicts >= 0))
    apart, _ = redact_structured_rows(_repair_rest(disliked_examples(removed, config), lists, repaired), config)
    sample, others = _sampled(removed, config)
    clean_sample = redact_rows(sample, config)
    pending = _reviews(clean_sample.frame, lists, config, phrases)
    kept, disliked = make_examples(clean.frame, config), make_examples(apart.frame, config)
    # not redacted, for only their digests are written; what a rating of a text with personal data says is lost
    middling = _repair_rest(middling_answers(removed, config), lists, Counter())
    return BatchResult(
        kept=kept,
        disliked=disliked,
        ratings=day_ratings([kept, disliked], middling),
        removed=_removed(clean_sample.frame, others, config),
        findings=pending,
        funnel=Counter(
            {(s, v): n for s, v, n in frame.select("segment", v=verdicts).group_by("segment", "v").len().iter_rows()}
        ),
        pii=Counter(clean.counts),
        languages=Counter(dict(frame.group_by("written").len().iter_rows())),
        repaired=repaired,
        quality=quality.tally(frame.with_columns(verdict=verdicts), clean.rows_with_pii, clean.frame["segment"]),
        read=frame.height,
    )


def _cleaned(kept: pl.DataFrame, verdicts: pl.Series, config: CurationConfig) -> tuple[RedactedRows, pl.Series]:
    """The kept rows without personal data; a structured answer that is no longer valid without it takes its row along."""
    clean, broken = redact_structured_rows(kept, config)
    if broken.any():
        verdicts = verdicts.scatter((verdicts < 0).arg_true().filter(broken), _INVALID)
        clean, _ = redact_structured_rows(kept.filter(~broken), config)
    return clean, verdicts


def _prepared(
    frame: pl.DataFrame,
    config: CurationConfig,
    lists: Wordlists,
    decided: Decisions,
    phrases: PhraseRules,
    repaired: Counter[str],
) -> pl.DataFrame:
    """What the rules look at: cleaned question and answer, how the task reads it, languages, segment, findings and decision."""
    for column, answers in (("question", False), ("answer", True), ("edited_answer", True)):
        texts, changed = repair_texts(frame[column], lists, answers=answers)
        repaired.update(changed)
        frame = frame.with_columns(texts.alias(column))
    frame = corrected_examples(frame)
    declared = _mapped(frame["language"], language_code).alias("declared")
    frame = read_answers(frame, repaired)
    written = written_language(frame["spoken"], declared, config)
    frame = frame.with_columns(declared, written, bucket_language(declared, written))
    frame = frame.with_columns(settled_language(frame, config), image_findings(frame, config))
    frame = frame.with_columns(_segments(frame))
    found = culture.cultural_findings(frame.with_columns(answer=frame["spoken"]), lists, config)
    frame = frame.with_columns(found)
    return frame.with_columns(_decisions(frame, lists, decided, phrases))


def _decisions(frame: pl.DataFrame, lists: Wordlists, decided: Decisions, phrases: PhraseRules) -> pl.Series:
    """keep, drop or pending for rows with findings, null for the others; a decision about the row wins over one about a phrase."""
    rows = (frame["findings"].list.len() > 0).arg_true()
    nothing = pl.Series("decision", [None] * frame.height, dtype=pl.String)
    if not len(rows):
        return nothing
    verdicts = []
    for name, spoken, bucket, found in frame.select("interaction_id", "spoken", "bucket", "findings")[rows].iter_rows():
        said = _said_of_phrases(spoken, found, bucket, lists, phrases) | dict(decided.get(name, {}))
        verdicts.append(review_verdict(name, found, {name: said}))
    return nothing.scatter(rows, verdicts)


def _said_of_phrases(
    answer: str, found: list[str], language: str, lists: Wordlists, rules: PhraseRules
) -> dict[str, str]:
    """Finding -> keep or drop, for those of an answer's findings whose phrases are decided."""
    if not rules:
        return {}
    said = {
        name: decided_by_phrase(name, culture.finding_phrases(answer or "", name, language, lists), rules)
        for name in found
    }
    return {name: decision for name, decision in said.items() if decision}


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
    texts, positions = distinct_texts(columns)
    mended, changed = repair_texts(texts, lists, answers=False)
    repaired.update(changed)
    system, context, complaint, contents = (
        spread_texts(mended, where, c.name) for c, where in zip(columns, positions, strict=True)
    )
    spoken = roles == "assistant"
    if spoken.any():
        own, changed = repair_texts(contents.filter(spoken), lists, answers=True)
        contents = contents.scatter(spoken.arg_true(), own)
    return frame.with_columns(
        system.alias("system_prompt"),
        context.alias("context"),
        complaint.alias("complaint_text"),
        with_contents(frame["history"], roles, contents).alias("history"),
    )


def _sampled(removed: pl.DataFrame, config: CurationConfig) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The removed rows whose texts are looked at: the first of each segment and rule, and all that have findings to review."""
    place = pl.int_range(pl.len()).over("segment", "verdict")
    looked_at = (place < config.removed_sample_per_rule) | (
        pl.col("decision").is_not_null() & (pl.col("verdict") >= _FIRST_CULTURAL)
    )
    marked = removed.with_columns(sampled=looked_at, place=pl.int_range(pl.len()))
    return marked.filter("sampled"), marked.filter(~pl.col("sampled"))


_NAMES = [rule.name for rule in RULES]
_FIRST_CULTURAL, _INVALID = _NAMES.index("cultural_dropped"), _NAMES.index("invalid_answer")


def _reviews(sample: pl.DataFrame, lists: Wordlists, config: CurationConfig, rules: PhraseRules) -> list[Review]:
    """A line for each finding that no phrase decides."""
    found = sample.filter(pl.col("verdict") >= _FIRST_CULTURAL)
    lines = []
    for row in found.iter_rows(named=True):
        for name in row["findings"]:
            phrases = culture.finding_phrases(row["answer"], name, row["bucket"], lists)
            if decided_by_phrase(name, phrases, rules):
                continue
            text = (
                row["answer"]
                if name != culture.COMPLAINT
                else f"{row['complaint_text'] or row['complaint_category']} | {row['answer']}"
            )
            shown = culture.finding_excerpt(text, name, row["bucket"], lists, config)
            day = row["occurred_at"].date().isoformat()
            first = next((phrase for phrase in phrases if (name, phrase) not in rules), "")
            lines.append(Review(row["interaction_id"], day, row["segment"], name, shown, phrase=first))
    return lines


def _removed(sample: pl.DataFrame, others: pl.DataFrame, config: CurationConfig) -> pa.Table:
    """All removed rows in their order; excerpts only of the sample."""
    width = config.removed_excerpt_characters
    names = pl.Series(_NAMES)
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
