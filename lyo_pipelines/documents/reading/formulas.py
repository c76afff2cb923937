"""Formulas on a web page -> TeX between dollar signs, each told once.

A page shows one formula several times: for eyes, for screen readers, as source. Told is the source where there is one (an annotation
of MathML, the script of MathJax 2), else MathML. Shapes: MathML, KaTeX, MathJax 2 to 4, Wikipedia, pictures with TeX as their text.
"""

from __future__ import annotations

import re
from collections.abc import Set
from html import unescape

from lxml import html as lxml_html
from lxml.etree import ParserError  # pyright: ignore[reportAttributeAccessIssue]  (a compiled module)

from lyo_pipelines.documents.reading.mathml import local_name, tex_of

_DISPLAY_STYLE = re.compile(r"\\(?:display|text)style\b\s*")
_DELIMITED = re.compile(r"\A(?:\$\$?|\\[(\[])\s*(?P<tex>.*?)\s*(?:\$\$?|\\[)\]])\Z", re.DOTALL)
_PICTURE = re.compile(
    r"\b(?:tex|latex|math|equation|formula|mwe-math-fallback-image-\w+)\b|latex|mathjax|[/.](?:latex|mathtex|mimetex|tex)\b",
    re.IGNORECASE,
)
_TEX_SIGNS = re.compile(r"\\[A-Za-z]+|[\^_{}=]")
_SURELY_TEX = re.compile(
    r"\\(?:[dt]?frac|sqrt|sum|int|lim|pi|theta|alpha|beta|times|cdot|left|vec|begin)\b|[\w)}]\^[\w{(+-][^\n]{0,80}=|=[^\n]{0,80}[\w)}]\^[\w{(]"
)
_SOURCES = ("data-tex", "data-latex", "data-equation", "data-katex")  # of MathJax 3 and 4, editors
_PREVIEW = "MathJax_Preview"
_MATHJAX = frozenset(
    ("MathJax", "MathJax_Display", "MathJax_SVG", "MathJax_SVG_Display", "MathJax_CHTML", "MathJax_CHTML_Display",
     "MathJax_MathML", "MJXc-display", "mjx-chtml")
)  # fmt: skip


def formula_of(element: lxml_html.HtmlElement) -> str | None:
    """The formula that an element shows, "" for one that is told elsewhere, None when the element is no formula."""
    if not isinstance(element.tag, str):
        return None
    name = local_name(element)
    if read := _BY_NAME.get(name):
        return read(element)
    names = set((element.get("class") or "").split())
    if source := _source(element, names):
        return _delimited(source, display="isplay" in f"{element.get('class')} {element.get('display')}")
    if names & {"katex", "mwe-math-element"}:
        told = _of_mathml_inside(element)
        # KaTeX without MathML hides what it shows from screen readers, so it would be lost
        return " ".join("".join(element.itertext()).split()) if told is None and "katex" in names else told
    if names & _MATHJAX or _PREVIEW in names:
        return _of_mathjax(element, preview=_PREVIEW in names)
    return None


def _delimited(tex: str, *, display: bool) -> str:
    """TeX between its signs; an empty formula is nothing."""
    tex = tex.strip()
    if found := _DELIMITED.match(tex):
        tex = found["tex"]
    tex = _undressed(tex)
    return f"$${tex}$$" if tex and display else f"${tex}$" if tex else ""


def _undressed(tex: str) -> str:
    """Without `{\\displaystyle …}` around all of it, as Wikipedia writes it."""
    if tex.startswith("{\\displaystyle") and tex.endswith("}"):
        tex = tex[1:-1]
    return _DISPLAY_STYLE.sub("", tex, count=1).strip() if tex.startswith(("\\displaystyle", "\\textstyle")) else tex


def _of_script(element: lxml_html.HtmlElement) -> str | None:
    kind, _, options = (element.get("type") or "").lower().partition(";")
    kind, text = (
        kind.strip(),
        unescape(element.text or "").strip().removeprefix("% <![CDATA[").removesuffix("%]]>").strip(),
    )
    display = "display" in options
    if kind in {"math/tex", "math/latex", "text/x-mathjax-tex"}:
        return _delimited(text, display=display)
    if kind == "math/mml":
        return _parsed(text, display=display)
    return text if kind == "math/asciimath" else None


def _parsed(text: str, *, display: bool) -> str:
    try:
        math = lxml_html.fragment_fromstring(text, create_parent=True)
    except (ParserError, ValueError):
        return ""
    return _delimited(tex_of(math), display=display)


def _of_picture(element: lxml_html.HtmlElement) -> str | None:
    """A picture of a formula, told by its alternative text; the copy that stands beside MathML is told there."""
    told = (element.get("alt") or "").strip()
    named = f"{element.get('class') or ''} {element.get('src') or ''}"
    is_named = _PICTURE.search(named) and (_TEX_SIGNS.search(told) or len(told) <= 2)
    if not told or not (is_named or _SURELY_TEX.search(told)):
        return None
    return _delimited(told, display="display" in (element.get("class") or ""))


def _of_mathml_inside(element: lxml_html.HtmlElement) -> str | None:
    """The MathML within; without it the element is read as any other."""
    math = next(
        (one for one in element.iterdescendants() if isinstance(one.tag, str) and local_name(one) == "math"), None
    )
    if math is None:
        return None
    display = math.get("display") == "block" or element.get("display") == "true"
    above = element.getparent()
    display |= above is not None and "katex-display" in (above.get("class") or "").split()
    return _delimited(tex_of(math), display=display)


def _of_mathjax(element: lxml_html.HtmlElement, *, preview: bool) -> str | None:
    """What MathJax 2 put beside its script: the script tells it, unless the page was saved without."""
    after = element.getnext()
    if after is not None and set((after.get("class") or "").split()) & _MATHJAX:
        if preview:
            return ""
        after = after.getnext()
    if after is not None and after.tag == "script" and (after.get("type") or "").lower().startswith("math/"):
        return ""
    if preview:
        return None
    told = _of_mathml_inside(element)
    source = element.get("data-mathml")
    if told is None and source:
        return _parsed(source, display="isplay" in (element.get("class") or ""))
    return told


def _source(element: lxml_html.HtmlElement, names: Set[str]) -> str:
    """The TeX that an element carries in an attribute."""
    carried = next((element.get(name) for name in _SOURCES if element.get(name)), None)
    return (carried or (element.get("data-value") if "ql-formula" in names else "") or "").strip()


def _of_container(element: lxml_html.HtmlElement) -> str | None:
    """A formula of MathJax 3 and 4: its MathML for screen readers, else the source that it or its first part carries."""
    told = _of_mathml_inside(element)
    if told is not None:
        return told
    for one in element.iter():
        if isinstance(one.tag, str) and (source := _source(one, set())):
            return _delimited(source, display=element.get("display") == "true")
    return None


def _of_mathml(element: lxml_html.HtmlElement) -> str:
    return _delimited(tex_of(element), display=element.get("display") == "block" or element.get("mode") == "display")


_BY_NAME = {"math": _of_mathml, "script": _of_script, "img": _of_picture, "mjx-container": _of_container}
