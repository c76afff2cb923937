"""Markdown -> blocks: markdown-it makes HTML of it, and the HTML reader does the rest, so that both give the same text.

Formulas and code keep each of their signs: formulas are set aside before the text is read as Markdown and put back afterwards, and
markdown_rules.py keeps arithmetic from being taken for marks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING

from lyo_pipelines.documents.contract import TextBlock
from lyo_pipelines.documents.question_markers import MARKED
from lyo_pipelines.documents.reading.html import Page, read_html
from lyo_pipelines.documents.reading.markdown_rules import with_careful_rules
from lyo_pipelines.documents.reading.math_spans import Span, protected_spans

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_DEFINITION = re.compile(r"(?m)^(?P<term>[^\s#>|:*+\-`][^\n]{0,120})\n{1,2}(?P<lines>(?::[ \t]+[^\n]+\n?)+)")
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # signs that no text has (Unicode noncharacters) around the number of a formula
_DISPLAY = "dd"  # so that a quotation that holds nothing but such a formula has a word
_SET_ASIDE = re.compile(f"{_OPEN}(?:{_DISPLAY})?(\\d+){_CLOSE}")
_QUOTED = re.compile(r"(?m)^[ \t]*>[ \t]?")
_ITEM = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s)?\s*")


def read_markdown(text: str) -> Page:
    """Blocks of a Markdown text (CommonMark with tables and definition lists), without its front matter.

    Raises RejectedError("too_deep") for lists and quotations nested too deeply to be read.
    """
    prepared, formulas = _prepared(text)
    page = read_html(f"<body><main>{_parser().render(prepared)}</main></body>")
    return replace(page, blocks=[_restored(block, formulas) for block in page.blocks])


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return with_careful_rules(MarkdownIt("commonmark", {"html": True}).enable("table"))


def _prepared(text: str) -> tuple[str, list[str]]:
    """The text with formulas set aside, and the formulas.

    What CommonMark does not know is said in its way: definition lists, and answers on a line of their own. Code is left alone.
    """
    text = text.replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd")
    pieces, prose, formulas, position = [], [], [], 0
    for span in protected_spans(text):
        prose.append(text[position : span.start])
        if span.kind == "code":
            pieces += [_prose("".join(prose)), text[span.start : span.end]]
            prose = []
        else:
            prose.append(f"{_OPEN}{_DISPLAY if span.kind == 'display' else ''}{len(formulas)}{_CLOSE}")
            formulas.append(_formula(text, span))
        position = span.end
    return "".join([*pieces, _prose("".join([*prose, text[position:]]))]), formulas


def _formula(text: str, span: Span) -> str:
    """A formula as it is written, on its lines when it stands on lines of its own, without the marks of a quotation around it."""
    said = text[span.start : span.end]
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    if line.lstrip().startswith(">"):
        said = _QUOTED.sub("", said)
    if span.kind == "inline":
        return said.replace("\n", " ")
    first, _, rest = said.partition("\n")
    lines = [one.rstrip() for one in dedent(rest).splitlines() if one.strip()]
    return "\n".join([first.rstrip(), *lines])


def _restored(block: TextBlock, formulas: list[str]) -> TextBlock:
    if _OPEN not in block.text and _OPEN not in block.term:
        return block
    lines = [_with_formulas(line, formulas) for line in block.text.split("\n")]
    text = " ".join("\n".join(lines).split()) if block.level else "\n".join(lines)
    return replace(block, text=text, term=_with_formulas(block.term, formulas))


def _with_formulas(line: str, formulas: list[str]) -> str:
    """A line with its formulas; their lines are indented as the line's text is, so that they stay part of a list item."""
    found = _ITEM.match(line)
    indent = "\n" + " " * (found.end() if found and line[: found.end()].strip() else len(line) - len(line.lstrip()))
    return _SET_ASIDE.sub(lambda match: formulas[int(match[1])].replace("\n", indent), line)


def _prose(text: str) -> str:
    """`Term` and below it `: meaning` as an HTML definition list; a line break before each `Q:` and `A:`."""
    lines = _DEFINITION.sub(_definition, text).split("\n")
    for place, (line, after) in enumerate(pairwise(lines)):
        if line.strip() and MARKED.match(after.replace("*", "")):
            lines[place] = line.rstrip() + "  "  # two spaces: the line ends here
    return "\n".join(lines)


def _definition(match: re.Match[str]) -> str:
    """The empty lines let what stands between the tags be read as Markdown."""
    meanings = [line.lstrip(": ").strip() for line in match["lines"].splitlines() if line.strip()]
    return (
        f"\n<dl><dt>\n\n{match['term'].strip()}\n\n</dt><dd>\n\n"
        + "\n\n</dd><dd>\n\n".join(meanings)
        + "\n\n</dd></dl>\n\n"
    )
