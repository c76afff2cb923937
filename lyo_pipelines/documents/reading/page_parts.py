"""Which parts of a page are text and which surround it: measured once, in one walk over the tree.

A name alone never drops a part that is written in sentences: `share-capital` and `related-rates` are lessons. What a name makes
doubtful is judged by how much of its text stands in links (link density: Kohlschütter, Fankhauser and Nejdl, "Boilerplate Detection
using Shallow Text Features", 2010).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import html as lxml_html
from lxml.etree import iterwalk  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module)

from lyo_pipelines.documents.reading.html_tags import BLOCKS, DROPPED, HEADINGS

_ROLES = frozenset({"navigation", "banner", "contentinfo", "search"})
_AROUND = frozenset({"header", "footer"})  # of the page; those of an article are part of it
_WITHIN = frozenset({"article", "main", "section"})
_NOT_TEXT = frozenset({"script", "style", "noscript", "template", "head"})
_CHOICES = frozenset({"radio", "checkbox"})
# what a part may be about, and what makes it furniture of the page
_TOPICS = frozenset(
    ("cookie", "cookies", "consent", "share", "sharing", "social", "newsletter", "breadcrumb", "breadcrumbs", "related",
     "comment", "comments", "ad", "ads", "advert", "advertisement", "promo", "popup", "sidebar", "menu", "navbar", "skip",
     "toc")
)  # fmt: skip
_FURNITURE = frozenset(
    ("banner", "bar", "button", "buttons", "icons", "widget", "popup", "modal", "signup", "toolbar", "toggle", "slot",
     "overlay", "notice")
)  # fmt: skip
_SURELY = frozenset(
    ("breadcrumb", "breadcrumbs", "navbar", "skip-link", "adsbygoogle", "comments-area", "comment-list", "comment-respond",
     "disqus_thread", "related-posts", "mw-editsection", "mw-jump-link", "navbox", "catlinks", "headerlink",
     "anchorjs-link", "linenos")
)  # fmt: skip
_SEPARATORS = re.compile(r"[_-]+")
_PROSE = 200  # characters outside of links that make a form or an aside a part of the lesson
_NOTE = 30  # characters of the shortest note beside the text
_NAMED_DENSITY, _PART_DENSITY = 0.5, 0.75
_LARGEST = 0.5  # nothing that holds this much of a page surrounds it


@dataclass
class _Measure:
    """Characters of an element, those in links, and the boxes to tick in it."""

    characters: int = 0
    linked: int = 0
    choices: int = 0

    def less(self, other: _Measure) -> _Measure:
        return _Measure(self.characters - other.characters, self.linked - other.linked, self.choices - other.choices)


class PageParts:
    """What a page consists of.

    depth: of its deepest element. around_blocks: elements that hold a block. layout_tables: those that hold a table, headings or code.
    """

    def __init__(self, root: lxml_html.HtmlElement) -> None:
        self.depth = 0
        self.around_blocks: set[lxml_html.HtmlElement] = set()
        self.layout_tables: set[lxml_html.HtmlElement] = set()
        self._measures: dict[lxml_html.HtmlElement, _Measure] = {}
        self._within: set[lxml_html.HtmlElement] = set()
        body = root.find("body")
        self._body = root if body is None else body
        self._survey(root)

    def _survey(self, root: lxml_html.HtmlElement) -> None:
        path: list[lxml_html.HtmlElement] = []
        tables: list[lxml_html.HtmlElement] = []
        begun: list[_Measure] = []
        so_far, links, parts = _Measure(), 0, 0
        for event, node in iterwalk(root, events=("start", "end")):
            tag = node.tag
            if event == "start":
                path.append(node)
                begun.append(_Measure(so_far.characters, so_far.linked, so_far.choices))
                self.depth = max(self.depth, len(path))
                if tag in BLOCKS:
                    self._mark(path, tables, tag)
                if tag == "table":
                    tables.append(node)
                if parts:
                    self._within.add(node)
                links += tag == "a"
                parts += tag in _WITHIN
                so_far.choices += tag == "input" and (node.get("type") or "").lower() in _CHOICES
                size = len((node.text or "").strip()) if tag not in _NOT_TEXT else 0
                so_far.characters += size
                so_far.linked += size if links else 0
            else:
                path.pop()
                if tag == "table":
                    tables.pop()
                measure = so_far.less(begun.pop())
                links -= tag == "a"
                parts -= tag in _WITHIN
                if (
                    tag in {"form", "aside", "main", "article", "body"}
                    or node.get("class")
                    or node.get("id")
                    or node.get("role")
                ):
                    self._measures[node] = measure
                tail = len((node.tail or "").strip())
                so_far.characters += tail
                so_far.linked += tail if links else 0
        self._measures.setdefault(self._body, so_far)

    def _mark(self, path: list[lxml_html.HtmlElement], tables: list[lxml_html.HtmlElement], tag: str) -> None:
        """Note a block at the elements above it, up to the first that knows."""
        for above in reversed(path[:-1]):
            if above in self.around_blocks:
                break
            self.around_blocks.add(above)
        if tag in {"table", "pre"} or tag in HEADINGS:
            for above in reversed(tables):
                if above in self.layout_tables:
                    break
                self.layout_tables.add(above)

    def content(self) -> lxml_html.HtmlElement:
        """The main part of the page where it names one that holds most of the text, else its body.

        Several articles of one page belong together, so none of them stands for all.
        """
        whole = self._measures[self._body].characters
        named = [
            (measure.characters, node)
            for node, measure in self._measures.items()
            if (node.tag in {"main", "article"} or node.get("role") == "main") and not self.unwanted(node)
        ]
        size, largest = max(named, key=lambda one: one[0], default=(0, self._body))
        beside = [node for _, node in named if node.tag == "article" and not self._holds(largest, node)]
        if largest.tag == "article" and any(self._mostly_said(node) for node in beside):
            return self._body
        return largest if 2 * size > whole else self._body

    @staticmethod
    def _holds(outer: lxml_html.HtmlElement, inner: lxml_html.HtmlElement) -> bool:
        return inner is outer or any(above is outer for above in inner.iterancestors())

    def _mostly_said(self, element: lxml_html.HtmlElement) -> bool:
        """Whether more than half of an element's text stands outside of links."""
        measure = self._measures[element]
        return 2 * measure.linked < measure.characters

    def unwanted(self, element: lxml_html.HtmlElement) -> bool:
        """Whether an element is no text of the page: it is hidden, it is a control, or it surrounds the text."""
        tag = element.tag
        if not isinstance(tag, str) or tag in DROPPED or element.get("hidden") is not None:
            return True
        if element.get("aria-hidden") == "true" or element.get("role") in _ROLES:
            return True
        if tag in _AROUND and element not in self._within:
            return True
        if tag == "form":
            return not (self._prose(element) or self._measures[element].choices)
        if tag == "aside":
            said = self._prose(element) or (self._is_note(element) and not self._surrounds(element))
            return not (element in self._within and said)
        return tag not in {"body", "html", "main", "article"} and self._surrounds(element)

    def _is_note(self, element: lxml_html.HtmlElement) -> bool:
        """Whether an aside says a sentence, not a word such as "Advert"."""
        return self._mostly_said(element) and self._measures[element].characters >= _NOTE

    def _prose(self, element: lxml_html.HtmlElement) -> bool:
        measure = self._measures[element]
        return measure.characters - measure.linked >= _PROSE

    def _surrounds(self, element: lxml_html.HtmlElement) -> bool:
        names = f"{element.get('class') or ''} {element.get('id') or ''}".lower().split()
        measure = self._measures.get(element, _Measure())
        whole = self._measures[self._body].characters
        if not names or measure.characters > _LARGEST * whole:
            return False
        density = measure.linked / measure.characters if measure.characters else 1.0
        for name in names:
            parts = set(_SEPARATORS.split(name))
            if name in _SURELY or (parts & _TOPICS and parts & _FURNITURE):
                return True
            if (name in _TOPICS and density >= _NAMED_DENSITY) or (parts & _TOPICS and density >= _PART_DENSITY):
                return True
        return False
