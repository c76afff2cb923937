"""The shape of preference data: columns of its files and names of its rules. No logic belongs here."""

from __future__ import annotations

import pyarrow as pa

from lyo_pipelines.interactions.contract import MESSAGE

KINDS = ("kto", "dpo")
SPLITS = ("train", "validation")
"""Preferences are learnt and watched; a test item is never among them."""

_COMMON = [
    pa.field("example_id", pa.string(), nullable=False),
    pa.field("group_id", pa.string(), nullable=False, metadata={"doc": "the group that splits never divide"}),
    pa.field("segment", pa.string()),
    pa.field(
        "messages", pa.list_(MESSAGE), nullable=False, metadata={"doc": "the chat up to the last question, no answer"}
    ),
]
LABEL_SCHEMA = pa.schema(
    [
        *_COMMON,
        pa.field("answer", pa.string(), nullable=False),
        pa.field("label", pa.bool_(), nullable=False, metadata={"doc": "true: a good answer, false: a bad one"}),
        pa.field("rating", pa.float32(), nullable=False),
    ]
)
"""kto_train.parquet, kto_validation.parquet: one answer and whether it was good."""

PAIR_SCHEMA = pa.schema(
    [
        *_COMMON,
        pa.field("chosen", pa.string(), nullable=False),
        pa.field("rejected", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False, metadata={"doc": "two_answers (to one question) or edit"}),
        pa.field("rejected_example_id", pa.string(), nullable=False),
    ]
)
"""dpo_train.parquet, dpo_validation.parquet: two answers to the same question, the better one and the worse one."""

SCHEMAS = {"kto": LABEL_SCHEMA, "dpo": PAIR_SCHEMA}
TWO_ANSWERS, EDIT = "two_answers", "edit"
