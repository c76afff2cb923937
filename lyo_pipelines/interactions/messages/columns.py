"""Which columns of rows that are single messages say what: the conversation, who speaks, the text, when, in which order.

Told by names, and by values: who speaks must be known for nearly every row and differ, and one conversation must hold both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from lyo_pipelines.interactions.chats.roles import Role, role_of
from lyo_pipelines.interactions.chats.turns import is_message
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import FieldMapping, MessageColumns, Speaker, lookup, value_key
from lyo_pipelines.interactions.formats.chat_metadata import TIMES
from lyo_pipelines.interactions.formats.row_format import Row

_SAMPLE = 2_000
_CONVERSATIONS = (
    *("conversation_id", "conversationId", "conversation_uuid", "conv_id", "convId", "conversation", "conversation.id"),
    *("chat_id", "chatId", "chat_uuid", "chat", "chat.id", "thread_id", "threadId", "thread", "thread_ts", "thread.id"),
    *("dialog_id", "dialogue_id", "dialogId", "dialogueId", "dialog", "dialogue", "discussion_id", "message_tree_id"),
    *("session_id", "sessionId", "chat_session_id", "chatSessionId", "session_uuid", "session", "session.id", "sid"),
    *(
        "room_id",
        "roomId",
        "room",
        "ticket_id",
        "ticketId",
        "case_id",
        "call_id",
        "topic_id",
        "channel_id",
        "channelId",
    ),
)
"""Names of the id of a conversation, the likeliest first."""
_SPEAKERS = (
    *("role", "message_role", "author_role", "sender_role", "author.role", "sender_type", "senderType", "sender.type"),
    *("author_type", "authorType", "author.type", "speaker", "sender", "from", "author", "who", "participant", "actor"),
    *("message_type", "messageType", "from_type", "participant_type", "participant_role", "sent_by", "type", "source", "event"),
)  # fmt: skip
_FLAGS: dict[str, tuple[str, ...]] = {
    "assistant": (
        *("is_bot", "isBot", "bot", "from_bot", "fromBot", "is_ai", "isAi", "is_assistant", "is_model", "by_bot", "is_tutor"),
        *("author.isBot", "author.bot", "author.is_bot", "sender.is_bot", "sender.isBot", "from.is_bot", "is_response"),
        "is_answer",
    ),
    "user": (
        *("is_user", "isUser", "from_user", "fromUser", "is_human", "isHuman", "isCreatedByUser", "is_created_by_user"),
        *("is_student", "is_customer", "by_user", "is_from_user", "isFromUser", "is_question"),
        *("is_inbound", "isInbound", "inbound", "is_incoming", "incoming"),
    ),
}  # fmt: skip
"""Flags of who speaks: true is this one, false the other."""
_TEXTS = (
    *("content", "text", "message", "body", "value", "parts", "utterance", "msg", "message_text", "messageText"),
    *("content_text", "message_content", "messageContent", "message_body", "text_content", "plain_text", "raw_text", "clean_text"),
    *("payload.text", "data.text", "message.text", "content.text", "text.body"),
)  # fmt: skip
_WHOLES = ("message", "data", "payload", "content", "body")
"""Columns that may hold a whole message, as JSON."""
_ORDERS = (
    *("message_index", "messageIndex", "msg_index", "message_idx", "seq", "sequence", "sequence_number", "seq_no", "seq_id"),
    *("message_number", "message_no", "message_order", "ordinal", "position", "idx", "index", "order", "step", "turn_index"),
    *("turn_idx", "turn_number", "turn_no", "turn_id", "turn", "n", "i", "rank_in_conversation"),
)  # fmt: skip
_IDS = ("message_id", "messageId", "message_uuid", "msg_id", "msgId", "uuid", "id", "_id", "message.id")
_PARENTS = (
    *("parent_id", "parentId", "parent_message_id", "parentMessageId", "parent_message_uuid", "parent", "reply_to"),
    *("reply_to_id", "replyTo", "in_reply_to", "inReplyTo", "reply_to_message_id", "replyToMessageId", "previous_message_id"),
    *("parent_message", "parentMessage", "parentUuid", "parent_uuid", "previous_id"),
)  # fmt: skip
ASIDES = frozenset(
    (
        *("activity", "event", "note", "notes", "title", "summary", "notification", "info", "log", "status", "join", "leave"),
        *("typing", "divider", "date", "feedback", "rating", "session_started", "action", "slot", "listen", "none"),
    )
)  # fmt: skip
"""What stands where a speaker is named and is none: such a row is nobody's word."""
_TRUE, _FALSE = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")


