"""A conversation to prompt tokens and answer tokens, with the base model's own chat template.

The prompt is tokenised exactly as it is when the model answers; the answer is what the template appends to it. Only the last
assistant turn is learnt: the history is context, because it may hold answers that nobody rated.

A conversation of one assistant message alone is plain text (continued pretraining): no template, all of its tokens are learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.errors import LyoError

Message = dict[str, str]


class ConversationError(LyoError):
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


def is_plain_text(messages: Sequence[Message]) -> bool:
    """Whether this is a text to go on reading from, not a conversation."""
    return len(messages) == 1 and messages[0]["role"] == "assistant"


def render(messages: Sequence[Message], tokenizer: Any) -> tuple[str, str]:
    """Render one example as (prompt, answer); the answer ends with the template's end-of-turn mark.

    Raises ConversationError when the last turn is not the assistant's.
    """
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise ConversationError("an example needs at least one question and ends with the assistant's answer")
    prompt = prompt_text(messages[:-1], tokenizer)
    whole = tokenizer.apply_chat_template(_folded(messages, tokenizer), tokenize=False)
    if whole.startswith(prompt):
        # what follows the end-of-turn mark is never generated
        answer = whole[len(prompt) :].rstrip("\n ")
    else:  # a template may write earlier turns anew (Mistral keeps the system turn in the last question)
        before, after = _answer_frame(tokenizer)
        answer = before + messages[-1]["content"].strip() + after
    end = tokenizer.eos_token or ""
    return prompt, answer if answer.strip() != messages[-1]["content"].strip() or not end else answer + end


def tokenize(conversations: Sequence[Sequence[Message]], tokenizer: Any, max_length: int) -> list[Tokens]:
    """Tokenise examples, each at most max_length tokens.

    A longer one loses its oldest turns first (never the system turn), then the beginning of its prompt, and the end of its answer
    only when the answer alone is too long; of a plain text the end goes.
    """
    asked = [index for index, messages in enumerate(conversations) if not is_plain_text(messages)]
    texts = [render(conversations[index], tokenizer) for index in asked]
    found: dict[int, Tokens] = {}
    if texts:
        prompts = _ids([prompt for prompt, _ in texts], tokenizer)
        wholes = _ids([prompt + answer for prompt, answer in texts], tokenizer)
        for index, (_, text), prompt, whole in zip(asked, texts, prompts, wholes, strict=True):
            answer = _answer_ids(prompt, whole, text, tokenizer)
            fits = len(prompt) + len(answer) <= max_length
            found[index] = (
                Tokens(prompt, answer)
                if fits
                else _shortened(conversations[index], prompt, answer, tokenizer, max_length)
            )
    return [
        found[index] if index in found else _plain(messages[0]["content"], tokenizer, max_length)
        for index, messages in enumerate(conversations)
    ]


def _plain(text: str, tokenizer: Any, limit: int) -> Tokens:
    # what the tokenizer puts before any text: a bos for Llama and Gemma, nothing for GPT-2, the end mark for T5's encoder
    prompt = list(tokenizer("")["input_ids"][:1])
    end = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    answer = [*_ids([text], tokenizer)[0], *end]
    room = limit - len(prompt)
    return Tokens(prompt, answer[:room], "answer" if len(answer) > room else "")


def _answer_ids(prompt: list[int], whole: list[int], text: str, tokenizer: Any) -> list[int]:
    """The tokens that follow the prompt's. A SentencePiece tokenizer writes a text that stands alone with a space before it, so
    the answer is cut out of the whole; alone it is tokenised only where its first letters would melt into the prompt's last token.
    """
    return whole[len(prompt) :] if whole[: len(prompt)] == prompt else _ids([text], tokenizer)[0]


def _ids(texts: list[str], tokenizer: Any) -> list[list[int]]:
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def _answer_frame(tokenizer: Any) -> tuple[str, str]:
    """What the template writes right before and right after an answer (learnt once per template)."""
    known = _FRAMES.get(tokenizer.chat_template)
    if known is None:
        turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "probe-7f3a"}]
        prompt = prompt_text(turns[:1], tokenizer)
        whole = tokenizer.apply_chat_template(turns, tokenize=False)
        before, _, after = whole[len(prompt) :].partition("probe-7f3a") if whole.startswith(prompt) else ("", "", "")
        known = _FRAMES[tokenizer.chat_template] = before, after.rstrip("\n ")
    return known


def _shortened(messages: Sequence[Message], prompt: list[int], answer: list[int], tokenizer: Any, limit: int) -> Tokens:
    turns = list(messages[:-1])
    first = 1 if turns[0]["role"] == "system" else 0
    cut = ""
    while len(prompt) + len(answer) > limit and len(turns) - first > 1:
        del turns[first : first + 2]  # a question goes with its answer, so that the turns still alternate
        if len(turns) == first:
            turns.append(messages[-2])
        prompt = _ids([prompt_text(turns, tokenizer)], tokenizer)[0]
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
_FRAMES: dict[str, tuple[str, str]] = {}
