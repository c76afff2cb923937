"""Blocks -> one text -> chunks: by headings first, then paragraphs and sentences up to a budget of tokens, with overlap. Pure.

The same for every format. A chunk is a piece [start, end) of the document's text plus what it repeats of the piece before, so the
pieces put together are the text again: nothing is lost or said twice. Code and formulas are cut
only where they alone exceed the budget.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.reading.math_spans import protected_spans

Count = Callable[[str], int]
_GAP = "\n\n"
_SENTENCE = regex.compile(r"(?<=[.!?।॥…][\"”’')\]]*)\s+|\n+")
_WORD = re.compile(r"\s+")
_CLUSTERS = regex.compile(r"\X{1,8}")
PATH = " > "


@dataclass(frozen=True)
class ChunkBudget:
    """Configuration of the cut, in tokens; see documents.yaml."""

    maximum: int
    overlap: int
    minimum: int


@dataclass(frozen=True)
class Chunk:
    """A piece of a document. text: with `overlap` characters of the piece before; path: all headings it stands below, its own too."""

    number: int
    path: tuple[str, ...]
    text: str
    overlap: int
    training_text: str
    tokens: int


@dataclass(frozen=True)
class _Unit:
    """The smallest thing that is never cut: a heading, a paragraph, or a part of one that is too long. [start, end) of the text."""

    start: int
    end: int
    tokens: int
    path: tuple[str, ...]
    heading: bool = False


def text_of(blocks: list[TextBlock]) -> str:
    """The document as one text; headings are lines that begin with #."""
    return _GAP.join(_shown(block) for block in blocks)


def cut_chunks(blocks: list[TextBlock], budget: ChunkBudget, count: Count, title: str = "") -> list[Chunk]:
    """Cut a document into chunks. `title` stands above all headings where the text does not begin with it."""
    text = text_of(blocks)
    whole = _Whole(blocks)
    root = () if not title or any(block.level == 1 for block in blocks) else (title,)
    pieces = _with_short_end(list(_pieces(_units(blocks, text, whole, root, budget, count), budget, count)), budget)
    return [_chunk(number, piece, text, whole, budget, count) for number, piece in enumerate(pieces)]


def _shown(block: TextBlock) -> str:
    return f"{'#' * block.level} {block.text}" if block.level else block.text


