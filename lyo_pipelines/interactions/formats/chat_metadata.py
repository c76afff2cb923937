"""What a chat or an annotation record says beside its texts: any canonical field, in the row itself or in its metadata."""

from __future__ import annotations

import re

from lyo_pipelines.config.interactions import ChatConfig
from lyo_pipelines.interactions.chats.pairing import Chat, lay_chat
from lyo_pipelines.interactions.contract import INPUT_FIELDS
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.notes import FILE_TIME, note
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.message_feedback import lay_beside, lay_judged
from lyo_pipelines.interactions.formats.row_format import Row

_FROM_CHAT = {"question", "answer", "history", "system_prompt", "metadata", "images"}
FIELDS = tuple(name for name in INPUT_FIELDS if name not in _FROM_CHAT)
NAMES: dict[str, tuple[str, ...]] = {name: (name,) for name in FIELDS}
NAMES["language"] = (
    *("language", "lang", "locale", "language_code", "lang_code", "languageCode", "langCode"),
    *(
        "detected_language",
        "detectedLanguage",
        "user_language",
        "userLanguage",
        "user_lang",
        "user_locale",
        "userLocale",
    ),
    *("input_language", "inputLanguage", "question_language"),
)
NAMES["conversation_id"] = ("conversation_id", "conversationId", "session_id", "sessionId", "chat_id", "thread_id")
NAMES["grade"] = ("grade", "class_grade", "grade_level", "gradeLevel")
STATED = frozenset(other for names in NAMES.values() for other in names)
"""Names under which a row or its metadata may state a canonical field."""

USERS = (
    *(
        "user_id",
        "userId",
        "user",
        "end_user",
        "endUser",
        "end_user_id",
        "user_identifier",
        "userIdentifier",
        "username",
    ),
    *("user_email", "userEmail"),
)
"""Names of who asked, the likeliest first; a name that is shown to others (`user_name`) tells nobody apart."""

TIMES = (
    *("occurred_at", "occurredAt", "created_at", "createdAt", "created", "create_time", "createTime", "creation_time"),
    *(
        "timestamp",
        "ts",
        "time",
        "datetime",
        "date_time",
        "event_time",
        "eventTime",
        "event_timestamp",
        "asked_at",
        "askedAt",
    ),
    *("sent_at", "sentAt", "started_at", "startedAt", "start_time", "startTime", "logged_at", "date"),
    *(
        "timestamp_ms",
        "timestampMs",
        "created_at_ms",
        "createdAtMs",
        "inserted_at",
        "insertedAt",
        "received_at",
        "receivedAt",
    ),
    *("request_time", "requestTime", "epoch", "epoch_ms", "unix_time", "unixTime"),
    *(
        "created_date",
        "createdDate",
        "creation_date",
        "creationDate",
        "date_created",
        "dateCreated",
        "timeStamp",
        "dateTime",
    ),
    *(
        "sent_time",
        "sentTime",
        "send_time",
        "sendTime",
        "time_sent",
        "timeSent",
        "message_time",
        "messageTime",
        "msg_time",
    ),
)
"""Names of the time of an interaction, the likeliest first."""
CHANGED = (
    "updated_at",
    "updatedAt",
    "update_time",
    "updateTime",
    "last_updated",
    "end_time",
    "endTime",
    "completed_at",
)
"""Times shortly after it, which are nearer than the date of a file."""
_LIKE_A_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{4}.*")
_NAMED_LIKE_A_TIME = re.compile(
    r"(?:^|_)(?:date|time|timestamp|at|ts|on|epoch)(?:_(?:ms|s|us|ns|utc|unix|epoch|millis|seconds))?$"
    r"|(?:Date|Time|Timestamp|At|Epoch)(?:Ms|Us|Ns|Utc|Unix|Millis|Seconds)?$"
)
TURNS_COUNTED = "turn: as many as the row has questions, so it is their count; the turn is told from the conversation"
EARLIEST_EPOCH = 946_684_800
"""2000-01-01 in seconds: a number below it is no time."""
_OTHER_TIMES = {"feedback_at", "response_time", "time_to_first_token", "deleted_at"}


