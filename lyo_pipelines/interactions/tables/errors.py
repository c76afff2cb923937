"""What can go wrong with a table."""

from __future__ import annotations

from lyo_pipelines.interactions.errors import UnreadableFileError


class TableError(UnreadableFileError):
    """A table cannot be read (on); the message says why and what to do, and never holds a password."""
