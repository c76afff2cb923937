"""Giving curation's pool rules a table small enough for a million examples: texts as digests. The rules are curation's.

The pool rules look at texts only to see whether two examples are the same, so each day's texts become two 64-bit digests at once
and only those are kept for all days together.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.examples import image_names
from lyo_pipelines.dataset.question_texts import one_spaced
from lyo_pipelines.storage.arrow import offsets_and_values, pc

TEXTS = ("question", "answer", "context", "system_prompt")
POOL_COLUMNS = (
    "example_id",
    "interaction_id",
    "occurred_at",
    "segment",
    "rating",
    "weight",
    "user_pseudonym",
    *TEXTS,
    "history",
    "images",
)
"""What is read of each day for the pool rules."""
_SEEDS = (11, 13)


def without_texts(table: pa.Table) -> pa.Table:
    """Return examples (POOL_COLUMNS) with digests in place of `question` and `answer`, and no other text.

    Two rows get the same digests exactly when the rule exact_duplicate would find their texts equal: case and spacing aside in
    question, answer, context and system prompt; earlier turns and pictures as they are, a missing history being an empty one. At
    128 bits no chance collision is to be expected.
    """
    texts = {name: one_spaced(pc.utf8_lower(pc.fill_null(table[name].combine_chunks(), ""))) for name in TEXTS}
    frame = pl.DataFrame({name: pl.from_arrow(values) for name, values in texts.items()})
    frame = frame.with_columns(pl.Series("history", pl.from_arrow(_joined_history(table["history"].combine_chunks()))))
    pictures = image_names(pl.DataFrame(pl.from_arrow(table.select(["images"]))))
    if pictures is not None:
        frame = frame.with_columns(pictures)
    digests = [frame.hash_rows(seed=seed).cast(pl.String).to_arrow().cast(pa.string()) for seed in _SEEDS]
    small = {**{name: table[name] for name in table.column_names}, "question": digests[0], "answer": digests[1]}
    for name in ("context", "system_prompt", "history", "images"):
        small[name] = pa.nulls(table.num_rows, EXAMPLE.field(name).type)
    return pa.table(small)


def _joined_history(history: pa.ListArray) -> pa.Array:
    offsets, flat = offsets_and_values(history)
    contents = pa.ListArray.from_arrays(pa.array(offsets.astype("int32")), pc.fill_null(flat.field("content"), ""))
    return pc.binary_join(contents, "\x1d")
