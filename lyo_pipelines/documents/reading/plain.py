"""Plain text -> blocks: paragraphs by empty lines, headings by underlines, numbers ("2.1 Light") or capitals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent

from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.question_markers import MARKED

_PARAGRAPH = re.compile(r"\n(?:[ \t]*\n)+")
_INDENTED = re.compile(r"[ \t]{2,}\S|\t\S")
_OPENS = re.compile(r"[:{([]\s*$")
_UNDERLINED = re.compile(  # a title has a word; figures above a line are a sum
    r"(?m)^(?=[^\n]*(?:[^\W\d_]{2}|[^\W\d_\x00-\x7f]))(?P<title>\S[^\n]{0,120})\n(?P<line>={3,}|-{3,})[ \t]*$"
)
_NUMBERED = re.compile(r"^(?P<number>\d{1,2}(?:\.\d{1,2}){0,3})\.?[ \t]+(?P<title>[^\W\d_][^\n]{1,90})$")
_SENTENCE_END = re.compile(r"[.!?।॥:;,]$")
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad\u2010]\n(?=[a-zà-ÿ])")
_LIST = re.compile(r"(?m)^\s*(?:[-*•+]|\(?\d{1,3}[.)])[ \t]+")
WRAPPED_LINE = 50
"""Lines at least this long (the median, in characters) were broken by a program, not by the author."""


def read_plain(text: str) -> list[TextBlock]:
    """Blocks of a plain text."""
    text = _UNDERLINED.sub(lambda m: f"\n\n{'#' if m['line'][0] == '=' else '##'} {m['title'].strip()}\n\n", text)
    return [block for part in _paragraphs(text) if (block := _block(part)).text]


def _paragraphs(text: str) -> Iterator[str]:
    """Parts between empty lines; code with empty lines in it is one part, so that its lines keep their place against each other."""
    code = ""
    for part in _PARAGRAPH.split(text.strip("\n")):
        lines = part.split("\n")
        goes_on = code and _INDENTED.match(part) and len(lines[0]) < 2 * WRAPPED_LINE
        if code and not goes_on:
            yield code
        code = f"{code}\n\n{part}" if goes_on else part if _is_code(lines) else ""
        if not code:
            yield part
    if code:
        yield code


def _is_code(lines: list[str]) -> bool:
    """Whether short lines are indented below one that opens a block."""
    return any(
        _OPENS.search(before) and _INDENTED.match(line) and len(line) < 2 * WRAPPED_LINE
        for before, line in pairwise(lines)
    ) or (_INDENTED.match(lines[-1]) is not None and len(lines) > 1 and max(map(len, lines)) < WRAPPED_LINE)


def _block(part: str) -> TextBlock:
    line = part.strip()
    if "\n" not in line:
        if line.startswith(("# ", "## ")):
            mark, _, title = line.partition(" ")
            return TextBlock(title.strip(), level=len(mark))
        if (found := _NUMBERED.match(line)) and not _SENTENCE_END.search(line):
            return TextBlock(line, level=min(found["number"].count(".") + 2, 6))
        if line.isupper() and len(line) <= 80 and sum(sign.isalpha() for sign in line) >= 4:
            return TextBlock(line, level=2)
    return TextBlock(unwrap_lines(part))


def unwrap_lines(part: str) -> str:
    """A paragraph with the lines that a program broke joined again, and hyphenated words whole; poems and lists stay as they are."""
    part = _HYPHEN.sub("", part)
    lines = [line.strip() for line in part.splitlines() if line.strip()]
    if len(lines) < 2 or _LIST.search(part) or "|" in part:
        return _as_it_stands(part)
    longest = sorted(map(len, lines[:-1]))
    if longest[len(longest) // 2] < WRAPPED_LINE:
        return _as_it_stands(part)
    return "".join(
        line if not place else f"\n{line}" if MARKED.match(line) else f" {line}" for place, line in enumerate(lines)
    )


def _as_it_stands(part: str) -> str:
    """Lines with their indentation against each other (code, sums in columns, poems), without empty ones at the ends."""
    lines = [line.rstrip() for line in dedent(part.expandtabs(4)).strip("\n").split("\n")]
    return "\n".join(lines).rstrip() if any(line[:1].isspace() for line in lines) else "\n".join(filter(None, lines))
