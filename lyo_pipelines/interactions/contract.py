"""The one schema of an interaction: a question, its answer, and all that is known about both.

Times are UTC, units stand in names, and `None` means "not known". No user identifier but the pseudonym is ever here.
"""

from __future__ import annotations

import pyarrow as pa

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])

REASONING_MODES = ("standard", "chain_of_thought", "multi_step", "agent")

INTERACTION = pa.schema(
    [
        pa.field("interaction_id", pa.string(), nullable=False, metadata={"doc": "stable id; derived from content where the source has none"}),
        pa.field("source", pa.string(), nullable=False, metadata={"doc": "format it was read from"}),
        pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False, metadata={"doc": "when the question was asked"}),
        pa.field("task", pa.string(), nullable=False, metadata={"doc": "tutoring, programming, search, …"}),
        pa.field("language", pa.string(), nullable=False, metadata={"doc": "declared language: en, hi, ta, hi_latn, …"}),
        pa.field("subject", pa.string(), metadata={"doc": "math, physics, …"}),
        pa.field("topic", pa.string()),
        pa.field("grade", pa.string()),
        pa.field("reasoning_mode", pa.string(), metadata={"doc": "standard, chain_of_thought, multi_step, agent"}),
        pa.field("system_prompt", pa.string()),
        pa.field("context", pa.string(), metadata={"doc": "retrieved or given context beside the question"}),
        pa.field("history", pa.list_(MESSAGE), metadata={"doc": "earlier turns, oldest first, without the question"}),
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string(), metadata={"doc": "null when the model failed to answer"}),
        pa.field("question_id", pa.string(), metadata={"doc": "id of the exercise in the source, shared by everyone who got it"}),
        pa.field("reference_answer", pa.string(), metadata={"doc": "the checkable result, where the source knows it"}),
        pa.field("rating", pa.float32(), metadata={"doc": "1 to 5"}),
        pa.field("thumbs", pa.int8(), metadata={"doc": "+1 up, -1 down"}),
        pa.field("complaint_category", pa.string()),
        pa.field("complaint_text", pa.string()),
        pa.field("feedback_at", pa.timestamp("us", tz="UTC"), metadata={"doc": "when the newest feedback came in"}),
        pa.field("relevance_score", pa.float32(), metadata={"doc": "0 to 1, where the application measured it"}),
        pa.field("user_pseudonym", pa.string(), metadata={"doc": "keyed pseudonym"}),
        pa.field("team", pa.string()),
        pa.field("conversation_id", pa.string()),
        pa.field("turn", pa.int32(), metadata={"doc": "0-based turn in the conversation"}),
        pa.field("model", pa.string()),
        pa.field("adapter_version", pa.string()),
        pa.field("experiment_arm", pa.string()),
        pa.field("response_time_ms", pa.float64()),
        pa.field("time_to_first_token_ms", pa.float64()),
        pa.field("retries", pa.int32(), metadata={"doc": "how often the user asked again"}),
        pa.field("error", pa.string()),
        pa.field("finish_reason", pa.string(), metadata={"doc": "stop, length, … as the model reported it"}),
        pa.field("metadata", pa.string(), metadata={"doc": "free metadata, JSON"}),
        pa.field("source_file", pa.string(), nullable=False, metadata={"doc": "hash of the file it came in"}),
        pa.field("source_line", pa.int64(), metadata={"doc": "1-based line or row in that file"}),
    ]
)

FEEDBACK_COLUMNS = ("rating", "thumbs", "complaint_category", "complaint_text", "feedback_at", "relevance_score", "retries")
"""The columns that feedback arriving later may set."""
