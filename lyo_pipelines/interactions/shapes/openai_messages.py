"""OpenAI `messages` JSONL, one conversation a row: its last question and answer are the interaction, the turns before are history.

Such rows seldom say when, for which task and in which language they happened: other fields of the row or its `metadata` may hold
any canonical field, and interactions.openai_messages in the figures says what the others get.
"""

from __future__ import annotations

from lyo_pipelines.config.interactions import OpenAIMessagesFigures
from lyo_pipelines.interactions.columns import parsed_json
from lyo_pipelines.interactions.contract import INPUT_FIELDS
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.shapes.messages import message_list, split_chat
from lyo_pipelines.interactions.shapes.shape import Row, Shape

_FROM_CHAT = {"question", "answer", "history", "system_prompt", "metadata"}
_FIELDS = tuple(name for name in INPUT_FIELDS if name not in _FROM_CHAT)
_TIMES = ("occurred_at", "created_at", "created", "timestamp", "time")


def openai_messages(figures: OpenAIMessagesFigures, file_time: str | None) -> Shape:
    """The shape of a messages file; `file_time` is its modification time (ISO 8601), for rows that name none."""
    fallback = file_time if figures.time_from_file else None

    def convert(row: Row) -> Row:
        messages = parsed_json(row.get("messages"))
        if not isinstance(messages, list) or not messages:
            raise RowError("bad_messages", "expected a list of messages")
        chat = split_chat(message_list(messages), answered=True)
        metadata = parsed_json(row.get("metadata"))
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        result: Row = {"task": figures.task, "language": figures.language, "turn": chat.turn or 0}
        for name in _FIELDS:
            value = row.get(name)
            if value is None and metadata.get(name) is not None:
                value = metadata.pop(name)
            if value is not None:
                result[name] = value
        result["interaction_id"] = result.get("interaction_id") or row.get("id")
        result["user_id"] = _user(row)
        result["occurred_at"] = next((row[name] for name in _TIMES if row.get(name) is not None), None) or next(
            (metadata[name] for name in _TIMES if metadata.get(name) is not None), result.get("occurred_at") or fallback
        )
        result.update(
            question=chat.question, answer=chat.answer, history=chat.history, system_prompt=chat.system_prompt
        )
        result["metadata"] = metadata or None
        return result

    return Shape("openai_messages", "interactions", convert, _user)


def _user(row: Row) -> object:
    metadata = parsed_json(row.get("metadata"))
    inside = metadata.get("user_id") if isinstance(metadata, dict) else None
    return row.get("user_id") or row.get("user") or inside
