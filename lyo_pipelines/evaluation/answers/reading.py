"""What a short stated result says: quantities with units, names, pairs, sets, ratios, times of day, choices; else only words.

"x = 3, y = 4", "2½ m", "1.5 lakh", "(3, 4)", "±4", "36 km/h", "(b) 12". Whether two results say the same is `correctness`'s business.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.algebra import Node, Symbol, TooLargeError
from lyo_pipelines.evaluation.answers.parsing import FUNCTIONS, parse_quantity
from lyo_pipelines.evaluation.answers.text import normal_form
from lyo_pipelines.evaluation.answers.tokens import Token, plain_form, tokens_of
from lyo_pipelines.evaluation.answers.units import known_names, plain_word
from lyo_pipelines.evaluation.answers.values import (
    Clock,
    Group,
    Part,
    Quantity,
    Ratio,
    Relation,
    StatedResult,
    UnreadableError,
    Value,
)

_CHOICE = re.compile(
    r"^\W*(?:(?:option|choice|विकल्प|விருப்பம்|vikalp)\s*[:.]?\s*(?:\(\s*)?([A-Za-z]|[1-5]|[ivx]{1,4}|[क-घ]|[அஆஇஈ])(?![\w\u0900-\u0dff])\s*[)\].:-]?"
    r"|[(\[]\s*([A-Ha-h]|[ivx]{1,4}|[क-घ]|[அஆஇஈ])\s*[)\]]\s*[.:-]?|([A-Ha-h]|[क-घ])\s*[).:](?!\w))\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_LETTER = re.compile(r"^\W*([A-Ha-h])\W*$")
_CLOCK = re.compile(
    r"^\W*(\d{1,2})(?:\s?[:.]\s?(\d{2}))?\s*(a\.?m\.?|p\.?m\.?)?\s*(?:बजे|o'clock|மணி)?\W*$", re.IGNORECASE
)
_PAST = re.compile(
    r"^\W*(?:it is |at )?(?:a )?(half|quarter) (past|to) (\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    r"\s*(a\.?m\.?|p\.?m\.?)?\W*$",
    re.IGNORECASE,
)
_NOON = re.compile(r"^\W*(?:it is |at )?(?:12(?::00)?\s*)?(noon|midnight)\W*$", re.IGNORECASE)
_RATIO = re.compile(r"^(?:.{0,40}?[=:]\s)?\W*(\d+(?:\.\d+)?(?:\s?(?::|∶|\bto\b)\s?\d+(?:\.\d+)?){1,3})\W*$")
_REASON = re.compile(
    r"[\s,(\[](?:because|since|so that|which|where|क्योंकि|चूँकि|चूंकि|kyunki|ஏனெனில்|ஏனென்றால்"
    r"|as (?=\d|the\b|we\b|it\b))(?![\w\u0900-\u0dff]).*$",
    re.IGNORECASE | re.DOTALL,
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:rs|re|approx|ca|sq|cu|no|nos|st|dr|mr|mrs|vs|e\.g|i\.e|ans)\.$|[\u0900-\u0dff]\.$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[।॥]|\n")
_ASIDE = re.compile(r"[(\[]([^()\[\],]*)[)\]]")
_GOES_ON = re.compile(r"\w")
_ROMAN = {
    "i": "a",
    "ii": "b",
    "iii": "c",
    "iv": "d",
    "क": "a",
    "ख": "b",
    "ग": "c",
    "घ": "d",
    "அ": "a",
    "ஆ": "b",
    "இ": "c",
    "ஈ": "d",
}


def first_statement(text: str) -> str:
    """The first sentence of what was stated, without a reason that follows it."""
    for found in _SENTENCE_END.finditer(text[:2000]):
        before = text[: found.end()]
        if before.strip(" *_#.:") and not _ABBREVIATED.search(before[-12:]):
            text = before
            break
    return _REASON.sub("", text[:2000]).strip()


def read_result(text: str, *, whole: bool = False) -> StatedResult:
    """Read one short result; parts are () where it is no value that can be compared.

    whole: what stands after its first sentence counts, so that only all of it can be the same.
    """
    said = first_statement(text)
    choice, rest = _choice(said)
    parts: tuple[Part, ...] = ()
    ordered = True
    if not (whole and _GOES_ON.search(text[len(said) :])):
        with contextlib.suppress(UnreadableError, TooLargeError):
            parts, ordered = _parts(rest if choice else said)
    return StatedResult(parts, ordered, choice, normal_form(_choice(text)[1] or text), normal_form(rest or said))


def _choice(text: str) -> tuple[str, str]:
    """(letter, what follows it) of a choice; ("", text) for anything else. Roman numbers and Indic letters count as a, b, c, d."""
    if found := _LETTER.match(text):
        return found[1].lower(), ""
    if found := _CHOICE.match(text.replace("**", "")):
        letter = next(part for part in found.groups()[:3] if part).lower()
        return _ROMAN.get(letter, letter), found[4].strip()
    return "", text


def _parts(text: str) -> tuple[tuple[Part, ...], bool]:
    plain = plain_form(_spoken_time(text))
    if (found := _CLOCK.match(plain)) and (found[3] or ":" in plain):
        hour, minute = int(found[1]), int(found[2] or 0)
        if hour < 24 and minute < 60:
            return (Part(Clock(hour * 60 + minute, (found[3] or "")[:1].lower())),), True
    if found := _RATIO.match(plain):
        terms = tuple(map(Fraction, re.findall(r"\d+(?:\.\d+)?", found[1])))
        return (Part(Ratio(terms)),), True
    tokens = tokens_of(_ASIDE.sub(_without_aside, plain))
    if not any(token.kind == "number" for token in tokens):
        tokens = _spoken_numbers(tokens)
    while (tokens and (tokens[-1].kind == "separator" or tokens[-1].text in ("=", "≈"))) or (
        tokens and tokens[-1].text in (":", "!")
    ):
        tokens = tokens[:-1]
    while (tokens and (tokens[0].kind == "separator" or tokens[0].text in ("=", "≈"))) or (
        tokens and tokens[0].text in (":", "*")
    ):
        tokens = tokens[1:]
    items = [item for item in _split(tokens) if item]
    while len(items) > 1 and all(token.kind == "word" and len(token.text) > 1 for token in items[-1]):
        items = items[:-1]  # 10, so there are enough
    found = [part for item in items for part in _item(item)]
    if not found or len(found) > 24:
        raise UnreadableError
    joined = sum(token.text == "and" for token in tokens)
    pairs = joined > 1 and any(token.text == "," for token in tokens)  # 3 and 4, 5 and 6
    unordered = (joined and not pairs) or any(token.text in ("±", "∪") for token in tokens)
    names = [part.name for part in found if part.name]
    found = _named(found)
    return tuple(found), not (unordered or (len(found) > 1 and len(set(names)) < len(found) and names != []))


def _spoken_time(text: str) -> str:
    """Half past 4, quarter to 5 and 12 noon as a clock shows them."""
    if noon := _NOON.match(text):
        return "12:00 " + ("pm" if noon[1].casefold() == "noon" else "am")
    if not (found := _PAST.match(text)):
        return text
    told = found[3].casefold()
    hour = int(told) if told.isdigit() else known_names().numbers[told]
    minutes = 60 * hour + (-1 if found[2].casefold() == "to" else 1) * (30 if found[1].casefold() == "half" else 15)
    return f"{minutes // 60 or 12}:{minutes % 60:02d} {found[4] or ''}".strip()


def _without_aside(found: re.Match[str]) -> str:
    """Brackets with words in them ("(approx.)", "(since both are even)") are no part of a value."""
    names = known_names()
    words = re.findall(r"[^\W\d_]{3,}", found[1])
    told = [word for word in words if plain_word(word) not in FUNCTIONS and names.unit(word) is None]
    return " " if told else found[0]


def _named(parts: list[Part]) -> list[Part]:
    """x = 2, 3: the name holds for what follows it."""
    if len(parts) > 1 and parts[0].name and not any(part.name for part in parts[1:]):
        return [replace(part, name=parts[0].name) for part in parts]
    return parts


def _spoken_numbers(tokens: list[Token]) -> list[Token]:
    """Number words as numbers: eight, twenty-five, three quarters, ढाई."""
    names, found = known_names(), list[Token]()
    joined = False
    for place, token in enumerate(tokens):
        word = plain_word(token.text) if token.kind == "word" else ""
        before = found[-1] if found else None
        spoken = before is not None and before.kind == "number"
        value: Fraction | int | None = names.numbers.get(word, names.tens.get(word))
        if spoken and before and (part := names.parts.get(word)):
            found[-1] = replace(before, text=str(Fraction(before.text) * part))
        elif spoken and before and joined and value is not None and value < 10:
            found[-1] = replace(before, text=str(int(before.text) + int(value)))
        elif joined and token.text == "-" and not token.spaced and _is_digit(tokens[place + 1 : place + 2]):
            continue  # the hyphen of twenty-five
        elif (value := names.fractions.get(word) if value is None else value) is not None:
            found.append(replace(token, kind="number", text=str(value)))
        else:
            found.append(token)
        joined = word in names.tens
    return found


def _is_digit(tokens: Sequence[Token]) -> bool:
    """Whether a number word below ten stands there."""
    return any(known_names().numbers.get(plain_word(token.text), 10) < 10 for token in tokens if token.kind == "word")


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The items between separators outside of brackets; two bracketed lists side by side are two items."""
    depth, item = 0, []
    for place, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        union = token.text == "∪" and bool(item) and item[-1].kind == "close"
        if (token.kind == "separator" or union) and depth == 0:
            yield item
            item = []
            continue
        item.append(token)
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        pair = token.kind == "close" and depth == 0 and following is not None and following.kind == "open"
        if pair and any(one.text == "," for one in item):
            yield item
            item = []
    yield item


