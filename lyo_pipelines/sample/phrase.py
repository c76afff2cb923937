"""Phrases: text with slots and alternatives, so that one line of wording gives many different questions.

`"[Please |]help {girl} with {n} {fruits}."` holds an alternative (one of the texts between `[` and `]`, which may be
empty or hold slots and alternatives of its own) and slots. A slot takes its value from the problem; a slot that the problem does
not set is drawn from the word list of that name and remembered, so that the answer speaks of the same girl.
No wording and no arithmetic belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Words = Mapping[str, Sequence[str]]
Values = dict[str, Any]  # numbers and words drawn for an exercise; each kind of exercise has slots of its own


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    pool: str  # `girl2` draws from the list `girl`, and never the same one as `girl`


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[tuple[Any, ...], ...]


class Phrase:
    """One compiled line of wording; `say` fills it."""

    __slots__ = ("_nodes", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        nodes, rest = _parse(text, 0)
        if rest != len(text):
            raise ValueError(f"unbalanced ']' at {rest} in {text!r}")
        self._nodes = nodes

    def say(self, rng: Random, values: Values, words: Words) -> str:
        """Return the text; words drawn on the way are added to `values`."""
        parts: list[str] = []
        _say(self._nodes, parts.append, rng.random, values, words)
        return "".join(parts)


def phrases(*texts: str) -> tuple[Phrase, ...]:
    """Compile several lines of wording."""
    return tuple(map(Phrase, texts))


def pick(rng: Random, options: Sequence[Any]) -> Any:
    """Draw one option; three times as fast as `Random.choice`, and a log of a million rows draws often."""
    return options[int(rng.random() * len(options))]


def _say(
    nodes: tuple[Any, ...], add: Callable[[str], None], draw: Callable[[], float], values: Values, words: Words
) -> None:
    for node in nodes:
        kind = type(node)
        if kind is str:
            add(node)
        elif kind is _Slot:
            value = values.get(node.name)
            if value is None:
                value = values[node.name] = _draw(node, draw, values, words)
            add(value if type(value) is str else str(value))
        else:
            options = node.options
            _say(options[int(draw() * len(options))], add, draw, values, words)


def _draw(slot: _Slot, draw: Callable[[], float], values: Values, words: Words) -> str:
    pool = words[slot.pool]
    taken = values.get(slot.pool) if slot.pool != slot.name else None
    while True:
        word = pool[int(draw() * len(pool))]
        if word != taken:
            return word


def _parse(text: str, start: int, closing: str = "") -> tuple[tuple[Any, ...], int]:
    """Parse until the end, or until `|` or `]` when inside an alternative; return nodes and the position after."""
    nodes: list[Any] = []
    literal: list[str] = []

    def flush() -> None:
        if literal:
            nodes.append("".join(literal))
            literal.clear()

    at = start
    while at < len(text):
        char = text[at]
        if closing and char in closing:
            break
        if char == "[":
            flush()
            options: list[tuple[Any, ...]] = []
            while True:
                option, at = _parse(text, at + 1, "|]")
                options.append(option)
                if at >= len(text):
                    raise ValueError(f"'[' is never closed in {text!r}")
                if text[at] == "]":
                    break
            nodes.append(_Choice(tuple(options)))
        elif char == "{":
            flush()
            end = text.index("}", at)
            name = text[at + 1 : end]
            nodes.append(_Slot(name, name.rstrip("23")))
            at = end
        elif char == "]":
            break
        else:
            literal.append(char)
        at += 1
    flush()
    return tuple(nodes), at
