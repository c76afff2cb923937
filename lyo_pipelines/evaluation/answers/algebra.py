"""Expressions in one normal form, exact: numbers as fractions, roots simplified, terms and factors in one order, nothing expanded.

A product is not multiplied out, so a task "factor x² - 9" is not solved by its own question; `expanded` does it where the form does
not matter. Reading text is `reading`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_LARGEST_POWER = 400
_LARGEST_BITS = 4_000
_LARGEST_RADICAND = 10**8
_HIGHEST_EXPANDED = 6
_MOST_TERMS = 60


class TooLargeError(ValueError):
    """A number that nobody would write out, or a division by zero."""


@dataclass(frozen=True)
class Sum:
    """Terms that are no numbers of the same kind, in their order."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Product:
    """Factors in their order; a number among them stands first."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Power:
    """A base that is no number with its exponent, or a root that does not come out."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Symbol:
    """A variable, or a constant such as π."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function of an argument: sin x, |x|."""

    function: str
    argument: Node


Node = Fraction | Sum | Product | Power | Symbol | Call
PI = Symbol("π")
_CONSTANTS = {PI: math.pi, Symbol("e"): math.e}


def add(nodes: Iterable[Node]) -> Node:
    """The sum in normal form: like terms together."""
    number = Fraction(0)
    terms: dict[Node, Fraction] = {}
    for node in nodes:
        for term in node.terms if isinstance(node, Sum) else (node,):
            factor, rest = _split(term)
            if rest is None:
                number += factor
            else:
                terms[rest] = terms.get(rest, Fraction(0)) + factor
    found = [_scaled(factor, rest) for rest, factor in terms.items() if factor]
    found = sorted(found, key=repr) + ([number] if number else [])
    return Sum(tuple(found)) if len(found) > 1 else found[0] if found else Fraction(0)


def multiply(nodes: Iterable[Node]) -> Node:
    """The product in normal form: powers of one base together; only a sign is carried into a sum."""
    number = Fraction(1)
    powers: dict[Node, Node] = {}
    for node in nodes:
        for factor in node.factors if isinstance(node, Product) else (node,):
            if isinstance(factor, Fraction):
                number = _checked(number * factor)
                continue
            base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, Fraction(1))
            powers[base] = add((powers.get(base, Fraction(0)), exponent))
    if not number:
        return number
    factors = []
    for base, exponent in powers.items():
        raised = raise_to(base, exponent)
        for part in raised.factors if isinstance(raised, Product) else (raised,):
            if isinstance(part, Fraction):
                number = _checked(number * part)
            else:
                factors.append(part)
    if number == -1 and len(factors) == 1 and isinstance(factors[0], Sum):
        return add(multiply((number, term)) for term in factors[0].terms)
    return _scaled(number, Product(tuple(sorted(factors, key=repr))) if factors else None)


def raise_to(base: Node, exponent: Node) -> Node:
    """A power in normal form; square roots of numbers give up their square factors. Raises TooLargeError."""
    if exponent == 0 and base != 0:
        return Fraction(1)
    if exponent == 1:
        return base
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        return _number_power(base, exponent)
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if isinstance(base, Product):
            return multiply(raise_to(factor, exponent) for factor in base.factors)
        if isinstance(base, Power):
            return raise_to(base.base, multiply((base.exponent, exponent)))
    return Power(base, exponent)


def divide(top: Node, bottom: Node) -> Node:
    """A quotient. Raises TooLargeError for a division by zero."""
    return multiply((top, raise_to(bottom, Fraction(-1))))


