"""An index of passages in memory: the best for a question by BM25 (Robertson and Zaragoza 2009; bm25s, its variant of Lucene).

BM25 ranks; its scores grow with the length of a question and say nothing of whether a passage fits. That says `match`: the share of
the words that a question is about (everyday ones left out) that the passage holds, also in another form. Each is weighed by how rare
it is among the passages; one that none of them holds counts as the rarest. A question about nothing ("why is it so?") finds nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from lyo_pipelines.documents.retrieval.terms import common_stems_of, stems_of, terms_of


@dataclass(frozen=True)
class Passage:
    """A chunk that can be found. text: as it is given to a model; set: of documents; title: the headings above it."""

    document: str
    number: int
    set: str
    source_file: str
    title: str
    text: str
    language: str = ""

    @property
    def key(self) -> str:
        """What names it: `<document>#<number>`."""
        return f"{self.document}#{self.number}"


@dataclass(frozen=True)
class FoundPassage:
    """score: BM25, comparable within one question; match: from 0 to 1, comparable between questions."""

    passage: Passage
    score: float
    match: float


class PassageIndex:
    """Passages and their terms. searched: the text that is indexed of each (default: headings and text)."""

    def __init__(self, passages: Sequence[Passage], searched: Callable[[Passage], str] | None = None) -> None:
        self.passages = tuple(passages)
        terms = [terms_of(searched(one) if searched else f"{one.title}\n{one.text}") for one in self.passages]
        self._terms = [frozenset(of) for of in terms]
        counted = Counter(term for of in self._terms for term in of)
        self._weight = {term: self._rarity(count) for term, count in counted.items()}
        self._everywhere = {term for term, count in counted.items() if 2 * count > len(self.passages)}
        self._unknown = self._rarity(0)
        self._ranks = _bm25(terms) if any(terms) else None

    def _rarity(self, holding: int) -> float:
        """Inverse document frequency of a term that so many passages hold, always above 0."""
        return log(1 + (len(self.passages) - holding + 0.5) / (holding + 0.5))

    def search(self, question: str, count: int) -> list[FoundPassage]:
        """The best passages that share any term with a question, best first; equal ones in the order of the documents.

        None for a question that is about nothing.
        """
        asked = terms_of(question)
        if self._ranks is None or not asked:
            return []
        known = [term for term in asked if term in self._weight]
        if not known:
            return []
        # a common word tells passages apart where most of them do not hold it
        stems = stems_of(question) or [term for term in common_stems_of(question) if term not in self._everywhere]
        if not stems:
            return []
        scores = self._ranks.get_scores(known)
        best = sorted((place for place in scores.nonzero()[0].tolist()), key=lambda place: (-scores[place], place))
        return [
            FoundPassage(self.passages[place], round(float(scores[place]), 4), self._match(stems, place))
            for place in best[:count]
        ]

    def _match(self, asked: Sequence[str], place: int) -> float:
        distinct = dict.fromkeys(asked)
        weights = {term: self._weight.get(term, self._unknown) for term in distinct}
        held = sum(weight for term, weight in weights.items() if term in self._terms[place])
        return round(held / sum(weights.values()), 4)


def _bm25(terms: Sequence[list[str]]) -> Any:
    import bm25s  # loaded by whoever asks, not with the package

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    ranks = bm25s.BM25()
    ranks.index(list(terms), show_progress=False)
    return ranks
