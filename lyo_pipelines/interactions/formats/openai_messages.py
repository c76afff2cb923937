"""OpenAI `messages` JSONL, one conversation a row: its last answered question and that answer are the interaction, the turns before
are history.

An answer may stand beside the messages (`response`, `completion`, `output` …, as gateways log it) in any form that a model's output
has, and so may the new question. Such rows seldom say when, for which task and in which language they happened: other fields of the
row or its `metadata` may hold any canonical field, and interactions.openai_messages in the configuration says what the others get.
"""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.chats.pairing import Chat, conversation, exchange
from lyo_pipelines.interactions.chats.pictures_beside import with_pictures_beside
from lyo_pipelines.interactions.chats.questions import asked_beside
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.chats.turns import turns_of
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.formats.chat_metadata import chat_row, metadata_of, user_of_chat
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat

_ANSWERS = (
    *(
        "response",
        "completion",
        "output",
        "outputs",
        "answer",
        "reply",
        "generation",
        "generated_text",
        "response_text",
    ),
    *("choices", "response_body", "assistant_response"),
)
_IF_UNANSWERED = ("chosen", "content", "text", "result", "model_output", "prediction")
"""Names that hold the answer only where the messages hold none: beside an answered chat, `text` is often the chat in print."""
_PARENTS = ("parentId", "parent_id", "parentMessageId", "parent_message_id", "parent_message_uuid")


_CONVERSATIONS = (
    "conversation_id",
    "conversationId",
    "chat_id",
    "chatId",
    "thread_id",
    "threadId",
    "session_id",
    "sessionId",
)


def openai_messages(config: ChatConfig, file_time: str | None) -> RowFormat:
    """The format of a messages file; `file_time` is its modification time (ISO 8601), for rows that name none."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        messages = parsed(row.get("messages"))
        if not isinstance(messages, list) or not messages:
            raise RowError("bad_messages", "expected a list of messages")
        return chat_row(row, chat_in_row(row, messages), config, fallback)

    return RowFormat("openai_messages", "interactions", convert, user_of_chat, language=config.language)


def chat_in_row(row: Row, messages: list[Any]) -> Chat:
    """The messages of a row with the question and the answer that stand beside them. Raises RowError."""
    _require_one_branch(messages)
    _require_one_conversation(messages)
    asked = asked_beside(row, with_pictures_beside(turns_of(messages), row))
    unanswered = asked.turns[-1].role != "assistant"
    answer = _answer_beside(row, (*_ANSWERS, *_IF_UNANSWERED) if unanswered else _ANSWERS)
    if answer is None and asked.question is None:
        failed = row.get("error") not in NOTHING or metadata_of(row).get("error") not in NOTHING
        return conversation(asked.turns, failed=failed)
    if answer is None and not unanswered:
        raise RowError("two_questions", "a question that is not in the messages, and no answer beside it")
    reply = reply_of(answer, asked=asked.text)
    return exchange(asked.turns, reply, question=asked.question, context=asked.context, pictures=asked.pictures)


def _require_one_branch(messages: list[Any]) -> None:
    """Raise RowError where two messages reply to the same one: a question or an answer was replaced, and both stand in the list."""
    parents = [
        (item.get("role"), str(parent))
        for item in messages
        if isinstance(item, dict)
        and item.get("role") != "tool"
        and (parent := next((item[name] for name in _PARENTS if item.get(name)), None))
    ]
    if len(set(parents)) < len(parents):
        raise RowError(
            "branches",
            "two messages have the same parent: write the branch that was shown, or a mapping with answers_of",
        )


def _require_one_conversation(messages: list[Any]) -> None:
    """Raise RowError where messages name different conversations: a page of a log, and no conversation."""
    for name in _CONVERSATIONS:
        named = {str(item[name]) for item in messages if isinstance(item, dict) and item.get(name) not in NOTHING}
        if len(named) > 1:
            raise RowError(
                "several_conversations",
                f"its messages name different conversations (`{name}`): write each message as a row, and they are put together",
            )


def _answer_beside(row: Row, names: tuple[str, ...]) -> Any:
    """What stands beside the messages as their answer. Raises RowError where two names hold different ones."""
    found = {name: row[name] for name in names if row.get(name) not in NOTHING}
    if "choices" in found:
        found["choices"] = {"choices": parsed(found["choices"])}
    if len(found) > 1:
        texts = {tuple(turn.content for turn in reply_of(value).turns) for value in found.values()}
        if len(texts) > 1:
            raise RowError("two_answers", f"different answers in {' and '.join(found)}: which one was given?")
    return next(iter(found.values()), None)
