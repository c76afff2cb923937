"""What a short stated result says: quantities with units, names, pairs, sets, ratios, times of day, choices; else only words.

"x = 3, y = 4", "2½ m", "1.5 lakh", "(3, 4)", "±4", "36 km/h", "(b) 12". Whether two results say the same is `correctness`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.algebra import Node, Symbol, TooLargeError
from lyo_pipelines.evaluation.answers.text import normal_form
from lyo_pipelines.evaluation.answers.tokens import Token, plain_form, tokens_of
from lyo_pipelines.evaluation.answers.units import Unit, known_names, plain_word

_DEEPEST = 24
_CALLED = frozenset("fghFGH")
_FUNCTIONS = frozenset("sin cos tan cot sec cosec csc log ln exp arcsin arccos arctan sinh cosh tanh".split())


@dataclass(frozen=True)
class Quantity:
    """A value, exact, with its unit. places: digits after the point of a decimal that was written out; None for anything else.
    factors: the whole numbers of a product that was written out ("2 × 3 × 7"): a task may have asked for just these.
    """

    node: Node
    unit: Unit | None = None
    percent: bool = False
    places: int | None = None
    factors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Group:
    """Values between brackets, in their order; of braces and of a bare list in none."""

    brackets: str
    items: tuple[Part, ...]
    ordered: bool = True


@dataclass(frozen=True)
class Ratio:
    """Terms of a ratio."""

    terms: tuple[Fraction, ...]


@dataclass(frozen=True)
class Clock:
    """A time of day in minutes; half: "a" or "p", "" where it is not said."""

    minutes: int
    half: str = ""


@dataclass(frozen=True)
class Relation:
    """Comparisons or an equation that is no assignment: (sign, left, right), turned so that `<` and `≤` are the only inequalities."""

    signs: tuple[tuple[str, Node, Node], ...]


Value = Quantity | Group | Ratio | Clock | Relation


@dataclass(frozen=True)
class Part:
    """One value of a result, with the variable that it is said of and what is said before and after it ("left by 3",
    "128 child tickets"), as far as it tells something.
    """

    value: Value
    name: str = ""
    lead: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatedResult:
    """A result as read. parts: () where it is words; choice: the letter of an option; text, first: all of it, and its first sentence,
    as words are compared.
    """

    parts: tuple[Part, ...]
    ordered: bool
    choice: str
    text: str
    first: str


class _UnreadableError(ValueError):
    """Not a value."""


_CHOICE = re.compile(
    r"^\W*(?:(?:option|choice|विकल्प|விருப்பம்|vikalp)\s*[:.]?\s*(?:\(\s*)?([A-Za-z]|[1-5]|[ivx]{1,4}|[क-घ]|[அஆஇஈ])(?![\w\u0900-\u0dff])\s*[)\].:-]?"
    r"|[(\[]\s*([A-Ha-h]|[ivx]{1,4}|[क-घ]|[அஆஇஈ])\s*[)\]]\s*[.:-]?|([A-Ha-h]|[क-घ])\s*[).:](?!\w))\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_LETTER = re.compile(r"^\W*([A-Ha-h])\W*$")
_CLOCK = re.compile(r"^\W*(\d{1,2})(?:\s?[:.]\s?(\d{2}))?\s*(a\.?m\.?|p\.?m\.?)?\s*(?:बजे|o'clock|மணி)?\W*$", re.IGNORECASE)
_RATIO = re.compile(r"^(?:.{0,40}?[=:]\s)?\W*(\d+(?:\.\d+)?(?:\s?(?::|∶|\bto\b)\s?\d+(?:\.\d+)?){1,3})\W*$")
_REASON = re.compile(
    r"[\s,(\[](?:because|since|so that|which|where|क्योंकि|चूँकि|चूंकि|kyunki|ஏனெனில்|ஏனென்றால்|as (?=\d|the\b|we\b|it\b))(?![\w\u0900-\u0dff]).*$",
    re.IGNORECASE | re.DOTALL,
)
_ABBREVIATED = re.compile(r"(?:^|[\s(])(?:rs|re|approx|ca|sq|cu|no|nos|st|dr|mr|mrs|vs|e\.g|i\.e|ans)\.$|[\u0900-\u0dff]\.$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s)|[।॥]|\n")
_ASIDE = re.compile(r"[(\[]([^()\[\],]*)[)\]]")
_GOES_ON = re.compile(r"\w")
DENIALS = frozenset(map(plain_word, "not no never nor नहीं मत இல்லை అல్ల না".split()))
_EMPTY_WORDS = DENIALS | frozenset(
    map(plain_word, "a an the of by to in for at on he she it they we you i has have had there so then only about approximately each "
    "answer value result total का की के को में से ने जी वह यह और रुपये".split())
)
_COPULA = frozenset(map(plain_word, "is are was be were है हैं था थे होगा होंगे होगी hai hain hoga ஆகும் ஆகிறது ఉంటుంది అవుతుంది হল হয় আছে".split()))
_ROMAN = {"i": "a", "ii": "b", "iii": "c", "iv": "d", "क": "a", "ख": "b", "ग": "c", "घ": "d", "அ": "a", "ஆ": "b", "இ": "c", "ஈ": "d"}


def first_statement(text: str) -> str:
    """The first sentence of what was stated, without a reason that follows it."""
    for found in _SENTENCE_END.finditer(text[:2000]):
        before = text[: found.end()]
        if before.strip(" *_#.:") and not _ABBREVIATED.search(before[-12:]):
            text = before
            break
    return _REASON.sub("", text[:2000]).strip()


def read_result(text: str, *, whole: bool = False) -> StatedResult:
    """Read one short result; parts are () where it is no value that can be compared. whole: what stands after its first sentence counts."""
    said = first_statement(text)
    choice, rest = _choice(said)
    parts: tuple[Part, ...] = ()
    ordered = True
    if not (whole and _GOES_ON.search(text[len(said) :])):
        try:
            parts, ordered = _parts(rest if choice else said)
        except (_UnreadableError, TooLargeError):
            pass
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
    plain = plain_form(text)
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
    while tokens and (tokens[-1].kind == "separator" or tokens[-1].text in ("=", "≈")) or (tokens and tokens[-1].text in (":", "!")):
        tokens = tokens[:-1]
    while tokens and (tokens[0].kind == "separator" or tokens[0].text in ("=", "≈")) or (tokens and tokens[0].text in (":", "*")):
        tokens = tokens[1:]
    items = [item for item in _split(tokens) if item]
    while len(items) > 1 and all(token.kind == "word" and len(token.text) > 1 for token in items[-1]):
        items = items[:-1]  # 10, so there are enough
    found = [part for item in items for part in _item(item)]
    if not found or len(found) > 24:
        raise _UnreadableError
    joined = sum(token.text == "and" for token in tokens)
    pairs = joined > 1 and any(token.text == "," for token in tokens)  # 3 and 4, 5 and 6
    unordered = (joined and not pairs) or any(token.text == "±" for token in tokens)
    names = [part.name for part in found if part.name]
    found = _named(found)
    return tuple(found), not (unordered or (len(found) > 1 and len(set(names)) < len(found) and names != []))


def _without_aside(found: re.Match[str]) -> str:
    """Brackets with words in them ("(approx.)", "(since both are even)") are no part of a value."""
    names = known_names()
    words = re.findall(r"[^\W\d_]{3,}", found[1])
    told = [word for word in words if plain_word(word) not in _FUNCTIONS and names.unit(word) is None]
    return " " if told else found[0]


def _named(parts: list[Part]) -> list[Part]:
    """x = 2, 3: the name holds for what follows it."""
    if len(parts) > 1 and parts[0].name and not any(part.name for part in parts[1:]):
        return [replace(part, name=parts[0].name) for part in parts]
    return parts


def _spoken_numbers(tokens: list[Token]) -> list[Token]:
    numbers = known_names().numbers
    return [
        replace(token, kind="number", text=str(numbers[plain_word(token.text)]))
        if token.kind == "word" and plain_word(token.text) in numbers
        else token
        for token in tokens
    ]


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The items between separators outside of brackets; two bracketed lists side by side are two items."""
    depth, item = 0, []
    for place, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind == "separator" and depth == 0:
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
        raise _UnreadableError
    start, end = chunks[-1]
    if len(chunks) > 1:
        before, after = tokens[chunks[-2][1] : start], tokens[end:]
        said = {plain_word(token.text) for token in (*before[-1:], *after[-1:])}
        if tokens[start].kind != "relation" and not said & _COPULA:
            raise _UnreadableError
    lead, rest = tokens[:start], tokens[end:]
    introduced = tokens[start].kind == "relation" or (lead and plain_word(lead[-1].text) in _COPULA)
    before, words = () if introduced else _words(lead), _words(rest)
    value = tokens[start:end]
    if (before or words) and not any(token.kind in ("number", "scale") or token.text in "∞π" for token in value):
        raise _UnreadableError  # letters beside words are no value
    return [replace(part, lead=before, words=words) for part in _read_chunk(value)]


