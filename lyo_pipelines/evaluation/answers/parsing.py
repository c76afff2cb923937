"""One expression with its units out of tokens, by recursive descent: 2√3 cm, 3/4 hour, ₹1.5 lakh, 1 hour 30 minutes, 36 km/h."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.algebra import Node, Symbol
from lyo_pipelines.evaluation.answers.tokens import Token
from lyo_pipelines.evaluation.answers.units import Unit, known_names, plain_word
from lyo_pipelines.evaluation.answers.values import Quantity, UnreadableError

_DEEPEST = 24
_CALLED = frozenset("fghFGH")
FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")
)
"""Names of functions, which are words of a value."""


def parse_quantity(tokens: Sequence[Token], *, algebraic: bool) -> Quantity:
    """The one expression that the tokens are. algebraic: a letter after a number is a variable and no unit.

    Raises UnreadableError, or TooLargeError for a number that nobody would write out.
    """
    return _Parser(tokens, algebraic).whole()


class _Parser:
    """Reads one expression with its units, by recursive descent."""

    def __init__(self, tokens: Sequence[Token], algebraic: bool) -> None:
        self.tokens, self.at, self.depth, self.algebraic = list(tokens), 0, 0, algebraic
        self.names = known_names()

    def whole(self) -> Quantity:
        found = self.sum()
        if self.at < len(self.tokens):
            raise UnreadableError
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
                    raise UnreadableError  # H2O, x1
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
                raise UnreadableError
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
            raise UnreadableError
        return algebra.multiply((Fraction(-1), found.node)) if sign == "-" else found.node

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnreadableError

    def primary(self) -> Quantity:
        token = self.peek()
        if token is None:
            raise UnreadableError
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
                    raise UnreadableError
                degree = inner
            return Quantity(algebra.raise_to(self._argument().node, 1 / degree))
        if token.text == "frac":
            return Quantity(algebra.divide(self._argument().node, self._argument().node))
        if token.kind == "word":
            return self._word(token)
        raise UnreadableError

    def _bracketed(self, token: Token) -> Quantity:
        self._deeper()
        found = self.sum()
        self.depth -= 1
        wanted = {"(": ")", "[": "]", "{": "}", "|": "|", "⦃": "⦄", "⟨": "⟩"}[token.text]
        if not self.take(wanted):
            raise UnreadableError
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
        if plain in FUNCTIONS and self.peek() is not None:
            exponent = self._exponent() if self.take("^") else Fraction(1)
            return Quantity(algebra.raise_to(algebra.Call(plain, self._argument().node), exponent))
        if token.text in _CALLED and (opened := self.peek()) is not None and opened.text == "(" and not opened.spaced:
            return Quantity(algebra.Call(token.text, self._argument().node))
        unit = self.names.unit(token.text)
        following = self.peek()
        if (
            unit
            and not self.algebraic
            and following is not None
            and (following.kind == "number" or following.text == "-")
        ):
            money = self.factor()  # ₹450
            if money.unit:
                raise UnreadableError
            return replace(money, unit=self._unit(unit))
        if len(token.text) == 1 or "_" in token.text:
            return Quantity(Symbol(token.text))
        raise UnreadableError

    def postfix(self, found: Quantity) -> Quantity:
        token = self.peek()
        if token is not None and token.kind == "scale":
            self.at += 1
            scale = Fraction(self.names.scales[token.text])
            found = replace(found, node=algebra.multiply((found.node, scale)))
            following, after = self.peek(), self.peek(1)
            if (
                following is not None
                and following.kind == "number"
                and (scale > 100 or after is None or after.kind != "scale")
            ):
                less = self.postfix(self.primary())  # 1 crore 20 lakh
                if isinstance(less.node, Fraction) and less.node < scale:
                    return replace(less, node=algebra.add((found.node, less.node)))
                raise UnreadableError
            return self.postfix(found)
        if token is not None and token.text == "%" and not found.unit:
            self.at += 1
            return replace(found, node=algebra.multiply((found.node, Fraction(1, 100))), percent=True)
        if token is not None and token.text == "!" and isinstance(found.node, Fraction) and found.node.denominator == 1:
            if not 0 <= found.node <= 20:
                raise UnreadableError
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
        """A unit with its powers and divisions: km/h, sq cm, m s^-2, cm²; None where the word is none.

        first: a unit that stands before it.
        """
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
                after = (
                    known_names().powers.get(plain_word(following.text))
                    if following and following.kind == "word"
                    else None
                )
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
        raise UnreadableError
    return int(exponent)


def _sum(one: Quantity, other: Quantity, *, negative: bool) -> Quantity:
    node = algebra.multiply((Fraction(-1), other.node)) if negative else other.node
    if one.unit and other.unit:
        if one.unit.base != other.unit.base:
            raise UnreadableError
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
    if (
        one.unit
        or one.percent
        or (isinstance(one.node, Fraction) and isinstance(other.node, Fraction) and other.unit is None)
    ):
        raise UnreadableError
    return _product(one, other)
