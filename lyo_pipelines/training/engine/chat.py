"""A conversation to prompt tokens and answer tokens, with the base model's own chat template.

The prompt is tokenised exactly as it is when the model answers; the answer is what the template appends to it. Only the last
assistant turn is learnt: the history is context, because it may hold answers that nobody rated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, str]


class ConversationError(ValueError):
    """A row's messages do not end with an assistant's answer."""


@dataclass(frozen=True)
class Tokens:
    """One example: prompt and answer token ids; `cut` says what truncation took ("", "history", "prompt" or "answer")."""

    prompt: list[int]
    answer: list[int]
    cut: str = ""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def prompt_text(messages: Sequence[Message], tokenizer: Any) -> str:
    """Render turns (without the answer) up to where the assistant begins to write."""
    return tokenizer.apply_chat_template(_folded(messages, tokenizer), tokenize=False, add_generation_prompt=True)


def render(messages: Sequence[Message], tokenizer: Any) -> tuple[str, str]:
    """Render one example as (prompt, answer); the answer ends with the template's end-of-turn mark.

    Raises ConversationError when the last turn is not the assistant's.
    """
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise ConversationError("an example needs at least one question and ends with the assistant's answer")
    prompt = prompt_text(messages[:-1], tokenizer)
    whole = tokenizer.apply_chat_template(_folded(messages, tokenizer), tokenize=False)
    # what follows the end-of-turn mark is never generated; a template may rewrite earlier turns, then the answer stands alone
    answer = whole[len(prompt) :].rstrip("\n ") if whole.startswith(prompt) else messages[-1]["content"]
    end = tokenizer.eos_token or ""
    return prompt, answer if answer.rstrip() != messages[-1]["content"].strip() or not end else answer + end


def tokenize(conversations: Sequence[Sequence[Message]], tokenizer: Any, max_length: int) -> list[Tokens]:
    """Tokenise examples, each at most max_length tokens.

    A longer one loses its oldest turns first (never the system turn), then the beginning of its prompt, and the end of its answer
    only when the answer alone is too long.
    """
    texts = [render(messages, tokenizer) for messages in conversations]
    if not texts:
        return []
    prompts = tokenizer([text for text, _ in texts], add_special_tokens=False)["input_ids"]
    answers = tokenizer([text for _, text in texts], add_special_tokens=False)["input_ids"]
    return [
        Tokens(prompt, answer)
        if len(prompt) + len(answer) <= max_length
        else _shortened(messages, prompt, answer, tokenizer, max_length)
        for messages, prompt, answer in zip(conversations, prompts, answers, strict=True)
    ]


def _shortened(messages: Sequence[Message], prompt: list[int], answer: list[int], tokenizer: Any, limit: int) -> Tokens:
    turns = list(messages[:-1])
    first = 1 if turns[0]["role"] == "system" else 0
    cut = ""
    while len(prompt) + len(answer) > limit and len(turns) - first > 1:
        del turns[first : first + 2]  # a question goes with its answer, so that the turns still alternate
        if len(turns) == first:
            turns.append(messages[-2])
        prompt = tokenizer(prompt_text(turns, tokenizer), add_special_tokens=False)["input_ids"]
        cut = "history"
    room = limit - len(answer)
    if room < len(prompt):
        least = min(len(prompt), limit // 4)  # an answer without any question teaches nothing
        cut = "prompt" if room >= least else "answer"
        prompt = prompt[-max(room, least) :]
    return Tokens(prompt, answer[: limit - len(prompt)], cut)


def _folded(messages: Sequence[Message], tokenizer: Any) -> list[Message]:
    """Fold the system turn into the first user turn where the template refuses a system role (Gemma)."""
    turns = [dict(message) for message in messages]
    if not turns or turns[0]["role"] != "system" or accepts_system(tokenizer):
        return turns
    system, *rest = turns
    if rest and rest[0]["role"] == "user":
        rest[0]["content"] = f"{system['content']}\n\n{rest[0]['content']}"
        return rest
    return [{"role": "user", "content": system["content"]}, *rest]


def accepts_system(tokenizer: Any) -> bool:
    """Whether the chat template renders a system turn (probed once per template)."""
    template = tokenizer.chat_template
    known = _ACCEPTS.get(template)
    if known is None:
        import jinja2

        probe = [{"role": "system", "content": "probe-7f3a"}, {"role": "user", "content": "u"}]
        try:
            known = "probe-7f3a" in tokenizer.apply_chat_template(probe, tokenize=False)
        except jinja2.TemplateError:
            known = False
        _ACCEPTS[template] = known
    return known


_ACCEPTS: dict[str, bool] = {}
