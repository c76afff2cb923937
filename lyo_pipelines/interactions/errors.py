"""What can be wrong with a file, a row or a mapping. What is done about it belongs to the callers."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError


class UnreadableFileError(LyoError):
    """A file cannot be read at all; the message says why and what to do."""


class RowError(ValueError):
    """One row is not acceptable: a signal inside this room, which becomes a rejected row and never reaches a person as an error.

    reason: a short stable name to count by (`missing_question`); detail: what was found, without the value of a user id.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class MappingError(LyoError):
    """A mapping does not fit; the message names file, key and what is expected."""
