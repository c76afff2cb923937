"""The messages of one conversation in the order in which they were said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lyo_pipelines.interactions.chats.turns import Turn
from lyo_pipelines.json_types import RawRow

_SIDES = {"system": -1, "user": 0}


@dataclass(eq=False)
class Message:
    """One row of the file. line: its place there; role: user, assistant, system, tool, other, `none` (nobody's word), None (unknown).

    item: the message as chats have it; turns: what it says. at: microseconds since 1970; order: the number that counts messages; where
    the row says them. id, parent: as the row says them. refused: why nothing is made of it, as reason and detail.
    """

    line: int
    row: RawRow
    role: str | None
    item: RawRow
    turns: tuple[Turn, ...] = ()
    at: int | None = None
    order: float | None = None
    id: str | None = None
    parent: str | None = None
    refused: tuple[str, str] | None = None

    @property
    def rank(self) -> int:
        """Its id, where that is a number: ids of one table mostly grow with time."""
        return int(self.id[:18]) if self.id is not None and self.id.isdecimal() and self.id.isascii() else 0


def in_order(messages: Sequence[Message]) -> list[Message]:
    """Messages (in the order of the file) in that of the talk.

    By the number that counts them, where each has one of its own and times do not say the contrary; else by time, number, id, then
    place in the file; without times by number, id and place. A question that shares its number with its answer comes first. A file
    that lists the newest first is read from its end.
    """
    orders = [message.order for message in messages]
    timed = all(message.at is not None for message in messages)
    if None not in orders and len(set(orders)) == len(orders):
        counted = sorted(messages, key=lambda message: message.order or 0)
        if not (timed and _falls(counted)):
            return counted
    numbered = None not in orders
    in_turns = numbered and _are_turns(messages)

    def place(one: Message) -> tuple[float, int, int]:
        return (one.order or 0) if numbered else 0, _SIDES.get(one.role or "", 1) if in_turns else 0, one.rank

    if timed:
        sign = -1 if _falls(messages) else 1
        return sorted(messages, key=lambda one: (one.at or 0, *place(one), sign * one.line))
    return sorted(messages, key=lambda one: (*place(one), one.line))


def _are_turns(messages: Sequence[Message]) -> bool:
    """Whether the numbers count turns of a question with its answer: one of the user's messages has each at most."""
    asked = [message.order for message in messages if message.role == "user"]
    answered = {message.order for message in messages if message.role == "assistant"}
    return len(set(asked)) == len(asked) and not answered.isdisjoint(asked)


def _falls(messages: Sequence[Message]) -> bool:
    """Whether times fall from message to message more often than they rise."""
    times = [message.at or 0 for message in messages]
    steps = [after - before for before, after in pairwise(times)]
    return sum(step < 0 for step in steps) > sum(step > 0 for step in steps)
