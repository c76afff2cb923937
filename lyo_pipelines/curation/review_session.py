"""Working through the review queue one finding after another: what comes next, deciding, taking back. The screen is elsewhere.

Each decision is in the file at once, so that a session that breaks off loses nothing; what others wrote meanwhile stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lyo_pipelines.curation.review import (
    ALWAYS,
    NEVER,
    OF_LINE,
    Review,
    folded_phrase,
    locked_queue,
    read_queue,
    write_queue,
)
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class Step:
    """One decision of this session and the lines that it took out of it."""

    line: Review
    decision: str
    settled: tuple[Review, ...]


class ReviewSession:
    """The undecided lines of a queue in its order, by day, interaction and finding."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._waiting = [line for line in read_queue(lake) if not line.decision]
        self._taken: list[Step] = []
        self.total = len(self._waiting)

    @property
    def current(self) -> Review | None:
        """The line to decide; None when none is left."""
        return self._waiting[0] if self._waiting else None

    @property
    def left(self) -> int:
        """Lines that wait."""
        return len(self._waiting)

    @property
    def decided(self) -> dict[str, int]:
        """How often each decision was taken in this session."""
        said = [step.decision for step in self._taken if step.decision]
        return {decision: said.count(decision) for decision in dict.fromkeys(said)}

    def alike(self, line: Review) -> int:
        """How many other waiting lines have the same finding and phrase."""
        return sum(other.key != line.key and _same(other, line) for other in self._waiting)

    def decide(self, decision: str) -> None:
        """Write keep, drop, always or never for the current line; the last two settle all waiting lines with its phrase."""
        line = self._waiting.pop(0)
        decision = decision if line.phrase else OF_LINE[decision]
        settled = tuple(other for other in self._waiting if decision in {ALWAYS, NEVER} and _same(other, line))
        self._waiting = [other for other in self._waiting if other not in settled]
        self._write(line, decision)
        self._taken.append(Step(line, decision, settled))

    def skip(self) -> None:
        """Leave the current line undecided, for another session."""
        self._taken.append(Step(self._waiting.pop(0), "", ()))

    def undo(self) -> bool:
        """Take the last step back, so that its line is the current one again; False when there is none."""
        if not self._taken:
            return False
        step = self._taken.pop()
        if step.decision:
            self._write(step.line, "")
        self._waiting = [step.line, *sorted([*step.settled, *self._waiting], key=_place)]
        return True

    def _write(self, line: Review, decision: str) -> None:
        with locked_queue(self._lake):
            queue = read_queue(self._lake)
            known = any(other.key == line.key for other in queue)
            changed = [replace(other, decision=decision) if other.key == line.key else other for other in queue]
            write_queue(self._lake, changed if known else [*changed, replace(line, decision=decision)])


def _same(one: Review, other: Review) -> bool:
    phrase = folded_phrase(other.phrase)
    return bool(phrase) and one.finding == other.finding and folded_phrase(one.phrase) == phrase


def _place(line: Review) -> tuple[str, str, str]:
    return line.day, line.interaction_id, line.finding
