"""Which known format rows have, by the names of their fields, and why. What the formats mean stands beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lyo_pipelines.interactions.contract import FEEDBACK_COLUMNS
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.formats.argilla_record import looks_like_argilla
from lyo_pipelines.interactions.formats.label_studio import is_task
from lyo_pipelines.interactions.formats.langfuse_traces import is_trace
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.formats.sharegpt import holds_turns
from lyo_pipelines.interactions.formats.span import EXPORTS, KINDS, OTHER_SIGNALS, span_id

_SAMPLE = 500
_TARGETS = {"interaction_id", "trace_id", "conversation_id"}
_SCORED = {"trace_id", "traceId", "observation_id", "observationId", "session_id", "sessionId"}


@dataclass(frozen=True)
class DetectedFormat:
    """A format and what told it, for people. mapping: the ready mapping that reads it, where it is one's."""

    format: str
    why: str
    mapping: Mapping | None = None


def recognise(row: Row) -> DetectedFormat | None:
    """The format one row seems to have, or None. The formats with the most telling names are looked for first."""
    return _traced(row) or _talked(row) or _exported(row) or _our_own(row)


def _traced(row: Row) -> DetectedFormat | None:
    if name := next((name for name in (*EXPORTS, *OTHER_SIGNALS) if name in row), None):
        return DetectedFormat("otel_spans", f"`{name}`, an OTLP export")
    if span_id(row) is None:
        return None
    if str(row.get("span_kind", "")).rsplit(".", 1)[-1].upper() in KINDS:
        return DetectedFormat("otel_spans", "a span id and the kind of the span")
    if {"attributes", "events"} & row.keys() or any(key.startswith("attributes.") for key in row):
        return DetectedFormat("otel_spans", "a span id and attributes")
    if {"name", "annotation_name"} & row.keys() and {"result", "score", "label", "explanation"} & row.keys():
        return DetectedFormat("span_annotations", "a span id, a name and a result")
    return None


def _talked(row: Row) -> DetectedFormat | None:
    if marks := looks_like_argilla(row):
        return DetectedFormat("argilla", marks)
    if is_task(row):
        return DetectedFormat("label_studio", "`data` with `annotations`, a task")
    if "messages" in row and not _is_canonical(row):
        return DetectedFormat("openai_messages", "`messages`")
    if name := holds_turns(row):
        return DetectedFormat("sharegpt", f"`{name}` with turns")
    return None


def _exported(row: Row) -> DetectedFormat | None:
    if is_trace(row):
        return DetectedFormat(
            "langfuse_traces", "an id and a timestamp with `input` or `output`, and what only traces have"
        )
    if {"start_time", "startTime"} & row.keys() and {"input", "output"} & row.keys():
        return DetectedFormat("langfuse_observations", "a start time with `input` or `output`")
    if {"name", "value"} <= row.keys() and _SCORED & row.keys():
        return DetectedFormat(
            "langfuse_scores", "`name` and `value` beside the id of a trace, an observation or a session"
        )
    return None


def _our_own(row: Row) -> DetectedFormat | None:
    if _is_canonical(row):
        return DetectedFormat("canonical", "`question` beside other names of our own")
    if _TARGETS & row.keys() and set(FEEDBACK_COLUMNS) & row.keys():
        return DetectedFormat("feedback", "a rating beside the id of an interaction, a trace or a conversation")
    return None


def _is_canonical(row: Row) -> bool:
    return "question" in row and bool({"occurred_at", "task", "language"} & row.keys())


def detect_format(rows: Sequence[Row]) -> DetectedFormat | None:
    """The format most of the first rows seem to have, or None when no row looks like a known one."""
    sample = rows[:_SAMPLE]
    votes = Counter(found for row in sample if (found := recognise(row)))
    formats: Counter[str] = Counter()
    for found, count in votes.items():
        formats[found.format] += count
    if not formats:
        return None
    winner, count = formats.most_common(1)[0]
    why = next(found.why for found, _ in votes.most_common() if found.format == winner)
    return DetectedFormat(winner, f"{why} in {count} of the first {len(sample)} rows")
