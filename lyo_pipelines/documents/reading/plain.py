"""Plain text -> blocks: paragraphs by empty lines, headings by underlines, numbers ("2.1 Light") or capitals."""

from __future__ import annotations

import re

from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.question_markers import MARKED

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_UNDERLINED = re.compile(r"(?m)^(?P<title>\S[^\n]{0,120})\n(?P<line>={3,}|-{3,})[ \t]*$")
_NUMBERED = re.compile(r"^(?P<number>\d{1,2}(?:\.\d{1,2}){0,3})\.?[ \t]+(?P<title>[^\W\d_][^\n]{1,90})$")
_SENTENCE_END = re.compile(r"[.!?।॥:;,]$")
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad\u2010]\n(?=[a-zà-ÿ])")
_LIST = re.compile(r"(?m)^\s*(?:[-*•+]|\(?\d{1,3}[.)])[ \t]+")
WRAPPED_LINE = 50
"""Lines at least this long (the median, in characters) were broken by a program, not by the author."""


def read_plain(text: str) -> list[TextBlock]:
    """Blocks of a plain text."""
    text = _UNDERLINED.sub(lambda m: f"\n\n{'#' if m['line'][0] == '=' else '##'} {m['title'].strip()}\n\n", text)
    return [block for part in _PARAGRAPH.split(text.strip()) if (block := _block(part.strip("\n"))).text]


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
        return "\n".join(line.rstrip() for line in part.splitlines() if line.strip()).strip()
    longest = sorted(map(len, lines[:-1]))
    if longest[len(longest) // 2] < WRAPPED_LINE:
        return "\n".join(lines)
    return "".join(
        line if not place else f"\n{line}" if MARKED.match(line) else f" {line}" for place, line in enumerate(lines)
    )
