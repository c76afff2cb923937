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
from lyo_pipelines.interactions.messages.joining import JoinLimits, joined_rows
from lyo_pipelines.interactions.messages.reading import MessageReader
from lyo_pipelines.interactions.reading.block import RowBlock
from lyo_pipelines.json_types import RawRow

JOINED = "rows of the file, each one message, were put together by conversation to the questions and answers that are counted here"
_NO_ID = "the row names no conversation"
_MOST_ROWS = 4_096


class Gathering:
    """Puts the rows of one file together. sample: its first rows; zone: of times that name none."""

    def __init__(
        self,
        columns: MessageColumns,
        sample: Sequence[RawRow],
        limits: JoinLimits,
        *,
        buffer_bytes: int,
        block_bytes: int,
        zone: tzinfo = UTC,
    ) -> None:
        self._reader = MessageReader(columns, zone)
        self._where = columns.conversation
        self._own_ids = in_one_conversation(sample, columns)
        self._limits = limits
        self._bytes = buffer_bytes, block_bytes

    def blocks(self, blocks: Iterable[RowBlock]) -> Iterator[RowBlock]:
        """Joined and refused rows of all blocks. Raises WorkingSpaceError where the disk cannot hold what is put aside."""
        buffer_bytes, block_bytes = self._bytes
        with closing(ByConversation(buffer_bytes)) as kept:
            for block in blocks:
                yield self._kept(block, kept)
            result, size = RowBlock(), 0
            for conversation, entries in kept.conversations():
                messages = [self._reader.message(line, row_of(content)) for line, content in entries]
                found, told = joined_rows(conversation, messages, self._limits, own_ids=self._own_ids)
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
