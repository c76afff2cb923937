"""Markdown -> blocks: markdown-it makes HTML of it, and the HTML reader does the rest, so that both give the same text."""

from __future__ import annotations

import re
from itertools import pairwise

from lyo_pipelines.documents.question_markers import MARKED
from lyo_pipelines.documents.reading.html import Page, read_html

_DEFINITION = re.compile(r"(?m)^(?P<term>[^\s#>|:*+\-`][^\n]{0,120})\n{1,2}(?P<lines>(?::[ \t]+[^\n]+\n?)+)")
_CODE = re.compile(r"(?ms)^(?:```|~~~).*?^(?:```|~~~)[^\n]*$")


def read_markdown(text: str) -> Page:
    """Blocks of a Markdown text (CommonMark with tables and definition lists), without its front matter."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return read_html(f"<body><main>{parser.render(_prepared(text))}</main></body>")


def _prepared(text: str) -> str:
    """What CommonMark does not know, said in its way: definition lists, and answers on a line of their own. Code is left alone."""
    pieces, position = [], 0
    for code in _CODE.finditer(text):
        pieces += [_prose(text[position : code.start()]), code.group()]
        position = code.end()
    return "".join([*pieces, _prose(text[position:])])


def _prose(text: str) -> str:
    """`Term` and below it `: meaning` as an HTML definition list; a line break before each `Q:` and `A:`."""
    lines = _DEFINITION.sub(_definition, text).split("\n")
    for place, (line, after) in enumerate(pairwise(lines)):
        if line.strip() and MARKED.match(after.replace("*", "")):
            lines[place] = line.rstrip() + "  "  # two spaces: the line ends here
    return "\n".join(lines)


def _definition(match: re.Match[str]) -> str:
    meanings = "".join(f"<dd>{line.lstrip(': ').strip()}</dd>" for line in match["lines"].splitlines() if line.strip())
    return f"\n<dl><dt>{match['term'].strip()}</dt>{meanings}</dl>\n\n"
