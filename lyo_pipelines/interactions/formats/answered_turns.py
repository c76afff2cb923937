"""A row that is a whole conversation, as one row for each answer in it: also for those that were replaced, with their ratings.

A list of messages is a chain; an object of messages by id (or a list whose messages name their parent) is a tree, in which an answer
may stand on any branch. Each row holds what its line held, and under `pair`: `question` and `answer` (the messages themselves),
`history` (the messages before the question, as role and content) and `turn` (0-based).
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import lookup
from lyo_pipelines.interactions.formats.row_format import Row

_PARENT = ("parentId", "parent_id", "parent")
_MOST = 10_000
"""Steps up a branch; a circle of parents would never end."""


def turns_of(row: Row, path: str) -> list[Row]:
    """Rows of the answered questions of a conversation; the row itself, without `pair`, where there is none."""
    rest = {name: value for name, value in row.items() if name != "pair"}
    pairs = _pairs(parsed_json(lookup(row, path)))
    return [{**rest, "pair": pair} for pair in pairs] or [rest]


def _pairs(value: Any) -> list[Row]:
    if isinstance(value, dict):
        messages = [{"id": key, **item} for key, item in value.items() if isinstance(item, dict)]
    else:
        messages = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if any(name in message for message in messages for name in _PARENT):
        known = {str(message.get("id")): message for message in messages}
        branches = [_branch(message, known) for message in messages if message.get("role") == "assistant"]
    else:
        branches = [messages[: at + 1] for at, message in enumerate(messages) if _answers(messages, at)]
    return [pair for branch in branches if (pair := _pair(branch)) is not None]


def _answers(messages: list[Row], at: int) -> bool:
    """Whether a message of a chain is the end of what the assistant said in this turn."""
    is_last = at + 1 == len(messages) or messages[at + 1].get("role") != "assistant"
    return messages[at].get("role") == "assistant" and is_last


def _branch(message: Row, known: dict[str, Row]) -> list[Row]:
    """A message and all that was said before it, oldest first."""
    branch = [message]
    while len(branch) < _MOST:
        parent = next((branch[-1][name] for name in _PARENT if branch[-1].get(name) is not None), None)
        if parent is None or str(parent) not in known:
            break
        branch.append(known[str(parent)])
    return branch[::-1]


def _pair(branch: list[Row]) -> Row | None:
    """The last question and answer of a branch; what one side said in several messages is one text."""
    answered = _end_of_side(branch, "assistant")
    asked = _end_of_side(branch[:answered], "user")
    if answered == len(branch) or asked == answered:
        return None
    before = branch[:asked]
    history = [{"role": message.get("role"), "content": message.get("content")} for message in before]
    return {
        "question": _joined(branch[asked:answered]),
        "answer": _joined(branch[answered:]),
        "history": history or None,
        "turn": sum(message.get("role") == "user" for message in before),
    }


def _end_of_side(messages: list[Row], role: str) -> int:
    """Where the last messages of one side begin; the length where the last one is of another."""
    at = len(messages)
    while at and messages[at - 1].get("role") == role:
        at -= 1
    return at


def _joined(messages: list[Row]) -> Row:
    """The last of some messages with the text of all of them."""
    texts = [message.get("content") for message in messages]
    if len(texts) == 1 or not all(isinstance(text, str) for text in texts):
        return messages[-1]
    return {**messages[-1], "content": "\n\n".join(text for text in texts if isinstance(text, str) and text.strip())}