def _words(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The words that tell something, and whether they deny it."""
    found = [plain_word(token.text) for token in tokens if token.kind == "word"]
    return tuple(word for word in found if word in DENIALS or word not in _EMPTY_WORDS | _COPULA)


def _tells(token: Token) -> bool:
    return token.kind in ("number", "scale") or token.text in ("∞", "π") or (token.kind == "word" and len(token.text) == 1)


def _is_value(tokens: Sequence[Token], place: int, *, after_value: bool) -> bool:
    """Whether the token belongs to a value, and is no word beside it."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    names = known_names()
    if token.text == "/" or plain_word(token.text) in names.per:
        # miles/train and rupees per pair: what is no unit is a word
        return after is not None and (after.kind != "word" or len(after.text) == 1 or bool(names.unit(after.text) or plain_word(after.text) in names.powers))
    if token.kind != "word":
        return True
    if names.unit(token.text) or plain_word(token.text) in names.powers:
        unit_goes_on = before is not None and (
            before.kind in ("number", "close", "percent", "scale") or before.text in ("π", "/", "*", "^") or plain_word(before.text) in names.per
            or (before.kind == "word" and after_value)
        )
        money = after is not None and (after.kind == "number" or after.text == ".")
        if unit_goes_on or (money and names.unit(token.text)):
            return True
    if plain_word(token.text) in _FUNCTIONS:
        return after is not None
    if len(token.text) == 1 or re.fullmatch(r"[^\W\d_]_\w+", token.text):
        if token.text in "aAI" and (after is None or after.kind == "word") and (before is None or token.spaced):
            return False
        return not re.match(r"[\u0900-\u0dff]", token.text)
    glued = (before is not None and (before.text in "+-*/^=" or (before.kind in ("open", "number") and not token.spaced))) or (
        after is not None and not after.spaced and (after.text in "+-*/^" or after.kind == "close")
    )
    return glued and len(token.text) <= 3 and token.text.isascii() and plain_word(token.text) not in _COPULA


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
        raise _UnreadableError
    if set(signs) - {"=", "≈"}:
        return [Part(_relation(sides, signs))]
    name = ""
    if len(sides) > 1 and (named := _name(sides[0])):
        name, sides = named, sides[1:]
    values = [_side(side, algebraic=_is_algebra(sides[-1])) for side in sides]
    last = values[-1]
    if name == "" and len(values) == 2 and all(_has_variables(value) for value in values[0] + last) or (
        name == "" and len(values) == 2 and len(values[0]) == 1 and _has_variables(values[0][0])
    ):
        left, right = values[0][0], last[0]
        if isinstance(left, Quantity) and isinstance(right, Quantity):
            return [Part(Relation((_turned("=", left.node, right.node),)))]
    return [Part(value, name) for value in last]


def _relation(sides: list[list[Token]], signs: list[str]) -> Relation:
    nodes = [_single(side) if side or place else Symbol("") for place, side in enumerate(sides)]
    return Relation(tuple(sorted((_turned(sign, a, b) for sign, a, b in zip(signs, nodes, nodes[1:], strict=False)), key=repr)))


def _single(side: list[Token]) -> Node:
    value = _side(side, algebraic=True)
    if len(value) != 1 or not isinstance(value[0], Quantity):
        raise _UnreadableError
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
        return [_Parser(side, algebraic).whole() for side in both]
    return [_Parser(tokens, algebraic).whole()]


def _letters(token: Token) -> list[Token]:
    """xy is x times y, in a value."""
    if token.kind != "word" or not 1 < len(token.text) <= 3 or not token.text.isascii() or not token.text.isalpha():
        return [token]
    names = known_names()
    word = plain_word(token.text)
    if names.unit(token.text) or word in _FUNCTIONS or word in names.per or word in names.powers:
        return [token]
    return [replace(token, text=letter, spaced=token.spaced and not place) for place, letter in enumerate(token.text)]


def _closes(tokens: Sequence[Token]) -> int:
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0:
            return place
    return -1


class _Parser:
    """Reads one expression with its units, by recursive descent."""

    def __init__(self, tokens: Sequence[Token], algebraic: bool) -> None:
        self.tokens, self.at, self.depth, self.algebraic = list(tokens), 0, 0, algebraic
        self.names = known_names()

    def whole(self) -> Quantity:
        found = self.sum()
        if self.at < len(self.tokens):
            raise _UnreadableError
        return replace(found, places=self._places(), factors=self._factors())

    def _factors(self) -> tuple[int, ...]:
        """The factors of a product of whole numbers and their powers; () for anything else, and for 6 × 10^23."""
        said = "".join(token.text for token in self.tokens).replace("(", "").replace(")", "")
        if len(said) > 60 or not re.fullmatch(r"\d+(?:\^\d)?(?:\*\d+(?:\^\d)?)+", said) or re.search(r"\*10\^", said):
            return ()
        found: list[int] = []
        for factor in said.split("*"):
            base, _, power = factor.partition("^")
            found += [int(base)] * int(power or 1)
        return tuple(sorted(found))

    def _places(self) -> int | None:
        numbers = [token for token in self.tokens if token.kind == "number"]
        plain = all(token.kind in ("number", "percent", "word", "unit") or token.text in "+-" for token in self.tokens)
        return numbers[0].places if len(numbers) == 1 and plain and "e" not in numbers[0].text.lower() else None

    def peek(self, ahead: int = 0) -> Token | None:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def take(self, *texts: str) -> str:
        token = self.peek()
        if token is not None and token.text in texts and token.kind in ("operator", "open", "close", "percent"):
            self.at += 1
            return token.text
        return ""

    def sum(self) -> Quantity:
        total = self.term()
        while sign := self.take("+", "-"):
            other = self.term()
            total = _sum(total, other, negative=sign == "-")
        return total

    def term(self) -> Quantity:
        product = self.factor()
        while True:
            if sign := self.take("*", "/"):
                product = _product(product, self.factor(), divided=sign == "/")
            elif self._goes_on():
                beside, following = self.tokens[self.at - 1], self.tokens[self.at]
                if beside.kind == "word" and following.kind == "number" and not product.unit:
                    raise _UnreadableError  # H2O, x1
                group = following.kind == "open" and not following.spaced
                other = self.factor()
                product = _product(product, other) if group and not product.unit else _beside(product, other)
            else:
                return product

    def _goes_on(self) -> bool:
        token = self.peek()
        if token is None or token.kind in ("close", "relation", "separator", "percent"):
            return False
        return token.kind in ("number", "open", "word", "scale") or token.text in ("√", "frac")

    def factor(self) -> Quantity:
        if sign := self.take("-", "+"):
            found = self.factor()
            return _product(Quantity(Fraction(-1)), found) if sign == "-" else found
        base = self.postfix(self.primary())
        if self.take("^"):
            exponent = self._exponent()
            if base.percent:
                raise _UnreadableError
            unit = None
            if base.unit:
                unit = base.unit.power(_small(exponent))
            base = self.postfix(Quantity(algebra.raise_to(base.node, exponent), unit))
        return base

    def _exponent(self) -> Node:
        sign = self.take("-", "+")
        self._deeper()
        found = self.primary()
        self.depth -= 1
        if found.unit:
            raise _UnreadableError
        return algebra.multiply((Fraction(-1), found.node)) if sign == "-" else found.node

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnreadableError

    def primary(self) -> Quantity:
        token = self.peek()
        if token is None:
            raise _UnreadableError
        self.at += 1
        if token.kind == "number":
            return Quantity(Fraction(token.text))
        if token.kind == "open" or token.text == "|":
            return self._bracketed(token)
        if token.text == "√":
            degree = Fraction(2)
            if self.take("["):
                inner = self.sum().node
                if not isinstance(inner, Fraction) or not inner or not self.take("]"):
                    raise _UnreadableError
                degree = inner
            return Quantity(algebra.raise_to(self._argument().node, 1 / degree))
        if token.text == "frac":
            return Quantity(algebra.divide(self._argument().node, self._argument().node))
        if token.kind == "word":
            return self._word(token)
        raise _UnreadableError

    def _bracketed(self, token: Token) -> Quantity:
        self._deeper()
        found = self.sum()
        self.depth -= 1
        wanted = {"(": ")", "[": "]", "{": "}", "|": "|", "⦃": "⦄", "⟨": "⟩"}[token.text]
        if not self.take(wanted):
            raise _UnreadableError
        if token.text == "|":
            node = abs(found.node) if isinstance(found.node, Fraction) else algebra.Call("abs", found.node)
            return replace(found, node=node)
        return found

    def _argument(self) -> Quantity:
        """What a root or a fraction is of: a group, or one number or letter."""
        self._deeper()
        found = self.primary()
        self.depth -= 1
        return found

    def _word(self, token: Token) -> Quantity:
        plain = plain_word(token.text)
        if plain in _FUNCTIONS and self.peek() is not None:
            exponent = self._exponent() if self.take("^") else Fraction(1)
            return Quantity(algebra.raise_to(algebra.Call(plain, self._argument().node), exponent))
        if token.text in _CALLED and (opened := self.peek()) is not None and opened.text == "(" and not opened.spaced:
            return Quantity(algebra.Call(token.text, self._argument().node))
        unit = self.names.unit(token.text)
        following = self.peek()
        if unit and not self.algebraic and following is not None and (following.kind == "number" or following.text == "-"):
            money = self.factor()  # ₹450
            if money.unit:
                raise _UnreadableError
            return replace(money, unit=self._unit(unit))
        if len(token.text) == 1 or "_" in token.text:
            return Quantity(Symbol(token.text))
        raise _UnreadableError

    def postfix(self, found: Quantity) -> Quantity:
        token = self.peek()
        if token is not None and token.kind == "scale":
            self.at += 1
            scale = Fraction(self.names.scales[token.text])
            found = replace(found, node=algebra.multiply((found.node, scale)))
            following, after = self.peek(), self.peek(1)
            if following is not None and following.kind == "number" and (scale > 100 or after is None or after.kind != "scale"):
                less = self.postfix(self.primary())  # 1 crore 20 lakh
                if isinstance(less.node, Fraction) and less.node < scale:
                    return replace(less, node=algebra.add((found.node, less.node)))
                raise _UnreadableError
            return self.postfix(found)
        if token is not None and token.text == "%" and not found.unit:
            self.at += 1
            return replace(found, node=algebra.multiply((found.node, Fraction(1, 100))), percent=True)
        if token is not None and token.text == "!" and isinstance(found.node, Fraction) and found.node.denominator == 1:
            if not 0 <= found.node <= 20:
                raise _UnreadableError
            self.at += 1
            product = Fraction(1)
            for number in range(2, int(found.node) + 1):
                product *= number
            return self.postfix(replace(found, node=product))
        if token is not None and token.kind == "word" and found.unit is None and not found.percent:
            unit = self._unit()
            return found if unit is None else replace(found, unit=unit)
        return found

    def _unit(self, first: Unit | None = None) -> Unit | None:
        """A unit with its powers and divisions: km/h, sq cm, m s^-2, cm²; None where the word is none. first: what stands before it."""
        total, divided, read = first or Unit(Fraction(1), ()), False, first is not None
        while (token := self.peek()) is not None:
            if read and (token.text == "/" or (token.kind == "word" and plain_word(token.text) in self.names.per)):
                following = self.peek(1)
                if following is None or not self._one_unit(1):
                    break
                self.at += 1
                divided = True
                continue
            if read and token.text == "*" and self._one_unit(1):
                self.at += 1
                continue
            one = self._one_unit(0) if first is None or divided else None
            if one is None or (self.algebraic and len(token.text) == 1):
                break
            if not read and self._is_symbol_of_product(token):
                break
            unit, size = one
            self.at += size
            if self.take("^"):
                unit = unit.power(_small(self._exponent()))
            else:
                following = self.peek()
                after = known_names().powers.get(plain_word(following.text)) if following and following.kind == "word" else None
                if after and size == 1:
                    self.at += 1
                    unit = unit.power(after)
            total = total.times(unit.power(-1) if divided else unit)
            divided, read = False, True
        return total if read else None

    def _is_symbol_of_product(self, token: Token) -> bool:
        """5m(…) and 2hπ are products."""
        following = self.peek(1)
        return len(token.text) == 1 and following is not None and following.kind == "open" and not following.spaced

    def _one_unit(self, ahead: int) -> tuple[Unit, int] | None:
        """(unit, tokens) at a place, with a word for its power before it."""
        token = self.peek(ahead)
        if token is None or token.kind != "word":
            return None
        power = self.names.powers.get(plain_word(token.text))
        if power:
            following = self.peek(ahead + 1)
            skip = 2 if following is not None and following.text == "." else 1
            following = self.peek(ahead + skip)
            unit = self.names.unit(following.text) if following and following.kind == "word" else None
            return (unit.power(power), skip + 1) if unit else None
        if unit := self.names.unit(token.text):
            return unit, 1
        powered = re.fullmatch(r"([^\W\d_]+)_?([23])", token.text)
        unit = self.names.unit(powered[1]) if powered else None
        return (unit.power(int(powered[2])), 1) if unit and powered else None


def _small(exponent: Node) -> int:
    """The power of a unit."""
    if not isinstance(exponent, Fraction) or exponent.denominator != 1 or abs(exponent) > 9:
        raise _UnreadableError
    return int(exponent)


def _sum(one: Quantity, other: Quantity, *, negative: bool) -> Quantity:
    node = algebra.multiply((Fraction(-1), other.node)) if negative else other.node
    if one.unit and other.unit:
        if one.unit.base != other.unit.base:
            raise _UnreadableError
        node = algebra.multiply((node, other.unit.factor / one.unit.factor))
    return Quantity(algebra.add((one.node, node)), one.unit or other.unit, one.percent and other.percent)


def _product(one: Quantity, other: Quantity, *, divided: bool = False) -> Quantity:
    node = algebra.divide(one.node, other.node) if divided else algebra.multiply((one.node, other.node))
    unit = one.unit or other.unit
    if other.unit:
        # 3/4 hour is three quarters of an hour
        right = other.unit.power(-1) if divided and one.unit else other.unit
        unit = one.unit.times(right) if one.unit else right
    return Quantity(node, unit if unit is None or unit.base or unit.factor != 1 else None)


def _beside(one: Quantity, other: Quantity) -> Quantity:
    """Two values side by side: 1 hour 30 minutes are added, 2 x is a product."""
    if one.unit and other.unit and one.unit.base == other.unit.base and other.unit.factor < one.unit.factor:
        return _sum(one, other, negative=False)
    if one.unit or one.percent or (isinstance(one.node, Fraction) and isinstance(other.node, Fraction) and other.unit is None):
        raise _UnreadableError
    return _product(one, other)
