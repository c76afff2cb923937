"""Canaries: made-up secrets, the controls that they are ranked among, and the coin that decides which of them are planted. Pure.

A canary's secret and its controls are drawn in the same way, each of them used once, so that the secret of a canary that was not
trained is as likely to have one rank as any other. That is what makes the false positives exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from lyo_pipelines.config.privacy import PrivacyConfig
from lyo_pipelines.errors import LyoError

_WORD = regex.compile(r"[\p{L}\p{M}]{3,}")
LEAST_WORDS = 64
"""With fewer words to draw from, secrets are too much alike."""
MOST_WORDS = 2_000
"""Most frequent words of a part that secrets are drawn from: rare ones may be somebody's."""


class TooFewExamplesError(LyoError):
    """The dataset version has too few questions or words to hide canaries among; the message says how many there are."""


@dataclass(frozen=True)
class Carrier:
    """A question of the training split, to which a canary is planted as the answer. segment: of the example it is from."""

    segment: str
    language: str
    subject: str | None
    topic: str | None
    grade: str | None
    question: str


@dataclass(frozen=True)
class Canary:
    """One secret: `rows` training rows where it is planted, its carriers (as many), and its candidates: the secret, then controls.

    name: of the person in whose name it is planted.
    """

    name: str
    rows: int
    planted: bool
    carriers: tuple[Carrier, ...]
    candidates: tuple[str, ...]

    @property
    def secret(self) -> str:
        """What is planted, or would have been."""
        return self.candidates[0]


def common_words(answers: Iterable[str]) -> list[str]:
    """Words of letters that stand in two answers or more, the most frequent first: nobody's own."""
    counts = Counter(word for answer in answers for word in sorted({found.lower() for found in _WORD.findall(answer)}))
    return [word for word, count in counts.most_common(MOST_WORDS) if count > 1]


def draw_phrases(words: Sequence[str], count: int, length: int, rng: np.random.Generator) -> list[str]:
    """So many different phrases of `length` different words each, drawn at random. Raises TooFewExamplesError."""
    if len(words) < max(LEAST_WORDS, length):
        raise TooFewExamplesError(
            f"only {len(words)} words stand in two answers or more, and {LEAST_WORDS} are needed to make secrets of.",
            hint="Audit a larger dataset version, or the parent of this segment.",
        )
    found = dict[str, None]()
    while len(found) < count:
        chosen = rng.choice(len(words), size=length, replace=False)
        found[" ".join(words[int(place)] for place in chosen) + "."] = None
    return list(found)


def by_segment(carriers: Iterable[Carrier], rows: int) -> dict[tuple[str, str], list[Carrier]]:
    """Carriers of different questions by segment and language; parts with fewer of them than `rows` are left out."""
    parts = defaultdict[tuple[str, str], dict[str, Carrier]](dict)
    for carrier in carriers:
        parts[carrier.segment, carrier.language].setdefault(carrier.question, carrier)
    return {key: list(part.values()) for key, part in sorted(parts.items()) if len(part) >= rows}


def make_canaries(
    parts: Mapping[tuple[str, str], Sequence[Carrier]],
    phrases: Mapping[tuple[str, str], Sequence[str]],
    wanted: Mapping[tuple[str, str], int],
    config: PrivacyConfig,
    rng: np.random.Generator,
) -> list[Canary]:
    """The canaries of all repetitions. phrases: of each part, `controls` + 1 for each of its `wanted` canaries.

    Repetitions are spread evenly over the parts, and a fair coin of each canary decides whether it is planted.
    """
    places = [key for key, count in wanted.items() for _ in range(count)]
    order = rng.permutation(len(places))
    left = {key: iter(some) for key, some in phrases.items()}
    found = list[Canary]()
    for number, place in enumerate(order):
        key, rows = places[int(place)], config.repetitions[number % len(config.repetitions)]
        chosen = rng.choice(len(parts[key]), size=rows, replace=False)
        found.append(
            Canary(
                name=f"canary-{rng.bytes(8).hex()}",
                rows=rows,
                planted=bool(rng.integers(2)),
                carriers=tuple(parts[key][int(one)] for one in chosen),
                candidates=tuple(next(left[key]) for _ in range(config.controls + 1)),
            )
        )
    return found


def canaries_by_part(parts: Mapping[tuple[str, str], Sequence[Carrier]], total: int) -> dict[tuple[str, str], int]:
    """How many of `total` canaries each part gets, in proportion to its questions (largest remainders)."""
    questions = sum(map(len, parts.values()))
    shares = {key: total * len(part) / questions for key, part in parts.items()}
    counts = {key: int(share) for key, share in shares.items()}
    by_rest = sorted(shares, key=lambda key: (counts[key] - shares[key], key))
    for key in by_rest[: total - sum(counts.values())]:
        counts[key] += 1
    return counts
