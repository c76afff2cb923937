"""The shape of a dataset version: names of its splits and the columns of its files. No logic belongs here."""

from __future__ import annotations

import pyarrow as pa

from lyo_pipelines.interactions.contract import MESSAGE

SPLITS = ("train", "validation", "test")
"""Split names, weakest first: where two of them claim one group, the later one wins."""

SPLIT_SCHEMA = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field(
            "group_id",
            pa.string(),
            nullable=False,
            metadata={"doc": "what is never in two splits: conversation, exercise and near-duplicate questions"},
        ),
        pa.field("interaction_id", pa.string(), nullable=False),
        pa.field(
            "segment",
            pa.string(),
            metadata={"doc": "the segment the example comes from; a parent or a mixture holds several"},
        ),
        pa.field("conversation_id", pa.string()),
        pa.field("turn", pa.int32()),
        pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("language", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("topic", pa.string()),
        pa.field("grade", pa.string()),
        pa.field("reasoning_mode", pa.string()),
        pa.field("question_id", pa.string()),
        pa.field("reference_answer", pa.string()),
        pa.field("context", pa.string(), metadata={"doc": "material given with the question; also in the messages"}),
        pa.field(
            "messages",
            pa.list_(MESSAGE),
            nullable=False,
            metadata={"doc": "the chat, oldest first; ends with the answer to learn"},
        ),
        pa.field(
            "images",
            pa.list_(pa.string()),
            metadata={
                "doc": "files in lake/images of the pictures that the messages show, one for each mark U+FFFC in them"
            },
        ),
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("board", pa.string()),
        pa.field("valid_from", pa.date32(), metadata={"doc": "first day on which it holds; null: not said"}),
        pa.field("valid_until", pa.date32(), metadata={"doc": "last day on which it holds; null: always, or not said"}),
        pa.field(
            "validity",
            pa.string(),
            metadata={
                "doc": "current, expired or not_yet when the version was made; null: nobody says, so it holds always"
            },
        ),
    ]
)
"""Columns of train, validation and test.parquet; `messages` ends with the assistant's answer."""

REMOVED_SCHEMA = pa.schema(
    [pa.field("example_id", pa.string(), nullable=False), pa.field("rule", pa.string(), nullable=False)]
)
"""Columns of removed.parquet: what the input held and no split does, with the rule that removed it."""

STRATUM = ("language", "subject", "grade", "topic")
"""The columns whose combination is a stratum of the report."""
SPLIT_STRATUM = ("language", "subject", "grade")
"""The columns within whose combinations the splits have their fractions of the groups."""

RULE_BENCHMARK = "benchmark_overlap"
RULE_MERGED = "merged_into_held_out"
RULE_REPEATED = "repeated_example"
RULE_EXPIRED = "expired"
RULE_NOT_YET = "not_yet_valid"
"""These two leave training alone: where they are held out, they stay."""
NOBODY_SAYS = "not said"
"""How an example without any validity is counted: it holds always."""