def chat_row(row: Row, chat: Chat, config: ChatConfig, fallback_time: str | None, *, whole: bool = False) -> Row:
    """A canonical row of a conversation whose last question and answer are the interaction.

    whole: rows of this format are whole conversations, so that a `turn` which is as many as their questions is a count of them, also
    where it is 1.
    """
    metadata = metadata_of(row)
    result: Row = {"task": config.task, "turn": chat.turn or 0}
    counted = result["turn"] + 1
    result.update(stated_fields(row, metadata))
    if (whole or counted > 1) and result["turn"] in (counted, str(counted)):
        result["turn"] = counted - 1
        note(result, TURNS_COUNTED)
    result["interaction_id"] = result.get("interaction_id") or row.get("id")
    result["user_id"] = user_of_chat(row)
    lay_time(result, row, metadata, fallback_time, asked_at=chat.at)
    lay_chat(result, chat, metadata)
    lay_judged(result, chat)
    lay_beside(result, row)
    result["metadata"] = metadata or None
    return result


def metadata_of(row: Row) -> Row:
    """The row's metadata as an object of its own; empty where there is none."""
    metadata = parsed_json(row.get("metadata"))
    flattened = {name.removeprefix("metadata."): value for name, value in row.items() if name.startswith("metadata.")}
    return {**flattened, **metadata} if isinstance(metadata, dict) else flattened


def stated_fields(row: Row, metadata: Row) -> Row:
    """Canonical fields that the row holds, or its metadata: what is taken from there stands there no longer."""
    result: Row = {}
    holders = [holder for holder in (row, metadata) if not STATED.isdisjoint(holder)]
    for name, names in NAMES.items() if holders else ():
        for holder in holders:
            found = next((other for other in names if holder.get(other) not in (None, "")), None)
            if found is not None:
                result[name] = holder[found] if holder is row else metadata.pop(found)
                break
    return result


def lay_time(
    result: Row,
    row: Row,
    metadata: Row,
    fallback: str | None,
    last: tuple[str, ...] = (),
    asked_at: object = None,
) -> None:
    """When it happened: as its messages say, then the row, its metadata, the file. `last`: further names of the format.

    asked_at: the time of the question's message. The time of a row of several turns is that of its conversation.

    Raises RowError where the row holds a time under a name that says not what it is: the date of the file must not stand over it.
    """
    found = (
        asked_at
        if row.get("occurred_at") in (None, "") and _is_moment(asked_at)
        else time_of(row, metadata, (*TIMES, *last, *CHANGED))
    )
    if found is None:
        unknown = next(
            (name for holder in (row, metadata) for name, value in holder.items() if _is_time(name, value)), None
        )
        if unknown is None and asked_at is not None:
            raise RowError(
                "unknown_time", "its messages name times that are not understood: write occurred_at on the row"
            )
        if unknown is not None:
            raise RowError(
                "unknown_time", f"{unknown[:60]!r} may hold the time: rename it to occurred_at, or write a mapping"
            )
        if fallback is not None:
            note(result, FILE_TIME)
    result["occurred_at"] = found if found is not None else result.get("occurred_at") or fallback


def _is_moment(value: object) -> bool:
    """Whether the time of a message is one of a calendar, and no offset from the beginning of a talk."""
    try:
        at = None if value is None else parse_moment(value, "occurred_at")
    except RowError:
        return False
    return at is not None and at > EARLIEST_EPOCH * 1_000_000


def _is_time(name: str, value: object) -> bool:
    if name in _OTHER_TIMES or isinstance(value, bool):
        return False
    named = _NAMED_LIKE_A_TIME.search(name) is not None
    if isinstance(value, str):
        told = value.strip()
        return _LIKE_A_TIME.fullmatch(told) is not None or (named and told.isdecimal() and int(told) > EARLIEST_EPOCH)
    return named and isinstance(value, (int, float)) and value > EARLIEST_EPOCH


def time_of(row: Row, metadata: Row, names: tuple[str, ...]) -> object:
    """The first time that is there under one of the names, the row's before the metadata's."""
    found = (holder[name] for holder in (row, metadata) for name in names if holder.get(name) not in (None, ""))
    return next(found, None)


def user_of_chat(row: Row) -> object:
    """The raw user id, in the row or in its metadata."""
    for name in USERS:
        if is_user(row.get(name)):
            return row[name]
    metadata = metadata_of(row)
    return metadata.get("user_id") or metadata.get("userId")


def is_user(value: object) -> bool:
    """Whether a value may name a user: an object beside a chat is none."""
    return value is not None and value != "" and not isinstance(value, (dict, list, bool))
