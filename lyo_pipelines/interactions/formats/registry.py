"""From the name of a format to what its rows mean."""

from __future__ import annotations

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.formats import langfuse, langfuse_traces
from lyo_pipelines.interactions.formats.argilla import argilla
from lyo_pipelines.interactions.formats.label_studio import label_studio
from lyo_pipelines.interactions.formats.mapped import mapped
from lyo_pipelines.interactions.formats.openai_messages import openai_messages
from lyo_pipelines.interactions.formats.ready_mappings import ready_mapping, ready_mappings
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.formats.sharegpt import sharegpt
from lyo_pipelines.interactions.formats.single_messages import single_messages
from lyo_pipelines.interactions.formats.span_annotations import span_annotations
from lyo_pipelines.interactions.formats.spans import otel_spans

FORMATS = (
    "auto",
    "argilla",
    "canonical",
    "feedback",
    "flat",
    "label_studio",
    "langfuse",
    "langfuse_observations",
    "langfuse_scores",
    "langfuse_traces",
    "openai_messages",
    "otel_spans",
    "sharegpt",
    "single_messages",
    "span_annotations",
)
"""What `format=` may be, beside the names of ready mappings; `langfuse` lets the rows say which of its files it is; `flat` needs
a mapping."""


def _canonical_user(row: Row) -> object:
    return row.get("user_id")


def settings_of(name: str, config: InteractionsConfig) -> str:
    """The configuration that decides what rows of a format mean, as JSON; empty for a format that has none."""
    section = {
        "argilla": config.argilla,
        "label_studio": config.label_studio,
        "langfuse_observations": config.langfuse,
        "langfuse_scores": config.langfuse,
        "langfuse_traces": config.langfuse,
        "openai_messages": config.openai_messages,
        "otel_spans": config.spans,
        "sharegpt": config.sharegpt,
        "single_messages": config.single_messages,
        "span_annotations": config.spans,
    }.get(name) or ready_mapping(name, config.ready_mappings)
    return "" if section is None else section.model_dump_json()


def format_named(name: str, config: InteractionsConfig, mapping: Mapping | None, file_time: str | None) -> RowFormat:
    """What rows of a named format mean (not `auto` or `langfuse`); a ready mapping comes with its name.

    Raises UnreadableFileError where a mapping is missing.
    """
    if name == "flat":
        if mapping is None:
            raise UnreadableFileError(
                "format flat needs a mapping: put <file>.mapping.yaml beside the file (see data/mappings/example.yaml)"
            )
        return mapped(mapping)
    known = {
        "argilla": lambda: argilla(config.argilla, file_time),
        "canonical": lambda: RowFormat(name, "interactions", None, _canonical_user),
        "feedback": lambda: RowFormat(name, "feedback", None, _canonical_user),
        "label_studio": lambda: label_studio(config.label_studio, file_time),
        "langfuse_observations": lambda: langfuse.observations(config.langfuse),
        "langfuse_scores": lambda: langfuse.scores(config.langfuse),
        "langfuse_traces": lambda: langfuse_traces.traces(config.langfuse),
        "openai_messages": lambda: openai_messages(config.openai_messages, file_time),
        "otel_spans": lambda: otel_spans(config.spans),
        "sharegpt": lambda: sharegpt(config.sharegpt, file_time),
        "single_messages": lambda: single_messages(config.single_messages, file_time),
        "span_annotations": lambda: span_annotations(config.spans),
    }
    if name not in known:
        if mapping is None:
            raise UnreadableFileError(f"unknown format {name!r}: one of {', '.join((*FORMATS, *ready_mappings()))}")
        return mapped(mapping)
    return known[name]()
