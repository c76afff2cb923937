"""Chat messages as many tools write them: text or parts, a list or JSON inside a string, to question, history and system prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.json_types import RawRow

SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True)
class Chat:
    """A conversation up to and with the last question."""

    question: str | None
    history: list[dict[str, str]] | None
    system_prompt: str | None
    answer: str | None

    @property
    def turn(self) -> int | None:
        """0-based turn, counted from the history; None without one, when it may be any turn."""
        return sum(message["role"] == "user" for message in self.history) if self.history else None


def content_text(content: Any) -> str:
    """Text of a message's content: a string, a list of parts (their texts joined), or JSON of anything else."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [
            part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None for part in content
        ]
        return "\n".join(part for part in parts if isinstance(part, str))
    return dump_json(content)


def message_list(value: Any) -> list[dict[str, str]]:
    """Messages as {role, content}. Raises RowError when an item is no message."""
    result = []
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("role"), str):
            raise RowError("bad_messages", "expected messages with role and content")
        text = content_text(item.get("content"))
        if not text and item.get("tool_calls"):
            text = dump_json(item["tool_calls"])
        result.append({"role": item["role"], "content": text})
    return result


def split_chat(messages: list[dict[str, str]], *, answered: bool) -> Chat:
    """The last user message is the question; what stands before it is history; `answered`: the last assistant message answers it."""
    system = "\n\n".join(message["content"] for message in messages if message["role"] in SYSTEM_ROLES) or None
    talk = [message for message in messages if message["role"] not in SYSTEM_ROLES]
    last = max((index for index, message in enumerate(talk) if message["role"] == "user"), default=None)
    if last is None:
        return Chat(None, talk or None, system, None)
    after = [
        message["content"] for message in talk[last + 1 :] if message["role"] == "assistant" and message["content"]
    ]
    answer = after[-1] if answered and after else None
    return Chat(talk[last]["content"], talk[:last] or None, system, answer)


def chat_of(value: Any) -> Chat:
    """Question, history and system prompt of a model's input in any known form. Raises RowError."""
    value = parsed_json(value)
    if isinstance(value, dict):
        value = _input_of(value)
    if isinstance(value, list) and not (value and all(isinstance(item, str) for item in value)):
        return split_chat(message_list(value), answered=False)
    if isinstance(value, list):
        value = "\n".join(value)
    return Chat(None if value is None else str(value), None, None, None)


def _input_of(value: RawRow) -> Any:
    """Messages or text inside an input object. Raises RowError."""
    for key in ("messages", "history", "chat_history"):
        if isinstance(inner := parsed_json(value.get(key)), list):
            return inner
    if isinstance(value.get("role"), str):
        return [value]
    for key in ("question", "query", "input", "prompt", "text", "content"):
        if isinstance(value.get(key), str):
            return value[key]
    raise RowError("bad_input", "expected messages, or an object with question, query, input, prompt or text")


def answer_of(value: Any) -> str | None:
    """Text of a model's output in any known form; None where there is none. Raises RowError."""
    value = parsed_json(value)
    if isinstance(value, dict):
        return _answer_in(value)
    if isinstance(value, list):
        if not value or not all(isinstance(item, dict) and "role" in item for item in value):
            return content_text(value)
        texts = [message["content"] for message in message_list(value) if message["role"] == "assistant"]
        return texts[-1] if texts else None
    return None if value is None else str(value)


def _answer_in(value: RawRow) -> str | None:
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return answer_of(choices[0].get("message", choices[0].get("text")))
    for key in ("content", "answer", "completion", "output", "text", "response", "message"):
        if value.get(key) is not None:
            return answer_of(value[key]) if isinstance(value[key], dict) else content_text(value[key])
    if value.get("tool_calls"):
        return dump_json(value["tool_calls"])
    return None if "role" in value or not value else dump_json(value)
