"""MathML -> TeX that a person reads. Presentation MathML 3 (W3C Recommendation, chapter 3); an annotation in TeX goes before it.

Letters stay as they are (α, ∑, ≤): a model reads Unicode as well as a command.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

_DEEP = 60  # below, the plain text is told
_INVISIBLE = str.maketrans(
    {"\u2061": " ", "\u2062": " ", "\u2063": " ", "\u2064": " ", "\u200b": "", "\xa0": " ", "\u2212": "-"}
)
_ESCAPED = str.maketrans({"{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "\\": r"\backslash "})
_FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "arcsin", "arccos", "arctan", "log", "ln",
     "lg", "exp", "lim", "liminf", "limsup", "max", "min", "sup", "inf", "det", "dim", "ker", "deg", "gcd", "arg", "hom",
     "Pr")
)  # fmt: skip
_ACCENTS = {
    "^": "hat", "ˆ": "hat", "¯": "bar", "‾": "bar", "―": "bar", "_": "bar",
    "→": "vec", "⃗": "vec", "~": "tilde", "˜": "tilde", "∼": "tilde",
    "˙": "dot", ".": "dot", "¨": "ddot", "⏞": "overbrace",
}  # fmt: skip
_SPACED = frozenset("=<>≤≥≠≈≡→⇒⇔∈⊂⊆∪∩+-±×÷·")
_FENCES = {"radical": r"\sqrt", "box": r"\boxed", "roundedbox": r"\boxed", "top": r"\overline", "bottom": r"\underline"}
_COMMAND_END = re.compile(r"\\[A-Za-z]+$")


def local_name(element: Any) -> str:
    """The name of an element without a prefix or namespace (`m:math`)."""
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower()


def tex_of(element: Any, depth: int = 0) -> str:
    """TeX of a MathML element (of lxml) and of what it holds."""
    name = local_name(element)
    parts = [one for one in element if isinstance(one.tag, str)]
    if depth > _DEEP:
        result = _signs("".join(element.itertext()))
    elif name == "math" and (source := element.get("data-latex")):
        result = source.strip()
    elif name in _LEAVES:
        result = _leaf(name, element)
    elif name in _SCRIPTED and len(parts) > 1:
        result = _SCRIPTED[name](parts, depth)
    elif name in _GROUPS:
        result = _GROUPS[name](element, parts, depth)
    else:
        result = "" if name in _SILENT else _row(element, parts, depth)
    return result


_SILENT = frozenset({"mphantom", "annotation", "annotation-xml", "mprescripts", "none", "script"})
_LEAVES = frozenset({"mi", "mn", "mo", "ms", "mtext", "ci", "cn"})


def _signs(text: str) -> str:
    return " ".join(text.translate(_INVISIBLE).split()).translate(_ESCAPED)


def _leaf(name: str, element: Any) -> str:
    text = "".join(element.itertext())
    if name in {"mtext", "ms"}:
        said = " ".join(text.replace("\xa0", " ").split())
        spaced = f"{' ' if text[:1].isspace() else ''}{said}{' ' if text[-1:].isspace() else ''}"
        return f"\\text{{{spaced}}}" if said else " "
    said = _signs(text)
    if name in {"mi", "mo"} and said in _FUNCTIONS:
        return f"\\{said}"
    if name == "mi" and len(said) > 1 and said.isalpha() and said.isascii():
        return f"\\mathrm{{{said}}}"
    return said


def _row(element: Any, parts: list[Any], depth: int) -> str:
    """What stands beside each other. Text right in a row, where none should be, is told as well."""
    told = [(tex_of(one, depth + 1), one) for one in parts]
    result = _signs(element.text or "")
    for place, (said, one) in enumerate(told):
        infix = local_name(one) == "mo" and said in _SPACED and 0 < place < len(told) - 1
        operator_before = (
            place > 0 and local_name(parts[place - 1]) == "mo" and told[place - 1][0] not in {")", "]", "|"}
        )
        piece = f" {said} " if infix and not operator_before and result.strip() else said
        result = _joined(result, piece)
        if one.tail and one.tail.strip():
            result = _joined(result, _signs(one.tail))
    return re.sub(r" {2,}", " ", result)


def _joined(before: str, after: str) -> str:
    """Two pieces; a space keeps a command from the letter behind it, and a number from the one behind it."""
    command = after[:1].isalpha() and after[:1].isascii() and _COMMAND_END.search(before[-20:])
    numbers = after[:1].isdigit() and before[-1:].isdigit()
    return f"{before} {after}" if command or numbers else before + after


def _group(element: Any, depth: int) -> str:
    """One argument, without spaces around it."""
    return tex_of(element, depth + 1).strip()


def _base(element: Any, depth: int) -> str:
    """What carries a power or an index: in braces unless it is one sign, one number, one command or stands in brackets."""
    said = _group(element, depth)
    plain = len(said) <= 1 or said.isdigit() or re.fullmatch(r"\\[A-Za-z]+(?:\{[^{}]*\})?", said)
    bracketed = said[0:1] == "(" and said[-1:] == ")" and "(" not in said[1:] and ")" not in said[:-1]
    return said if plain or bracketed else f"{{{said}}}"


def _argument(said: str) -> str:
    return said if len(said) == 1 else f"{{{said}}}"


def _script(sign: str, element: Any, depth: int) -> str:
    said = _group(element, depth)
    if sign == "^" and said and all(one in "'′″‴" for one in said):
        return said
    return f"{sign}{_argument(said)}" if said else ""


def _fraction(parts: list[Any], depth: int) -> str:
    above, below = _group(parts[0], depth), _group(parts[1], depth)
    thickness = (parts[0].getparent().get("linethickness") or "").strip()
    if thickness and re.fullmatch(r"0+(?:\.0+)?[a-z%]*", thickness):
        return f"{{{above} \\atop {below}}}"
    return f"\\frac{{{above}}}{{{below}}}"


def _over(parts: list[Any], depth: int) -> str:
    base, over = _group(parts[0], depth), _group(parts[1], depth)
    if local_name(parts[1]) == "mo" and (accent := _ACCENTS.get(over)):
        return f"\\overline{{{base}}}" if accent == "bar" and len(base) > 1 else f"\\{accent}{{{base}}}"
    return f"{_base(parts[0], depth)}^{_argument(over)}" if over else base


def _under(parts: list[Any], depth: int) -> str:
    base, under = _group(parts[0], depth), _group(parts[1], depth)
    if local_name(parts[1]) == "mo" and _ACCENTS.get(under) == "bar":
        return f"\\underline{{{base}}}"
    return f"{_base(parts[0], depth)}_{_argument(under)}" if under else base


def _both(parts: list[Any], depth: int) -> str:
    over = _script("^", parts[2], depth) if len(parts) > 2 else ""
    return f"{_base(parts[0], depth)}{_script('_', parts[1], depth)}{over}"


def _multiple(parts: list[Any], depth: int) -> str:
    """Indices and powers by turns, those before the base behind <mprescripts/>."""
    place = next((n for n, one in enumerate(parts) if local_name(one) == "mprescripts"), len(parts))

    def told(scripts: list[Any]) -> str:
        return "".join(_script("_^"[n % 2], one, depth) for n, one in enumerate(scripts))

    before = told(parts[place + 1 :])
    return f"{'{}' + before if before else ''}{_base(parts[0], depth)}{told(parts[1:place])}"


_SCRIPTED = {
    "mfrac": _fraction,
    "mroot": lambda parts, depth: f"\\sqrt[{_group(parts[1], depth)}]{{{_group(parts[0], depth)}}}",
    "msup": lambda parts, depth: f"{_base(parts[0], depth)}{_script('^', parts[1], depth)}",
    "msub": lambda parts, depth: f"{_base(parts[0], depth)}{_script('_', parts[1], depth)}",
    "msubsup": _both,
    "munderover": _both,
    "mover": _over,
    "munder": _under,
    "mmultiscripts": _multiple,
}  # fmt: skip


def _annotated(_element: Any, parts: list[Any], depth: int) -> str:
    for one in parts:
        encoding = (one.get("encoding") or "").lower()
        if local_name(one) == "annotation" and "tex" in encoding and (source := "".join(one.itertext()).strip()):
            return source
    return tex_of(parts[0], depth + 1) if parts else ""


def _table(_element: Any, rows: list[Any], depth: int) -> str:
    told = []
    for row in rows:
        cells = [one for one in row if isinstance(one.tag, str)]
        if local_name(row) == "mlabeledtr":
            cells = [*cells[1:], *cells[:1]]
        told.append(" & ".join(_group(cell, depth) for cell in cells))
    return "\\begin{matrix} " + " \\\\ ".join(told) + " \\end{matrix}"


def _fenced(element: Any, parts: list[Any], depth: int) -> str:
    begin, end = element.get("open", "("), element.get("close", ")")
    separators = element.get("separators", ",").replace(" ", "") or " "
    told = [_group(one, depth) for one in parts]
    result = told[0] if told else ""
    for place, (_, after) in enumerate(pairwise(told)):
        result += f"{separators[min(place, len(separators) - 1)]}{after}"
    return f"{_signs(begin)}{result}{_signs(end)}"


def _enclosed(element: Any, parts: list[Any], depth: int) -> str:
    inside = _row(element, parts, depth)
    command = next((_FENCES[one] for one in (element.get("notation") or "").split() if one in _FENCES), "")
    return f"{command}{{{inside}}}" if command else inside


_GROUPS = {
    "semantics": _annotated,
    "mtable": _table,
    "mfenced": _fenced,
    "menclose": _enclosed,
    "msqrt": lambda element, parts, depth: f"\\sqrt{{{_row(element, parts, depth)}}}",
    "mspace": lambda _element, _parts, _depth: " ",
}
