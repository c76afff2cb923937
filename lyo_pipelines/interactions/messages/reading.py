"""A row of the file as a message of a chat: who said what, when, in which place; or why it is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import lru_cache
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from lyo_pipelines.interactions.chats.turns import JUDGED, TIMES, Turn, judged_in, opened, turns_of
from lyo_pipelines.interactions.contract import FEEDBACK_COLUMNS
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING, parsed_json
from lyo_pipelines.interactions.fields.mapping import EPOCHS, MessageColumns, lookup, value_key
from lyo_pipelines.interactions.fields.thumbs import PAIRS, paired_thumb
from lyo_pipelines.interactions.fields.times import parse_moment, show_time
from lyo_pipelines.interactions.formats.chat_metadata import STATED, USERS
from lyo_pipelines.interactions.formats.message_feedback import BESIDE
from lyo_pipelines.interactions.messages.columns import number_of
from lyo_pipelines.interactions.messages.names import KINDS, UNSEEN, plain
from lyo_pipelines.interactions.messages.ordering import Message
from lyo_pipelines.interactions.messages.speakers import role_inside, speaker_of
from lyo_pipelines.json_types import RawRow

_DELETED = (
    *("deleted", "is_deleted", "isDeleted", "removed", "is_removed", "retracted", "is_retracted", "revoked", "unsent"),
    *("is_unsent", "withdrawn", "recalled", "deleted_at", "deletedAt", "removed_at", "withdrawn_at", "unsent_at"),
)  # fmt: skip
_STATES = ("status", "state", "message_status")
_GONE = {"deleted", "removed", "retracted", "revoked", "withdrawn", "unsent", "recalled"}
_UNDONE = frozenset(
    (
        *("streaming", "inprogress", "incomplete", "pending", "generating", "partial", "aborted", "cancelled", "canceled"),
        *("stopped", "interrupted", "failed", "error"),
    )
)  # fmt: skip
_UNFINISHED = (
    "unfinished",
    "is_partial",
    "partial",
    "incomplete",
    "interrupted",
    "aborted",
    "cancelled",
    "is_streaming",
    "streaming",
)
_HIDDEN = (
    "private",
    "is_private",
    "isPrivate",
    "internal",
    "is_internal",
    "isInternal",
    "is_note",
    "hidden",
    "is_hidden",
)
_TELLING = frozenset((*_DELETED, *_HIDDEN, *_STATES, *_UNFINISHED, *KINDS))
_NO = ("false", "0", "no", "n", "f", "none", "null", "nan", "")
_PARTS = ("parts", "contents", "blocks")
_KEPT = (
    *("tool_calls", "toolCalls", "function_call", "functionCall", "additional_kwargs", "response_metadata", "refusal"),
    *("finish_reason", "finishReason", "stop_reason", "stopReason", "weight", "train", "loss"),
)  # fmt: skip
"""What chats read of a message beside its text (chats/turns.py)."""
_BESIDE_THE_TEXT = frozenset((*_KEPT, *JUDGED, *chain.from_iterable(PAIRS)))
_TARGETS = (
    "target_message_id",
    "targetMessageId",
    "target_id",
    "message_id",
    "messageId",
    "parent_id",
    "parentId",
    "reply_to",
)
_SAYS_FEEDBACK = frozenset((*FEEDBACK_COLUMNS, *JUDGED, *BESIDE)) - {
    "feedback_at",
    "label",
    "flag",
    "annotation",
    "good",
}


_OF_A_TEXT = {"role", "content", TIMES[0]}
_KNOWN = {
    plain(name): name
    for name in (*_STATES, *_HIDDEN, *_DELETED, *BESIDE, *JUDGED, *USERS, *sorted(STATED), *FEEDBACK_COLUMNS)
}
"""Names that are understood, by their letters alone."""


UNFINISHED = "unfinished_message"
"""Reason of an answer that the log holds a part of."""


class MessageReader:
    """Reads rows as messages, by the columns of a file. zone: of times that name none."""

    def __init__(self, columns: MessageColumns, zone: tzinfo = UTC) -> None:
        self._columns = columns
        self._moment = _moments(columns, zone)

    def conversation(self, row: RawRow) -> str | None:
        """The id of the row's conversation."""
        value = _plain(lookup(row, self._columns.conversation))
        return None if value in NOTHING or isinstance(value, (dict, list)) else value_key(value)

    def message(self, line: int, row: RawRow) -> Message:
        """The row as a message; `refused` where it is none that was said."""
        columns, row = self._columns, _with_known_names(row)
        if columns.message is not None:
            item = _whole(row, columns.message)
            role = None if item is None else role_inside(item)
            item = dict(item or {})
        else:
            assert columns.speaker is not None
            role = speaker_of(lookup(row, columns.speaker.source), columns.speaker)
            item = _item(row, columns)
        if role not in (None, "none", "other"):
            item["role"] = role
        at = self._moment(row)
        if columns.time is not None and (value := _first(row, columns.time.source)) not in NOTHING:
            item = {name: one for name, one in item.items() if name not in TIMES}
            item[TIMES[0]] = value if at is None else show_time(at)
        message = Message(
            line,
            row,
            role,
            item,
            at=at,
            order=None if columns.order is None else number_of(lookup(row, columns.order)),
            id=_id(row, columns.id),
            parent=_id(row, columns.parent),
        )
        message.refused = _refused(message, columns)
        if message.refused is None:
            read_turns(message)
        return message


