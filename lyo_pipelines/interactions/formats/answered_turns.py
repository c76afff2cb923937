"""A row that is a whole conversation, as one row for each answer in it: also for those that were replaced, with their ratings.

A list of messages is a chain; an object of messages by id (or a list whose messages name their parent) is a tree, in which an answer
may stand on any branch. Each row holds what its line held, and under `pair`: `question` and `answer` (the messages themselves, with
`role` and a text under `content` also where their tool names them otherwise), `history` (the messages before the question, as role and
content), `turn` (0-based) and `pictures` (those that users attached, with how many messages before the question; None: the assistant
showed one, too). What an assistant said to a tool, or thought, is nobody's answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.chats.pictures import Picture, attached_pictures
from lyo_pipelines.interactions.chats.roles import role_of
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import lookup
from lyo_pipelines.interactions.formats.row_format import Row

_IDS = ("id", "messageId", "message_id", "uuid")
PARENTS = ("parentId", "parent_id", "parent", "parentMessageId", "parent_message_uuid")
_SPEAKERS = ("role", "author", "sender", "from", "event")
_SHOWN = ("text", "multimodal_text")
"""Kinds of content of ChatGPT's export that the user saw; the others are thoughts, code that ran and what it returned."""
_UNSEEN_PARTS = ("thinking", "reasoning", "think", "step-start")
_MOST = 10_000
"""Steps up a branch; a circle of parents would never end."""


@dataclass(frozen=True)
class Node:
    """One message. message: None where it is no word between user and assistant, though others hang on it."""

    id: str
    parent: str | None
    message: Row | None

    @property
    def role(self) -> Any:
        """Whose word it is; None where it is nobody's."""
        return None if self.message is None else self.message.get("role")


def turns_of(row: Row, path: str) -> list[Row]:
    """Rows of the answered questions of a conversation; the row itself, without `pair`, where there is none."""
    rest = {name: value for name, value in row.items() if name != "pair"}
    pairs = _pairs(parsed_json(lookup(row, path)))
    return [{**rest, "pair": pair} for pair in pairs] or [rest]


def _pairs(value: Any) -> list[Row]:
    if isinstance(value, dict):
        held = [(str(key), item) for key, item in value.items() if isinstance(item, dict)]
    else:
        held = [("", item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    nodes = [_node(item, key or str(at)) for at, (key, item) in enumerate(held)]
    if not any(name in item for _, item in held for name in PARENTS):  # a chain: each hangs on the one before
        nodes = [Node(str(at), str(at - 1), node.message) for at, node in enumerate(nodes)]
    known = {node.id: node for node in nodes}
    branches = [_branch(node, known) for node in last_words(nodes, known)]
    return [pair for branch in branches if (pair := _pair(branch)) is not None]


def _node(item: Row, key: str) -> Node:
    wraps = "message" in item and "children" in item  # a node of ChatGPT's tree; its message may be null
    inner = item["message"] if wraps else item
    own = next((item[name] for name in _IDS if item.get(name) is not None), key)
    parent = next((item[name] for name in PARENTS if item.get(name) is not None), None)
    message = _said({"id": key, **inner}) if isinstance(inner, dict) else None
    return Node(str(own), None if parent is None else str(parent), message)


def _said(message: Row) -> Row | None:
    """A message with role and content under these names; None where user and assistant did not say it to each other."""
    named = next((message[name] for name in _SPEAKERS if message.get(name) not in (None, "")), None)
    role = role_of(named.get("role") if isinstance(named, dict) else named)
    if isinstance(by_user := message.get("isCreatedByUser"), bool):
        role = "user" if by_user else "assistant"
    content = message.get("content")
    if role in (None, "tool") or message.get("weight") == 0 or message.get("recipient") not in (None, "all"):
        return None
    if isinstance(content, dict) and content.get("content_type") not in (None, *_SHOWN):
        return None
    if message.get("channel") in ("analysis", "commentary"):
        return None
    return {**message, "role": role, "content": _text(message, content)}


def _text(message: Row, content: Any) -> Any:
    """The text of a message; what is not understood stays as it is, and is refused where it is read."""
    parts = content.get("parts") if isinstance(content, dict) else content
    if isinstance(parts, list) and parts:
        texts = [part if isinstance(part, str) else part.get("text") for part in parts if not _is_unseen(part)]
        return "\n\n".join(texts) if all(isinstance(text, str) for text in texts) else content
    return message.get("text") if content in (None, "", []) else content


def _is_unseen(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _UNSEEN_PARTS


def last_words(nodes: list[Node], known: dict[str, Node]) -> Iterator[Node]:
    """The messages with which the assistant ended a turn: those after which it said no more before the user spoke."""
    gone_on = set()
    for node in nodes:
        if node.role == "assistant":
            before = next((other for other in said_before(node, known) if other.message is not None), None)
            gone_on |= {before.id} if before is not None and before.role == "assistant" else set()
    return (node for node in nodes if node.role == "assistant" and node.id not in gone_on)


def said_before(node: Node, known: dict[str, Node]) -> Iterator[Node]:
    """What was said before a message, newest first."""
    for _ in range(_MOST):
        if node.parent is None or node.parent not in known:
            return
        node = known[node.parent]
        yield node


def _branch(node: Node, known: dict[str, Node]) -> list[Row]:
    """A message and all that was said before it, oldest first."""
    return [one.message for one in (node, *said_before(node, known)) if one.message is not None][::-1]


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
        "pictures": _pictures(branch, asked, answered),
    }


def _pictures(branch: list[Row], asked: int, answered: int) -> list[tuple[Picture, int]] | None:
    """The pictures of a branch; asked, answered: where its last question and answer begin."""
    shown = [(at, picture) for at, message in enumerate(branch) for picture in attached_pictures(message)]
    if any(at >= answered or branch[at].get("role") != "user" for at, _ in shown):
        return None
    return [(picture, max(0, asked - at)) for at, picture in shown]


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
