"""What a chat template writes around each turn, found by rendering it: for languages in which a template is no program.

Nothing is read of the template's own text. Whether what was found says the same as the template is compared afterwards; a template
that treats some turns in another way than others does not come through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.training.engine.rendering import Message, frame, prompt_text, rendered

_A, _B, _C, _S = "probe-a1", "probe-b2", "probe-c3", "probe-s4"
_HINT = "Use --to gguf: llama.cpp (and what is built on it) renders the template that stands in the file."


@dataclass(frozen=True)
class Turns:
    """Texts before and after each kind of turn. alone: before the first turn where no system turn is given; ask: what the assistant
    writes after. folded: the system turn stands in the first question, `system` around it."""

    alone: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    ask: str
    folded: bool

    def render(self, turns: Sequence[Message]) -> str:
        """A conversation that ends with a question, up to where the assistant begins to write."""
        rest = list(turns)
        told = [self.alone]
        if rest and rest[0]["role"] == "system":
            before, after = self.system
            told = [before, rest.pop(0)["content"], after]
            if self.folded:
                told += [rest.pop(0)["content"], self.user[1]] if rest else [self.user[1]]
        for turn in rest:
            before, after = self.user if turn["role"] == "user" else self.assistant
            told += [before, turn["content"], after]
        return "".join([*told, self.ask])


def turns_of(tokenizer: Any, conversations: Sequence[Sequence[Message]]) -> Turns:
    """Find what the template writes around turns. Raises CannotExportError where some conversation comes out otherwise."""
    try:
        found = _found(tokenizer)
    except ValueError as error:
        raise CannotExportError(f"the chat template is not written turn by turn ({error})", hint=_HINT) from error
    for turns in conversations:
        if found.render(turns) != prompt_text(turns, tokenizer):
            roles = ", ".join(turn["role"] for turn in turns)
            raise CannotExportError(
                f"the chat template is not written turn by turn: a conversation of {roles} comes out otherwise",
                hint=_HINT,
            )
    return found


def _found(tokenizer: Any) -> Turns:
    user, system = {"role": "user", "content": _A}, {"role": "system", "content": _S}
    answer, next_user = {"role": "assistant", "content": _B}, {"role": "user", "content": _C}
    first, asked = _around(rendered([user], tokenizer, asks=True), _A)
    after_user = _around(rendered([user], tokenizer, asks=False), _A)[1]
    after_answer = _around(rendered([user, answer], tokenizer, asks=False), _B)[1]
    history = rendered([user, answer, next_user], tokenizer, asks=True)
    between = _around(_around(history, _A)[1], _B)
    before_user = _without_start(_around(between[1], _C)[0], after_answer)
    before_system, after_system = _around(_around(rendered([system, user], tokenizer, asks=True), _A)[0], _S)
    folded = not after_system.endswith(before_user) or not before_user
    return Turns(
        alone=_without_end(first, before_user),
        system=(before_system, after_system if folded else _without_end(after_system, before_user)),
        user=(before_user, after_user),
        assistant=(_without_start(between[0], after_user), after_answer),
        ask=_without_start(asked, after_user) + frame(tokenizer).opening,
        folded=folded,
    )


def _around(text: str, content: str) -> tuple[str, str]:
    before, found, after = text.partition(content)
    if not found:
        raise ValueError("a turn's text does not come out")
    return before, after


def _without_start(text: str, start: str) -> str:
    if not text.startswith(start):
        raise ValueError("what follows a turn depends on the next one")
    return text[len(start) :]


def _without_end(text: str, end: str) -> str:
    if not text.endswith(end):
        raise ValueError("the first turn is written otherwise than the next ones")
    return text[: len(text) - len(end)]
