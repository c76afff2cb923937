"""HTML -> blocks, without what surrounds the text on a page (menus, banners, scripts). Markdown comes here as HTML, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import html as lxml_html
from lxml.etree import ParserError  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module)

from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError, TextBlock

_DROPPED = frozenset(
    ("script", "style", "noscript", "template", "svg", "iframe", "object", "form", "button", "select", "input", "textarea", "nav",
     "aside", "dialog", "img", "picture", "video", "audio", "canvas", "head", "map")
)  # fmt: skip
_AROUND = frozenset({"header", "footer"})  # of the page; those of an article are part of it
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
     "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary",
     "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul")
)  # fmt: skip
_BOILERPLATE = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|breadcrumbs?|sidebar|share|social|comments?|advert|ads?|menu|navbar|newsletter|popup|promo"
    r"|related|skip-link|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
_SPACE = re.compile(r"[ \t\r\f\v]+")
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_LINE = "\x1e"  # stands for <br> until white space is tidied
_DEEP = 200


@dataclass(frozen=True)
class Page:
    """Blocks of a page and what its head says of it."""

    blocks: list[TextBlock]
    about: DocumentMetadata


def read_html(text: str) -> Page:
    """Blocks of an HTML page. Raises RejectedError("damaged") when it is none."""
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    if not text.strip():
        return Page([], DocumentMetadata())
    try:
        root = lxml_html.document_fromstring(text)
    except (ParserError, ValueError) as error:
        raise RejectedError("damaged", str(error)[:120]) from None
    about = _about(root)
    blocks = [block for block in _walk(_content(root), 0) if block.text]
    return Page(blocks, about)


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


def _content(root: lxml_html.HtmlElement) -> lxml_html.HtmlElement:
    """The main part of the page where it names one, else its body."""
    body = root.find("body")
    body = root if body is None else body
    named = [one for one in body.iter("main", "article") if not _unwanted(one)]
    named += [one for one in body.iter() if one.get("role") == "main"]
    if not named:
        return body
    largest = max(named, key=lambda one: len(one.text_content()))
    # several articles of one page belong together, so only a part that holds most of the text stands for all
    return largest if 2 * len(largest.text_content()) > len(body.text_content()) else body


def _unwanted(element: lxml_html.HtmlElement) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in _DROPPED or element.get("hidden") is not None:
        return True
    if element.get("aria-hidden") == "true" or element.get("role") in {"navigation", "banner", "contentinfo", "search"}:
        return True
    if tag in _AROUND and not any(True for _ in element.iterancestors("article", "main", "section")):
        return True
    return tag not in {"body", "html", "main", "article"} and bool(
        _BOILERPLATE.search(f"{element.get('class') or ''} {element.get('id') or ''}".strip())
    )


def _walk(element: lxml_html.HtmlElement, depth: int) -> Iterator[TextBlock]:
    """Blocks below an element: text between two block elements is a paragraph of its own."""
    loose: list[str] = [element.text or ""]
    for child in element:
        if _unwanted(child):
            pass
        elif child.tag in _BLOCKS or (depth < _DEEP and _holds_blocks(child)):
            yield TextBlock(tidy("".join(loose)))
            loose = []
            yield from _block(child, depth)
        else:
            loose.append(inline(child))
        loose.append(child.tail or "")
    yield TextBlock(tidy("".join(loose)))


def _holds_blocks(element: lxml_html.HtmlElement) -> bool:
    return any(isinstance(one.tag, str) and one.tag in _BLOCKS for one in element.iterdescendants())


def _block(element: lxml_html.HtmlElement, depth: int) -> Iterator[TextBlock]:
    tag = str(element.tag)
    if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
        yield TextBlock(" ".join(tidy(inline(element, inside=True)).split()), level=int(tag[1]))
    elif tag == "pre":
        yield TextBlock(_code(element))
    elif tag in {"ul", "ol"} or tag == "table":
        yield TextBlock("\n".join(_rows(element) if tag == "table" else _items(element, 0)))
    elif tag == "dl":
        yield from _definitions(element)
    elif depth > _DEEP:
        yield TextBlock(tidy(element.text_content()))
    else:
        yield from _walk(element, depth + 1)


def _items(element: lxml_html.HtmlElement, level: int) -> Iterator[str]:
    """Lines of a list, nested ones indented."""
    start = element.get("start") or "1"
    number = int(start) if start.isdigit() else 1
    for item in element:
        if item.tag in {"ul", "ol"}:
            yield from _items(item, level + 1)
        elif not _unwanted(item):
            mark = f"{number}." if element.tag == "ol" else "-"
            number += 1
            nested = [one for one in item if one.tag in {"ul", "ol"}]
            own = tidy(inline(item, inside=True, without=nested)).replace("\n", " ")
            if own:
                yield f"{'  ' * level}{mark} {own}"
            for one in nested if level < _DEEP else ():
                yield from _items(one, level + 1)


def _rows(table: lxml_html.HtmlElement) -> Iterator[str]:
    for row in table.iter("tr"):
        cells = [" ".join(tidy(inline(cell, inside=True)).split()) for cell in row if cell.tag in {"td", "th"}]
        if any(cells):
            yield " | ".join(cells)


def _definitions(element: lxml_html.HtmlElement) -> Iterator[TextBlock]:
    term = ""
    for child in element.iter("dt", "dd"):
        text = " ".join(tidy(inline(child, inside=True)).split())
        if child.tag == "dt":
            term = text
        elif text:
            yield TextBlock(f"{term}: {text}" if term else text, term=term)


def _code(element: lxml_html.HtmlElement) -> str:
    text = element.text_content().strip("\n")
    inner = element.find("code")
    found = re.search(r"language-(\w+)", (inner.get("class") or "") if inner is not None else "")
    return f"```{found[1] if found else ''}\n{text}\n```" if text.strip() else ""


def inline(
    element: lxml_html.HtmlElement, *, inside: bool = False, without: list[lxml_html.HtmlElement] | None = None
) -> str:
    """Text of an element with its line breaks, powers and indices; `inside`: a block's own content, so nested blocks are lines."""
    tag = element.tag
    if tag == "br":
        return _LINE
    if not inside and tag in {"sup", "sub"}:
        text = " ".join(element.text_content().split())
        if element.find(".//a") is not None:
            return ""  # the mark of a footnote
        table, sign = (_RAISED, "^") if tag == "sup" else (_LOWERED, "_")
        changed = text.translate(table)
        return changed if text and all(ord(one) in table for one in text) else f"{sign}({text})" if text else ""
    parts = [element.text or ""]
    for child in element:
        if not _unwanted(child) and child not in (without or []):
            said = inline(child, without=without)
            parts.append(f"{_LINE}{said}{_LINE}" if child.tag in _BLOCKS else said)
        parts.append(child.tail or "")
    return "".join(parts)


def tidy(text: str) -> str:
    """White space as a browser shows it: runs are one space, <br> (and Unicode's own line ends) are new lines."""
    text = _SPACE.sub(" ", re.sub("[\u2028\u2029]", _LINE, text.replace("\n", " ")))
    return re.sub(rf" ?(?:{_LINE} ?)+", "\n", text).strip()
