"""Orders of steps, and what must come before what. Pure functions; which topics and hours there are, a row's context says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from lyo_pipelines.tasks.measures import split_words


def plain_name(name: str) -> str:
    """Return a topic's name as it is compared."""
    return " ".join(split_words(name.replace("_", " ")))


def order_agreement(steps: Sequence[str], reference: Sequence[str]) -> float | None:
    """Return the share of the reference's pairs that stand in the same order here; a missing step loses its pairs.

    With nothing missing it is (1 + Kendall's tau) / 2. A reference of one step asks only whether it is there; None without any.
    """
    place: dict[str, int] = {}
    for number, name in enumerate(map(plain_name, steps)):
        place.setdefault(name, number)
    wanted = list(dict.fromkeys(map(plain_name, reference)))
    if len(wanted) < 2:
        return float(wanted[0] in place) if wanted else None
    pairs = list(combinations(wanted, 2))
    kept = sum(one in place and other in place and place[one] < place[other] for one, other in pairs)
    return kept / len(pairs)


def missing_before(
    steps: Sequence[str], needs: Mapping[str, Sequence[str]], known: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return (step, what it needs) for each prerequisite that is neither known nor an earlier step.

    needs: topic -> topics that come before it; steps that it does not name need nothing.
    """
    wanted = {plain_name(topic): before for topic, before in needs.items()}
    learned = set(map(plain_name, known))
    broken = []
    for step in steps:
        broken += [(step, need) for need in wanted.get(plain_name(step), ()) if plain_name(need) not in learned]
        learned.add(plain_name(step))
    return broken


def counted_from_one(numbers: Sequence[int]) -> bool:
    """Whether the numbers are 1, 2, 3, …"""
    return list(numbers) == list(range(1, len(numbers) + 1))