class _Whole:
    """Code and formulas of a text, which are best left whole."""

    def __init__(self, blocks: list[TextBlock]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        position = 0
        for block in blocks:
            shown = _shown(block)
            for span in protected_spans(shown):
                self._starts.append(position + span.start)
                self._ends.append(position + span.end)
            position += len(shown) + len(_GAP)

    def cut_by(self, place: int) -> bool:
        """Whether a cut at a place would go through one of them."""
        before = bisect_left(self._starts, place) - 1
        return before >= 0 and place < self._ends[before]


def _units(
    blocks: list[TextBlock], text: str, whole: _Whole, root: tuple[str, ...], budget: ChunkBudget, count: Count
) -> Iterator[_Unit]:
    stack: list[tuple[int, str]] = []
    position = 0
    for number, block in enumerate(blocks):
        end = position + len(_shown(block)) + (len(_GAP) if number + 1 < len(blocks) else 0)
        if block.level:
            stack = [(level, name) for level, name in stack if level < block.level] + [(block.level, block.text)]
        path = (*root, *(name for _, name in stack))
        room = max(budget.maximum - budget.overlap - count(prefix(path)), budget.maximum // 3)
        for place, (a, b) in enumerate(_split(text, position, end, room, count, whole)):
            yield _Unit(a, b, count(text[a:b]), path, heading=bool(block.level) and not place)
        position = end


def _split(text: str, start: int, end: int, room: int, count: Count, whole: _Whole | None) -> Iterator[tuple[int, int]]:
    """[start, end) in parts that fit: sentences, else words, else a few letters (never inside a syllable).

    whole: what is left whole as long as there is another place to cut.
    """
    if count(text[start:end]) <= room:
        yield start, end
        return
    for pattern in (_SENTENCE, _WORD):
        cuts = [found.end() for found in pattern.finditer(text, start, end) if start < found.end() < end]
        if whole:
            cuts = [cut for cut in cuts if not whole.cut_by(cut)]
        if cuts:
            bounds = [start, *cuts, end]
            for a, b in _grouped(text, bounds, room, count):
                if count(text[a:b]) <= room or len(bounds) == 2:
                    yield a, b
                else:
                    yield from _split(text, a, b, room, count, whole)
            return
    if whole:
        yield from _split(text, start, end, room, count, None)
        return
    bounds = [start, *(found.end() for found in _CLUSTERS.finditer(text, start, end))]
    yield from _grouped(text, bounds, room, count)


def _grouped(text: str, bounds: list[int], room: int, count: Count) -> Iterator[tuple[int, int]]:
    """Neighbouring parts together as long as they fit."""
    begin = bounds[0]
    used = 0
    for a, b in pairwise(bounds):
        size = count(text[a:b])
        if begin < a and used + size > room:
            yield begin, a
            begin, used = a, 0
        used += size
    yield begin, bounds[-1]


@dataclass(frozen=True)
class _Piece:
    units: tuple[_Unit, ...]
    goes_on: bool  # cut for want of room, so it repeats a little of the piece before

    @property
    def tokens(self) -> int:
        """Tokens of its units."""
        return sum(unit.tokens for unit in self.units)


def _pieces(units: Iterator[_Unit], budget: ChunkBudget, count: Count) -> Iterator[_Piece]:
    """Units packed into pieces: a section is a piece; short ones go together, long ones are cut."""
    current: list[_Unit] = []
    goes_on = False
    for unit in units:
        while current and _must_end(current, unit, budget, count, goes_on):
            tail = _headings_at_end(current)  # they belong to what comes after them
            kept = tail if len(tail) < len(current) else []
            yield _Piece(tuple(current[: len(current) - len(kept)]), goes_on)
            current, goes_on = kept, not (kept or unit.heading)
        current.append(unit)
    if current:
        yield _Piece(tuple(current), goes_on)


def _must_end(current: list[_Unit], unit: _Unit, budget: ChunkBudget, count: Count, goes_on: bool) -> bool:
    """Whether a piece ends before a unit: there is no room for it, or it begins a section and the piece is long enough."""
    first = current[0]
    above = first.path[:-1] if first.heading else first.path
    room = budget.maximum - count(prefix(above)) - (budget.overlap if goes_on else 0)
    used = sum(one.tokens for one in current)
    section = unit.heading and used >= budget.minimum and not current[-1].heading
    return section or used + unit.tokens > room


def _with_short_end(pieces: list[_Piece], budget: ChunkBudget) -> list[_Piece]:
    """A last section that is too short to stand alone goes together with the one before, where there is room."""
    if len(pieces) < 2 or pieces[-1].goes_on or pieces[-1].tokens >= budget.minimum:
        return pieces
    *others, before, last = pieces
    if before.tokens + last.tokens > budget.maximum - 2 * budget.overlap:
        return pieces
    return [*others, _Piece((*before.units, *last.units), before.goes_on)]


def _headings_at_end(units: list[_Unit]) -> list[_Unit]:
    tail: list[_Unit] = []
    for unit in reversed(units):
        if not unit.heading:
            break
        tail.insert(0, unit)
    return tail


def _chunk(number: int, piece: _Piece, text: str, whole: _Whole, budget: ChunkBudget, count: Count) -> Chunk:
    start, end = piece.units[0].start, piece.units[-1].end
    above = piece.units[0].path[:-1] if piece.units[0].heading else piece.units[0].path
    begin = _overlap_start(text, start, whole, budget, count) if piece.goes_on else start
    told = prefix(above) + text[begin:end].strip()
    if begin < start and count(told) > budget.maximum:
        begin = start  # no room for the repetition
        told = prefix(above) + text[begin:end].strip()
    while above and count(told) > budget.maximum:
        above = above[1:]
        told = prefix(above) + text[begin:end].strip()
    return Chunk(number, piece.units[0].path, text[begin:end], start - begin, told, count(told))


def _overlap_start(text: str, start: int, whole: _Whole, budget: ChunkBudget, count: Count) -> int:
    """Where the repetition begins: as many whole sentences before `start` as the overlap allows, else words; none across headings."""
    if not budget.overlap:
        return start
    line = text.rfind("\n#", 0, start)
    floor = 0 if line < 0 else text.find("\n", line + 1) + 1
    floor = max(floor, start - 12 * budget.overlap)
    for pattern in (_SENTENCE, _WORD):
        cuts = [found.end() for found in pattern.finditer(text, floor, start) if found.end() < start]
        first = bisect_left(cuts, True, key=lambda place: count(text[place:start]) <= budget.overlap)
        if (place := next((cut for cut in cuts[first:] if not whole.cut_by(cut)), None)) is not None:
            return place
    return start


def prefix(path: tuple[str, ...]) -> str:
    """The headings above a chunk, as the line that its training text begins with."""
    return PATH.join(path) + _GAP if path else ""
