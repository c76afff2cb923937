"""Which message of a conversation hangs on which: by the ids of parents, where most say theirs, else one after the other.

A message of which nothing may be made (nobody knows who said it, or the user took it back) ends a talk: nothing is paired across it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lyo_pipelines.interactions.formats.answered_turns import Node, last_words, said_before
from lyo_pipelines.interactions.messages.ordering import Message
from lyo_pipelines.json_types import RawRow

_AGAIN = ("regenerated", "is_regenerated", "isRegenerated", "is_regeneration", "is_retry", "isRetry")
_VARIANTS = (
    *("variant", "variant_id", "version", "attempt", "regeneration", "regeneration_index", "candidate", "candidate_index"),
    *("sibling_index", "siblingIndex", "response_index", "option", "branch", "branch_id"),
)  # fmt: skip
_MOST_STEPS = 10_000


@dataclass(frozen=True)
class Branch:
    """A path through a conversation that ends with an answer, oldest message first; words of the system are not in it.

    asked, said: the messages of the last question, and all that came after it. cut: its beginning hung on a message of which nothing
    may be made. longer: more came before.
    """

    path: tuple[Message, ...]
    cut: bool
    longer: bool

    @property
    def said(self) -> tuple[Message, ...]:
        """What came after the last question, answers and what tools were asked and returned."""
        return self.path[self._asked_until :]

    @property
    def asked(self) -> tuple[Message, ...]:
        """The messages of the last question."""
        end = begin = self._asked_until
        while begin and self.path[begin - 1].role == "user":
            begin -= 1
        return self.path[begin:end]

    @property
    def _asked_until(self) -> int:
        at = len(self.path)
        while at and self.path[at - 1].role != "user":
            at -= 1
        return at


def branches(ordered: Sequence[Message], history_turns: int) -> Iterator[Branch]:
    """The branches of a conversation that end with an answer to a question. ordered: its messages as they were said.

    history_turns: how many questions before the last one are kept.
    """
    by_line = {str(one.line): one for one in ordered}
    parents = _parents(ordered)
    cut = {line for line, parent in parents.items() if parent is not None and by_line[parent].refused is not None}
    nodes = [
        Node(
            str(one.line),
            None if str(one.line) in cut else parents[str(one.line)],
            {"role": one.role} if one.role in ("user", "assistant") else None,
        )
        for one in ordered
        if one.refused is None and one.role != "system"
    ]
    known = {node.id: node for node in nodes}
    for node in last_words(nodes, known):
        path, turns, longer = [node.id], 0, False
        for before in islice(said_before(node, known), _MOST_STEPS):
            if before.role == "user" and by_line[path[-1]].role != "user":
                turns += 1
                if turns > history_turns + 1:
                    longer = True
                    break
            path.append(before.id)
        while longer and by_line[path[-1]].role != "user":  # an answer whose question is left out
            path.pop()
        messages = tuple(by_line[line] for line in reversed(path))
        if any(one.role == "user" for one in messages):
            yield Branch(messages, cut=path[-1] in cut, longer=longer)


def ends_talk(message: Message) -> bool:
    """Whether nothing may be paired across a message: it was refused, and what it said is a part of the talk all the same."""
    if message.refused is None:
        return False
    reason = message.refused[0]
    if reason in ("no_message", "not_shown", "repeated_message", "older_version", "feedback_of_no_answer"):
        return False
    return message.role != "assistant" or reason not in ("deleted_message", "empty_message", "unfinished_message")


def _parents(ordered: Sequence[Message]) -> dict[str, str | None]:
    """Line -> line of the message that it hangs on; a message that ends a talk is one to hang on, one that is passed over is none."""
    talk = [one for one in ordered if one.role != "system" and (one.refused is None or ends_talk(one))]
    by_id = {one.id: one for one in ordered if one.id is not None}
    stated = {one.line: _stated(one, by_id) for one in talk}
    named = [one for one in talk if stated[one.line] is not None]
    tree = 2 * sum(one.role == "assistant" for one in named) > sum(one.role == "assistant" for one in talk)
    rooted = any(one.role == "user" for one in named)
    result: dict[str, str | None] = {}
    before: Message | None = None
    for one in talk:
        parent = stated[one.line] if tree else None
        if parent is None and not (tree and (rooted if one.role == "user" else one.parent is not None)):
            parent = None if before is None else str(before.line)
            if before is not None and _is_another(one, before):
                parent = result[str(before.line)]
            parent = None if tree and _leads_to(str(one.line), parent, stated) else parent
        result[str(one.line)] = parent
        before = one
    return result


def _leads_to(line: str, parent: str | None, stated: dict[int, str | None]) -> bool:
    """Whether a message would hang on one that hangs on it, as ids of parents say."""
    for _ in range(len(stated)):
        if parent is None or parent == line:
            return parent == line
        parent = stated.get(int(parent))
    return True


def _stated(message: Message, by_id: dict[str, Message]) -> str | None:
    """The line of the parent that a message names, past those that are nobody's word."""
    seen: set[int] = {message.line}
    parent = by_id.get(message.parent or "")
    while parent is not None and parent.line not in seen:
        if parent.role != "system" and (parent.refused is None or ends_talk(parent)):
            return str(parent.line)
        seen.add(parent.line)
        parent = by_id.get(parent.parent or "")
    return None


def _is_another(message: Message, before: Message) -> bool:
    """Whether an answer that follows another one took its place or stands beside it, and does not go on with it."""
    if message.role != "assistant" or before.role != "assistant":
        return False
    if any(str(message.row.get(name) or "").lower() in ("true", "1", "yes") for name in _AGAIN):
        return True
    return any(_differ(message.row, before.row, name) for name in _VARIANTS)


def _differ(row: RawRow, other: RawRow, name: str) -> bool:
    one, two = row.get(name), other.get(name)
    return one not in (None, "") and two not in (None, "") and one != two
