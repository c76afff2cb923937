"""Which `<…>` in a text are tags of HTML. "p<q and q>r" is none, though CommonMark takes it for the tag <q> with two attributes."""

from __future__ import annotations

import re
from bisect import bisect_left

from lxml.html import defs
from markdown_it.common.html_re import attr_name, attr_value

from lyo_pipelines.documents.reading.html_tags import BLOCKS

_NAMES = (frozenset(defs.tags) - {"plaintext"}) | frozenset(
    ("math", "semantics", "annotation", "annotation-xml", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac",
     "msqrt", "mroot", "mstyle", "merror", "mpadded", "mphantom", "mfenced", "menclose", "msub", "msup", "msubsup", "munder",
     "mover", "munderover", "mmultiscripts", "mprescripts", "none", "mtable", "mtr", "mtd", "mlabeledtr", "maction", "main",
     "section", "article", "aside", "header", "footer", "nav", "figure", "figcaption", "details", "summary", "mark", "time",
     "ruby", "rt", "rp", "wbr", "video", "audio", "source", "picture", "svg", "g", "path", "template", "dialog", "bdi",
     "data", "output", "progress", "meter", "slot")
)  # fmt: skip
_BARE_ATTRIBUTES = frozenset(
    ("hidden", "open", "checked", "disabled", "selected", "controls", "autoplay", "loop", "muted", "required", "readonly",
     "multiple", "reversed", "allowfullscreen", "async", "defer", "nowrap", "noshade", "compact", "itemscope", "download")
)  # fmt: skip
_LETTERS = frozenset("abiqpsu")  # elements that are called like a variable
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<attributes>(?:\s(?:[^<>"']|"[^"]*"|'[^']*')*)?/?)>"""
)
_ATTRIBUTE = re.compile(rf"\s+(?P<name>{attr_name})(?:\s*=\s*(?P<value>{attr_value}))?")
_RAW = frozenset({"script", "style", "textarea", "title", "iframe", "xmp"})  # no tag is read inside
_VOID = frozenset(defs.empty_tags)
_ANY = re.compile(
    rf"(?P<comment><!--)|<(?P<raw>{'|'.join(sorted(_RAW))})(?=[\s>])|<(?P<rest>[!?/A-Za-z])", re.IGNORECASE
)


class Tags:
    """The tags of one text. Each question costs little: where a name is closed last is looked up once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lower = text.lower()
        self._last: dict[str, int] = {}
        self._halves: dict[str, list[tuple[int, str]]] = {}

    def is_tag(self, start: int, end: int, *, begins_block: bool = False) -> bool:
        """Whether [start, end), which looks like a tag or a comment, is one.

        Within a line a tag needs its other half in the same text, so that "the <title> element" stays. A name of one letter needs it
        as the next tag of its name, unless it begins a block (<p>).
        """
        if self._text.startswith("<!--", start):
            return True
        found = _TAG.fullmatch(self._text, start, end)
        if not found or found["name"].lower() not in _NAMES or not _attributes(found["attributes"]):
            return False
        name = found["name"].lower()
        whole = name in _VOID or (begins_block and (name not in _LETTERS or name == "p"))
        if whole or (name in _LETTERS and "=" in found["attributes"]):
            return True
        if name not in _LETTERS:
            return self._has_other_half(name, start, closes=bool(found["close"]))
        halves = self._halves_of(name)
        place = bisect_left(halves, (start, ""))
        other = place - 1 if found["close"] else place + 1
        return 0 <= other < len(halves) and halves[other][1] == ("" if found["close"] else "/")

    def _has_other_half(self, name: str, start: int, *, closes: bool) -> bool:
        if not closes:
            return self._is_closed_behind(f"</{name}", start)
        halves = self._halves_of(name)
        # a block may have begun in an earlier part of the text
        return name in BLOCKS or (bool(halves) and halves[0][0] < start and not halves[0][1])

    def _halves_of(self, name: str) -> list[tuple[int, str]]:
        """Where a name stands as a tag, and whether it closes ("/") or opens ("") there."""
        if name not in self._halves:
            found = re.finditer(rf"<(/?){name}(?=[\s>/])", self._lower)
            self._halves[name] = [(one.start(), one[1]) for one in found]
        return self._halves[name]

    def _is_closed_behind(self, closing: str, start: int) -> bool:
        if closing not in self._last:
            self._last[closing] = self._lower.rfind(closing)
        return self._last[closing] >= start

    def escaped(self) -> str:
        """The text (a block of HTML) with every `<` that begins no tag written as `&lt;`."""
        pieces, position = [], 0
        while found := _ANY.search(self._text, position):
            start = found.start()
            end = self._end(found)
            pieces.append(self._text[position:start])
            pieces.append(self._text[start:end] if end else "&lt;")
            position = end or start + 1
        return "".join([*pieces, self._text[position:]])

    def _end(self, found: re.Match[str]) -> int:
        """Where the tag, comment or raw element that begins here ends; 0 when it is none."""
        start = found.start()
        if found["comment"] or found["raw"]:
            closing = "-->" if found["comment"] else f"</{found['raw'].lower()}"
            if not self._is_closed_behind(closing, start):
                return 0
            stop = self._lower.index(closing, start)
            return stop + 3 if found["comment"] else self._text.find(">", stop) + 1
        tag = _TAG.match(self._text, start)
        return tag.end() if tag and self.is_tag(start, tag.end(), begins_block=True) else 0


_RELATION = re.compile(r"<(?P<name>[A-Za-z])(?![\w:-])(?P<rest>[^<>]*)(?P<end>>?)")


def with_relations(page: str) -> str:
    """An HTML page whose "a < b and b > c" are written as such: a parser takes `<b and b>` for a tag and drops it.

    Looked at are names of one letter only, and they are tags where an attribute has a value or nothing but the name stands.
    """

    def written(found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"]
        if "=" in rest:
            return found.group()
        words = rest.rstrip("/").split()
        is_tag = found["end"] and name.lower() in _LETTERS and (not rest or rest[0] in " \n\t/")
        return (
            found.group()
            if is_tag and all(one.lower() in _BARE_ATTRIBUTES for one in words)
            else f"&lt;{found.group()[1:]}"
        )

    return _RELATION.sub(written, page)


def _attributes(text: str) -> bool:
    """Whether the inside of a tag is attributes: names with values, or names that HTML knows to stand alone."""
    text = text.rstrip().removesuffix("/").rstrip()
    position = 0
    while position < len(text):
        found = _ATTRIBUTE.match(text, position)
        if not found or (found["value"] is None and found["name"].lower() not in _BARE_ATTRIBUTES):
            return False
        position = found.end()
    return True
