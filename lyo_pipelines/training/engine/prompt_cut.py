"""Making a prompt shorter without breaking its form: the beginning mark, the roles' headers and the system turn stay.

What goes, in this order: the oldest turns, the beginning of the last question, the end of a system turn that leaves no room for one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from lyo_pipelines.training.engine.rendering import Message, prompt_text

QUESTION_SHARE = 4
"""A system turn is cut only where the question would have less than this part of the prompt."""
_WORD = 40
"""Characters within which a cut moves on to the next word."""


def shortened_prompt(turns: Sequence[Message], tokenizer: Any, room: int) -> tuple[list[int], str]:
    """The ids of a prompt of at most `room` tokens, and what was cut: "" (nothing), "history" or "prompt". turns: without the answer.

    Where not even the form fits, the beginning mark and the end of the prompt are left.
    """
    kept = list(turns)
    prompt = prompt_ids(kept, tokenizer)
    if len(prompt) <= room:
        return prompt, ""
    first = 1 if kept[0]["role"] == "system" else 0
    while len(prompt) > room and len(kept) - first > 1:
        del kept[first : first + 2]  # a question goes with its answer, so that the turns still alternate
        if len(kept) == first:
            kept.append(turns[-1])
        prompt = prompt_ids(kept, tokenizer)
    if len(prompt) <= room:
        return prompt, "history"
    return _inside(kept, tokenizer, room) or _tail(prompt, tokenizer, room), "prompt"


def prompt_ids(turns: Sequence[Message], tokenizer: Any) -> list[int]:
    """The ids that a model is asked with."""
    return tokenizer(prompt_text(turns, tokenizer), add_special_tokens=False)["input_ids"]


def _inside(turns: list[Message], tokenizer: Any, room: int) -> list[int] | None:
    """Cut inside the last question and, where it must be, inside the system turn; None where the form alone does not fit."""
    *before, question = turns

    def asked(text: str, system: str | None = None) -> list[int]:
        others = before if system is None else [{**before[0], "content": system}, *before[1:]]
        return prompt_ids([*others, {**question, "content": text}], tokenizer)

    least = min(room // QUESTION_SHARE, len(tokenizer(question["content"], add_special_tokens=False)["input_ids"]))
    system: str | None = None
    if before and before[0]["role"] == "system" and len(asked("")) + least > room:
        system = _longest(before[0]["content"], lambda text: asked("", text), room - least, from_end=False) or ""
    text = _longest(question["content"], lambda text: asked(text, system), room, from_end=True)
    return None if text is None else asked(text, system)


def _longest(text: str, ids: Callable[[str], list[int]], room: int, *, from_end: bool) -> str | None:
    """The longest end (or beginning) of a text with which the prompt fits, whole words where there are spaces; None if none fits."""
    if len(ids("")) > room:
        return None
    low, high = 0, len(text)  # characters that fit, and that may
    while low < high:
        middle = (low + high + 1) // 2
        if len(ids(_part(text, middle, from_end=from_end))) <= room:
            low = middle
        else:
            high = middle - 1
    return _part(text, low, from_end=from_end)


def _part(text: str, count: int, *, from_end: bool) -> str:
    """The last (or first) `count` characters, less what stands before the next space (or after the last), if that is near."""
    if count >= len(text):
        return text
    if not from_end:
        start = text[:count]
        return start if text[count].isspace() else _to_space(start[::-1])[::-1]
    end = text[len(text) - count :]
    if not text[len(text) - count - 1].isspace():
        end = _to_space(end)
    while end and unicodedata.category(end[0]).startswith("M"):  # a vowel sign without its letter
        end = end[1:]
    return end


def _to_space(text: str) -> str:
    at = next((at for at, sign in enumerate(text[:_WORD]) if sign.isspace()), None)
    return text if at is None else text[at + 1 :]


def _tail(prompt: list[int], tokenizer: Any, room: int) -> list[int]:
    """The end of the prompt; before it the beginning mark where the prompt had one and there is room for more than that."""
    if room > 1 and prompt[0] == tokenizer.bos_token_id:
        return [prompt[0], *prompt[len(prompt) - room + 1 :]]
    return prompt[max(0, len(prompt) - room) :] if room > 0 else []
