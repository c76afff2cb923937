"""One day of raw interactions -> one day of examples, batch by batch, so that a day of any size needs the same memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation import quality
from lyo_pipelines.curation.batch import BatchResult
from lyo_pipelines.curation.contract import EXAMPLE, REMOVED, CurationReport, MissingDayError
from lyo_pipelines.curation.funnel import funnel_table
from lyo_pipelines.curation.image_texts import ImageTexts
from lyo_pipelines.curation.inputs import day_signature, stale_days
from lyo_pipelines.curation.judgements import FILE, RATING
from lyo_pipelines.curation.review import Review, phrase_rules, read_queue, review_decisions, update_day
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.curation.workers import curated_batches
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.arrow import conform_table
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY
from lyo_pipelines.storage.table_writer import TableWriter

__all__ = ["curate_day", "stale_days"]


def curate_day(lake: Lake, day: date, config: CurationConfig) -> CurationReport:
    """Curate one day and write its examples, removed rows, funnel and quality (`lake/examples/date=…/*.parquet`).

    Running it again on the same inputs writes the same rows. The examples come last: until they are there, the day is stale.
    Raises MissingDayError, ReviewQueueError, WordlistError, and DamagedTableError for damaged interactions, which are then out of
    the way, so that they are made anew.
    """
    path = lake.interactions(day)
    if not lake.exists(path):
        raise MissingDayError(
            f"There are no raw interactions for {day.isoformat()} ({path}). Materialize raw_interactions for that day first, "
            "or drop a file with interactions of that day into the inbox."
        )
    with lake.remade_if_damaged(path, f"raw_interactions of {day.isoformat()}"):
        return _curate(lake, day, config)


def _curate(lake: Lake, day: date, config: CurationConfig) -> CurationReport:
    lists, queue = load_wordlists(lake), read_queue(lake)
    signature = day_signature(lake, day, config, lists, queue)
    decided, phrases = review_decisions(queue), phrase_rules(queue)
    total = _DayTotals()
    with ExitStack() as files:
        # the stack closes in reverse: examples are renamed into place last
        writers = {
            name: files.enter_context(_writer(lake, lake.examples(day, file), schema, signature))
            for name, file, schema in (
                ("kept", "part", EXAMPLE),
                ("disliked", "disliked", EXAMPLE),
                (FILE, FILE, RATING),
                ("removed", "removed", REMOVED),
            )
        }
        file = files.enter_context(lake.open_table(lake.interactions(day)))
        batches = map(ImageTexts.of(lake, config).with_findings, _batches(file, config.batch_rows))
        for result in curated_batches(batches, config, lists, decided, phrases):
            total.add(result, day)
            writers["kept"].write_table(result.kept)
            writers["disliked"].write_table(result.disliked)
            writers[FILE].write_table(result.ratings)
            writers["removed"].write_table(total.trimmed(result.removed, config))
        found = quality.metrics(total.quality)
        lake.write_table(funnel_table(total.funnel), lake.examples(day, "funnel"))
        lake.write_table(quality.quality_table(found), lake.examples(day, "quality"))
        pending = update_day(lake, day, total.findings) if config.cultural_review else 0
    return total.report(day, found, pending)


class _DayTotals:
    """The counts of all batches so far."""

    def __init__(self) -> None:
        self.read = 0
        self.funnel: Counter[tuple[str, int]] = Counter()
        self.pii: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.findings: list[Review] = []
        self.quality = quality.Tally()
        self.shown: Counter[tuple[str, str]] = Counter()

    def add(self, result: BatchResult, day: date) -> None:
        """Take one batch's counts in."""
        self.read += result.read
        self.funnel.update(result.funnel)
        self.pii.update(result.pii)
        self.languages.update(result.languages)
        self.repaired.update(result.repaired)
        self.findings += [Review(**{**review.__dict__, "day": day.isoformat()}) for review in result.findings]
        self.quality.add(result.quality)

    def trimmed(self, removed: pa.Table, config: CurationConfig) -> pa.Table:
        """Removed rows with excerpts only for the day's first ones of each segment and rule, not each batch's."""
        rows = removed.select(["segment", "rule", "answer", "question"]).to_pydict()
        hide = []
        for segment, rule, answer, question in zip(
            rows["segment"], rows["rule"], rows["answer"], rows["question"], strict=True
        ):
            has_text = answer is not None or question is not None
            self.shown[segment, rule] += has_text
            hide.append(has_text and self.shown[segment, rule] > config.removed_sample_per_rule)
        if not any(hide):
            return removed
        hidden = pl.when(pl.Series(hide)).then(None)
        frame = pl.DataFrame(pl.from_arrow(removed)).with_columns(
            hidden.otherwise(pl.col(name)).alias(name) for name in ("question", "answer")
        )
        return frame.to_arrow().cast(REMOVED)

    def report(self, day: date, found: dict[str, dict[str, float | None]], pending: int) -> CurationReport:
        """The report of the day."""
        removed: Counter[str] = Counter()
        read, kept = Counter[str](), Counter[str]()
        for (segment, position), number in sorted(self.funnel.items()):
            read[segment] += number
            if position < 0:
                kept[segment] += number
            else:
                removed[RULES[position].name] += number
        return CurationReport(
            day=day,
            read=self.read,
            kept=sum(kept.values()),
            removed_by_rule={rule.name: removed[rule.name] for rule in RULES if removed[rule.name]},
            segments=dict(kept),
            read_by_segment=dict(read),
            pii_counts=dict(sorted(self.pii.items())),
            languages=dict(self.languages.most_common()),
            repaired={name: number for name, number in self.repaired.items() if number},
            review_pending=pending,
            quality=found,
        )


def _batches(file: pq.ParquetFile, size: int) -> Iterator[pa.RecordBatch]:
    for batch in file.iter_batches(batch_size=size):
        if batch.num_rows:
            yield batch if batch.schema.equals(INTERACTION) else _conformed(batch)


def _conformed(batch: pa.RecordBatch) -> pa.RecordBatch:
    return conform_table(pa.Table.from_batches([batch]), INTERACTION).combine_chunks().to_batches()[0]


@contextmanager
def _writer(lake: Lake, path: str, schema: pa.Schema, signature: str) -> Iterator[TableWriter]:
    """A Parquet writer that puts its file into place in one rename when it was closed well, and else leaves nothing."""
    told = schema.with_metadata({INPUTS_KEY: signature.encode()})
    with (
        lake.replacing(path) as temporary,
        TableWriter(lake, temporary, told) as writer,
    ):
        yield writer
