"""A request's prompt as training renders it, for every engine: its tokens, the room for an answer, and the answer's text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.pieces import Emit, Pieces


def asked_tokens(request: ChatRequest, tokenizer: Any) -> list[int]:
    """The prompt. Raises RefusedError where the template refuses the order of turns."""
    import jinja2

    from lyo_pipelines.training.engine.prompt_cut import prompt_ids

    try:
        return prompt_ids([message.turn() for message in request.messages], tokenizer)
    except jinja2.TemplateError as error:
        raise RefusedError(f"messages: {error}", param="messages") from error


def room_left(positions: int | None, prompt: list[int], wanted: int) -> int:
    """Tokens that the answer may have. positions: those of the model, None where they know no end.

    Raises RefusedError where the prompt leaves none.
    """
    left = wanted if positions is None else positions - len(prompt)
    if left < 1:
        raise RefusedError(
            f"the prompt has {len(prompt)} tokens, the model knows {positions} positions",
            param="messages", code="context_length_exceeded",
        )  # fmt: skip
    return min(wanted, left)


@dataclass(frozen=True)
class Prompter:
    """Prompts of one base model. positions: tokens that a conversation may have; stops: tokens that end an answer."""

    tokenizer: Any
    positions: int
    stops: tuple[int, ...]

    def tokens(self, request: ChatRequest) -> list[int]:
        """As `asked_tokens`, with the base's tokenizer."""
        return asked_tokens(request, self.tokenizer)

    def room(self, prompt: list[int], wanted: int) -> int:
        """As `room_left`, within the base's positions."""
        return room_left(self.positions, prompt, wanted)

    def answer(self, request: ChatRequest, emit: Emit) -> AnswerText:
        """What turns pieces of text, as an engine sends them, into those of an answer."""
        from lyo_pipelines.training.engine.decoding import read_text

        return AnswerText(lambda text, finished: read_text(self.tokenizer, text, finished=finished), request.stop, emit)


class AnswerText:
    """An answer that grows by pieces of text: without thoughts, cut before a stop text, nothing taken back."""

    def __init__(self, read: Callable[[str, bool], str], stops: tuple[str, ...], emit: Emit) -> None:
        self._text = ""
        self._pieces = Pieces(lambda _, finished: read(self._text, finished), stops, emit)

    def grow(self, piece: str) -> bool:
        """Add a piece; whether a stop text has come."""
        self._text += piece
        return self._pieces.grow([])

    def finish(self) -> str:
        """Tell the rest and return the whole text."""
        return self._pieces.finish([])

    @property
    def met_stop(self) -> bool:
        """Whether a stop text has come."""
        return self._pieces.met_stop
