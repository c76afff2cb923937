"""Powers and indices of a page as signs of Unicode, and which raised links are marks of footnotes."""

from __future__ import annotations

import re

from lxml import html as lxml_html

_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_NOT_RAISED = re.compile(r"[®™©*†‡§¶]+")
_NOTE_NAMES = re.compile(
    r"(?:^|[\s#_-])(?:(?:cite|foot|end)[\w-]*|fn|ftn|note|ref)(?:ref)?s?(?=$|[\s\d_:.-])", re.IGNORECASE
)
_NOTE_SIGN = re.compile(r"\[.{1,12}\]|[*†‡§¶]+|\(?[a-z]\)", re.IGNORECASE)
_QUANTITY = re.compile(r"(?:^|[^\w.])[^\W\d_]$|\d$|[)\]}]$")


def raised(text: str, before: str = "") -> str:
    """A power: x², 10⁻³, e^(2x); 5th and ® stay as they are. before: the sign it follows."""
    if not text or _NOT_RAISED.fullmatch(text) or (text.lower() in _ORDINALS and before.isdigit()):
        return text
    return text.translate(_RAISED) if all(ord(one) in _RAISED for one in text) else f"^({text})"


def lowered(text: str) -> str:
    """An index: H₂O, a_(ij)."""
    if not text:
        return ""
    return text.translate(_LOWERED) if all(ord(one) in _LOWERED for one in text) else f"_({text})"


def is_footnote_mark(element: lxml_html.HtmlElement, before: str) -> bool:
    """Whether raised text with a link in it points to a note. before: the word that it follows.

    A link that does not say so is a power behind a figure, a bracket or a single letter (2³, x²) and a note behind a word.
    """
    link = element if element.tag == "a" else element.find(".//a")
    if link is None:
        return False
    text = " ".join("".join(element.itertext()).split())
    target = link.get("href") or ""
    said = [
        element.get("class"),
        element.get("id"),
        link.get("class"),
        link.get("id"),
        link.get("rel"),
        link.get("role"),
    ]
    named = " ".join(filter(None, [*said, target.partition("#")[2]]))
    if "noteref" in named or _NOTE_NAMES.search(named) or _NOTE_SIGN.fullmatch(text):
        return True
    return not _QUANTITY.search(before) and not any(sign.isalpha() or sign in "+-−=" for sign in text)
