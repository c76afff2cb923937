"""Predicted ratings as a reward, and as a judge: two models of ratings, each learnt from its half of the rated answers.

The halves share no group (conversation, exercise, near duplicates). One model rewards; the other, which has seen none of its ratings,
judges: what pleases only the first was learnt from its chance errors. Both must be shown to predict held-out ratings, else neither
is used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.adapter import RatingModel
from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.evaluation.inputs.ratings import RatedAnswers
from lyo_pipelines.evaluation.measures.contextual import ContextualMetric
from lyo_pipelines.evaluation.measures.satisfaction import learn_satisfaction
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.damage import CheckedTable

_FILE = "kto_train.parquet"


@dataclass(frozen=True)
class RatingModels:
    """reward and judge are None where ratings may not be predicted; told: what the manifest says of them."""

    reward: ContextualMetric | None
    judge: ContextualMetric | None
    told: RatingModel


def learn_ratings(folder: Path | None, segment: str, minimum: int, config: EvaluationConfig) -> RatingModels:
    """Learn both models from the labelled answers of preference data (its train side). Raises DatasetError for a damaged file.

    minimum: rated answers in all. config: how `learn_satisfaction` checks a model; each half must have half of the minimum.
    """
    if folder is None:
        return _none("it is not wanted")
    rows = _rows(folder / _FILE)
    if len(rows) < minimum:
        return _none(
            f"{len(rows):,} rated answers are fewer than {minimum:,} (reinforcement.minimum_ratings)", len(rows)
        )
    checks = config.satisfaction.model_copy(update={"enabled": True, "minimum_ratings": minimum // 2})
    config = config.model_copy(update={"satisfaction": checks})
    halves = [
        learn_satisfaction(_rated([row for row in rows if _half(row["group_id"]) == half], segment), config)
        for half in (0, 1)
    ]
    reward, judge = (half.section for half in halves)
    told = RatingModel(
        used=reward.measured and judge.measured,
        ratings=len(rows),
        explained=reward.explained,
        explained_by_judge=judge.explained,
    )
    if not told.used:
        unfit, which = (reward, "rewards") if not reward.measured else (judge, "judges")
        return RatingModels(None, None, told.model_copy(update={"why": f"the model that {which}: {unfit.why}"}))
    return RatingModels(halves[0].metric, halves[1].metric, told)


def _none(why: str, ratings: int = 0) -> RatingModels:
    return RatingModels(None, None, RatingModel(used=False, why=why, ratings=ratings))


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return CheckedTable(path, str(path)).read().to_pylist()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}). Materialize preference_data again.") from error


def _half(group: str) -> int:
    """Which half a group is in: the same at all times."""
    return hashlib.sha256(group.encode()).digest()[0] % 2


def _rated(rows: list[dict[str, Any]], segment: str) -> RatedAnswers:
    """Rated answers; whoever shares a group counts as one user, so that the check is on groups that were not seen."""
    return RatedAnswers(
        questions=tuple(row["messages"][-1]["content"] or "" for row in rows),
        answers=tuple(row["answer"] for row in rows),
        languages=tuple(parse_parent(row["segment"] or segment).language or "" for row in rows),
        ratings=tuple(float(row["rating"]) for row in rows),
        users=tuple(row["group_id"] for row in rows),
    )