def expanded(node: Node) -> Node:
    """The expression multiplied out: sums times sums, and sums to a small whole power. Raises TooLargeError for too many terms."""
    if isinstance(node, Sum):
        return add(expanded(term) for term in node.terms)
    if isinstance(node, Product):
        terms: list[Node] = [Fraction(1)]
        for factor in node.factors:
            others = _terms(expanded(factor))
            if len(terms) * len(others) > _MOST_TERMS:
                raise TooLargeError("more terms than anybody writes")
            terms = list(_terms(add(multiply((one, other)) for one in terms for other in others)))
        return add(terms)
    if isinstance(node, Power):
        base, exponent = expanded(node.base), node.exponent
        if isinstance(base, Sum) and isinstance(exponent, Fraction) and exponent in range(2, _HIGHEST_EXPANDED + 1):
            # factor by factor: as a product its like factors would become this power again
            found: Node = base
            for _ in range(int(exponent) - 1):
                terms = [multiply((one, other)) for one in _terms(found) for other in base.terms]
                found = add(terms)
                if len(_terms(found)) > _MOST_TERMS:
                    raise TooLargeError("more terms than anybody writes")
            return found
        return raise_to(base, exponent)
    return Call(node.function, expanded(node.argument)) if isinstance(node, Call) else node


def _terms(node: Node) -> tuple[Node, ...]:
    return node.terms if isinstance(node, Sum) else (node,)


def decimal_value(node: Node) -> float | None:
    """The value of an expression without variables; None for another one, and for one out of a decimal's range."""
    try:
        value = _value(node)
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _value(node: Node) -> float:
    """The decimal; nan where something in it has none."""
    if isinstance(node, Fraction):
        return float(node)
    if isinstance(node, Symbol | Call):
        return _CONSTANTS.get(node, math.nan) if isinstance(node, Symbol) else math.nan
    values = [_value(part) for part in _parts(node)]
    if isinstance(node, Sum):
        return math.fsum(values)
    return math.prod(values) if isinstance(node, Product) else values[0] ** values[1]


def holds(node: Node, symbol: Symbol) -> bool:
    """Whether the expression holds this symbol."""
    return node == symbol or any(holds(part, symbol) for part in _parts(node))


def _parts(node: Node) -> tuple[Any, ...]:
    if isinstance(node, Sum):
        return node.terms
    if isinstance(node, Product):
        return node.factors
    if isinstance(node, Power):
        return node.base, node.exponent
    return (node.argument,) if isinstance(node, Call) else ()


def _split(term: Node) -> tuple[Fraction, Node | None]:
    if isinstance(term, Fraction):
        return term, None
    if isinstance(term, Product) and isinstance(term.factors[0], Fraction):
        rest = term.factors[1:]
        return term.factors[0], rest[0] if len(rest) == 1 else Product(rest)
    return Fraction(1), term


def _scaled(number: Fraction, rest: Node | None) -> Node:
    if rest is None:
        return number
    factors = rest.factors if isinstance(rest, Product) else (rest,)
    factors = factors if number == 1 else (number, *factors)
    return factors[0] if len(factors) == 1 else Product(factors)


def _checked(number: Fraction) -> Fraction:
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > _LARGEST_BITS:
        raise TooLargeError("a number too large to be written out")
    return number


def _number_power(base: Fraction, exponent: Fraction) -> Node:
    whole, rest = divmod(exponent, 1)
    if abs(whole) > _LARGEST_POWER or (base == 0 and exponent < 0):
        raise TooLargeError("a power too large to be written out, or a division by zero")
    if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(whole) > _LARGEST_BITS:
        raise TooLargeError("a power too large to be written out")
    number = base ** int(whole)
    if not rest:
        return number
    if base < 0 or rest.denominator > 10:
        return Power(base, exponent)
    inside = base.numerator * base.denominator ** (rest.denominator - 1)  # the root of a / b is that of a b^(n-1), by b
    if base.numerator > _LARGEST_RADICAND or inside > _LARGEST_RADICAND:
        return Power(base, exponent)
    outside, left = _root(inside, rest.denominator)
    number *= Fraction(outside, base.denominator) ** rest.numerator
    return number if left == 1 else _scaled(number, Power(Fraction(left), rest))


def _root(inside: int, degree: int) -> tuple[int, int]:
    """(a, b) with inside = a^degree * b, a as large as it can be."""
    outside, factor = 1, 2
    while factor**degree <= inside:
        while inside % factor**degree == 0:
            inside //= factor**degree
            outside *= factor
        factor += 1
    return outside, inside
