"""The messages of one conversation as rows of questions with their answers, and what is left as rows with the reason.

Which question and which answer belong together is chats/pairing.py's. Every row of the file stands in a joined row or is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.interactions.chats.asides import is_thanks
from lyo_pipelines.interactions.chats.pairing import Chat, last_exchange
from lyo_pipelines.interactions.chats.turns import JUDGED
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.interactions.formats.chat_metadata import is_user
from lyo_pipelines.interactions.formats.joined_row import JoinedRow, RefusedMessage
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.formats.single_messages import user_of_message
from lyo_pipelines.interactions.messages.ordering import Message, in_order
from lyo_pipelines.interactions.messages.reading import feedback_in, judges, read_turns
from lyo_pipelines.interactions.messages.threading import Branch, branches

FIRST_WORD = (
    "a conversation begins with a word of the assistant: a greeting, or an answer whose question is not in this file"
)
FIRST_JUDGED = "feedback on an answer whose question is not in this file was not read: export whole conversations"
CUT_BEFORE = "what was said before a message that was refused does not stand in the history"
EARLIER_LEFT = "of a long conversation only the latest turns before the question are its history"
ON_QUESTION = "feedback on a row of the user was not read: it is the answer that is rated"
_CHANGED = ("updated_at", "updatedAt", "edited_at", "editedAt", "modified_at", "version", "revision")
_LEFT = {
    "user": ("unanswered", "nobody answered it in this file"),
    "assistant": ("answer_without_question", "its question is not in this file: export whole conversations"),
}
_OF_NO_ANSWER = ("of_no_answer", "no question of its conversation is answered in this file")


def joined_rows(
    conversation: str, found: Sequence[Message], *, history_turns: int, own_ids: bool
) -> tuple[list[tuple[int, Row]], int]:
    """(line, row) of all that a conversation gives, and how many rows of the file stand in its questions and answers.

    found: its messages, in the order of the file. history_turns: questions that are kept before one. own_ids: whether the id of a
    message is its own in the whole file. The line of a joined row is that of its answer.
    """
    _refuse_repeated(found)
    about = _lay_feedback(found)
    ordered = in_order([one for one in found if one.line not in about])
    system = [one for one in ordered if one.role == "system" and one.refused is None]
    place = {one.line: number for number, one in enumerate(ordered)}
    ends = list(branches(ordered, history_turns))
    last = max((place[branch.said[-1].line] for branch in ends), default=-1)
    used: set[int] = set()
    result: list[tuple[int, Row]] = []
    for branch in ends:
        answer = branch.said[-1]
        before = [one for one in system if place[one.line] < place[answer.line]]
        lines = {one.line for one in (*before, *branch.path)}
        try:
            _require_one_user(branch.asked)
            chat = last_exchange([turn for one in (*before, *branch.path) for turn in one.turns])
        except RowError as error:
            result.append((answer.line, RefusedMessage(answer.row, error)))
            used |= lines
            continue
        if place[answer.line] == last and chat.history and _is_idle(chat, branch):
            for one in (*branch.asked, *branch.said):
                one.refused = ("thanks", "thanks at the end, or a word to it: nothing to learn from")
            continue
        used |= lines
        result.append((answer.line, _joined(conversation, chat, branch, own_ids=own_ids)))
    left = [one for one in found if one.line not in used and about.get(one.line) not in used]
    result += [(one.line, RefusedMessage(one.row, RowError(*_why(one, about)))) for one in left]
    return result, len(found) - len(left)


def _refuse_repeated(found: Sequence[Message]) -> None:
    """Refuse rows that stand in the file again, and messages of one id that say different things."""
    by_id: dict[tuple[str | None, str | None], list[Message]] = {}
    for one in found:
        if one.refused is None and (one.id is not None or one.at is not None):
            by_id.setdefault((one.role, one.id if one.id is not None else _as_text(one)), []).append(one)
    for same in by_id.values():
        if len(same) == 1:
            continue
        if len({_as_text(one) for one in same}) == 1:
            _refuse(same[:-1], "repeated_message", "the same message stands in the file again")
        elif same[0].id is not None and any(same[0].row.get(name) != same[-1].row.get(name) for name in _CHANGED):
            _refuse(same[:-1], "older_version", "the same message stands in the file with a later text")
        elif same[0].id is not None:
            _refuse(same, "two_texts_of_one_message", "two rows with the id of one message say different things")


def _refuse(messages: Sequence[Message], reason: str, detail: str) -> None:
    for one in messages:
        one.refused = (reason, detail)


def _as_text(message: Message) -> str:
    item = {name: value for name, value in message.item.items() if name not in JUDGED}
    return repr((item, message.at, message.order, message.parent))


def _lay_feedback(found: Sequence[Message]) -> dict[int, int]:
    """Put rows of feedback on the messages that they name: line of such a row -> line of its message."""
    by_id = {one.id: one for one in found if one.id is not None and one.refused is None}
    about: dict[int, int] = {}
    for one in found:
        if one.refused is not None and (target := judges(one)) is not None:
            one.refused = ("feedback_of_no_answer", "it names a message that is no answer in this file")
            if (message := by_id.get(target)) is not None and message is not one:
                said = feedback_in(one.row)
                message.row = {**message.row, **said}
                message.item |= {name: value for name, value in said.items() if name in JUDGED}
                read_turns(message)
                about[one.line] = message.line
    return about


def _require_one_user(asked: Sequence[Message]) -> None:
    """Raise RowError where several people spoke before an answer: nobody knows whose question it answers."""
    users = {str(user) for one in asked if is_user(user := user_of_message(one.row))}
    if len(users) > 1:
        raise RowError("several_users", "several people spoke before the answer: whose question was it?")


def _is_idle(chat: Chat, branch: Branch) -> bool:
    """Whether a question only thanks, and nobody judged the word to it."""
    rated = any(feedback_in(one.row) for one in branch.said)
    return is_thanks(chat.question or "") and not rated


def _joined(conversation: str, chat: Chat, branch: Branch, *, own_ids: bool) -> JoinedRow:
    notes = [EARLIER_LEFT] if branch.longer else [CUT_BEFORE] if branch.cut else []
    first = branch.path[0]
    if first.role == "assistant" and not branch.longer:
        notes.append(FIRST_JUDGED if feedback_in(first.row) else FIRST_WORD)
    if any(feedback_in(one.row) for one in branch.asked):
        notes.append(ON_QUESTION)
    ids = [one.id for one in branch.said if own_ids and one.role == "assistant" and one.id is not None]
    question, answer = _together(branch.asked), _together([one for one in branch.said if one.role == "assistant"])
    return JoinedRow(chat, question, answer, conversation=conversation, message_ids=ids, notes=notes)


def _together(messages: Sequence[Message]) -> Row:
    """The row of the last of some messages, with what only earlier ones say."""
    row: Row = {}
    for one in messages:
        row |= {name: value for name, value in one.row.items() if value not in NOTHING or name not in row}
    return row


def _why(message: Message, about: dict[int, int]) -> tuple[str, str]:
    if message.refused is not None:
        return message.refused
    return _LEFT.get(message.role or "", _OF_NO_ANSWER)
