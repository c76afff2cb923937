"""What the embedded engine may use of a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the engine may use. rows: answers written at once; waiting: requests that may wait; retry_after: seconds, told to others.

    cache_bytes: of the keys and values of rows that write; prefix_bytes: of what was read before; adapters: in memory at once.
    chunk: tokens of a prompt read between two steps of the rows that write; chunk_alone: where none does.
    widest: tokens of all rows that one step checks, guesses included (0: nothing is guessed); guess: tokens of one guess.
    """

    rows: int = 16
    waiting: int = 64
    retry_after: float = 2.0
    cache_bytes: int = 2**30
    prefix_bytes: int = 2**28
    adapters: int = 16
    chunk: int = 64
    chunk_alone: int = 512
    widest: int = 8
    guess: int = 7
