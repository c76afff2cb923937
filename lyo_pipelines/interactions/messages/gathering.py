"""Blocks of rows that are single messages to blocks of joined rows; nothing of a file is given before all of it was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, tzinfo

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.mapping import MessageColumns
from lyo_pipelines.interactions.formats.joined_row import RefusedMessage
from lyo_pipelines.interactions.messages.columns import in_one_conversation
from lyo_pipelines.interactions.messages.grouping import ByConversation, row_of
from lyo_pipelines.interactions.messages.joining import joined_rows
from lyo_pipelines.interactions.messages.reading import MessageReader
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines.json_types import RawRow

JOINED = "rows of the file, each one message, were put together by conversation to the questions and answers that are counted here"
_NO_ID = "the row names no conversation"
_TOO_LONG = (
    "more messages under one id than interactions.single_messages.most_messages, or more text than is held in memory"
)
_MOST_ROWS = 4_096


class Gathering:
    """Puts the rows of one file together.

    sample: its first rows. most_messages: of one conversation; history_turns: questions that are kept before one. buffer_bytes: of
    rows that are held in memory; block_bytes: of rows in a block that is given. zone: of times that name none.
    """

    def __init__(
        self,
        columns: MessageColumns,
        sample: Sequence[RawRow],
        *,
        most_messages: int,
        history_turns: int,
        buffer_bytes: int,
        block_bytes: int,
        zone: tzinfo = UTC,
    ) -> None:
        self._reader = MessageReader(columns, zone)
        self._where = columns.conversation
        self._own_ids = in_one_conversation(sample, columns)
        self._most_messages, self._history_turns = most_messages, history_turns
        self._bytes = buffer_bytes, block_bytes

    def blocks(self, blocks: Iterable[RowBlock]) -> Iterator[RowBlock]:
        """Joined and refused rows of all blocks. Raises WorkingSpaceError where the disk cannot hold what is put aside."""
        buffer_bytes, block_bytes = self._bytes
        with closing(ByConversation(buffer_bytes)) as kept:
            for block in blocks:
                yield self._kept(block, kept)
            result, size = RowBlock(), 0
            for conversation, entries, too_long in kept.conversations(self._most_messages):
                found, told = self._put_together(conversation, entries, too_long=too_long)
                result.lines += [line for line, _ in found]
                result.rows += [row for _, row in found]
                result.notes[JOINED] += told
                size += sum(len(content) for _, content in entries)
                if size >= block_bytes or len(result.rows) >= _MOST_ROWS:
                    yield result
                    result, size = RowBlock(), 0
            yield result

    def joined(self, rows: Sequence[RawRow]) -> list[RawRow]:
        """The rows that some rows of the file give by themselves: for a look at them."""
        block = RowBlock(rows=list(rows), lines=list(range(1, len(rows) + 1)))
        return [row for block in self.blocks([block]) for row in block.rows if not isinstance(row, RefusedMessage)]

    def _put_together(
        self, conversation: str, entries: list[tuple[int, bytes]], *, too_long: bool
    ) -> tuple[list[tuple[int, RawRow]], int]:
        """As joined_rows does."""
        if too_long:
            error = RowError("conversation_too_long", _TOO_LONG)
            return [(line, RefusedMessage(row_of(content), error)) for line, content in entries], 0
        messages = [self._reader.message(line, row_of(content)) for line, content in entries]
        return joined_rows(conversation, messages, history_turns=self._history_turns, own_ids=self._own_ids)

    def _kept(self, block: RowBlock, kept: ByConversation) -> RowBlock:
        """Put the rows of a block aside; what cannot be put anywhere is given back."""
        left = RowBlock(bad=block.bad, notes=block.notes)
        for row, line in zip(block.rows, block.lines, strict=True):
            conversation = self._reader.conversation(row)
            if conversation is None:
                error = RowError("missing_conversation_id", f"{_NO_ID} (`{self._where}`)")
                left.rows.append(RefusedMessage(row, error))
                left.lines.append(line)
            else:
                kept.add(conversation, line, row)
        return left
