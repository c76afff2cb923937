"""Names of what is landed that is no file: a batch of a table is named by the table and its number, 32 characters like a file's hash.

The names of one table's batches sort by their number, and begin with a letter that no hash of a file begins with.
"""

from __future__ import annotations

import hashlib

_MARK = "t"
_TABLE = 16


def batch_name(table: str, number: int) -> str:
    """The name of a batch; numbers begin with 1."""
    return f"{_MARK}{hashlib.sha256(table.encode()).hexdigest()[: _TABLE - 1]}{number:016x}"


def table_part(name: str) -> str | None:
    """What the batches of one table have in common; None for a file's hash."""
    return name[:_TABLE] if name.startswith(_MARK) else None
