"""ShareGPT JSONL, one conversation a row: `conversations: [{from: human | gpt | system | …, value}]`, or `conversation`.

The same list with `role` and `content`, or with the speakers under other names, is understood too (chats/roles.py). As with OpenAI
messages the last answered question and its answer are the interaction, the turns before are history, other fields of the row or its
`metadata` may hold any canonical field, and interactions.sharegpt in the configuration says what the others get.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.chats.turns import is_message
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.formats.chat_metadata import chat_row, user_of_chat
from lyo_pipelines.interactions.formats.openai_messages import chat_in_row
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

LISTS = ("conversations", "conversation")
"""Names of the list of turns."""


def sharegpt(config: ChatConfig, file_time: str | None) -> RowFormat:
    """The format of a ShareGPT file; `file_time` is its modification time (ISO 8601), for rows that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        turns = next((turns for name in LISTS if (turns := parsed(row.get(name)))), None)
        if not isinstance(turns, list) or not turns:
            raise RowError("bad_conversations", "expected a list of turns with from and value")
        if not all(isinstance(turn, dict) and len(turn) > 1 for turn in turns):
            raise RowError("bad_conversations", "expected turns with from and value")
        return chat_row(row, chat_in_row(row, turns), config, fallback, whole=True)

    return RowFormat("sharegpt", "interactions", convert, user_of_chat, language=config.language)


def holds_turns(row: Row) -> str | None:
    """The name under which a row holds the turns of a conversation, or None."""
    for name in LISTS:
        turns = parsed_or_none(row.get(name))
        if isinstance(turns, list) and turns and is_message(turns[0]):
            return name
    return None


def parsed_or_none(value: Any) -> Any:
    """What a text holds; None for one that is broken."""
    try:
        return parsed(value)
    except RowError:
        return None
