"""pyarrow.compute under a name that a type checker accepts: its functions are made when it is imported."""

from __future__ import annotations

from typing import Any

import pyarrow.compute

pc: Any = pyarrow.compute
