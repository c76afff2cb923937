"""The one schema of an interaction: a question, its answer, and all that is known about both.

Times are UTC, units stand in names, and `None` means "not known". No user identifier but the pseudonym is ever here.
"""

from __future__ import annotations

import pyarrow as pa

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])

IMAGE = pa.struct(
    [
        ("file", pa.string()),
        ("turns_back", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("contrast", pa.float32()),
        ("likeness", pa.string()),
    ]
)
"""A picture of a question. file: its name below `lake/images`, the sha256 of its content; turns_back: how many messages before the
question it was shown (0: with it); width, height: pixels as kept; contrast, likeness: images/likeness.py."""

REASONING_MODES = ("standard", "chain_of_thought", "multi_step", "agent")

INTERACTION = pa.schema(
    [
        pa.field(
            "interaction_id",
            pa.string(),
            nullable=False,
            metadata={"doc": "stable id; derived from content where the source has none"},
        ),
        pa.field("source", pa.string(), nullable=False, metadata={"doc": "format it was read from"}),
        pa.field(
            "occurred_at", pa.timestamp("us", tz="UTC"), nullable=False, metadata={"doc": "when the question was asked"}
        ),
        pa.field(
            "task", pa.string(), nullable=False, metadata={"doc": "tutoring, programming, search, …: a file of tasks/"}
        ),
        pa.field(
            "language", pa.string(), nullable=False, metadata={"doc": "declared language: en, hi, ta, hi_latn, …"}
        ),
        pa.field("subject", pa.string(), metadata={"doc": "math, physics, …"}),
        pa.field("topic", pa.string(), metadata={"doc": "linear equations, photosynthesis, …"}),
        pa.field("grade", pa.string(), metadata={"doc": "school grade as the curriculum writes it: 6 to 12"}),
        pa.field("reasoning_mode", pa.string(), metadata={"doc": "standard, chain_of_thought, multi_step, agent"}),
        pa.field("system_prompt", pa.string(), metadata={"doc": "persona and instructions that the model was given"}),
        pa.field("context", pa.string(), metadata={"doc": "retrieved or given context beside the question"}),
        pa.field("history", pa.list_(MESSAGE), metadata={"doc": "earlier turns, oldest first, without the question"}),
        pa.field("question", pa.string(), nullable=False, metadata={"doc": "what the user asked"}),
        pa.field(
            "images",
            pa.list_(IMAGE),
            metadata={"doc": "pictures of the question and of earlier turns, in order, by their files in lake/images"},
        ),
        pa.field(
            "answer",
            pa.string(),
            metadata={
                "doc": "null when the model failed to answer; one JSON object as text where the task is structured"
            },
        ),
        pa.field(
            "question_id",
            pa.string(),
            metadata={"doc": "id of the exercise in the source, shared by everyone who got it"},
        ),
        pa.field("reference_answer", pa.string(), metadata={"doc": "the checkable result, where the source knows it"}),
        pa.field("rating", pa.float32(), metadata={"doc": "1 to 5"}),
        pa.field("thumbs", pa.int8(), metadata={"doc": "+1 up, -1 down"}),
        pa.field("edited_answer", pa.string(), metadata={"doc": "the answer as a person corrected it"}),
        pa.field(
            "complaint_category", pa.string(), metadata={"doc": "what the user complained of: wrong, rude, cultural, …"}
        ),
        pa.field("complaint_text", pa.string(), metadata={"doc": "the complaint in the user's words"}),
        pa.field("feedback_at", pa.timestamp("us", tz="UTC"), metadata={"doc": "when the newest feedback came in"}),
        pa.field("relevance_score", pa.float32(), metadata={"doc": "0 to 1, where the application measured it"}),
        pa.field("user_pseudonym", pa.string(), metadata={"doc": "keyed pseudonym"}),
        pa.field("team", pa.string(), metadata={"doc": "team or tenant that the application belongs to"}),
        pa.field("conversation_id", pa.string(), metadata={"doc": "turns of one conversation share it"}),
        pa.field("turn", pa.int32(), metadata={"doc": "0-based turn in the conversation"}),
        pa.field("model", pa.string(), metadata={"doc": "model that answered"}),
        pa.field("adapter_version", pa.string(), metadata={"doc": "adapter that answered, where one did"}),
        pa.field("experiment_arm", pa.string(), metadata={"doc": "arm of an A/B test"}),
        pa.field(
            "release_id", pa.string(), metadata={"doc": "release that the arm belongs to, where the gateway says it"}
        ),
        pa.field(
            "rating_invited",
            pa.bool_(),
            metadata={
                "doc": "whether chance chose this answer for an invitation to rate; null where the log does not say"
            },
        ),
        pa.field("response_time_ms", pa.float64(), metadata={"doc": "milliseconds from question to whole answer"}),
        pa.field("time_to_first_token_ms", pa.float64(), metadata={"doc": "milliseconds until the first token"}),
        pa.field("retries", pa.int32(), metadata={"doc": "how often the user asked again"}),
        pa.field("error", pa.string(), metadata={"doc": "what went wrong while answering"}),
        pa.field("finish_reason", pa.string(), metadata={"doc": "stop, length, … as the model reported it"}),
        pa.field("metadata", pa.string(), metadata={"doc": "free metadata, JSON"}),
        pa.field("source_file", pa.string(), nullable=False, metadata={"doc": "hash of the file it came in"}),
        pa.field("source_line", pa.int64(), metadata={"doc": "1-based line or row in that file"}),
    ]
)

FEEDBACK_COLUMNS = (
    "rating",
    "thumbs",
    "edited_answer",
    "complaint_category",
    "complaint_text",
    "feedback_at",
    "relevance_score",
    "retries",
)
"""The columns that feedback arriving later may set."""

FEEDBACK_VALUES = tuple(name for name in FEEDBACK_COLUMNS if name != "feedback_at")
"""Those that say something; their order is that of the bits in FEEDBACK.withdrawn, so new ones go to the end."""

MATCH_KEYS = ("interaction_key", "trace_key", "conversation_key")
"""Keyed 64-bit hashes of the ids by which feedback finds a landed interaction; 0 is never one, null means the id is not known."""

PARENT_KEY = "parent_key"
"""Keyed hash of the span or observation that a call was made in, as if it were an interaction: feedback on it reaches the answer."""

HIDDEN_IDS = {b"lyo.ids": b"hidden"}
"""Metadata of landed files whose ids of the source are hidden (hidden_ids.py); those of earlier versions have none."""

LANDED = pa.schema([*INTERACTION, *(pa.field(name, pa.uint64()) for name in (*MATCH_KEYS, PARENT_KEY))], HIDDEN_IDS)
"""A row of `lake/landing`: an interaction and the keys to match it by."""

FEEDBACK = pa.schema(
    [
        pa.field(
            "target_key",
            pa.uint64(),
            nullable=False,
            metadata={"doc": "hash of the interaction, trace or conversation id"},
        ),
        pa.field("target_level", pa.int8(), nullable=False, metadata={"doc": "0 interaction, 1 trace, 2 conversation"}),
        *(INTERACTION.field(name) for name in FEEDBACK_COLUMNS),
        pa.field(
            "withdrawn",
            pa.int32(),
            metadata={"doc": "what is taken back: bit i for FEEDBACK_VALUES[i]; null in files of before"},
        ),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_line", pa.int64(), nullable=False),
    ]
)
"""A row of `lake/feedback`: the ids it speaks of are there only as hashes."""

REJECTED = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False, metadata={"doc": "name the file had when it was read"}),
        pa.field("file_hash", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False, metadata={"doc": "1-based line (JSONL, CSV) or row (Parquet)"}),
        pa.field("reason", pa.string(), nullable=False, metadata={"doc": "short stable name to count by"}),
        pa.field("detail", pa.string(), metadata={"doc": "what was expected and found"}),
        pa.field(
            "raw",
            pa.string(),
            metadata={"doc": "the row as JSON, people pseudonymised; null when it could not be parsed"},
        ),
        pa.field("raw_digest", pa.string(), metadata={"doc": "keyed digest of the row's bytes when `raw` is null"}),
        pa.field("raw_bytes", pa.int64(), metadata={"doc": "length of the row's bytes when `raw` is null"}),
    ]
)

_OURS = ("source", "source_file", "source_line")

INPUT_FIELDS = (
    *(name for name in INTERACTION.names if name not in _OURS),
    "user_id",
    "trace_id",
    "parent_id",
)
"""Field names of a canonical input row: those of INTERACTION, the raw `user_id`, and optionally its trace and parent span.

`user_pseudonym` is for a writer that knows the key and made it as ours are made (the gateway): it is taken as it is where there is no
`user_id`. What does not look like one of ours is taken for a raw id.
"""

FEEDBACK_INPUT_FIELDS = ("interaction_id", "trace_id", "conversation_id", "user_id", *FEEDBACK_COLUMNS, "withdrawn")
"""Field names of a canonical feedback row; one of the three ids is needed, the first that is there counts."""
