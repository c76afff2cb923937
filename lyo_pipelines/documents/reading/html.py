"""HTML -> blocks, without what surrounds the text on a page (menus, banners, scripts). Markdown comes here as HTML, too.

The tree is walked in one loop, not by recursion, so that a page may be nested as deeply as the parser can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import html as lxml_html
from lxml.etree import ParserError, iterwalk  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module)

from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError, TextBlock
from lyo_pipelines.documents.reading.formulas import formula_of
from lyo_pipelines.documents.reading.html_groups import code_text, definitions, list_text, table_text
from lyo_pipelines.documents.reading.html_tags import BLOCKS, HEADINGS
from lyo_pipelines.documents.reading.page_parts import PageParts
from lyo_pipelines.documents.reading.raised_text import is_footnote_mark, lowered, raised
from lyo_pipelines.documents.reading.written_tags import with_relations

_SPACE = re.compile(r"[ \t\r\f\v]+")
_LINE = "\x1e"  # stands for <br> until white space is tidied
_DEEP = 40  # lists and tables in each other that are told with their marks; deeper ones are plain lines
_TREE_LIMIT = 2040  # libxml2 drops what lies 2,048 levels deep, and what follows it


@dataclass(frozen=True)
class Page:
    """Blocks of a page and what its head says of it."""

    blocks: list[TextBlock]
    about: DocumentMetadata


def read_html(text: str) -> Page:
    """Blocks of an HTML page. Raises RejectedError: damaged when it is none, too_deep when the parser would lose a part of it."""
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    if not text.strip():
        return Page([], DocumentMetadata())
    try:
        root = lxml_html.document_fromstring(with_relations(text), parser=lxml_html.HTMLParser(huge_tree=True))
    except (ParserError, ValueError) as error:
        raise RejectedError("damaged", str(error)[:120]) from None
    parts = PageParts(root)
    if parts.depth >= _TREE_LIMIT:
        raise RejectedError("too_deep", f"its elements stand {_TREE_LIMIT:,} deep in each other")
    about = _about(root)
    return Page([block for block in _Reader(parts).blocks(parts.content()) if block.text], about)


def _about(root: lxml_html.HtmlElement) -> DocumentMetadata:
    meta = {
        (one.get("name") or one.get("property") or "").lower(): (one.get("content") or "").strip()
        for one in root.iter("meta")
    }
    licences = [one.get("href", "") for one in root.iter("a", "link") if "license" in (one.get("rel") or "").split()]
    return DocumentMetadata(
        title=" ".join((root.findtext(".//title") or "").split()),
        language=(root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip(),
        licence=meta.get("license") or meta.get("dcterms.license") or next(iter(licences), ""),
        attribution=meta.get("author", ""),
    )


class _Loose:
    """Text between two blocks, as it is collected; powers and indices are told when they end."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._raised: list[tuple[str, int]] = []

    def add(self, text: str | None) -> None:
        if text:
            self._parts.append(text)

    def begin_raised(self, tag: str) -> None:
        self._raised.append((tag, len(self._parts)))

    def end_raised(self) -> None:
        if not self._raised:
            return
        tag, start = self._raised.pop()
        inside = " ".join("".join(self._parts[start:]).replace(_LINE, " ").split())
        before = self._parts[start - 1][-1:] if start else ""
        self._parts[start:] = [raised(inside, before) if tag == "sup" else lowered(inside)]

    def last_word(self) -> str:
        """What stands right before, back to the last space."""
        return "".join(self._parts[-3:])[-40:].rpartition(" ")[2]

    def block(self, level: int = 0) -> Iterator[TextBlock]:
        text = tidy("".join(self._parts))
        self._parts, self._raised = [], []
        if text:
            yield TextBlock(" ".join(text.split()) if level else text, level)


class _Reader:
    """Blocks of the elements of one page."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    def blocks(self, element: lxml_html.HtmlElement, depth: int = 0) -> Iterator[TextBlock]:
        """Blocks of what an element holds: text between two block elements is a paragraph of its own."""
        loose, level = _Loose(), 0
        left_out: lxml_html.HtmlElement | None = None
        walk = iterwalk(element, events=("start", "end", "comment", "pi"))
        for event, node in walk:
            if node is element:
                loose.add(node.text if event == "start" else None)
            elif event != "start":
                if event == "end" and node is not left_out:
                    if node.tag in {"sup", "sub"}:
                        loose.end_raised()
                    if self._is_block(node):
                        yield from loose.block(level)
                        level = 0 if node.tag in HEADINGS else level
                loose.add(node.tail)
            elif (told := self._told_inline(node, loose)) is not None:
                loose.add(told)
                left_out = node
                walk.skip_subtree()
            elif self._is_block(node):
                yield from loose.block(level)
                level = HEADINGS.get(node.tag, level)
                whole = None if level else self._group(node, depth)
                if whole is None:
                    loose.add(node.text)
                else:
                    yield from whole
                    left_out = node
                    walk.skip_subtree()
            else:
                if node.tag in {"sup", "sub"}:
                    loose.begin_raised(node.tag)
                loose.add(_LINE if node.tag == "br" else node.text)
        yield from loose.block(level)

    def _is_block(self, node: lxml_html.HtmlElement) -> bool:
        return node.tag in BLOCKS or node in self._parts.around_blocks

    def _told_inline(self, node: lxml_html.HtmlElement, loose: _Loose) -> str | None:
        """What stands for an element as a whole: a formula, or nothing for what is no text; None when its content is told."""
        formula = formula_of(node)
        if formula is not None:
            return f"{_LINE}{formula}{_LINE}" if formula.startswith("$$") else formula
        if self._parts.unwanted(node) or (node.tag == "sup" and is_footnote_mark(node, loose.last_word())):
            return ""
        return None

    def _group(self, node: lxml_html.HtmlElement, depth: int) -> list[TextBlock] | None:
        """A list, a table, definitions or code as a whole; None for any other element, and for those that stand too deep."""
        if node.tag == "pre":
            return [TextBlock(code_text(node))]
        if depth >= _DEEP or node.tag not in {"ul", "ol", "table", "dl"}:
            return None

        def inside(element: lxml_html.HtmlElement) -> list[TextBlock]:
            return [] if self._parts.unwanted(element) else list(self.blocks(element, depth + 1))

        if node.tag == "dl":
            return list(definitions(node, inside))
        if node.tag == "table":
            return None if node in self._parts.layout_tables else [TextBlock(table_text(node, inside))]
        return [TextBlock(list_text(node, inside))]


def tidy(text: str) -> str:
    """White space as a browser shows it: runs are one space, <br> (and Unicode's own line ends) are new lines."""
    text = _SPACE.sub(" ", re.sub("[\u2028\u2029]", _LINE, text.replace("\n", " ")))
    return re.sub(rf" ?(?:{_LINE} ?)+", "\n", text).strip()
