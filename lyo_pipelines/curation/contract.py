"""What curation writes: the schemas of examples, removed rows and funnels, and the report of one day. No logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.contract import IMAGE, MESSAGE

EXAMPLE = pa.schema(
    [
        pa.field(
            "example_id",
            pa.string(),
            nullable=False,
            metadata={"doc": "hash of the interaction id and the cleaned texts"},
        ),
        pa.field("interaction_id", pa.string(), nullable=False),
        pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field(
            "segment",
            pa.string(),
            nullable=False,
            metadata={"doc": "task.language.subject, for instance tutoring.en.math"},
        ),
        pa.field("task", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False, metadata={"doc": "language as written, not as declared"}),
        pa.field("subject", pa.string()),
        pa.field("topic", pa.string()),
        pa.field("grade", pa.string()),
        pa.field("reasoning_mode", pa.string()),
        pa.field("system_prompt", pa.string()),
        pa.field("context", pa.string()),
        pa.field("history", pa.list_(MESSAGE)),
        pa.field("question", pa.string(), nullable=False),
        pa.field(
            "images", pa.list_(IMAGE), metadata={"doc": "pictures of the question and of earlier turns, in order"}
        ),
        pa.field("answer", pa.string(), nullable=False),
        pa.field(
            "original_answer",
            pa.string(),
            metadata={
                "doc": "what the model said, where a person corrected it: `answer` is then the correction, without a rating"
            },
        ),
        pa.field("question_id", pa.string()),
        pa.field("reference_answer", pa.string()),
        pa.field("rating", pa.float32()),
        pa.field("weight", pa.float32(), nullable=False, metadata={"doc": "how much the example counts in training"}),
        pa.field("user_pseudonym", pa.string()),
        pa.field("conversation_id", pa.string()),
        pa.field("turn", pa.int32()),
        pa.field("model", pa.string()),
        pa.field("adapter_version", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("team", pa.string(), metadata={"doc": "team, school or tenant of the application"}),
        pa.field("board", pa.string(), metadata={"doc": "school board, where the log or the document names one"}),
        pa.field("edition", pa.string(), metadata={"doc": "edition that a document names"}),
        pa.field("academic_year", pa.string(), metadata={"doc": "academic year that a document is of: 2025-26"}),
        pa.field("valid_from", pa.date32(), metadata={"doc": "first day on which a document holds"}),
        pa.field("valid_until", pa.date32(), metadata={"doc": "last day on which a document holds; null: not said"}),
    ]
)

REMOVED = pa.schema(
    [
        pa.field("interaction_id", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False, metadata={"doc": "name of the rule that removed the row"}),
        pa.field("question", pa.string(), metadata={"doc": "redacted excerpt of a sample; null for the others"}),
        pa.field("answer", pa.string(), metadata={"doc": "redacted excerpt of a sample; null for the others"}),
    ]
)

FUNNEL = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("order", pa.int32(), nullable=False, metadata={"doc": "position of the rule, from 0"}),
        pa.field("removed", pa.int64(), nullable=False),
        pa.field("remaining", pa.int64(), nullable=False, metadata={"doc": "rows left after this rule"}),
    ]
)

QUALITY = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False, metadata={"doc": "empty for the whole day"}),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), metadata={"doc": "null when nothing was there to measure"}),
    ]
)

INPUTS_KEY = b"lyo.inputs"
"""Key of the Parquet metadata that says what a file was built from."""

NO_SEGMENT = "unknown"
"""Segment of a row whose task or language names nothing."""


class MissingDayError(LyoError):
    """There are no raw interactions for the day that is asked for."""


@dataclass(frozen=True)
class CurationReport:
    """What one day's curation read, kept and removed; counts only, never a text."""

    day: date
    read: int
    kept: int
    removed_by_rule: dict[str, int]
    segments: dict[str, int]
    read_by_segment: dict[str, int]
    pii_counts: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    review_pending: int = 0
    quality: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Whether each row that was read was either kept or removed by a named rule."""
        return self.kept + sum(self.removed_by_rule.values()) == self.read
