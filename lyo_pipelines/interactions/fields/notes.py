"""What a person should know of a row that was accepted: short stable sentences, counted for each file and shown with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeAlias

from lyo_pipelines.json_types import RawRow

NOTES = "_notes"
"""Key under which a converter leaves sentences in a canonical row: a list of str. It never reaches the lake."""

Notes: TypeAlias = Counter[str]
"""Sentence -> how many accepted rows it is true of."""

FILE_TIME = "occurred_at: the date of the file, as the row has no time"
MOST_SHOWN = 12


def note(row: RawRow, sentence: str) -> None:
    """Leave a sentence in a canonical row. It must not hold a value of the row: sentences are counted by their text."""
    row.setdefault(NOTES, []).append(sentence)


def notes_of(row: RawRow) -> list[str]:
    """The sentences that a converter left in a row."""
    found: Any = row.get(NOTES)
    return found if isinstance(found, list) else []


def shown_notes(notes: Notes) -> str:
    """Notes as one line, the most frequent first."""
    told = [f"{sentence} ({count:,})" if count else sentence for sentence, count in notes.most_common(MOST_SHOWN)]
    left = len(notes) - MOST_SHOWN
    return "; ".join([*told, f"and {left} more notes"] if left > 0 else told)


def counted(sentences: Iterable[str]) -> Notes:
    """Sentences with their counts."""
    return Counter(sentences)
