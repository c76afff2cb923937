"""Whether the result that an answer states is the known one. How often that is so is a metric's business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.algebra import PI
from lyo_pipelines.evaluation.answers.intervals import same_set
from lyo_pipelines.evaluation.answers.reading import read_result
from lyo_pipelines.evaluation.answers.sayings import same_saying
from lyo_pipelines.evaluation.answers.units import known_names
from lyo_pipelines.evaluation.answers.values import (
    Clock,
    Group,
    Part,
    Quantity,
    Ratio,
    Relation,
    StatedResult,
    Value,
)
from lyo_pipelines.tasks.results import stated_result

_SAME_PI = Fraction(6, 10_000)
"""Relative: 3.14, 22/7 and 3.1416 for π."""

_BARE_WORDS = 10
"""Words of an answer that is read as a whole where it marks no result."""


_ASKS_FOR_A_FORM = re.compile(
    r"factor|expan[ds]|simplif|multiply (?:it |this |them )?out|product|standard form|in the form|complet\w* the square|express"
    r"|गुणनखंड|गुणनखण्ड|प्रसार|विस्तार|सरल|gunankhand|vistar|vistaar|saral|காரணி|விரி|விரிவு|சுருக்",
    re.IGNORECASE,
)
"""A question about an expression that is the answer already, in another form."""


def is_correct(answer: str, expected: str, question: str = "") -> bool:
    """Whether an answer's stated result says what the known one says: numbers exactly, decimals as far as they are written out.

    Units must agree where both name one (conversions count); where an answer states no result in so many words, its last number does.
    question: where it is known and does not ask for a form, a product and what it is multiplied out are the same; an answer that
    repeats an expression of the question is not.
    """
    marked = stated_result(expected)
    known = read_result(marked or expected, whole=marked is None)
    stated = stated_result(answer, loosely=True)
    if stated is None:
        return False
    if same_result(read_result(stated), known) or same_saying(stated, marked or expected):
        return True
    # an answer that is nothing but its result: "x = 3 or x = -3", "Yes, it is."
    bare = "\n" not in answer.strip() and len(answer.split()) <= _BARE_WORDS and stated_result(answer) is None
    if bare and (same_result(read_result(answer, whole=True), known) or same_saying(answer, marked or expected)):
        return True
    read = read_result(answer if bare else stated)
    return bool(question) and not _ASKS_FOR_A_FORM.search(question) and _other_form(read, known, stated, question)


def _other_form(stated: StatedResult, known: StatedResult, said: str, question: str) -> bool:
    """Whether two single expressions are one when they are multiplied out, and the stated one is none that the question shows."""
    ours, theirs = (
        [part.value for part in result.parts if isinstance(part.value, Quantity)] for result in (stated, known)
    )
    if not len(stated.parts) == len(known.parts) == len(ours) == len(theirs) == 1 or ours[0].unit != theirs[0].unit:
        return False
    one, other = ours[0], theirs[0]
    if algebra.decimal_value(other.node) is not None or _compact(said) in _compact(question):
        return False
    try:
        return algebra.expanded(one.node) == algebra.expanded(other.node)
    except algebra.TooLargeError:
        return False


def _compact(text: str) -> str:
    return re.sub(r"[\s*$\\{}.]", "", text).casefold()


def same_result(stated: StatedResult, known: StatedResult) -> bool:
    """Whether two results say the same."""
    if known.choice and stated.choice:
        return known.choice == stated.choice
    if not known.parts or not stated.parts:
        return bool(known.text) and known.text in (stated.text, stated.first)
    same = same_set(stated.parts, known.parts)
    return _same_parts(stated.parts, known.parts, ordered=stated.ordered and known.ordered) if same is None else same


def _same_parts(stated: Sequence[Part], known: Sequence[Part], *, ordered: bool) -> bool:
    ordered = ordered and not any(
        isinstance(one.value, Group) and not one.value.ordered
        for side in (stated, known)
        if len(side) == 1
        for one in side
    )
    if point := _as_point(stated, known):
        stated, known = point
        return all(_same_value(a.value, b.value) for a, b in zip(stated, known, strict=True))
    stated, known = _flat(stated, known)
    if len(stated) != len(known):
        return False
    if len(known) == 1:
        return _same_part(stated[0], known[0]) and not _contradict(stated[0], known[0])
    told = all(part.name for part in (*stated, *known)) or all(part.lead or part.words for part in (*stated, *known))
    if ordered and not told:
        return all(_same_among(a, b) for a, b in zip(stated, known, strict=True))
    left = list(stated)
    for part in known:
        found = next((one for one in left if _same_among(one, part)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _as_point(stated: Sequence[Part], known: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]] | None:
    """Coordinates of a point and x, y (and z) told by name, both in the order of the names; None for anything else."""
    for one, other in ((stated, known), (known, stated)):
        if (
            len(one) == 1
            and isinstance(group := one[0].value, Group)
            and group.ordered
            and len(group.items) == len(other)
        ):
            named = sorted(other, key=lambda part: part.name)
            if "".join(part.name for part in named) in {"xy", "xyz"}:
                return (group.items, named) if one is stated else (named, group.items)
    return None


def _flat(stated: Sequence[Part], known: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]]:
    """(3, 4) may be said as x = 3, y = 4, and {1, 2} as 1 and 2."""
    sides = [stated, known]
    for place, other in ((0, 1), (1, 0)):
        side = sides[place]
        if len(side) == 1 and isinstance(group := side[0].value, Group) and len(sides[other]) == len(group.items) > 1:
            sides[place] = group.items
    return sides[0], sides[1]


def _same_part(stated: Part, known: Part) -> bool:
    if stated.name and known.name and stated.name != known.name:
        return False
    return _same_value(stated.value, known.value)


def _same_among(stated: Part, known: Part) -> bool:
    """The same among several: 3 boys are no 3 girls."""
    for one, other in ((stated.words, known.words), (stated.lead, known.lead)):
        if one and other and one != other:
            return False
    return _same_part(stated, known)


def _contradict(stated: Part, known: Part) -> bool:
    """Whether the words beside two equal values say different things: left by 3, right by 3; not 8, 8.

    What a value is of may be said in another word (8 toffees, 8 sweets); what is said before it may not.
    """
    denials = known_names().denials
    if _opposite({*stated.lead, *stated.words}, {*known.lead, *known.words}):
        return True
    if denials.isdisjoint((*stated.lead, *stated.words)) != denials.isdisjoint((*known.lead, *known.words)):
        return True
    return _differ(stated.lead, known.lead, least=1) or _differ(stated.words, known.words, least=2)


def _opposite(one: set[str], other: set[str]) -> bool:
    """Whether one side says profit and the other loss."""
    return any(
        (one & left and other & right and not one & right) or (one & right and other & left and not one & left)
        for left, right in known_names().opposites
    )


def _differ(one: Sequence[str], other: Sequence[str], *, least: int) -> bool:
    mine, theirs = set(one), set(other)
    if mine == theirs:
        return list(one) != list(other)
    return min(len(mine), len(theirs)) >= least and not (mine <= theirs or theirs <= mine)


def _same_value(stated: Value, known: Value) -> bool:
    if isinstance(stated, Quantity) and isinstance(known, Quantity):
        return _same_quantity(stated, known)
    if isinstance(stated, Group) and isinstance(known, Group):
        if stated.brackets != known.brackets:
            return False
        return _same_parts(stated.items, known.items, ordered=known.ordered)
    if {type(stated), type(known)} == {Clock, Ratio}:
        stated, known = _as_ratio(stated), _as_ratio(known)
    if isinstance(stated, Ratio | Quantity) and isinstance(known, Ratio | Quantity):
        one, other = _terms(stated), _terms(known)
        return one is not None and other is not None and len(one) == len(other) and one == other
    if isinstance(stated, Clock) and isinstance(known, Clock):
        return bool(_clocks(stated) & _clocks(known))
    return isinstance(stated, Relation) and stated == known


def _terms(value: Ratio | Quantity) -> tuple[Fraction, ...] | None:
    """A ratio in its lowest terms; a fraction is a ratio of two."""
    if isinstance(value, Quantity):
        return (value.node, Fraction(1)) if isinstance(value.node, Fraction) and value.node.denominator > 1 else None
    last = value.terms[-1]
    return tuple(term / last for term in value.terms) if last else None


def _as_ratio(value: Value) -> Value:
    """10:15 may be a time of day or a ratio; beside a ratio it is one."""
    if isinstance(value, Clock) and not value.half and value.minutes % 60:
        return Ratio((Fraction(value.minutes // 60), Fraction(value.minutes % 60)))
    return value


def _clocks(value: Clock) -> set[int]:
    """Minutes of the day that a time may mean."""
    if value.half == "" or value.minutes >= 13 * 60:
        return {value.minutes} if value.minutes >= 13 * 60 else {value.minutes, (value.minutes + 720) % 1440}
    return {value.minutes % 720 + (720 if value.half == "p" else 0)}


def _same_quantity(stated: Quantity, known: Quantity) -> bool:
    one, other = stated.node, known.node
    if known.factors and stated.factors != known.factors:
        return False
    if stated.unit and known.unit:
        if stated.unit.base != known.unit.base:
            return False
        if stated.unit.factor != known.unit.factor:
            other = algebra.multiply((other, known.unit.factor / stated.unit.factor))
            return _close(one, other, stated.places, None)
    if stated.percent != known.percent:
        return _same_share(stated, known)
    if stated.percent:
        one, other = (algebra.multiply((node, Fraction(100))) for node in (one, other))
    return _close(one, other, stated.places, known.places)


def _same_share(stated: Quantity, known: Quantity) -> bool:
    """25 % is 0.25; a bare 25 is 25 % where the question may have asked for percent."""
    if _close(stated.node, known.node, None, None):
        return True
    bare, share = (known, stated) if stated.percent else (stated, known)
    number = algebra.decimal_value(bare.node)
    return (
        number is not None
        and abs(number) > 1
        and _close(bare.node, algebra.multiply((share.node, Fraction(100))), bare.places, share.places)
    )


def _close(stated: algebra.Node, known: algebra.Node, stated_places: int | None, known_places: int | None) -> bool:
    """Equal, or a decimal that is the other value rounded as far as it is written out.

    Two digits suffice where the exact value does not end (1/3, √2), three where it does. A whole number must be hit.
    """
    if stated == known:
        return True
    a, b = algebra.decimal_value(stated), algebra.decimal_value(known)
    if a is None or b is None:
        return False
    if abs(a - b) <= 1e-9 * max(abs(a), abs(b)) and not (_ends(stated) and _ends(known)):
        return True
    if (algebra.holds(stated, PI) or algebra.holds(known, PI)) and abs(a - b) <= float(_SAME_PI) * abs(b):
        return True
    rounded = [
        (value, places, other, node)
        for value, places, other, node, of in (
            (a, stated_places, b, known, known_places),
            (b, known_places, a, stated, stated_places),
        )
        if places and (of is None or of > places)
    ]
    return any(_is_rounded(value, places, other, ends=_ends(node)) for value, places, other, node in rounded)


def _is_rounded(value: float, places: int, exact: float, *, ends: bool) -> bool:
    """Whether a decimal is an exact value rounded, or (for one that does not end, with three digits or more) cut off."""
    digits, unit = _digits(value, places), 10.0**-places
    near = abs(value - exact) < 0.5 * unit + 1e-12 * abs(value)
    cut = not ends and digits >= 3 and 0 <= abs(exact) - abs(value) < unit and value * exact > 0
    return (near and digits >= (3 if ends else 2)) or cut


def _ends(node: algebra.Node) -> bool:
    """Whether a value has a last decimal."""
    if not isinstance(node, Fraction):
        return False
    rest = node.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _digits(value: float, places: int) -> int:
    """Significant digits of a decimal with so many places."""
    return len(str(round(abs(value) * 10**places)))
