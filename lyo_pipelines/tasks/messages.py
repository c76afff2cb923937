"""Chat messages of an example: system prompt, history, question, answer. What the system prompt says belongs to tasks/.

`to_messages` is the definition, one row at a time; `messages_column` gives the same for a whole Arrow table without
making Python objects of the usual rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.chats.pairing import IMAGE_ONLY
from lyo_pipelines.interactions.contract import MESSAGE
from lyo_pipelines.storage.arrow import offsets_and_values, pc

SystemPrompt = Callable[[Mapping[str, Any]], str]
PROMPT_FIELDS = ("language", "subject", "topic", "grade", "reasoning_mode")
"""What a system prompt may depend on."""
MESSAGE_COLUMNS = (*PROMPT_FIELDS, "system_prompt", "context", "history", "question", "images", "answer")
"""The example columns that messages are made of."""

IMAGE_MARK = "\ufffc"
"""Stands in a message for a picture, at its beginning: Unicode's sign in place of an object. Curation takes it out of texts."""

CONTEXT = "\n\nMaterial given with the question:\n"
OPENING = "\n\nThe assistant opened the conversation with:\n"
_CODE_SYSTEM, _CODE_USER, _CODE_ASSISTANT = 0, 1, 2
_ROLES = ("system", "user", "assistant")


def to_messages(row: Mapping[str, Any], system_prompt: SystemPrompt) -> list[dict[str, str]]:
    """Return the messages of one example: system, then user and assistant in turn, ending with the assistant's answer.

    The row's own system prompt wins over the format's. Context goes into the system message. So that every chat template
    takes the result: empty messages go, neighbours of one role become one message, and an assistant's opening before the
    first user message moves into the system message. A message that shows pictures begins with IMAGE_MARK for each of them.
    """
    system = (row.get("system_prompt") or "").strip() or system_prompt(row)
    if context := (row.get("context") or "").strip():
        system += CONTEXT + context
    turns: list[dict[str, str]] = []
    asked = {"role": "user", "content": row["question"]}
    said = [*(row.get("history") or []), asked]
    shown = Counter(len(said) - 1 - image["turns_back"] for image in row.get("images") or ())
    if any(not 0 <= place < len(said) or said[place]["role"] != "user" for place in shown):
        raise ValueError("a picture of a message that is not there")
    for place, message in enumerate(said):
        content = (message["content"] or "").strip()
        if shown[place]:
            content = IMAGE_MARK * shown[place] + (content if content != IMAGE_ONLY else "")
        if not content or message["role"] == "system":
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        if role == "assistant" and not turns:
            system += OPENING + content
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + content
        else:
            turns.append({"role": role, "content": content})
    if not turns or turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": ""})
    return [
        {"role": "system", "content": system},
        *turns,
        {"role": "assistant", "content": (row["answer"] or "").strip()},
    ]


def messages_column(table: pa.Table, system_prompt: SystemPrompt) -> pa.ListArray:
    """Return to_messages of every row of a table with MESSAGE_COLUMNS, as list<struct<role, content>>."""
    table = table.select(MESSAGE_COLUMNS).combine_chunks()
    usual = _is_usual(table)
    plain = np.flatnonzero(usual)
    odd = np.flatnonzero(~usual)
    parts = [_usual_messages(table.take(pa.array(plain)), system_prompt)]
    if len(odd):
        rows = table.take(pa.array(odd)).to_pylist()
        parts.append(pa.array([to_messages(row, system_prompt) for row in rows], pa.list_(MESSAGE)))
    order = np.empty(len(usual), np.int64)
    order[np.concatenate([plain, odd])] = np.arange(len(usual))
    return pa.concat_arrays(parts).take(pa.array(order))


def system_prompts(table: pa.Table, system_prompt: SystemPrompt) -> pa.Array:
    """Return the system message of every row, without an opening; each distinct combination of fields is asked once."""
    fields = [pc.fill_null(_column(table, name), "") for name in PROMPT_FIELDS]
    combined = pc.binary_join_element_wise(*fields, "\x1f").dictionary_encode()
    first = np.unique(combined.indices.to_numpy(), return_index=True)[1]
    rows = table.select(PROMPT_FIELDS).take(pa.array(first)).to_pylist()
    ours = pa.array([system_prompt(row) for row in rows], pa.string()).take(combined.indices)
    own = pc.utf8_trim_whitespace(pc.fill_null(_column(table, "system_prompt"), ""))
    prompts = pc.if_else(pc.equal(own, ""), ours, own)
    context = pc.utf8_trim_whitespace(pc.fill_null(_column(table, "context"), ""))
    return pc.if_else(pc.equal(context, ""), prompts, pc.binary_join_element_wise(prompts, context, CONTEXT))


def _is_usual(table: pa.Table) -> np.ndarray:
    """Rows whose history is user, assistant, … assistant without empty texts, and whose question is not empty."""
    offsets, flat = offsets_and_values(_column(table, "history"))
    lengths = np.diff(offsets)
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    roles = flat.field("role")
    user = pc.fill_null(pc.equal(roles, "user"), False).to_numpy(zero_copy_only=False)
    assistant = pc.fill_null(pc.equal(roles, "assistant"), False).to_numpy(zero_copy_only=False)
    empty = pc.equal(pc.utf8_trim_whitespace(pc.fill_null(flat.field("content"), "")), "").to_numpy(
        zero_copy_only=False
    )
    wrong = empty | np.where(place % 2 == 0, ~user, ~assistant)
    wrong_before = np.concatenate([[0], np.cumsum(wrong)])
    any_wrong = wrong_before[offsets[1:]] > wrong_before[offsets[:-1]]
    asked = pc.utf8_trim_whitespace(pc.fill_null(_column(table, "question"), ""))
    shown = pc.is_valid(_column(table, "images")).to_numpy(zero_copy_only=False)
    return ~any_wrong & (lengths % 2 == 0) & pc.not_equal(asked, "").to_numpy(zero_copy_only=False) & ~shown


def _usual_messages(table: pa.Table, system_prompt: SystemPrompt) -> pa.ListArray:
    """Interleave four columns of texts: one flat pool of all texts, then one `take` in the order of the messages."""
    n = table.num_rows
    offsets, flat = offsets_and_values(_column(table, "history"))
    lengths = np.diff(offsets)
    history = pc.utf8_trim_whitespace(flat.field("content"))
    question = pc.utf8_trim_whitespace(_column(table, "question"))
    answer = pc.utf8_trim_whitespace(pc.fill_null(_column(table, "answer"), ""))
    pool = pa.concat_arrays([system_prompts(table, system_prompt), history, question, answer])
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(lengths + 3, out=starts[1:])
    source = np.empty(starts[-1], np.int64)
    roles = np.empty(starts[-1], np.int8)
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    inside = np.repeat(starts[:-1] + 1, lengths) + place
    source[inside], roles[inside] = n + np.arange(offsets[-1]), _CODE_USER + place % 2
    source[starts[:-1]], roles[starts[:-1]] = np.arange(n), _CODE_SYSTEM
    source[starts[1:] - 2], roles[starts[1:] - 2] = n + offsets[-1] + np.arange(n), _CODE_USER
    source[starts[1:] - 1], roles[starts[1:] - 1] = 2 * n + offsets[-1] + np.arange(n), _CODE_ASSISTANT
    values = pa.StructArray.from_arrays(
        [pa.array(_ROLES).take(pa.array(roles)), pool.take(pa.array(source))], fields=list(MESSAGE)
    )
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), values)


def _column(table: pa.Table, name: str) -> Any:
    column = table[name]
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