def _item(tokens: list[Token]) -> list[Part]:
    marks: list[bool] = []
    for place in range(len(tokens)):
        marks.append(_is_value(tokens, place, after_value=bool(marks and marks[-1])))
    chunks: list[tuple[int, int]] = []
    for place, mark in enumerate(marks):
        if mark and place and marks[place - 1]:
            chunks[-1] = (chunks[-1][0], place + 1)
        elif mark:
            chunks.append((place, place + 1))
    chunks = [(a, b) for a, b in chunks if any(_tells(token) for token in tokens[a:b])]
    if not chunks:
        raise UnreadableError
    start, end = chunks[-1]
    if len(chunks) > 1:
        before, after = tokens[chunks[-2][1] : start], tokens[end:]
        said = {plain_word(token.text) for token in (*before[-1:], *after[-1:])}
        if tokens[start].kind != "relation" and not said & known_names().copulas:
            raise UnreadableError
    lead, rest = tokens[:start], tokens[end:]
    introduced = tokens[start].kind == "relation" or (lead and plain_word(lead[-1].text) in known_names().copulas)
    before, words = () if introduced else _words(lead), _words(rest)
    value = tokens[start:end]
    if (before or words) and not any(token.kind in ("number", "scale") or token.text in "∞π" for token in value):
        raise UnreadableError  # letters beside words are no value
    return [replace(part, lead=before, words=words) for part in _read_chunk(value)]


