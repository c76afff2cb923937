"""What an answer is worth (0 to 1), and what judges say who are not rewarded: functions of a question's id and an answer's text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sacrebleu

from lyo_pipelines.evaluation.answers.correctness import is_correct, same_result
from lyo_pipelines.evaluation.answers.reading import read_result
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.contextual import ContextualMetric
from lyo_pipelines.tasks.results import stated_result

Judge = Callable[[Sequence[str], Sequence[str]], list[float | None]]
"""(ids of questions, an answer to each) -> 0 to 1 for each, None where it cannot say."""


def right_answer(known: Mapping[str, str]) -> Judge:
    """Whether the answer's result is the known one: the checker of the report, which takes the last number where none is stated."""

    def score(ids: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        return [
            float(is_correct(answer, known[key])) if key in known else None
            for key, answer in zip(ids, answers, strict=True)
        ]

    return score


def stated_in_words(known: Mapping[str, str]) -> Judge:
    """A stricter checker: the answer says in so many words what its result is, and that is the known one.

    A model that only learns to end on a likely number gains with the other checker and not with this one.
    """

    def score(ids: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        return [_states(answer, known[key]) if key in known else None for key, answer in zip(ids, answers, strict=True)]

    return score


def like_the_reference(references: Mapping[str, str]) -> Judge:
    """chrF against the answer that was rated well: what is neither on the subject nor of its length has little of it."""

    def score(ids: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        return [
            sacrebleu.sentence_chrf(answer, [references[key]]).score / 100
            for key, answer in zip(ids, answers, strict=True)
        ]

    return score


def predicted_rating(metric: ContextualMetric, items: Mapping[str, Item]) -> Judge:
    """The rating that a model of ratings predicts, 1 to 5 points as 0 to 1."""

    def score(ids: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        points = metric.find([items[key] for key in ids], [None] * len(ids), list(answers))
        return [None if value is None else (value - 1) / 4 for value in points]

    return score


def _states(answer: str, known: str) -> float:
    stated = stated_result(answer)
    if stated is None:
        return 0.0
    marked = stated_result(known)
    return float(same_result(read_result(stated), read_result(marked or known, whole=marked is None)))
