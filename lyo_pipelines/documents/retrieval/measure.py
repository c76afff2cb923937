"""How well passages are found: hit@k and MRR on the questions that the documents themselves answer, and from what match on one fits.

A question of a document (a heading that asks, a marked line, a term) stands in its own passage, which would make finding it easy. So
here the words of all questions are taken out of the passages first: what is left is the answer. Questions of other sets are those that
nothing fits. Half of the questions calibrate the match, the other half judges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from lyo_pipelines.documents.retrieval.index import Passage, PassageIndex

DEPTHS = (1, 3, 5)
_DEEPEST = 20


@dataclass(frozen=True)
class AskedPassage:
    """A question and the passages (keys) that answer it; no key: nothing does."""

    question: str
    answers: frozenset[str]


@dataclass(frozen=True)
class RetrievalFigures:
    """n questions that something answers; hits: depth -> share of them with an answer that deep; mrr: mean of 1 / rank, or 0."""

    n: int
    hits: Mapping[int, float]
    mrr: float


@dataclass(frozen=True)
class RefusalFigures:
    """What a match refuses: threshold; of `n` answerable questions the share that is refused, of `n_foreign` the share that is not."""

    threshold: float
    n: int
    refused: float
    n_foreign: int
    let_through: float


def own_questions(
    passages: Sequence[Passage], pairs: Sequence[tuple[str, str, str]]
) -> tuple[list[AskedPassage], PassageIndex]:
    """Questions of the documents with their passages, and the index without the words of the questions.

    pairs: (document, question, answer). The answer's passages are those of its document that hold the beginning of the answer.
    """
    questions: dict[str, list[str]] = {}
    for document, question, _ in pairs:
        questions.setdefault(document, []).append(question)

    def without_questions(passage: Passage) -> str:
        text = f"{passage.title}\n{passage.text}"
        for question in questions.get(passage.document, ()):
            text = text.replace(question, " ")
        return text

    by_document: dict[str, list[Passage]] = {}
    for passage in passages:
        by_document.setdefault(passage.document, []).append(passage)
    asked = []
    for document, question, answer in pairs:
        start = " ".join(answer.split())[:60]
        mine = [one.key for one in by_document.get(document, ()) if start in " ".join(one.text.split())]
        if mine:
            asked.append(AskedPassage(question, frozenset(mine)))
    return asked, PassageIndex(passages, without_questions)


def measure_retrieval(index: PassageIndex, asked: Sequence[AskedPassage]) -> RetrievalFigures:
    """hit@k and MRR of the questions that something answers; all 0 for none."""
    ranks = [_rank(index, one) for one in asked if one.answers]
    n = len(ranks)
    hits = {depth: sum(rank is not None and rank <= depth for rank in ranks) / max(1, n) for depth in DEPTHS}
    return RetrievalFigures(n, hits, sum(1 / rank for rank in ranks if rank) / max(1, n))


def _rank(index: PassageIndex, asked: AskedPassage) -> int | None:
    found = index.search(asked.question, _DEEPEST)
    return next((place for place, one in enumerate(found, start=1) if one.passage.key in asked.answers), None)


def calibrate_refusal(index: PassageIndex, own: Sequence[str], foreign: Sequence[str]) -> RefusalFigures | None:
    """The match that errs least (both errors weighed alike) on one half of the questions, judged on the other; None for too few."""
    first, second = _halves(own), _halves(foreign)
    if not all((*first, *second)):
        return None
    learnt, strange = (sorted(_best(index, one) for one in half[0]) for half in (first, second))
    borders = sorted({0.0, *learnt, *strange})
    threshold = min(borders, key=lambda at: (_below(learnt, at) + 1 - _below(strange, at), at))
    judged, other = ([_best(index, one) for one in half[1]] for half in (first, second))
    return RefusalFigures(threshold, len(judged), _below(judged, threshold), len(other), 1 - _below(other, threshold))


def refusal_at(index: PassageIndex, own: Sequence[str], foreign: Sequence[str], threshold: float) -> RefusalFigures:
    """The same for a threshold that is set."""
    mine, other = ([_best(index, one) for one in questions] for questions in (own, foreign))
    return RefusalFigures(threshold, len(mine), _below(mine, threshold), len(other), 1 - _below(other, threshold))


def _best(index: PassageIndex, question: str) -> float:
    return max((one.match for one in index.search(question, DEPTHS[-1])), default=0.0)


def _below(values: Sequence[float], border: float) -> float:
    return sum(value < border for value in values) / len(values) if values else 0.0


def _halves(questions: Sequence[str]) -> tuple[list[str], list[str]]:
    """Drawn by a hash, so that neither half is the beginning of the documents."""
    halves: tuple[list[str], list[str]] = ([], [])
    for question in dict.fromkeys(questions):
        halves[sha256(question.encode()).digest()[0] % 2].append(question)
    return halves
