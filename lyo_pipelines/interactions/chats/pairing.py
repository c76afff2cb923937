"""Which question and which answer belong together: one place for every format.

Turns of one speaker that follow each other are one. Calls of tools that are followed by text are not the answer; what was called and
returned before it is kept beside. Only answers that may be learnt are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.interactions.chats.asides import is_thanks, without_thoughts
from lyo_pipelines.interactions.chats.pictures import Picture
from lyo_pipelines.interactions.chats.replies import Reply
from lyo_pipelines.interactions.chats.turns import Turn
from lyo_pipelines.interactions.chats.written import refuse_cut
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.json_types import RawRow

_GAP = "\n\n"
UNANSWERED_END = "the chat ends with a turn that nobody answered: its last answered question is taken"
THANKS_AT_END = "the chat ends with thanks and a word to it: the answered question before is taken"
TOOLS_BESIDE = "what tools were called and returned before the answer is in the metadata (tool_turns), not in the texts"
OTHERS_LEFT = "parts of the question or the answer that are neither text nor a picture of the question (files, sounds) were left out"

IMAGE_LEFT_OUT = "image_left_out"
"""In the metadata of a row: what was asked or answered held a picture, which the row does not. Curation never learns from it."""

IMAGE_ONLY = "[image]"
"""The question of a message that holds pictures and no words."""


@dataclass(frozen=True)
class Chat:
    """A question with what came before it, and its answer.

    history: joined turns before the question, oldest first. tool_turns: calls and results between question and answer.
    notes: what a person should know of how it was read. error: what the model's output says went wrong. pictures: of the question
    and of questions before it, in order, each with how many messages before the question it was shown (0: with it). images: there was
    a picture elsewhere (in an answer, from a tool), which is not carried. at: when the question was asked (or answered), as its
    messages say it. judged: feedback that stands on the message of the answer; judged_before: some stands on an earlier one.
    """

    question: str | None
    history: list[dict[str, str]] | None
    system_prompt: str | None
    answer: str | None
    finish_reason: str | None = None
    context: str | None = None
    tool_turns: tuple[Turn, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    images: bool = False
    pictures: tuple[tuple[Picture, int], ...] = ()
    at: Any = None
    judged: RawRow | None = None
    judged_before: bool = False

    @property
    def turn(self) -> int | None:
        """0-based turn, counted from the history; None without one, when it may be any turn."""
        return sum(message["role"] == "user" for message in self.history) if self.history else None


@dataclass(frozen=True)
class _Exchange:
    """Neighbouring turns of a user, and all that came before the next of them."""

    asked: tuple[Turn, ...]
    after: tuple[Turn, ...]


def conversation(turns: Sequence[Turn], *, failed: bool = False) -> Chat:
    """A whole conversation: its last answered question and that answer, or its last question where none was answered.

    failed: the last question is known to have got no answer, so no earlier one takes its place.
    Raises RowError where the answer is not to be learnt, or a text of it was cut.
    """
    opening, exchanges = _exchanges(turns)
    answered = [index for index, item in enumerate(exchanges) if any(t.content for t in item.after if _speaks(t))]
    if not exchanges:
        return _chat(turns, opening, (), None, ())
    asking = [index for index in answered if not is_thanks(_joined(exchanges[index].asked))]
    last = answered[-1] if answered and not failed else len(exchanges) - 1
    index = asking[-1] if asking and not failed else last
    notes = (UNANSWERED_END,) if last < len(exchanges) - 1 else ()
    notes = (*notes, THANKS_AT_END) if index < last else notes
    return _one_of(turns, opening, exchanges, index, notes)


def last_exchange(turns: Sequence[Turn]) -> Chat:
    """The last question of a conversation and what was answered to it, be it thanks, and be it nothing.

    Raises RowError where the answer is not to be learnt, or a text of it was cut.
    """
    opening, exchanges = _exchanges(turns)
    if not exchanges:
        return _chat(turns, opening, (), None, ())
    return _one_of(turns, opening, exchanges, len(exchanges) - 1, ())


def _one_of(
    turns: Sequence[Turn], opening: Sequence[Turn], exchanges: Sequence[_Exchange], index: int, notes: tuple[str, ...]
) -> Chat:
    before = [*opening, *(turn for item in exchanges[:index] for turn in (*item.asked, *item.after))]
    said, between = _answer(exchanges[index].after)
    return _chat(turns, before, exchanges[index].asked, said, between, notes=notes)


def exchange(
    turns: Sequence[Turn],
    reply: Reply,
    *,
    question: str | None = None,
    context: str | None = None,
    pictures: tuple[Picture, ...] = (),
) -> Chat:
    """What a model was given and what it answered.

    question: the new question where it stands beside the turns, which are history then; pictures: of it. Raises RowError.
    """
    opening, exchanges = _exchanges(turns)
    said, inside = _answer(_last_reply(reply.turns))
    if question is not None:
        before = [*opening, *(turn for item in exchanges for turn in (*item.asked, *item.after))]
        if exchanges and not exchanges[-1].after and _joined(exchanges[-1].asked) == question:
            before = before[: -len(exchanges[-1].asked)]
            pictures = (*(picture for turn in exchanges[-1].asked for picture in turn.pictures), *pictures)
        asked, between = (Turn("user", question, others=bool(pictures), images=bool(pictures), pictures=pictures),), ()
    elif not exchanges:
        return _chat(turns, opening, (), None, (), context=context, error=reply.error)
    else:
        last = exchanges[-1]
        asked = last.asked
        before = [*opening, *(turn for item in exchanges[:-1] for turn in (*item.asked, *item.after))]
        between = _before_the_answer(last.after, said)
    return _chat(turns, before, asked, said, (*between, *inside), notes=reply.notes, context=context, error=reply.error)


def answer_in(reply: Reply) -> str | None:
    """The text of an answer by itself. Raises RowError where it was cut."""
    said, _ = _answer(_last_reply(reply.turns))
    text = _answer_text(said)
    refuse_cut(text, "answer")
    return text


def lay_chat(row: RawRow, chat: Chat, metadata: RawRow) -> None:
    """Put what was said into a canonical row; finish reason and context only where the row says none of its own."""
    row.update(question=chat.question, answer=chat.answer, history=chat.history, system_prompt=chat.system_prompt)
    for name, value in (("finish_reason", chat.finish_reason), ("context", chat.context), ("error", chat.error)):
        if value is not None and row.get(name) is None:
            row[name] = value
    if chat.tool_turns:
        metadata.setdefault("tool_turns", [{"role": turn.role, "content": turn.content} for turn in chat.tool_turns])
    if chat.images:
        metadata[IMAGE_LEFT_OUT] = True
    elif chat.pictures:
        row["images"] = list(chat.pictures)
    for sentence in chat.notes:
        note(row, sentence)


def _speaks(turn: Turn) -> bool:
    return turn.role == "assistant"


def _exchanges(turns: Sequence[Turn]) -> tuple[list[Turn], list[_Exchange]]:
    """What was said before the first question, and the exchanges; words of the system belong to neither."""
    opening: list[Turn] = []
    exchanges: list[_Exchange] = []
    asked: list[Turn] = []
    after: list[Turn] = []
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role == "user":
            if after:
                exchanges.append(_Exchange(tuple(asked), tuple(after)))
                asked, after = [], []
            asked.append(turn)
        elif asked:
            after.append(turn)
        else:
            opening.append(turn)
    if asked:
        exchanges.append(_Exchange(tuple(asked), tuple(after)))
    return opening, exchanges


def _answer(after: Sequence[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """The turns that are the answer to a question, and those between both.

    The text after the last call or result; where there is none, the calls with the text right before them.
    """
    spoken = [index for index, turn in enumerate(after) if _speaks(turn) and turn.content]
    if not spoken:
        return (), tuple(after)
    last = spoken[-1]
    if after[last].calls:
        first = last
        while first > 0 and _speaks(after[first - 1]):
            first -= 1
    else:
        first = last
        while first > 0 and _speaks(after[first - 1]) and not after[first - 1].calls:
            first -= 1
    said = tuple(turn for turn in after[first : last + 1] if turn.content)
    return said, (*after[:first], *after[last + 1 :])


def _last_reply(turns: Sequence[Turn]) -> Sequence[Turn]:
    """Of an output that repeats the conversation, what came after its last question."""
    users = [index for index, turn in enumerate(turns) if turn.role == "user"]
    return [turn for turn in turns[users[-1] + 1 if users else 0 :] if turn.role != "system"]


def _before_the_answer(after: Sequence[Turn], said: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns between the question and an answer that stands elsewhere. Raises RowError where they hold another answer."""
    if after and _speaks(after[-1]) and after[-1].text and not after[-1].calls:
        again, between = _answer(after)
        if not said or _joined(again) == _joined(said):
            return between
        raise RowError("two_answers", "the messages end with an answer, and another one stands beside them")
    return tuple(after)


