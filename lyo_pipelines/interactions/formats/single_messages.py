"""Rows that are single messages, put together by conversation: each answered question is an interaction.

What a row says beside its text (language, model, subject …) is read under the names that chats have, feedback only of the answer's
row. The turn is left to days/turns.py, which sees the earlier files of the day, unless the conversation has a mere number for an id:
another file may count another conversation with it, whose turns must not become this one's.
"""

from __future__ import annotations

from dataclasses import replace

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.chats.pairing import lay_chat
from lyo_pipelines.interactions.contract import FEEDBACK_COLUMNS
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.notes import FILE_TIME, note, notes_of
from lyo_pipelines.interactions.formats.chat_metadata import (
    is_user,
    lay_time,
    metadata_of,
    stated_fields,
    user_of_chat,
)
from lyo_pipelines.interactions.formats.joined_row import JoinedRow, RefusedMessage
from lyo_pipelines.interactions.formats.message_feedback import lay_beside, lay_judged
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.identity import derived_id

_OF_THE_CONVERSATION = {"turn", "conversation_id", "interaction_id", "occurred_at", "user_id", "parent_id"}
_OF_THE_ANSWER = {
    *FEEDBACK_COLUMNS,
    *("model", "adapter_version", "experiment_arm", "release_id", "rating_invited", "response_time_ms"),
    *("time_to_first_token_ms", "error", "finish_reason", "trace_id", "parent_id"),
}
_SENDERS = (
    *("sender_id", "senderId", "author_id", "authorId", "from_id", "student_id", "studentId", "learner_id", "participant_id"),
    *("customer_id", "contact_id", "visitor_id", "phone", "phone_number"),
)  # fmt: skip
"""Names of who said a message: on the question's row that is the user."""
_LEAST_DRAWN = 10
"""Digits from which on a number is no counter."""
_OBJECTS = ("user", "author", "sender", "from", "student", "contact")


def single_messages(config: ChatConfig, file_time: str | None) -> RowFormat:
    """The format of joined rows; `file_time` is the modification time of their file (ISO 8601), for messages without a time."""
    fallback = file_time if config.time_from_file else None

    def convert(row: Row) -> Row:
        joined = joined_row(row)
        asked, said = joined.question, joined.answer
        of_question, of_answer = metadata_of(asked), metadata_of(said)
        stated = {
            name: value for name, value in stated_fields(asked, of_question).items() if name not in _OF_THE_ANSWER
        }
        of_said = stated_fields(said, of_answer)
        result: Row = {"task": config.task, **of_said, **stated}
        for name in _OF_THE_CONVERSATION:
            result.pop(name, None)
        result |= {"conversation_id": joined.conversation, "user_id": user_of_message(asked)}
        metadata = {**of_question, **of_answer}
        lay_time(result, asked, metadata, fallback, asked_at=joined.chat.at)
        lay_joined(result, joined)
        lay_chat(result, joined.chat, metadata)
        lay_judged(result, replace(joined.chat, judged_before=False))  # earlier answers are rows of their own
        lay_beside(result, said)
        result["metadata"] = metadata or None
        return result

    return RowFormat("single_messages", "interactions", convert, _user_of_row, language=config.language)


def joined_row(row: Row) -> JoinedRow:
    """The row as one that was put together. Raises RowError for a message of which nothing could be made."""
    if isinstance(row, RefusedMessage):
        raise row.error
    if not isinstance(row, JoinedRow):
        raise RowError("single_message", "the row is one message, and was not put together with others")
    return row


def lay_joined(result: Row, joined: JoinedRow) -> None:
    """The id of a joined row, its turn where that must be said here, and what a person should know of it.

    The id is that of the answer's first message: a later export may hold more of the answer. Feedback on its last message reaches it
    as well (as on a parent). Without ids it is made of conversation, time, question and answer, and not of the turn: a later export
    with more of the conversation, or less, gives the same.
    """
    for sentence in joined.notes:
        note(result, sentence)
    if joined.conversation.isdecimal() and len(joined.conversation) < _LEAST_DRAWN:
        result["turn"] = joined.chat.turn or 0
    if joined.message_ids:
        result["interaction_id"] = joined.message_ids[0]
        result["parent_id"] = joined.message_ids[-1] if len(joined.message_ids) > 1 else None
    else:
        at = None if FILE_TIME in notes_of(result) else str(result.get("occurred_at"))
        result["interaction_id"] = derived_id((at, joined.conversation, joined.chat.question, joined.chat.answer))


def user_of_message(row: Row) -> object:
    """The raw id of who said a message, on the row of one."""
    found = user_of_chat(row)
    if is_user(found):
        return found
    found = next((row[name] for name in _SENDERS if is_user(row.get(name))), None)
    inner = (row.get(name) for name in _OBJECTS)
    ids = (value.get("id") for value in inner if isinstance(value, dict))
    return found if found is not None else next((one for one in ids if is_user(one)), None)


def _user_of_row(row: Row) -> object:
    return user_of_message(row.question if isinstance(row, JoinedRow) else row)
