"""Where a text holds formulas in TeX's delimiters and where it holds code, so that nothing inside is read as Markdown or cut apart.

Formulas are found before Markdown is read, as Jupyter and Stack Exchange do it: afterwards `\\\\` and `\\{` are gone and a line
"- 2x" is a list. One pass over the text, so the time is linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PREFIX = r"[ \t]*(?:(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])[ \t]*)*"  # quotation and list marks before the text of a line
_FENCE = re.compile(rf"(?P<prefix>{_PREFIX})(?P<mark>`{{3,}}(?=[^`\n]*$)|~{{3,}})")
_CLOSING = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*$")
_TOKEN = re.compile(
    r"(?P<begin>\\begin\{[A-Za-z]+\*?\})|(?P<end>\\end\{[A-Za-z]+\*?\})|(?P<bracket>\\[()\[\]])|\\[^\n]"
    r"|(?P<dollar>\$\$?)|(?P<code>`+)|(?P<blank>\n[ \t>]*(?=\n))|(?P<heading>\n {0,3}#{1,6}[ \t])"
)
_CLOSES = {r"\(": r"\)", r"\[": r"\]", "$$": "$$", "$": "$"}
_NEAR = 80
_ALONE = re.compile(r"[ \t>]*$")


@dataclass(frozen=True)
class Span:
    """[start, end) of a text. kind: code (a fenced block), display (a formula on lines of its own) or inline (one in a line)."""

    start: int
    end: int
    kind: str


@dataclass
class _Open:
    """A formula that has begun. alone: its delimiter is all of its line, so empty lines may follow."""

    start: int
    mark: str
    alone: bool = False
    depth: int = 1


def protected_spans(text: str) -> list[Span]:
    """Fenced code, formulas ($…$, $$…$$, \\(…\\), \\[…\\], \\begin{…}…\\end{…}) in their order; they never overlap.

    A dollar sign opens a formula when no space follows it, and closes one when no space stands before it and no figure follows, so
    that prices stay text (the rule of Pandoc).
    """
    spans: list[Span] = []
    position = 0
    for start, end in _fences(text):
        spans += _formulas(text, position, start)
        spans.append(Span(start, end, "code"))
        position = end
    return [*spans, *_formulas(text, position, len(text))]


def _fences(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of each fenced block; one that is never closed goes on to the end of its list item, or of the text."""
    opened, begin, indent, position = "", 0, 0, 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        if not opened:
            if found := _FENCE.match(bare):
                opened, begin, indent = found["mark"], position, len(found["prefix"])
        elif (found := _CLOSING.match(bare)) and found["mark"].startswith(opened):
            yield begin, position + len(bare)
            opened = ""
        elif indent > 1 and bare[:1].strip() and not bare.startswith(">"):
            yield begin, position
            opened = ""
        position += len(line)
    if opened:
        yield begin, len(text)


def _formulas(text: str, start: int, end: int) -> Iterator[Span]:
    """Formulas of a part without fenced code; code in a line is skipped."""
    closing = _equal_runs(text, start, end)
    opened: _Open | None = None
    position = start
    while token := _TOKEN.search(text, position, end):
        position = token.end()
        if token["code"]:
            if (opened is None or opened.mark == "$") and token.start() in closing:
                opened, position = None, closing[token.start()]
        elif token["blank"] or token["heading"]:
            if opened and (token["heading"] or not (opened.alone or opened.mark == "begin")):
                opened = None
            position = token.start() + 1 if token["blank"] else position
        elif opened is None:
            opened = _opening(text, token, end)
        elif closes := _closed(text, token, opened, end):
            yield Span(opened.start, closes, _kind(text, opened, closes))
            position, opened = closes, None
        elif opened.mark == token.group() or (opened.mark == "$" and not token["end"]):
            opened = _opening(text, token, end) or opened


def _equal_runs(text: str, start: int, end: int) -> dict[int, int]:
    """Start of a run of backticks -> end of the next run of the same length in its paragraph."""
    result: dict[int, int] = {}
    last: dict[int, int] = {}
    for found in re.finditer(r"`+|\n[ \t>]*(?=\n)", text[start:end]):
        if found.group()[0] == "\n":
            last.clear()
            continue
        size = len(found.group())
        if size in last:
            result[start + last[size]] = start + found.end()
        last[size] = found.start()
    return result


def _opening(text: str, token: re.Match[str], end: int) -> _Open | None:
    said = token.group()
    after = text[token.end() : min(token.end() + 1, end)]
    if token["begin"]:
        return _Open(token.start(), "begin")
    if said == "$" and (not after or after.isspace()):
        return None
    if said not in _CLOSES:
        return None
    # a line that holds nothing else is short, so a look at what is near is enough
    before = text[max(0, token.start() - _NEAR) : token.start()].rpartition("\n")[2]
    behind = text[token.end() : min(token.end() + _NEAR, end)].partition("\n")[0]
    return _Open(token.start(), said, alone=said in {"$$", r"\["} and bool(_ALONE.match(before + behind)))


def _closed(text: str, token: re.Match[str], opened: _Open, end: int) -> int:
    """Where an open formula ends when a token closes it, else 0."""
    said = token.group()
    if opened.mark == "begin":
        opened.depth += bool(token["begin"]) - bool(token["end"])
        return token.end() if not opened.depth else 0
    if opened.mark == "$" and token["dollar"]:
        before, after = text[token.start() - 1], text[token.start() + 1 : min(token.start() + 2, end)]
        return token.start() + 1 if not before.isspace() and not after.isdigit() else 0
    return token.end() if said == _CLOSES.get(opened.mark) else 0


def _kind(text: str, opened: _Open, closes: int) -> str:
    return "display" if opened.mark in {"$$", r"\[", "begin"} and "\n" in text[opened.start : closes] else "inline"