def _joined(turns: Sequence[Turn]) -> str:
    return _GAP.join(turn.content for turn in turns if turn.content)


def _answer_text(said: Sequence[Turn]) -> str | None:
    """The answer as one text; calls that follow each other are one list."""
    calls = [turn.calls for turn in said]
    if len(said) > 1 and all(call.startswith("[") for call in calls) and not any(turn.text for turn in said):
        return f"[{','.join(call[1:-1] for call in calls)}]"
    return without_thoughts(_joined(said)) or None


def _history(turns: Sequence[Turn]) -> tuple[list[dict[str, str]], list[tuple[Picture, int]]]:
    """Turns as messages, neighbours of one speaker as one; and the pictures of users, each with the place of its message."""
    messages: list[dict[str, str]] = []
    shown: list[tuple[Picture, int]] = []
    for turn in turns:
        content = without_thoughts(turn.content) if _speaks(turn) else turn.content
        if not content and turn.pictures and turn.role == "user":
            content = IMAGE_ONLY
        if not content:
            continue
        if messages and messages[-1]["role"] == turn.role != "tool":
            messages[-1]["content"] += _GAP + content
        else:
            messages.append({"role": turn.role, "content": content})
        if turn.role == "user":
            shown += [(picture, len(messages) - 1) for picture in turn.pictures]
    return messages, shown


