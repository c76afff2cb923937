"""How a CSV is laid out, told by its beginning: line ends, a `sep=` line, the delimiter; and the names of its header."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import IO

from lyo_pipelines.interactions.errors import UnreadableFileError

HEAD = 64 * 1024
DELIMITERS = ",;\t|"
_RECORDS = 32
_LINE_END = re.compile(rb'"(?:[^"]|"")*"|\r\n|\r|\n')
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_SPACE = re.compile(r"[\s\u200b\u2060\ufeff]+")


@dataclass(frozen=True)
class CsvLayout:
    """delimiter: between cells. said: whether a first line `sep=…` names it (and is no header). old_mac: lines end with CR alone."""

    delimiter: str
    said: bool = False
    old_mac: bool = False


def csv_layout(head: bytes) -> CsvLayout:
    """The layout of a CSV that begins so."""
    old_mac = _ends_with_cr(head)
    text = (head.replace(b"\r", b"\n") if old_mac else head).decode("utf-8", "surrogateescape")
    if len(head) >= HEAD:
        text = text[: text.rfind("\n") + 1] or text
    if said := _SEPARATOR.fullmatch(text.partition("\n")[0] + "\n"):
        return CsvLayout(said[1], said=True, old_mac=old_mac)
    return CsvLayout(max(DELIMITERS, key=lambda sign: _fit(text, sign)), old_mac=old_mac)


def _ends_with_cr(head: bytes) -> bool:
    """Whether the first line that ends outside of quotes ends with a carriage return alone."""
    ends = (
        found.group() for found in _LINE_END.finditer(head) if found.group()[:1] != b'"' and found.end() < len(head)
    )
    return next(ends, b"\n") == b"\r"


def _fit(text: str, delimiter: str) -> float:
    """How well a delimiter cuts the first records into as many cells as the header has: 0 for one cell, more for more cells."""
    sizes = []
    try:
        for record in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _RECORDS):
            if record:
                sizes.append(len(record))
    except csv.Error:
        pass  # what was read before tells enough
    if not sizes or sizes[0] < 2:
        return 0.0
    return math.log2(sizes[0]) * sum(size == sizes[0] for size in sizes) / len(sizes)


class OldMacLines:
    """A text stream whose carriage returns are read as line feeds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """About `size` bytes."""
        return self._stream.read(size).replace(b"\r", b"\n")


class Rejoined:
    """A stream of which a beginning was read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int = -1) -> bytes:
        """About `size` bytes, empty only at the end."""
        head, self._head = self._head, b""
        return head or self._stream.read(size)


@dataclass(frozen=True)
class CsvHeader:
    """names: one for each column, unique; named: how many of them stand in the file (the others are called after their place)."""

    names: list[str]
    unnamed: frozenset[int]


def csv_header(cells: list[str], rename: Callable[[str], str]) -> CsvHeader:
    """Names of the columns: spaces and line breaks within them become one space each. Raises UnreadableFileError.

    A column without a name (the index that pandas writes, a delimiter at the end of each line) is called `(column 3)`; its cells
    count where something stands in them.
    """
    names = [rename(_SPACE.sub(" ", cell).strip()) for cell in cells]
    if not any(names):
        raise UnreadableFileError("the CSV has no header: its first line must name the columns")
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        shown = ", ".join(name[:40] for name in twice[:5])
        raise UnreadableFileError(f"the CSV header has repeated column names ({shown}): rename all but one of each")
    unnamed = frozenset(place for place, name in enumerate(names) if not name)
    return CsvHeader([name or f"(column {place + 1})" for place, name in enumerate(names)], unnamed)
