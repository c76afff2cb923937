"""What a mapping's `pick` takes of a list of messages, or of a wrapper around a text."""

from __future__ import annotations

from typing import Any

from lyo_pipelines.interactions.chats.pairing import Chat, answer_in, conversation
from lyo_pipelines.interactions.chats.parts import are_parts, content_of
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.chats.turns import turns_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import Mapping, Pick
from lyo_pipelines.interactions.fields.scrub import dump_json


class Picker:
    """Takes parts of conversations. Where a mapping picks the answer out of the same list as the question, the last answered
    question counts; else the list is what a model was asked, and its last question counts.
    """

    def __init__(self, mapping: Mapping) -> None:
        picks = [(spec.pick, path) for spec in mapping.fields.values() for path in spec.source]
        self._answered = {path for pick, path in picks if pick == "answer"}
        self.shown: Chat | None = None  # the chat of the row's question, with the pictures that no field takes

    def pick(self, pick: Pick, path: str, value: Any) -> Any:
        """A part of the value at a path; None where there is none. Raises RowError when it is no conversation."""
        value = _unwrapped(parsed_json(value))
        if pick == "text":
            return answer_in(reply_of(value))
        if pick == "reply":
            return _reply(value)
        if pick == "system" and (isinstance(value, str) or are_parts(value)):
            return content_of(value).text or None
        if pick in ("question", "answer", "history", "system", "turn"):
            chat = self._chat(path, value)
            if pick == "question" or (pick == "history" and self.shown is None):
                self.shown = chat
            return chat.system_prompt if pick == "system" else getattr(chat, pick)
        which, role = pick.split("_")
        said = [turn.content for turn in turns_of(_listed(value)) if turn.role == role]
        return None if not said else said[0] if which == "first" else said[-1]

    def _chat(self, path: str, value: Any) -> Chat:
        if path in self._answered:
            return conversation(turns_of(_listed(value)))
        return chat_of(value)


def _reply(value: Any) -> str | None:
    """The text of a model's response. Raises RowError for an object that is none: vectors, images, verdicts of a filter …"""
    text = answer_in(reply_of(value))
    if isinstance(value, (list, dict)) and text == dump_json(value):
        shown = ", ".join(sorted(map(str, value)))[:120] if isinstance(value, dict) else "a list"
        raise RowError("no_response", f"expected a model's response in words, found {shown}")
    return text


def _unwrapped(value: Any) -> Any:
    """A batch of one conversation is that conversation."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return value


def _listed(value: Any) -> list[Any]:
    inner = parsed_json(value.get("messages")) if isinstance(value, dict) else value
    return inner if isinstance(inner, list) else [value]
