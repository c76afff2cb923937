"""pyarrow.compute under a name that a type checker accepts (its functions are made when it is imported), and its memory."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute


def give_back() -> None:
    """Return memory that Arrow has freed to the system: it keeps it otherwise, and the next stage does not use Arrow's."""
    pa.default_memory_pool().release_unused()
