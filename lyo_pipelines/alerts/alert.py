"""One thing worth telling, and the news that it is over. An alert holds names, counts and links, never a user's text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Alert:
    """One thing worth telling.

    kind: what sort of thing (see HEADINGS); other kinds are welcome and are shown under their own name.
    key: what it is about; the same key is not told again for a while.
    title: what it is called; alerts of one title are shown together.
    detail: one line more, or empty.
    url: where to look.
    """

    kind: str
    key: str
    title: str
    detail: str
    url: str
    occurred_at: datetime


@dataclass(frozen=True)
class Resolved:
    """The thing with this key is well again: the next alert about it is news."""

    key: str
    occurred_at: datetime


HEADINGS = {
    "run_failed": ("failed run", "failed runs"),
    "check_failed": ("failed check", "failed checks"),
    "data_stalled": ("stale data set", "stale data sets"),
    "check_warned": ("warning", "warnings"),
    "trigger_fired": ("fired trigger", "fired triggers"),
}
"""Kinds in the order in which they are shown: one, many."""


def one_line(text: str, limit: int) -> str:
    """The first line of a text that is not empty, without control characters and cut to a length."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    clean = " ".join("".join(character if character.isprintable() else " " for character in first).split())
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"
