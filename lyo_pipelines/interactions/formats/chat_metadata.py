"""What a chat or an annotation record says beside its texts: any canonical field, in the row itself or in its metadata."""

from __future__ import annotations

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.chats.pairing import Chat, lay_chat
from lyo_pipelines.interactions.contract import INPUT_FIELDS
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.row_format import Row

_FROM_CHAT = {"question", "answer", "history", "system_prompt", "metadata"}
FIELDS = tuple(name for name in INPUT_FIELDS if name not in _FROM_CHAT)
TIMES = ("occurred_at", "created_at", "created", "timestamp", "time")


def chat_row(row: Row, chat: Chat, config: ChatConfig, fallback_time: str | None) -> Row:
    """A canonical row of a conversation whose last question and answer are the interaction."""
    metadata = metadata_of(row)
    result: Row = {"task": config.task, "language": config.language, "turn": chat.turn or 0}
    result.update(stated_fields(row, metadata))
    result["interaction_id"] = result.get("interaction_id") or row.get("id")
    result["user_id"] = user_of_chat(row)
    result["occurred_at"] = time_of(row, metadata, TIMES) or result.get("occurred_at") or fallback_time
    lay_chat(result, chat, metadata)
    result["metadata"] = metadata or None
    return result


def metadata_of(row: Row) -> Row:
    """The row's metadata as an object of its own; empty where there is none."""
    metadata = parsed_json(row.get("metadata"))
    return dict(metadata) if isinstance(metadata, dict) else {}


def stated_fields(row: Row, metadata: Row) -> Row:
    """Canonical fields that the row holds, or its metadata: what is taken from there stands there no longer."""
    result: Row = {}
    for name in FIELDS:
        value = row.get(name)
        if value is None and metadata.get(name) is not None:
            value = metadata.pop(name)
        if value is not None:
            result[name] = value
    return result


def time_of(row: Row, metadata: Row, names: tuple[str, ...]) -> object:
    """The first time that is there under one of the names, the row's before the metadata's."""
    found = (holder[name] for holder in (row, metadata) for name in names if holder.get(name) is not None)
    return next(found, None)


def user_of_chat(row: Row) -> object:
    """The raw user id, in the row or in its metadata."""
    return row.get("user_id") or row.get("user") or metadata_of(row).get("user_id")
