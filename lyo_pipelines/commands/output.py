"""How commands print: for programs one JSON value on stdout and nothing else; for people a word while something takes long."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console


def print_json(console: Console, value: Any) -> None:
    """Print a value as JSON; dates and other values as their text."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def still_at_work(console: Console, what: str, *, every_seconds: float | None = None) -> Generator[None]:
    """While the block runs, say again and again that it does and for how long: nothing stands still without a word.

    every_seconds: default ten, and sixty where no terminal is looked at.
    """
    every_seconds = every_seconds or (10.0 if console.is_terminal else 60.0)
    over = threading.Event()

    def tell() -> None:
        waited = 0.0
        while not over.wait(every_seconds):
            waited += every_seconds
            console.print(f"{what} … {waited:.0f} s", highlight=False, markup=False, soft_wrap=True)

    teller = threading.Thread(target=tell, name="still-at-work", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