def read_turns(message: Message) -> None:
    """Read what a message says; one that says nothing, or nothing that is understood, is refused."""
    if (turn := _plain_turn(message.item)) is not None:
        message.turns = (turn,)
        return
    try:
        message.turns = tuple(turns_of([message.item]))
    except RowError as error:
        message.refused = (error.reason, error.detail)
        return
    if message.turns and all(turn.role == "tool" for turn in message.turns):
        message.role = "tool"  # results of tools that came back as the user's message
    failed = message.role == "assistant" and message.row.get("error") not in (*NOTHING, False)
    if not failed and not any(turn.content or turn.pictures for turn in message.turns):
        message.refused = ("empty_message", "it has no text")


def _plain_turn(item: RawRow) -> Turn | None:
    """The turn of a message that is a text and nothing else, as `turns_of` gives it: most are."""
    role, text = item.get("role"), item.get("content")
    if role not in ("user", "assistant", "system") or not isinstance(text, str) or not item.keys() <= _OF_A_TEXT:
        return None
    return None if text[:64].lstrip()[:1] in ("", "[", '"', "{") else Turn(role, text, at=item.get(TIMES[0]))


def _with_known_names(row: RawRow) -> RawRow:
    """The row, with what stands in it under a known name in another spelling (`Rating`, `User ID`) under that name as well."""
    aliases = {known: name for name in row if (known := _known(name)) is not None and known not in row}
    return {**row, **{known: row[name] for known, name in aliases.items()}} if aliases else row


@lru_cache(maxsize=4096)
def _known(name: str) -> str | None:
    known = _KNOWN.get(plain(name))
    return None if known == name else known


def judges(message: Message) -> str | None:
    """The id of the message that a row of feedback is about; None where the row is no feedback."""
    if message.role not in (None, "none", "other") or _SAYS_FEEDBACK.isdisjoint(message.row):
        return None
    if all(message.row.get(name) in NOTHING for name in _SAYS_FEEDBACK):
        return None
    found = (message.row[name] for name in _TARGETS if message.row.get(name) not in NOTHING)
    return next((value_key(value) for value in found), None)