_DIRECTIONS = ("direction", "message_direction", "messageDirection")
_SIDES = {
    **dict.fromkeys(("incoming", "inbound", "in", "received", "from_user", "mo"), "user"),
    **dict.fromkeys(("outgoing", "outbound", "out", "sent", "to_user", "mt"), "assistant"),
}
_STAFF = frozenset(
    (
        "admin",
        "operator",
        "staff",
        "humanagent",
        "supportagent",
        "liveagent",
        "teammate",
        "moderator",
        "manager",
        "representative",
    )
)
_CUSTOMERS = {"visitor", "customer", "client", "contact", "guest"}
_MACHINES = {
    "bot",
    "ai",
    "chatbot",
    "assistant",
    "agentbot",
    "llm",
    "model",
    "botmessage",
    "virtualassistant",
    "aiassistant",
}


def _plain(value: Any) -> str:
    return "".join(letter for letter in str(value).lower() if letter.isalnum())


def speaker_of(value: Any, speaker: Speaker) -> Role | str | None:
    """Who said a message: a role, `none` for what is nobody's word, None where it is not known."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("role", "type", "name") if value.get(name)), None)
    if value is None or value == "":
        return speaker.values.get("")
    key = value_key(value)
    if key in speaker.values:
        return speaker.values[key]
    if (role := role_of(value)) is not None:
        return role
    if _plain(value) in _STAFF:
        return "other"
    if isinstance(value, str) and value.strip().lower() in ASIDES:
        return "none"
    return speaker.otherwise


def message_columns(rows: Sequence[Row]) -> MessageColumns | None:
    """The columns of rows that are single messages; None where a conversation id, both speakers or texts are not to be told."""
    sample = rows[:_SAMPLE]
    if not sample:
        return None
    spoken = _spoken(sample)
    if spoken is None:
        return None
    roles, told = spoken
    conversation = next((path for path in _CONVERSATIONS if _holds_both(sample, roles, path)), None)
    if conversation is None:
        return None
    time = next((name for name in TIMES if _filled(sample, name) > 0.5), None)
    return MessageColumns(
        conversation=conversation,
        **told,
        time=None if time is None else FieldMapping(source=(time,)),
        order=next((name for name in _ORDERS if _are_numbers(sample, name)), None),
        id=next((name for name in _IDS if name != conversation and _are_ids(sample, name, conversation)), None),
        parent=next((name for name in _PARENTS if _filled(sample, name) > 0), None),
    )


def shown_columns(columns: MessageColumns) -> str:
    """What told that rows are single messages, for people."""
    who = f"`{columns.message}`" if columns.speaker is None else f"`{columns.speaker.source}`"
    said = "" if columns.speaker is None else f", `{columns.text[0]}` what"
    order = [f"`{name}`" for name in (columns.order, columns.time.source[0] if columns.time else None) if name]
    sorted_by = f", {' and '.join(order)} when" if order else ""
    parents = f", `{columns.parent}` what it answers" if columns.parent else ""
    return f"rows that are single messages of a conversation (`{columns.conversation}`): {who} says whose{said}{sorted_by}{parents}"


def lacking(rows: Sequence[Row]) -> str:
    """What is missing in rows that look like single messages, for people."""
    sample = rows[:_SAMPLE]
    spoken = _spoken(sample) if sample else None
    if spoken is None:
        return "no column says for nearly every row whether a user or an assistant speaks"
    return "no column names the conversation of a row so that questions and answers share it"


def looks_like_messages(rows: Sequence[Row]) -> bool:
    """Whether rows have a speaker and a text each, of both sides, whatever else is missing."""
    return bool(rows) and _spoken(rows[:_SAMPLE]) is not None


def _spoken(rows: Sequence[Row]) -> tuple[list[str | None], dict[str, Any]] | None:
    """The speaker of each row, and the columns that say it and the text; None where they are not to be told."""
    text = next((name for name in _TEXTS if _filled(rows, name) > 0.5 and _are_texts(rows, name)), None)
    if text is not None:
        for path in _SPEAKERS:
            speaker = _speaker_at(rows, path)
            roles = [None if (value := lookup(row, path)) in (None, "") else speaker_of(value, speaker) for row in rows]
            if path != text and _tell_apart(roles):
                return roles, {"speaker": speaker, "text": (text,)}
        for path in _DIRECTIONS:
            speaker = Speaker.model_validate({"from": path, "values": _directions(rows, path)})
            roles = [None if (value := lookup(row, path)) in (None, "") else speaker_of(value, speaker) for row in rows]
            if speaker.values and _tell_apart(roles):
                return roles, {"speaker": speaker, "text": (text,)}
        for side, paths in _FLAGS.items():
            other = "user" if side == "assistant" else "assistant"
            values = {**dict.fromkeys(_TRUE, side), **dict.fromkeys(_FALSE, other)}
            for path in paths:
                roles = [
                    values.get(value_key(value).lower()) for row in rows if (value := lookup(row, path)) is not None
                ]
                if len(roles) * 2 > len(rows) and None not in roles and _tell_apart(roles):
                    speaker = Speaker.model_validate({"from": path, "values": values})
                    return [speaker_of(lookup(row, path), speaker) for row in rows], {
                        "speaker": speaker,
                        "text": (text,),
                    }
    for name in _WHOLES:
        items = [parsed_json(row.get(name)) for row in rows]
        if sum(is_message(item, spoken=True) for item in items) * 5 > 4 * len(rows):
            roles = [_role_inside(item) for item in items]
            if _tell_apart(roles):
                return roles, {"message": name}
    return None


def _speaker_at(rows: Sequence[Row], path: str) -> Speaker:
    """Who speaks by a column. Beside customers a `user` is one of the staff, and beside a bot an `agent` is."""
    said = {str(value): _plain(value) for row in rows if isinstance(value := lookup(row, path), str)}
    plain = set(said.values())
    other = {"user"} if plain & _CUSTOMERS else set[str]()
    other |= {"agent"} if plain & _MACHINES else set()
    return Speaker.model_validate(
        {"from": path, "values": {raw: "other" for raw, name in said.items() if name in other}}
    )


def _directions(rows: Sequence[Row], path: str) -> dict[str, str]:
    said = {value for row in rows if isinstance(value := lookup(row, path), str)}
    return {value: _SIDES[value.lower()] for value in sorted(said) if value.lower() in _SIDES}


def _role_inside(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    said = (role_of(item.get(name)) for name in ("role", "type", "speaker", "sender", "from", "author"))
    return next((role for role in said if role is not None), None)


def _tell_apart(roles: Sequence[str | None]) -> bool:
    """Whether nearly all speakers are known, and both sides speak."""
    return {"user", "assistant"} <= set(roles) and roles.count(None) * 5 < len(roles)


def _filled(rows: Sequence[Row], path: str) -> float:
    return sum(lookup(row, path) not in (None, "", [], {}) for row in rows) / len(rows)


def _are_texts(rows: Sequence[Row], name: str) -> bool:
    """Whether a column holds texts, or parts of texts; numbers and objects of another kind are none."""
    values = [value for row in rows if (value := lookup(row, name)) not in (None, "")]
    return all(isinstance(value, (str, list)) for value in values) and any(
        not str(value).strip().isdecimal() for value in values
    )


def _holds_both(rows: Sequence[Row], roles: Sequence[str | None], path: str) -> bool:
    """Whether rows with the same value there are the two sides of a conversation, more often than not."""
    sides: dict[str, set[str]] = {}
    for row, role in zip(rows, roles, strict=True):
        if (value := lookup(row, path)) not in (None, "", [], {}) and role in ("user", "assistant"):
            sides.setdefault(value_key(value), set()).add(role)
    return bool(sides) and 2 * sum(len(found) == 2 for found in sides.values()) >= len(sides)


def _are_numbers(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows]
    return all(number_of(value) is not None for value in values)


def number_of(value: Any) -> float | None:
    """A number, also in a text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _are_ids(rows: Sequence[Row], path: str, conversation: str) -> bool:
    """Whether a column names messages: hardly two of one conversation share a value."""
    values = [
        (value_key(lookup(row, conversation)), value_key(value))
        for row in rows
        if (value := lookup(row, path)) is not None
    ]
    return 2 * len(values) > len(rows) and len(set(values)) * 10 > 9 * len(values)


def in_one_conversation(rows: Iterable[Row], columns: MessageColumns) -> bool:
    """Whether the ids of messages are those of a file, and none that begins anew in each conversation."""
    seen: dict[str, str] = {}
    for row in rows:
        value = None if columns.id is None else lookup(row, columns.id)
        if value is not None:
            of = value_key(lookup(row, columns.conversation))
            if seen.setdefault(value_key(value), of) != of:
                return False
    return True
