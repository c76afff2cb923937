"""A conversation to prompt tokens and answer tokens, with the base model's own chat template.

The prompt is tokenised exactly as it is when the model answers; the answer is what the template appends to it, up to the mark that
ends it. Only the last assistant turn is learnt: the history is context, because it may hold answers that nobody rated.

A conversation of one assistant message alone is plain text (continued pretraining): no template, all of its tokens are learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.errors import LyoError
from lyo_pipelines.tasks.messages import IMAGE_MARK
from lyo_pipelines.training.engine.prompt_cut import shortened_prompt
from lyo_pipelines.training.engine.rendering import Message, answered_text, prompt_text
from lyo_pipelines.training.preflight import TO_SEE, UNSEEN


class ConversationError(LyoError):
    """A row's messages do not end with an assistant's answer."""


class UnseenImageError(LyoError):
    """A row shows a picture, and would become tokens without it."""

    @classmethod
    def of(cls, pictured: int, rows: int, path: str) -> UnseenImageError:
        """For data of which so many rows show pictures."""
        return cls(f"{pictured:,} of {rows:,} rows of {path} show pictures, and {UNSEEN}", hint=TO_SEE)


@dataclass(frozen=True)
class Tokens:
    """One example: prompt and answer token ids; `cut` says what truncation took ("", "history", "prompt" or "answer"); `files`: the
    pictures that its prompt shows, in order."""

    prompt: list[int]
    answer: list[int]
    cut: str = ""
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def is_plain_text(messages: Sequence[Message]) -> bool:
    """Whether this is a text to go on reading from, not a conversation."""
    return len(messages) == 1 and messages[0]["role"] == "assistant"


def render(messages: Sequence[Message], tokenizer: Any) -> tuple[str, str]:
    """Render one example as (prompt, answer); the answer ends with the template's end-of-turn mark.

    Raises ConversationError when the last turn is not the assistant's, UnseenImageError for a message that shows a picture.
    """
    if any(message["role"] == "user" and message["content"].startswith(IMAGE_MARK) for message in messages):
        raise UnseenImageError(f"a row shows a picture, and {UNSEEN}", hint=TO_SEE)
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise ConversationError("an example needs at least one question and ends with the assistant's answer")
    prompt = prompt_text(messages[:-1], tokenizer)
    return prompt, answered_text(messages, tokenizer, prompt)


def tokenize(
    conversations: Sequence[Sequence[Message]], tokenizer: Any, max_length: int, *, longest_prompt: int | None = None
) -> list[Tokens]:
    """Tokenise examples, each at most max_length tokens and its prompt at most longest_prompt.

    A longer one loses its oldest turns first (never the system turn), then the beginning of its last question, and the end of its
    answer only when the answer alone is too long; of a plain text the end goes. See prompt_cut.py for what stays of a prompt.
    """
    rows = [index for index, messages in enumerate(conversations) if not is_plain_text(messages)]
    texts = [render(conversations[index], tokenizer) for index in rows]
    found: dict[int, Tokens] = {}
    if texts:
        prompts = _ids([prompt for prompt, _ in texts], tokenizer)
        wholes = _ids([prompt + answer for prompt, answer in texts], tokenizer)
        for index, (_, text), prompt, whole in zip(rows, texts, prompts, wholes, strict=True):
            answer = _answer_ids(prompt, whole, text, tokenizer)
            # an answer without any question teaches nothing
            room = max(max_length - len(answer), min(len(prompt), max_length // 4))
            room = room if longest_prompt is None else min(room, longest_prompt)
            fits = len(prompt) <= room
            asked, cut = (prompt, "") if fits else shortened_prompt(conversations[index][:-1], tokenizer, room)
            left = max_length - len(asked)
            found[index] = Tokens(asked, answer[:left], "answer" if len(answer) > left else cut)
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
