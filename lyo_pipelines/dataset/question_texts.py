"""The texts of an example that may be its exercise, for grouping: what the student wrote, and the material that stands beside it.

- asked: what the student said, in order: the first few messages, and the question itself, which is the last one;
- material: the context, the row's own system prompt, and what the assistant opened the conversation with;
- stem: the first paragraph of a message, so that one exercise followed by different attempts is still one exercise.

Which of them tie the example to others is grouping.py's to say, once it knows how often each stands in the whole dataset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.storage.arrow import offsets_and_values, pc

CONTEXT, MATERIAL, ASKED, STEM, JOINED, FORMULA = range(6)
"""Kinds of a text: context; other material; message of the student; its first paragraph; a short context and the question; a
short context that is a formula."""
FIRST_MESSAGES = 3
"""Messages of the student, from the first one, that may be the exercise."""
_BLANK_LINE = r"\r?\n[ \t]*\r?\n"
_PARAGRAPHS = rf"\S\s*{_BLANK_LINE}\s*\S"
_SIGNS = r"[=+*^\\×÷√≤≥]"
_UNTIDY = r"[\t\n\r\f\v]|  "


@dataclass(frozen=True)
class QuestionTexts:
    """P texts of examples. row, order (int64; the place of ASKED in the conversation, 0 for all others), kind (int8), text.

    last: (P,) bool, the ASKED that is the question itself.
    """

    row: np.ndarray
    kind: np.ndarray
    order: np.ndarray
    last: np.ndarray
    text: pa.Array


def question_texts(
    messages: pa.ListArray, material: list[tuple[int, pa.Array]], config: DatasetConfig
) -> QuestionTexts:
    """List the texts of N examples.

    messages: system, user, …, user, assistant, as tasks/messages.py makes them. material: (CONTEXT or MATERIAL, N strings or nulls).
    """
    row, order, last, asked = _asked(messages)
    parts = [(row, np.full(len(row), ASKED), order, last, asked)]
    if config.stem_min_characters:
        several = np.flatnonzero(pc.match_substring_regex(asked, _PARAGRAPHS).to_numpy(zero_copy_only=False))
        stems = _first_paragraph(asked.take(pa.array(several)))
        parts.append(_as_part(row[several], STEM, stems))
    for kind, texts in material:
        there = np.flatnonzero(_content(texts) > 0)
        parts.append(_as_part(there, kind, texts.take(pa.array(there))))
        if kind == CONTEXT:
            parts += _short_contexts(texts, row, last, asked, config)
    return QuestionTexts(
        row=np.concatenate([part[0] for part in parts]).astype(np.int64),
        kind=np.concatenate([part[1] for part in parts]).astype(np.int8),
        order=np.concatenate([part[2] for part in parts]).astype(np.int64),
        last=np.concatenate([part[3] for part in parts]).astype(bool),
        text=pa.concat_arrays([part[4] for part in parts]),
    )


def one_spaced(texts: pa.Array) -> pa.Array:
    """Return texts with every run of white space as one space, and none at the ends."""
    untidy = pc.match_substring_regex(texts, _UNTIDY)  # splitting is slow and most texts do not need it
    tidied = pc.binary_join(pc.utf8_split_whitespace(texts.filter(untidy)), " ")
    return pc.utf8_trim_whitespace(pc.replace_with_mask(texts, pc.fill_null(untidy, False), tidied))


def _asked(messages: pa.ListArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, pa.Array]:
    """(row, place among the student's messages, is the question itself, text) of the first messages and the last one."""
    offsets, flat = offsets_and_values(messages)
    row = np.repeat(np.arange(len(messages)), np.diff(offsets))
    user = np.flatnonzero(pc.fill_null(pc.equal(flat.field("role"), "user"), False).to_numpy(zero_copy_only=False))
    before = np.searchsorted(user, offsets[:-1])
    order = np.arange(len(user)) - before[row[user]]
    last = user == offsets[1:][row[user]] - 2
    wanted = last | (order < FIRST_MESSAGES)
    text = pc.fill_null(flat.field("content").take(pa.array(user[wanted])), "")
    return row[user[wanted]], order[wanted], last[wanted], text


def _as_part(
    row: np.ndarray, kind: int, text: pa.Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, pa.Array]:
    n = len(row)
    return row, np.full(n, kind), np.zeros(n, np.int64), np.zeros(n, bool), text


def _short_contexts(
    context: pa.Array, row: np.ndarray, last: np.ndarray, asked: pa.Array, config: DatasetConfig
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, pa.Array]]:
    """A short context may be a label ("class 8"): it is compared together with the question, and alone when it is a formula."""
    content = _content(pc.replace_substring_regex(context, r"[^\p{L}\p{M}\p{N}]", ""))
    short = (content > 0) & (content < config.question_min_characters)
    where = np.flatnonzero(last & short[row])
    joined = pc.binary_join_element_wise(context.take(pa.array(row[where])), asked.take(pa.array(where)), " ")
    formula = np.flatnonzero(short & pc.fill_null(pc.match_substring_regex(context, _SIGNS), False).to_numpy(False))
    return [_as_part(row[where], JOINED, joined), _as_part(formula, FORMULA, context.take(pa.array(formula)))]


def _first_paragraph(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_ltrim_whitespace(texts), rf"(?s){_BLANK_LINE}.*", "")


def _content(texts: pa.Array) -> np.ndarray:
    """Characters that are not spaces."""
    counted = pc.subtract(pc.utf8_length(texts), pc.count_substring(texts, " "))
    return pc.fill_null(counted, 0).to_numpy(zero_copy_only=False)
