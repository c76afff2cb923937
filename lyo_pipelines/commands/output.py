"""How commands print for programs: one JSON value on stdout, nothing else."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console


def print_json(console: Console, value: Any) -> None:
    """Print a value as JSON; dates and other values as their text."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    console.print(text, highlight=False, markup=False, soft_wrap=True)
