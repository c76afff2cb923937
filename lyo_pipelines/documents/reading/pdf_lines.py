"""Lines of a PDF -> blocks: running headers and page numbers go, larger lines become headings, close lines one paragraph. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.reading.plain import unwrap_lines

_PAGE_NUMBER = re.compile(
    r"^(?:page|p\.|पृष्ठ|பக்கம்)?\s*[-–—(\[|]?\s*\d{1,4}\s*[-–—)\]|]?(?:\s*(?:/|of|का)\s*\d{1,4})?$", re.IGNORECASE
)
# what a browser prints around a page
_PRINTED = re.compile(r"^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}, \d{1,2}:\d{2}|^(?:file|https?)://\S+(?:\s+\d+/\d+)?$")
_ROMAN = re.compile(r"^[ivxl]{1,6}$")
_BARE_NUMBER = re.compile(r"\d{1,4}")
_DIGITS = re.compile(r"\d+")
_BULLET = re.compile(r"^\s*(?:[-*•▪◦‣–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_ENDED = re.compile(r"[.!?।॥:”\"')\]]$")
_BROKEN = re.compile("\u00ad\\s*$")
_MARGIN = 2  # lines at the top and at the bottom of a page that may be running ones
_ENOUGH_PAGES = 3  # to tell the number of a page from another
_LONGEST_HEADING = 160


@dataclass(frozen=True)
class PdfLine:
    """One line. page: from 0; size: of its letters in points; y: its baseline, points from the bottom of the page."""

    text: str
    page: int
    size: float
    y: float


def blocks_of(lines: list[PdfLine], pages: int, config: DocumentConfig) -> list[TextBlock]:
    """Headings and paragraphs of all pages."""
    lines = without_running_lines(lines, pages, config)
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    if not sizes:
        return []
    body = sizes.most_common(1)[0][0]
    larger = sorted({line.size for line in lines if line.size >= config.pdf_heading_size * body}, reverse=True)
    levels = {size: min(place + 1, 6) for place, size in enumerate(larger)}
    blocks = []
    for part in _parts(lines, _usual_step(lines)):
        text = unwrap_lines(_whole_words([line.text for line in part]))
        level = levels.get(part[0].size, 0)
        if level and len(text) <= _LONGEST_HEADING:
            blocks.append(TextBlock(" ".join(text.split()), level))
        else:
            blocks.append(TextBlock(text))
    return [block for block in blocks if block.text]


def without_running_lines(lines: list[PdfLine], pages: int, config: DocumentConfig) -> list[PdfLine]:
    """Lines without page numbers, and without what stands at the top or bottom of many pages (figures in it may differ).

    A number alone in its line is a page number when such numbers go up with the pages, or on documents of one or two pages.
    """
    by_page: dict[int, list[PdfLine]] = defaultdict(list)
    for line in lines:
        by_page[line.page].append(line)
    margins: set[int] = set()
    for on_page in by_page.values():
        heights = sorted({round(line.y) for line in on_page}, reverse=True)
        edge = set(heights[:_MARGIN]) | set(heights[-_MARGIN:])
        margins |= {id(line) for line in on_page if round(line.y) in edge}
    same: defaultdict[str, list[PdfLine]] = defaultdict(list)
    for line in lines:
        if id(line) in margins:
            same[_DIGITS.sub("#", line.text)].append(line)
    enough = max(3, config.pdf_running_line_share * pages)
    running = {
        text for text, found in same.items() if len({line.page for line in found}) >= enough and _counts_pages(found)
    }

    counted = Counter(
        int(line.text) - line.page for on in same.values() for line in on if _BARE_NUMBER.fullmatch(line.text)
    )

    def stays(line: PdfLine) -> bool:
        if id(line) not in margins:
            return True
        if _BARE_NUMBER.fullmatch(line.text) and pages >= _ENOUGH_PAGES and counted[int(line.text) - line.page] < 2:
            return True  # it does not go up with the pages: a result that stands alone in its line
        number = _PAGE_NUMBER.match(line.text) or _ROMAN.match(line.text) or _PRINTED.match(line.text)
        return not number and _DIGITS.sub("#", line.text) not in running

    return [line for line in lines if stays(line)]


def _counts_pages(lines: list[PdfLine]) -> bool:
    """Whether each number of the lines is the same on all pages or goes up with them; other lines only look alike."""
    columns = zip(*([int(number) for number in _DIGITS.findall(line.text)] for line in lines), strict=True)
    return all(
        len(set(numbers)) == 1 or len({n - line.page for n, line in zip(numbers, lines, strict=True)}) == 1
        for numbers in columns
    )


def _usual_step(lines: list[PdfLine]) -> float:
    """The usual distance between two lines of one paragraph; a page of single lines shows none, so their size must do."""
    near = [
        a.y - b.y for a, b in pairwise(lines) if a.page == b.page and a.size == b.size and 0 < a.y - b.y < 2 * a.size
    ]
    return median(near) if near else 1.3 * min((line.size for line in lines), default=0.0)


def _parts(lines: list[PdfLine], step: float) -> Iterator[list[PdfLine]]:
    """Lines that belong together, in the order of the file."""
    part: list[PdfLine] = []
    for line in lines:
        if part and not _goes_on(part, line, step):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _goes_on(part: list[PdfLine], line: PdfLine, step: float) -> bool:
    before = part[-1]
    if abs(before.size - line.size) > 0.05 * before.size:
        return False
    if before.page != line.page:
        return not _ENDED.search(before.text) and not _BULLET.match(line.text)
    if _BULLET.match(line.text):
        return bool(_BULLET.match(part[0].text))  # one list, item by item
    return 0 <= before.y - line.y <= 1.35 * step


def _whole_words(texts: list[str]) -> str:
    """Lines below each other, with words whole that were hyphenated at the end of a line; time linear in their length."""
    joined = list[str]()
    for text in texts:
        if joined and _BROKEN.search(joined[-1]):
            joined[-1] = _BROKEN.sub("", joined[-1])
        elif joined and joined[-1]:
            joined.append("\n")
        joined.append(text)
    return "".join(joined).replace("\u00ad", "")