def feedback_in(row: RawRow) -> RawRow:
    """What a row says under names of feedback; two flags for one thumb are one."""
    if _SAYS_FEEDBACK.isdisjoint(row):
        return {}
    _, flags = paired_thumb(row)
    found = {name: value for name, value in row.items() if name in _SAYS_FEEDBACK and name not in flags}
    found = {name: value for name, value in (found | judged_in(row)).items() if value not in NOTHING}
    return found | ({"feedback_at": row["feedback_at"]} if found and row.get("feedback_at") else {})


def _moments(columns: MessageColumns, zone: tzinfo) -> Callable[[RawRow], int | None]:
    spec = columns.time
    if spec is None:
        return lambda row: None
    zone = ZoneInfo(spec.timezone) if spec.timezone else zone
    unit = EPOCHS.get(spec.time or "")
    pattern = spec.time if spec.time and "%" in spec.time else None

    def moment(row: RawRow) -> int | None:
        value = _first(row, spec.source)
        try:
            return (
                None if value in NOTHING else parse_moment(value, "occurred_at", unit=unit, pattern=pattern, zone=zone)
            )
        except RowError:  # where it is needed, the row is refused for it
            return None

    return moment


def _first(row: RawRow, paths: tuple[str, ...]) -> Any:
    return next((value for path in paths if (value := _plain(lookup(row, path))) not in NOTHING), None)


def _plain(value: Any) -> Any:
    """A value without the type that MongoDB's export writes around it: `{"$date": …}`, `{"$oid": …}`."""
    while isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$"):
        value = next(iter(value.values()))
    return value


def _whole(row: RawRow, path: str) -> RawRow | None:
    value = parsed_json(lookup(row, path))
    return opened(value) if isinstance(value, dict) else None


def _item(row: RawRow, columns: MessageColumns) -> RawRow:
    item = {} if _BESIDE_THE_TEXT.isdisjoint(row) else _beside_the_text(row)
    for path in columns.text:
        value = lookup(row, path)
        if value not in NOTHING:
            item[path if path in _PARTS else "content"] = value
            break
    return item


def _beside_the_text(row: RawRow) -> RawRow:
    return {name: row[name] for name in _KEPT if row.get(name) not in NOTHING} | judged_in(row)


def _id(row: RawRow, path: str | None) -> str | None:
    value = None if path is None else _plain(lookup(row, path))
    return None if value in NOTHING or isinstance(value, (dict, list)) else value_key(value)


def _refused(message: Message, columns: MessageColumns) -> tuple[str, str] | None:
    """Why nothing is made of a row that was read as a message, as reason and detail."""
    if (why := _not_said(message.row, message.role)) is not None:
        return why
    where = columns.message if columns.speaker is None else columns.speaker.source
    return {
        "none": ("no_message", f"`{where}` says that the row is nobody's word"),
        "other": ("another_speaker", f"`{where}` names somebody who is neither the user nor the assistant"),
        None: ("unknown_speaker", f"`{where}` names no speaker that is known (user, assistant, system, tool …)"),
    }.get(message.role)


def _not_said(row: RawRow, role: str | None) -> tuple[str, str] | None:
    """Whether a row says that it was taken back, that the other side never saw it, or that an answer was not finished."""
    if _TELLING.isdisjoint(row):
        return None
    flags = [
        (_DELETED, "deleted_message", "the message was taken back"),
        (_HIDDEN, "not_shown", "the other side did not see the message"),
    ]
    words = [
        (_STATES, _GONE, "deleted_message", "the message was taken back"),
        (KINDS, UNSEEN, "not_shown", "the row is no message between the two"),
    ]
    if role == "assistant":
        flags.append((_UNFINISHED, UNFINISHED, "the answer was not finished"))
        words.append((_STATES, _UNDONE, UNFINISHED, "the answer was not finished"))
    for names, reason, what in flags:
        for name in names:
            if name in row and row[name] is not None and str(row[name]).strip().lower() not in _NO:
                return reason, f"`{name}` says that {what}"
    for names, meaning, reason, what in words:
        for name in names:
            if plain(row.get(name) or "") in meaning:
                return reason, f"`{name}` says that {what}"
    return None
