"""ShareGPT JSONL, one conversation a row: `conversations: [{from: human | gpt | system | …, value}]`.

The same list with `role` and `content`, or with the speakers spelt user and assistant, is understood too. As with OpenAI messages the
last question and answer are the interaction, the turns before are history, other fields of the row or its `metadata` may hold any
canonical field, and interactions.sharegpt in the configuration says what the others get.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.chat_metadata import chat_row, user_of_chat
from lyo_pipelines.interactions.formats.messages import content_text, split_chat
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

_SPEAKERS = {
    **dict.fromkeys(("human", "user", "student", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "ai", "bot", "bing", "bard", "claude"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "function_response", "tool_response"), "tool"),
    **dict.fromkeys(("function_call", "tool_call"), "assistant"),
}


def sharegpt(config: ChatConfig, file_time: str | None) -> RowFormat:
    """The format of a ShareGPT file; `file_time` is its modification time (ISO 8601), for rows that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        turns = parsed_json(row.get("conversations"))
        if not isinstance(turns, list) or not turns:
            raise RowError("bad_conversations", "expected a list of turns with from and value")
        messages = [_message(turn) for turn in turns]
        if isinstance(prompt := row.get("system"), str) and prompt and messages[0]["role"] != "system":
            messages.insert(0, {"role": "system", "content": prompt})
        return chat_row(row, split_chat(messages, answered=True), config, fallback)

    return RowFormat("sharegpt", "interactions", convert, user_of_chat)


def is_turn(value: Any) -> bool:
    """Whether a value looks like one turn of a ShareGPT conversation."""
    return (
        isinstance(value, dict) and bool({"from", "role"} & value.keys()) and bool({"value", "content"} & value.keys())
    )


def _message(turn: Any) -> dict[str, str]:
    if not is_turn(turn):
        raise RowError("bad_conversations", "expected turns with from and value")
    speaker = turn["from"] if "from" in turn else turn["role"]
    role = _SPEAKERS.get(str(speaker).strip().lower())
    if role is None:
        raise RowError("unknown_speaker", "expected from: human, gpt, system, tool or another spelling of these")
    return {"role": role, "content": content_text(turn["value"] if "value" in turn else turn["content"])}
