"""OpenAI `messages` JSONL, one conversation a row: its last question and answer are the interaction, the turns before are history.

Such rows seldom say when, for which task and in which language they happened: other fields of the row or its `metadata` may hold
any canonical field, and interactions.openai_messages in the configuration says what the others get.
"""

from __future__ import annotations

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.chat_metadata import chat_row, user_of_chat
from lyo_pipelines.interactions.formats.messages import message_list, split_chat
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat


def openai_messages(config: ChatConfig, file_time: str | None) -> RowFormat:
    """The format of a messages file; `file_time` is its modification time (ISO 8601), for rows that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        messages = parsed_json(row.get("messages"))
        if not isinstance(messages, list) or not messages:
            raise RowError("bad_messages", "expected a list of messages")
        return chat_row(row, split_chat(message_list(messages), answered=True), config, fallback)

    return RowFormat("openai_messages", "interactions", convert, user_of_chat)
