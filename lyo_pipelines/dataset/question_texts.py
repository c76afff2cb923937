"""Which text of an example counts as "the question", for grouping and for leakage checks alike.

Three texts can tie an example to others:
- root: the first thing with content that the student said in the conversation (in a first turn, the question);
- stem: the root's first paragraph, so that one exercise followed by different attempts is still one exercise;
- later: the question of a later turn, when it is long enough to be an exercise of its own.

A text with too little content ("why?", "ok", "give me a hint") is no text at all here: it is the same in every
conversation and would tie everything to everything. For the same reason a later question needs more content than a first
one ("can you show me another example?"). Clustering the texts belongs to curation/near_duplicates.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.storage.arrow import offsets_and_values, pc

_NONE = pa.scalar(None, pa.string())
_BLANK_LINE = r"\r?\n[ \t]*\r?\n"
_PARAGRAPHS = rf"\S\s*{_BLANK_LINE}\s*\S"
_UNTIDY = r"[\t\n\r\f\v]|  "


@dataclass(frozen=True)
class QuestionTexts:
    """Normalised texts of N examples; an entry is null where the example has no such text with enough content."""

    root: pa.Array
    stem: pa.Array
    later: pa.Array


def question_texts(question: pa.Array, opening: pa.Array, turn: pa.Array, config: DatasetConfig) -> QuestionTexts:
    """Find root, stem and later question of N examples.

    question: N strings; opening: the first earlier message of the student with content (see openings), null without one; turn: 0-based
    turn in the conversation, null where it is not known (a log may number its turns and still keep no history).
    """
    first = pc.and_(pc.is_null(opening), pc.equal(pc.fill_null(turn, 0), 0))
    asked = normalise_texts(question)
    paragraph = pa.nulls(len(question), pa.string())
    if config.stem_min_characters:
        root = pc.if_else(first, question, opening)  # null in a later turn without history
        several = pc.match_substring_regex(root, _PARAGRAPHS)
        paragraph = pc.if_else(several, _first_paragraph(root), _NONE)
    return QuestionTexts(
        root=_with_content(pc.if_else(first, asked, normalise_texts(opening)), config.question_min_characters),
        stem=_with_content(normalise_texts(paragraph), config.stem_min_characters),
        later=_with_content(pc.if_else(first, _NONE, asked), config.later_question_min_characters),
    )


def asked_questions(messages: pa.ListArray, config: DatasetConfig) -> tuple[pa.Array, pa.Array]:
    """Return (question, first earlier message of the student with content or null) of N message lists.

    Messages are system, user, …, user, assistant, as tasks/messages.py makes them; a single one (plain text) asks nothing: "".
    """
    offsets, flat = offsets_and_values(messages)
    question = np.maximum(offsets[1:] - 2, offsets[:-1])
    asks = pa.array(np.diff(offsets) > 1)
    content = flat.field("content").take(pa.array(question))
    return pc.if_else(asks, content, ""), openings(offsets[:-1], question, flat, config)


def openings(start: np.ndarray, end: np.ndarray, messages: pa.StructArray, config: DatasetConfig) -> pa.Array:
    """Return, for N runs [start, end) of flat messages, the first text of the student with enough content, or null."""
    content = pc.fill_null(messages.field("content"), "")
    said = pc.and_(
        pc.equal(messages.field("role"), "user"), pc.greater_equal(_content(content), config.question_min_characters)
    )
    positions = np.flatnonzero(pc.fill_null(said, False).to_numpy(zero_copy_only=False))
    nearest = np.searchsorted(positions, start)
    found = np.append(positions, -1)[np.minimum(nearest, len(positions))]
    return content.take(pa.array(found, mask=(nearest >= len(positions)) | (found >= end)))


def normalise_texts(texts: pa.Array) -> pa.Array:
    """Make wordings comparable: NFKC, lower case, one space for any white space, no punctuation at the end."""
    texts = one_spaced(pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC")))
    return pc.utf8_rtrim(texts, characters=" .?!:;,।")


def one_spaced(texts: pa.Array) -> pa.Array:
    """Return texts with every run of white space as one space, and none at the ends."""
    untidy = pc.match_substring_regex(texts, _UNTIDY)  # splitting is slow and most texts do not need it
    tidied = pc.binary_join(pc.utf8_split_whitespace(texts.filter(untidy)), " ")
    return pc.utf8_trim_whitespace(pc.replace_with_mask(texts, pc.fill_null(untidy, False), tidied))


def _first_paragraph(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_ltrim_whitespace(texts), rf"(?s){_BLANK_LINE}.*", "")


def _content(texts: pa.Array) -> Any:
    """Characters that are not spaces."""
    return pc.fill_null(pc.subtract(pc.utf8_length(texts), pc.count_substring(texts, " ")), 0)


def _with_content(normalised: pa.Array, enough: int) -> pa.Array:
    return pc.if_else(pc.greater_equal(_content(normalised), enough), normalised, _NONE)