def _chat(
    turns: Sequence[Turn],
    before: Sequence[Turn],
    asked: Sequence[Turn],
    said: Sequence[Turn] | None,
    between: Sequence[Turn],
    *,
    notes: tuple[str, ...] = (),
    **more: Any,
) -> Chat:
    said = said or ()
    if not all(turn.learnt for turn in said):
        raise RowError("not_to_be_learnt", "its messages mark the answer as not to be learnt (weight 0)")
    system = _GAP.join(turn.content for turn in turns if turn.role == "system" and turn.content) or None
    pictures = [picture for turn in asked for picture in turn.pictures]
    question, answer = _joined(asked) or (IMAGE_ONLY if pictures else None), _answer_text(said)
    history, earlier = _history(before)
    shown = (*((picture, len(history) - place) for picture, place in earlier), *((picture, 0) for picture in pictures))
    for name, text in (("question", question), ("answer", answer), ("system_prompt", system)):
        refuse_cut(text, name)
    for message in history:
        refuse_cut(message["content"], "history")
    tool_turns = tuple(turn for turn in between if turn.content)
    if tool_turns:
        notes = (*notes, TOOLS_BESIDE)
    if any(turn.others and not (turn.pictures and turn in asked) for turn in (*asked, *said)):
        notes = (*notes, OTHERS_LEFT)
    reason = next((turn.finish_reason for turn in reversed(said) if turn.finish_reason), None)
    everywhere = (*(turn for turn in turns if turn.role == "system"), *before, *asked, *between, *said)
    elsewhere = any(turn.images and not (turn.role == "user" and turn.pictures) for turn in everywhere)
    return Chat(
        question, history or None, system, answer, reason,
        tool_turns=tool_turns, notes=notes, images=elsewhere, pictures=shown,
        at=next((turn.at for turn in (*asked, *said) if turn.at is not None), None),
        judged=next((turn.judged for turn in reversed(said) if turn.judged), None),
        judged_before=any(turn.judged for turn in before if _speaks(turn)), **more,
    )  # fmt: skip
