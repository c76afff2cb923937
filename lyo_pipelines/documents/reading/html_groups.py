"""Lists, tables, definitions and code of an HTML page -> text. What an item or a cell holds is read by the reader that calls this."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lxml import html as lxml_html
from lxml.etree import iterwalk  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module)

from lyo_pipelines.documents.contract import TextBlock

Inside = Callable[[lxml_html.HtmlElement], list[TextBlock]]
"""The blocks that an element holds."""

LIST_MARK = "data-list-mark"
"""Attribute of <li>: its mark as a Markdown text has it."""

_MARK = re.compile(r"[-+*]|\d{1,9}[.)]")
_INDENT = "  "
_LANGUAGE = re.compile(r"(?:^|\s)lang(?:uage)?-\{?\.?([\w+#-]+)")
_BACKTICKS = re.compile(r"(?m)^\s*(`{3,})")


def list_text(element: lxml_html.HtmlElement, inside: Inside) -> str:
    """Lines of a list: each item's first block behind its mark, its others (code, nested lists) indented below it."""
    lines: list[str] = []
    number = _whole_number(element.get("start"), 1)
    _add_stray(lines, element.text)
    for item in element:
        blocks = [block for block in inside(item) if block.text]
        if item.tag in {"ul", "ol"}:  # a list right in a list, which HTML does not allow and people write
            lines += _indented(list_text(item, inside))
        elif item.tag != "li":
            lines += [line for block in blocks for line in block.text.split("\n")]
        else:
            number = _whole_number(item.get("value"), number)
            mark = _mark(item, f"{number}." if element.tag == "ol" else "-")
            number += 1
            if blocks:
                lines += _item(mark, blocks)
        _add_stray(lines, item.tail)
    return "\n".join(lines)


def _item(mark: str, blocks: list[TextBlock]) -> Iterator[str]:
    first, *others = [line for block in blocks for line in block.text.split("\n")]
    if blocks[0].text.startswith("```"):
        yield mark
        others.insert(0, first)
    else:
        yield f"{mark} {first}"
    yield from (f"{_INDENT}{line}".rstrip() for line in others)


def _mark(item: lxml_html.HtmlElement, usual: str) -> str:
    written = item.get(LIST_MARK) or ""
    return written if _MARK.fullmatch(written) else usual


def _whole_number(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch(r"\s*-?\d{1,9}\s*", text, re.ASCII) else otherwise


def _indented(text: str) -> list[str]:
    return [f"{_INDENT}{line}" for line in text.split("\n") if line]


def _add_stray(lines: list[str], text: str | None) -> None:
    """Text between items or rows, where none should be."""
    if text and (said := " ".join(text.split())):
        lines.append(said)


def table_text(table: lxml_html.HtmlElement, inside: Inside) -> str:
    """Rows of a table, one a line, cells apart by bars; its caption above them."""
    lines: list[str] = []
    for row in _rows(table):
        if row.tag == "tr":
            _add_stray(lines, row.text)
            cells = [_line(inside(cell)) for cell in row if cell.tag in {"td", "th"}]
            if any(cells):
                lines.append(" | ".join(cells))
            for cell in row:
                if cell.tag not in {"td", "th"}:
                    _add_stray(lines, _line(inside(cell)))
                _add_stray(lines, cell.tail)
        else:
            _add_stray(lines, _line(inside(row)))
        _add_stray(lines, row.tail)
    return "\n".join(lines)


def _rows(table: lxml_html.HtmlElement) -> Iterator[lxml_html.HtmlElement]:
    """Rows of a table in their order, and what else stands in it."""
    for part in table:
        if part.tag in {"thead", "tbody", "tfoot"}:
            yield from part
        else:
            yield part


def _line(blocks: list[TextBlock]) -> str:
    return " ".join(" ".join(block.text for block in blocks).split())


def definitions(element: lxml_html.HtmlElement, inside: Inside) -> Iterator[TextBlock]:
    """`term: meaning` for each meaning of a definition list; terms that share a meaning stand together."""
    terms: list[str] = []
    answered = False
    for child in _entries(element):
        blocks = [block for block in inside(child) if block.text]
        if child.tag == "dt":
            terms = [*([] if answered else terms), _line(blocks)]
            answered = False
        elif child.tag == "dd":
            text, term = "\n".join(block.text for block in blocks), ", ".join(filter(None, terms))
            answered = True
            if text:
                yield TextBlock(f"{term}: {text}" if term else text, term=term)
        else:
            yield from blocks
    if terms and not answered:
        yield TextBlock("\n".join(filter(None, terms)))


def _entries(element: lxml_html.HtmlElement) -> Iterator[lxml_html.HtmlElement]:
    for child in element:
        if child.tag == "div" and child.find("dt") is not None:
            yield from child
        else:
            yield child


def code_text(element: lxml_html.HtmlElement) -> str:
    """Code between fences, with its lines, its indentation and the language that it names."""
    text = _code_lines(element).strip("\n")
    if not text.strip():
        return ""
    inner = element.find("code")
    found = _LANGUAGE.search((inner.get("class") or "") if inner is not None else (element.get("class") or ""))
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{found[1] if found else ''}\n{text}\n{fence}"


_LINES = frozenset({"div", "p", "li", "tr"})
_NO_CODE = frozenset({"button", "script", "style"})


def _code_lines(element: lxml_html.HtmlElement) -> str:
    """What stands in an element of code; elements that are lines end them, whether or not a line end is written as well."""
    parts: list[str] = []
    ended = False  # a line, whose end is written before the next sign unless one follows by itself

    def add(text: str | None) -> None:
        nonlocal ended
        if text:
            parts.append(f"\n{text}" if ended and not text.startswith("\n") else text)
            ended = False

    walk = iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        if event == "start":
            if node.tag in _LINES and node is not element:
                ended = bool(parts) and not parts[-1].endswith("\n")
            if node.tag in _NO_CODE:
                walk.skip_subtree()
            else:
                add("\n" if node.tag == "br" else node.text)
        elif node is not element:
            ended |= event == "end" and node.tag in _LINES
            add(node.tail)
    return "".join(parts)