def _words(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The words that tell something, and whether they deny it."""
    found = [plain_word(token.text) for token in tokens if token.kind == "word"]
    names = known_names()
    return tuple(word for word in found if word in names.denials or word not in names.empty | names.copulas)


def _tells(token: Token) -> bool:
    return (
        token.kind in ("number", "scale") or token.text in ("∞", "π") or (token.kind == "word" and len(token.text) == 1)
    )


def _is_value(tokens: Sequence[Token], place: int, *, after_value: bool) -> bool:
    """Whether the token belongs to a value, and is no word beside it."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    names = known_names()
    if token.text == "/" or plain_word(token.text) in names.per:
        # miles/train and rupees per pair: what is no unit is a word
        return after is not None and (
            after.kind != "word"
            or len(after.text) == 1
            or bool(names.unit(after.text) or plain_word(after.text) in names.powers)
        )
    if token.kind != "word":
        return True
    if names.unit(token.text) or plain_word(token.text) in names.powers:
        unit_goes_on = before is not None and (
            before.kind in ("number", "close", "percent", "scale")
            or before.text in ("π", "/", "*", "^")
            or plain_word(before.text) in names.per
            or (before.kind == "word" and after_value)
        )
        money = after is not None and (after.kind == "number" or after.text == ".")
        if unit_goes_on or (money and names.unit(token.text)):
            return True
    return after is not None if plain_word(token.text) in FUNCTIONS else _is_variable(token, before, after)


def _is_variable(token: Token, before: Token | None, after: Token | None) -> bool:
    """Whether a word is a letter of a formula, or two or three that touch one: xy in 3xy + 2."""
    if len(token.text) == 1 or re.fullmatch(r"[^\W\d_]_\w+", token.text):
        article = token.text in "aAI" and (after is None or after.kind == "word") and (before is None or token.spaced)
        return not article and not re.match(r"[\u0900-\u0dff]", token.text)
    behind = before is not None and (
        before.text in "+-*/^=" or (before.kind in ("open", "number") and not token.spaced)
    )
    ahead = after is not None and not after.spaced and (after.text in "+-*/^" or after.kind == "close")
    short = len(token.text) <= 3 and token.text.isascii()
    return (behind or ahead) and short and plain_word(token.text) not in known_names().copulas


def _read_chunk(tokens: list[Token]) -> list[Part]:
    sides: list[list[Token]] = [[]]
    signs: list[str] = []
    for token in tokens:
        if token.kind == "relation":
            signs.append(token.text)
            sides.append([])
        else:
            sides[-1].append(token)
    if signs and not sides[0] and signs[0] in "=≈":
        sides, signs = sides[1:], signs[1:]
    if any(not side for side in sides[1:]) or (not sides[0] and not signs):
        raise UnreadableError
    if set(signs) - {"=", "≈"}:
        return [Part(_relation(sides, signs))]
    name = ""
    if len(sides) > 1 and (named := _name(sides[0])):
        name, sides = named, sides[1:]
    values = [_side(side, algebraic=_is_algebra(sides[-1])) for side in sides]
    last = values[-1]
    if not name and len(values) == 2 and len(values[0]) == 1 and _has_variables(values[0][0]):
        left, right = values[0][0], last[0]
        if isinstance(left, Quantity) and isinstance(right, Quantity):
            return [Part(Relation((_turned("=", left.node, right.node),)))]
    return [Part(value, name) for value in last]


def _relation(sides: list[list[Token]], signs: list[str]) -> Relation:
    nodes = [_single(side) if side or place else Symbol("") for place, side in enumerate(sides)]
    return Relation(
        tuple(sorted((_turned(sign, a, b) for sign, a, b in zip(signs, nodes, nodes[1:], strict=False)), key=repr))
    )


def _single(side: list[Token]) -> Node:
    value = _side(side, algebraic=True)
    if len(value) != 1 or not isinstance(value[0], Quantity):
        raise UnreadableError
    return value[0].node


def _turned(sign: str, left: Node, right: Node) -> tuple[str, Node, Node]:
    if sign in ">≥":
        return {">": "<", "≥": "≤"}[sign], right, left
    first, second = (left, right) if sign in "<≤" else sorted((left, right), key=repr)
    return sign, first, second


def _has_variables(value: Value) -> bool:
    return isinstance(value, Quantity) and algebra.decimal_value(value.node) is None


def _name(side: list[Token]) -> str:
    """The variable that a side names: x, x_1, f(x), AB, y'."""
    said = "".join(token.text for token in side)
    return said if re.fullmatch(r"[^\W\d_]{1,3}(?:_\w+)?(?:\([^\W\d_]\))?", said) else ""


def _is_algebra(side: list[Token]) -> bool:
    """Whether a letter after a number is a variable and no unit: there is a variable beside it, or a sum."""
    names = known_names()
    letters = [token for token in side if token.kind == "word" and len(token.text) == 1]
    if any(not names.unit(letter.text) and letter.text not in "πe∞" for letter in letters):
        return True
    return any(token.text in "+-" and place and side[place - 1].text not in "(*/^" for place, token in enumerate(side))


def _side(tokens: list[Token], *, algebraic: bool) -> list[Value]:
    """The values of one side: one, or two where it holds ±; a group where it is one bracketed list."""
    tokens = [part for token in tokens for part in _letters(token)]
    if tokens[0].kind == "open" and tokens[-1].kind == "close" and _closes(tokens) == len(tokens) - 1:
        items = [item for item in _split(tokens[1:-1]) if item]
        if len(items) > 1:
            parts = tuple(part for item in items for part in _item(item))
            brackets = tokens[0].text + tokens[-1].text
            return [Group(brackets, parts, ordered=brackets not in ("{}", "⦃⦄"))]
    if any(token.text == "±" for token in tokens):
        both = [[replace(token, text=sign) if token.text == "±" else token for token in tokens] for sign in "+-"]
        return [parse_quantity(side, algebraic=algebraic) for side in both]
    return [parse_quantity(tokens, algebraic=algebraic)]


def _letters(token: Token) -> list[Token]:
    """xy is x times y, in a value."""
    if token.kind != "word" or not 1 < len(token.text) <= 3 or not token.text.isascii() or not token.text.isalpha():
        return [token]
    names = known_names()
    word = plain_word(token.text)
    if names.unit(token.text) or word in FUNCTIONS or word in names.per or word in names.powers:
        return [token]
    return [replace(token, text=letter, spaced=token.spaced and not place) for place, letter in enumerate(token.text)]


def _closes(tokens: Sequence[Token]) -> int:
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0:
            return place
    return -1
