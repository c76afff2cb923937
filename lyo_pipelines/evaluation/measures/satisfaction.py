"""Predicted ratings: what the form of an answer says about its rating, learnt from rated answers, and silent where that is nothing.

The features are cheap and the same in every language (lengths, steps, figures, script, repetition, closeness to the question): a model
of how answers look, not of whether they are right. It is checked on users that it has not seen, against predicting the mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts import report_sections
from lyo_pipelines.evaluation.answers.readability import sentences
from lyo_pipelines.evaluation.answers.text import SCRIPT_OF, script_counts, words
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.inputs.ratings import RatedAnswers
from lyo_pipelines.evaluation.measures.contextual import ContextualMetric, has_prose
from lyo_pipelines.statistics.bootstrap import paired_bootstrap_by_group
from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.results import stated_result

NAME = "predicted_rating"
FEATURES = (
    "characters", "words", "sentences", "words_a_sentence", "lines", "steps", "digits", "equations", "distinct_words", "repeated",
    "states_a_result", "asks_back", "in_script", "question_words", "words_of_question", "code",
)  # fmt: skip
_STEP = re.compile(r"^\s*(?:[-*•]|\d+[.)]|step\b)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class SatisfactionModel:
    """metric: None where nothing may be predicted; section: what the report says about it, `why` included."""

    metric: ContextualMetric | None
    section: report_sections.Satisfaction


def learn_satisfaction(rated: RatedAnswers | None, config: EvaluationConfig) -> SatisfactionModel:
    """Learn from rated answers, check by user, and give a metric where the check shows that it beats the mean."""
    wanted = config.satisfaction
    if not wanted.enabled or rated is None:
        why = (
            "it is switched off"
            if not wanted.enabled
            else "the ratings were not at hand: the evaluation was started without a lake"
        )
        return SatisfactionModel(None, report_sections.Satisfaction(measured=False, why=why))
    users = len(set(rated.users))
    if len(rated) < wanted.minimum_ratings or users < wanted.minimum_users:
        why = (
            f"{len(rated):,} ratings of {users:,} users on the training side; at least {wanted.minimum_ratings:,} of "
            f"{wanted.minimum_users:,} are needed"
        )
        section = report_sections.Satisfaction(measured=False, why=why, ratings=len(rated), users=users)
        return SatisfactionModel(None, section)
    table, ratings = features(rated.questions, rated.answers, rated.languages), np.asarray(rated.ratings)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(
        1
    ):  # a few hundred rows gain nothing from threads, and threads that spin lose a lot beside other work
        predicted, of_mean = _by_user(table, ratings, rated.users, config)
    checked = _checked(ratings, predicted, of_mean, rated.users, config)
    if checked.ci_high is None or checked.ci_high >= 0:
        why = (
            "on users that it had not seen, the model is not shown to be closer to the ratings than their mean "
            f"(root mean squared error {checked.error:.2f} against {checked.error_of_mean:.2f} points)"
        )
        return SatisfactionModel(None, checked.model_copy(update={"why": why}))
    with threadpool_limits(1):
        model = _model(config.seed).fit(table, ratings)
    return SatisfactionModel(_metric(model.predict, checked), checked.model_copy(update={"measured": True}))


def features(questions: Sequence[str], answers: Sequence[str], languages: Sequence[str]) -> NDArray[np.float64]:
    """(N, len(FEATURES)) numbers of N answers."""
    rows = [_features(*row) for row in zip(questions, answers, languages, strict=True)]
    return np.asarray(rows, np.float64).reshape(len(rows), len(FEATURES))


def _features(question: str, answer: str, language: str) -> list[float]:
    said, asked, parts = words(answer), words(question), sentences(answer)
    kinds, characters = set(said), max(1, len(answer))
    runs = list(zip(said, said[1:], said[2:], strict=False))
    counts = script_counts(answer)
    script = "latin" if language.endswith("_latn") else SCRIPT_OF.get(language, "")
    return [
        math.log1p(len(answer)),
        math.log1p(len(said)),
        math.log1p(len(parts)),
        len(said) / max(1, len(parts)),
        math.log1p(answer.count("\n")),
        math.log1p(len(_STEP.findall(answer))),
        sum(sign.isdecimal() for sign in answer) / characters,
        answer.count("=") / characters,
        len(kinds) / max(1, len(said)),
        1 - len(set(runs)) / len(runs) if runs else 0.0,
        float(stated_result(answer) is not None),
        float(answer.rstrip().endswith(("?", "？"))),
        counts.get(script, 0) / max(1, sum(counts.values())),
        math.log1p(len(asked)),
        len(kinds & set(asked)) / max(1, len(set(asked))),
        float("```" in answer),
    ]


def _model(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # shallow and slow: a few hundred ratings must not be learnt by heart
    settings = {"max_iter": 120, "learning_rate": 0.05, "max_depth": 3, "min_samples_leaf": 15}
    return HistGradientBoostingRegressor(**settings, l2_regularization=1.0, early_stopping=False, random_state=seed)  # pyright: ignore[reportArgumentType]


def _by_user(
    table: NDArray[np.float64], ratings: NDArray[np.float64], users: Sequence[str], config: EvaluationConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions for each answer by a model, and by a mean, that never saw its user."""
    from sklearn.model_selection import GroupKFold

    predicted, of_mean = np.zeros_like(ratings), np.zeros_like(ratings)
    for train, test in GroupKFold(config.satisfaction.folds).split(table, ratings, users):
        predicted[test] = _model(config.seed).fit(table[train], ratings[train]).predict(table[test])
        of_mean[test] = ratings[train].mean()
    return predicted, of_mean


def _checked(
    ratings: NDArray[np.float64],
    predicted: NDArray[np.float64],
    of_mean: NDArray[np.float64],
    users: Sequence[str],
    config: EvaluationConfig,
) -> report_sections.Satisfaction:
    ours, theirs = (predicted - ratings) ** 2, (of_mean - ratings) ** 2
    found = paired_bootstrap_by_group(
        ours, theirs, users, resamples=config.resamples, seed=config.seed, confidence=config.confidence
    )
    return report_sections.Satisfaction(
        measured=False,
        ratings=len(ratings),
        users=len(set(users)),
        mean_rating=float(ratings.mean()),
        error=float(np.sqrt(ours.mean())),
        error_of_mean=float(np.sqrt(theirs.mean())),
        explained=float(1 - ours.mean() / theirs.mean()) if theirs.mean() else 0.0,
        difference=found.estimate,
        ci_low=found.low,
        ci_high=found.high,
    )


def _metric(
    predict: Callable[[NDArray[np.float64]], NDArray[np.float64]], checked: report_sections.Satisfaction
) -> ContextualMetric:
    def find(items: Sequence[Item], _: Sequence[TaskFormat | None], texts: Sequence[str]) -> list[float | None]:
        table = features([item.question for item in items], texts, [item.language for item in items])
        return [float(value) for value in np.clip(predict(table), 1, 5)] if len(table) else []

    return ContextualMetric(
        NAME, "higher", "points, 1 to 5",
        f"Rating that users would give for the form of the answer, by a small model learnt from {checked.ratings:,} ratings. For "
        f"single answers of users that it has not seen it errs by {checked.error:.2f} points (always saying the mean: "
        f"{checked.error_of_mean:.2f}); the intervals here do not contain that error, and answers unlike any that were rated are "
        "guesses.", has_prose, find,
    )  # fmt: skip
