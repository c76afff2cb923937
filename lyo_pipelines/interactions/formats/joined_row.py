"""Rows that were made of several rows of a file, of which each is one message; and those of which nothing could be made.

Both are rows like others: a joined row holds the columns of the answer's row, and under `pair` the question, the answer, the history
and the turn, as rows of whole conversations do (answered_turns.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.interactions.chats.pairing import Chat
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.formats.row_format import Row


class JoinedRow(Row):
    """A question with its answer. question, answer: the rows of the file; of several messages the last, with what only others say.

    conversation: the raw id. message_ids: of the answer's messages, empty where they have none that are their own in the file. notes:
    what a person should know of how they were put together.
    """

    __slots__ = ("answer", "chat", "conversation", "message_ids", "notes", "question")

    def __init__(
        self, chat: Chat, question: Row, answer: Row, *, conversation: str, message_ids: Sequence[str], notes: list[str]
    ) -> None:
        pair = {
            "question": {**question, "role": "user", "content": chat.question},
            "answer": {**answer, "role": "assistant", "content": chat.answer},
            "history": chat.history,
            "turn": chat.turn or 0,
        }
        super().__init__({**answer, "pair": pair})
        self.chat, self.question, self.answer = chat, question, answer
        self.conversation, self.message_ids, self.notes = conversation, tuple(message_ids), notes


class RefusedMessage(Row):
    """A row of the file that stands in no question with an answer, and why."""

    __slots__ = ("error",)

    def __init__(self, row: Row, error: RowError) -> None:
        super().__init__(row)
        self.error = error
