"""From the name of a format to its shape."""

from __future__ import annotations

from lyo_pipelines.config.interactions import InteractionsFigures
from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.mapping import Mapping, compile_mapping, user_of
from lyo_pipelines.interactions.shapes import langfuse
from lyo_pipelines.interactions.shapes.openai_messages import openai_messages
from lyo_pipelines.interactions.shapes.shape import Row, Shape

FORMATS = (
    "auto",
    "canonical",
    "feedback",
    "flat",
    "langfuse",
    "langfuse_observations",
    "langfuse_scores",
    "openai_messages",
)
"""What `format=` may be; `langfuse` lets the rows say which of its two files it is; `flat` needs a mapping."""


def _canonical_user(row: Row) -> object:
    return row.get("user_id")


def shape_named(name: str, figures: InteractionsFigures, mapping: Mapping | None, file_time: str | None) -> Shape:
    """The shape of a format (not `auto` or `langfuse`). Raises UnreadableFileError when it needs a mapping and has none."""
    if name in ("canonical", "feedback"):
        return Shape(name, "feedback" if name == "feedback" else "interactions", None, _canonical_user)
    if name == "langfuse_observations":
        return langfuse.observations(figures.langfuse)
    if name == "langfuse_scores":
        return langfuse.scores(figures.langfuse)
    if name == "openai_messages":
        return openai_messages(figures.openai_messages, file_time)
    if name == "flat":
        if mapping is None:
            raise UnreadableFileError(
                "format flat needs a mapping: put <file>.mapping.yaml beside the file (see data/mappings/example.yaml)"
            )
        return Shape("flat", mapping.rows, compile_mapping(mapping), user_of(mapping))
    raise UnreadableFileError(f"unknown format {name!r}: one of {', '.join(FORMATS)}")
