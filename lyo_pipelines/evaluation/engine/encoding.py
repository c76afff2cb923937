"""Turning items into token ids with training's own renderer, so that a model is asked here as it was asked in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.planning.memory import LONGEST_ANSWER
from lyo_pipelines.training.engine import chat


@dataclass(frozen=True)
class Encoded:
    """Token ids of one item; the reference ends with the template's end-of-turn mark. `cut` says what did not fit.

    plain: a text without a question; nothing is asked, only its likelihood measured.
    """

    item_id: str
    prompt: tuple[int, ...]
    reference: tuple[int, ...]
    cut: str
    plain: bool = False


def encode_items(
    tokenizer: Any, items: Sequence[Item], *, max_length: int, longest_prompt: int | None = None
) -> list[Encoded]:
    """Encode every item so that prompt + reference has at most max_length tokens, and the prompt at most longest_prompt.

    Oldest turns go first; see training/engine/prompt_cut.py.
    """
    conversations = [
        [*({"role": role, "content": content} for role, content in item.prompt), _answer(item)] for item in items
    ]
    tokens = chat.tokenize(conversations, tokenizer, max_length, longest_prompt=longest_prompt)
    return [_encoded(item, example) for item, example in zip(items, tokens, strict=True)]


def encode_to_ask(
    tokenizer: Any, items: Sequence[Item], *, max_length: int, positions: int | None, max_new_tokens: int | None
) -> tuple[list[Encoded], int]:
    """Encode every item for a model of so many positions (None: without end), and say how long an answer may be.

    Prompt + reference have at most max_length tokens and fit the positions, and so do prompt + answer: what is too long for that is
    cut (`Encoded.cut`). max_new_tokens: of an answer; None: see answer_limit.
    """
    length = max_length if positions is None else min(max_length, positions)
    encoded = encode_items(tokenizer, items, max_length=length)
    limit = max_new_tokens or answer_limit(encoded)
    if positions is None:
        return encoded, limit
    limit = min(limit, positions // 2)
    too_long = {e.item_id for e in encoded if not e.plain and len(e.prompt) + limit > positions}
    if too_long:
        again = [item for item in items if item.item_id in too_long]
        shorter = {
            e.item_id: e for e in encode_items(tokenizer, again, max_length=length, longest_prompt=positions - limit)
        }
        encoded = [shorter.get(e.item_id, e) for e in encoded]
    return encoded, limit


def answer_limit(encoded: Sequence[Encoded]) -> int:
    """Room for the longest reference and 10 % more, in steps of 16 tokens, at most 512; the same for every model."""
    longest = max((len(e.reference) for e in encoded if not e.plain), default=0)
    return max(16, min(LONGEST_ANSWER, -(-longest * 11 // 160) * 16))


def _encoded(item: Item, example: chat.Tokens) -> Encoded:
    prompt, reference = example.prompt, example.answer
    if (
        not prompt
    ):  # nothing comes before a text's first token, so it cannot be predicted: it is not in training's loss either
        prompt, reference = reference[:1], reference[1:]
    return Encoded(item.item_id, tuple(prompt), tuple(reference), example.cut, item.is_plain)


def _answer(item: Item) -> dict[str, str]:
    return {"role": "assistant", "content": item.reference}
