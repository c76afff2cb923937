"""Which rows of a table are new, told from how far it was read and what was seen there. Pure: no database and no lake.

A reading goes through the rows in the order of the watermark, from a little before the place it reached last time (the overlap): a
transaction that commits late has an older watermark than rows that were read already. Rows of the overlap are remembered by a digest
of all they hold, so that they count once and a row that changed counts again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNMARKED = int(np.iinfo(np.int64).max)
"""Position of a row without a usable watermark: it is seen in every reading, and remembered as long as it is there."""


@dataclass(frozen=True)
class Seen:
    """Rows that were landed: their positions (int64) and digests (uint64)."""

    positions: np.ndarray
    digests: np.ndarray

    @classmethod
    def nothing(cls) -> Seen:
        """No row."""
        return cls(np.empty(0, np.int64), np.empty(0, np.uint64))

    def since(self, lowest: int) -> Seen:
        """Those that a reading from a position on meets again."""
        keep = self.positions >= lowest
        return Seen(self.positions[keep], self.digests[keep])

    def joined(self, *others: Seen) -> Seen:
        """These and others, each row once, at its highest position."""
        positions = np.concatenate([self.positions, *(other.positions for other in others)])
        digests = np.concatenate([self.digests, *(other.digests for other in others)])
        order = np.lexsort([-positions, digests])
        first = np.append(True, np.diff(digests[order]) != 0)[: len(order)]
        return Seen(positions[order][first], digests[order][first])


@dataclass(frozen=True)
class Place:
    """How far a table was read: the highest watermark as the database writes it, and its position."""

    mark: str
    position: int


class Walk:
    """One reading of a table. Give it the rows in order; it says which are new, and what to remember after them."""

    def __init__(self, place: Place | None, seen: Seen, overlap: int) -> None:
        self.place = place
        self._overlap = overlap
        self._before = seen
        self._passed = [Seen.nothing()]
        self._held = 0

    def fresh(self, positions: np.ndarray, digests: np.ndarray, marks: list[str | None]) -> np.ndarray:
        """Which of the next rows (mask) were not landed before."""
        new = ~np.isin(digests, self._before.digests)
        marked = np.flatnonzero(positions != UNMARKED)
        if len(marked):
            last = int(marked[-1])
            if self.place is None or positions[last] >= self.place.position:
                self.place = Place(marks[last] or "", int(positions[last]))
        self._passed.append(Seen(positions, digests))
        self._held += len(positions)
        if self._held > 200_000 and self._held > 2 * len(self._passed[0].digests):
            self._passed = [self.seen(complete=True)]
            self._held = len(self._passed[0].digests)
        return new

    def seen(self, *, complete: bool) -> Seen:
        """What to remember: what the next reading meets again. complete: this reading went to the end, so nothing else is there."""
        lowest = lowest_position(self.place, self._overlap)
        passed = [part.since(lowest) for part in self._passed]
        return passed[0].joined(*passed[1:], *([] if complete else [self._before.since(lowest)]))


def lowest_position(place: Place | None, overlap: int) -> int:
    """Where the next reading begins."""
    return -UNMARKED if place is None else max(place.position - overlap, -UNMARKED)
