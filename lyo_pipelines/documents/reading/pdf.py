"""PDF -> lines with their size and place, by PDFium. What the lines are (headings, paragraphs) belongs to pdf_lines.py.

PDFium, because of the extractors tried only it keeps every letter of Devanagari and Tamil; where words fall apart, garbled.py sees it.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError
from lyo_pipelines.documents.reading.html import Page
from lyo_pipelines.documents.reading.pdf_lines import PdfLine, blocks_of

_HYPHENS = "\x02\ufffe"  # PDFium's sign for a hyphen at which a word was broken
_NEVER_TEXT = frozenset("\x00\r\n")
_LOOKED_AFTER = 4_096
"""Characters after which it is looked again how long the file has taken."""


@dataclass(frozen=True)
class _Sign:
    text: str
    index: int
    generated: bool


class _Budget:
    """How much work a file may still make: characters, things drawn, seconds of this thread on a processor."""

    def __init__(self, config: DocumentConfig, clock: Callable[[], float]) -> None:
        self._clock, self._config = clock, config
        self._characters, self._objects = config.maximum_characters, config.pdf_maximum_objects
        self._until, self.page = clock() + config.pdf_maximum_seconds, 0

    def take(self, *, characters: int, objects: int) -> None:
        """What the page that was just opened holds. Raises RejectedError."""
        self._characters -= characters
        self._objects -= objects
        if self._characters < 0:
            self._refuse(f"{self._config.maximum_characters:,} characters")
        if self._objects < 0:
            self._refuse(f"{self._config.pdf_maximum_objects:,} things drawn")
        self.look()

    def look(self) -> None:
        """Whether the time is over. Raises RejectedError."""
        if self._clock() > self._until:
            self._refuse(f"{self._config.pdf_maximum_seconds:g} s of work")

    def _refuse(self, what: str) -> None:
        raise RejectedError("too_large", f"more than {what} up to page {self.page}")


def read_pdf(data: bytes, config: DocumentConfig, *, clock: Callable[[], float] = time.thread_time) -> Page:
    """Blocks of a PDF. Raises RejectedError: encrypted, damaged, no_text_layer, too_large.

    Pages, characters, things drawn and processor time are counted while it is read, so that a file of a few kilobytes can neither fill
    the memory nor keep a core busy for ever. clock: seconds of this thread on a processor.
    """
    import pypdfium2

    budget = _Budget(config, clock)

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        reason = "encrypted" if "password" in str(error).lower() else "damaged"
        raise RejectedError(reason, str(error)[:120]) from None
    try:
        pages = len(document)
        if pages > config.pdf_maximum_pages:
            raise RejectedError("too_large", f"{pages:,} pages")
        lines = list(_all_lines(document, pages, budget))
        title = str(document.get_metadata_value("Title") or "").strip()
        author = str(document.get_metadata_value("Author") or "").strip()
    except pypdfium2.PdfiumError as error:
        raise RejectedError("damaged", str(error)[:120]) from None
    finally:
        document.close()
    signs = sum(len(line.text) for line in lines)
    if signs < config.pdf_minimum_characters_per_page * max(pages, 1):
        raise RejectedError("no_text_layer", f"{signs} characters on {pages} pages")
    # a program that prints puts its own file name or address there
    named = "" if "/" in title or "\\" in title or title.lower().endswith((".doc", ".docx", ".pdf", ".html")) else title
    return Page(blocks_of(lines, pages, config), DocumentMetadata(title=named, attribution=author))


def _all_lines(document: Any, pages: int, budget: _Budget) -> Iterator[PdfLine]:
    """Lines of all pages, as long as the budget lasts."""
    import pypdfium2.raw as pdfium

    for number in range(pages):
        budget.page = number + 1
        budget.look()
        page = document[number]
        textpage = page.get_textpage()
        try:
            budget.take(characters=textpage.count_chars(), objects=pdfium.FPDFPage_CountObjects(page))
            yield from _lines(textpage, number, budget)
        finally:
            textpage.close()
            page.close()


def _lines(textpage: Any, number: int, budget: _Budget) -> Iterator[PdfLine]:
    line: list[_Sign] = []
    for sign in _signs(textpage):
        if sign.index % _LOOKED_AFTER == 0:
            budget.look()
        if sign.text in _NEVER_TEXT:
            yield from _line(textpage, line, number)
            line = []
        else:
            line.append(sign)
    yield from _line(textpage, line, number)


def _signs(textpage: Any) -> Iterator[_Sign]:
    import pypdfium2.raw as pdfium

    for index in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        text = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
        yield _Sign("\u00ad" if text in _HYPHENS else text, index, pdfium.FPDFText_IsGenerated(textpage, index) == 1)


def _line(textpage: Any, signs: list[_Sign], number: int) -> Iterator[PdfLine]:
    import pypdfium2.raw as pdfium

    drawn = [sign.index for sign in signs if not sign.generated and not sign.text.isspace()]
    if not drawn:
        return
    middle = drawn[len(drawn) // 2]
    matrix = pdfium.FS_MATRIX()
    scale = 1.0
    if pdfium.FPDFText_GetMatrix(textpage, middle, matrix):
        scale = math.hypot(matrix.c, matrix.d) or 1.0
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, middle, x, y)
    size = round(pdfium.FPDFText_GetFontSize(textpage, middle) * scale, 1)
    yield PdfLine(" ".join("".join(sign.text for sign in signs).split()), number, size, y.value)
