"""Predicted ratings: learnt where the form of answers says something, silent where it does not, checked on users not seen."""

from __future__ import annotations

import numpy as np
import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.inputs.ratings import RatedAnswers
from lyo_pipelines.evaluation.measures.satisfaction import FEATURES, features, learn_satisfaction
from lyo_pipelines_tests.config.packaged import satisfaction_config

CONFIG = load_config().evaluation.model_copy(update={"resamples": 1_000})
GOOD = "First multiply: {a} x 3 = {b}.\n2. Then add 4.\nSo the total is {c}.\nAnswer: {c}"
BAD = "It is {c}"


def rated(n: int = 400, *, users: int = 60, informative: bool = True, seed: int = 0) -> RatedAnswers:
    """Steps are rated better than bare results, if `informative`; else ratings are drawn without looking."""
    rng = np.random.default_rng(seed)
    good = rng.random(n) < 0.5
    texts = [(GOOD if kind else BAD).format(a=i % 50, b=i % 50 * 3, c=i % 50 * 3 + 4) for i, kind in enumerate(good)]
    ratings = np.clip((3 + 1.2 * (2 * good - 1) if informative else 3) + rng.normal(0, 0.8, n), 1, 5)
    return RatedAnswers(
        tuple(f"What is {i % 50} times 3 and 4?" for i in range(n)),
        tuple(texts),
        ("en",) * n,
        tuple(map(float, ratings)),
        tuple(f"u{user}" for user in rng.integers(0, users, n)),
    )


def test_what_answers_look_like_is_learnt_and_its_error_is_shown():
    found = learn_satisfaction(rated(), CONFIG)
    assert found.metric is not None
    told = found.section
    assert told.measured
    assert told.error < told.error_of_mean
    assert told.ci_high < 0
    assert 0.4 < told.explained < 0.9
    assert f"{told.error:.2f}" in found.metric.sentence
    items = [Item(f"e{i}", f"g{i}", (("user", "What is 7 times 3 and 4?"),), "r", "en") for i in range(2)]
    steps, bare = found.metric.find(items, [None, None], [GOOD.format(a=7, b=21, c=25), BAD.format(c=25)])
    assert steps == pytest.approx(4.2, abs=0.5)
    assert bare == pytest.approx(1.8, abs=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_silent_where_it_does_not_beat_the_mean(seed):
    found = learn_satisfaction(rated(informative=False, seed=seed), CONFIG)
    assert found.metric is None
    assert not found.section.measured
    assert "not shown to be closer to the ratings than their mean" in found.section.why


def test_what_only_says_who_rates_is_not_learnt():
    # each user writes answers of one length and rates alike: between users there is nothing to learn
    rng = np.random.default_rng(3)
    users = np.repeat(np.arange(40), 12)
    mood = rng.uniform(1.5, 4.5, 40)[users]
    texts = tuple("word " * (3 + user) for user in users)
    rows = RatedAnswers(("q",) * 480, texts, ("en",) * 480, tuple(map(float, mood)), tuple(map(str, users)))
    found = learn_satisfaction(rows, CONFIG)
    assert found.metric is None


@pytest.mark.parametrize(
    ("rows", "why"),
    [(None, "without a lake"), (rated(50), "50 ratings"), (rated(users=10), "10 users")],
)
def test_too_few_ratings_or_users_are_said(rows, why):
    found = learn_satisfaction(rows, CONFIG)
    assert found.metric is None
    assert why in found.section.why


def test_it_can_be_switched_off():
    off = CONFIG.model_copy(update={"satisfaction": satisfaction_config(enabled=False)})
    section = learn_satisfaction(rated(), off).section
    assert (section.measured, section.why) == (False, "it is switched off")


def test_the_same_ratings_give_the_same_predictions():
    first, second = (learn_satisfaction(rated(), CONFIG) for _ in range(2))
    assert first.section == second.section


def test_features_are_numbers_in_every_language_and_for_nothing_at_all():
    table = features(["q", "सवाल", ""], ["", "पहले गुणा करें।\nउत्तर: १२", "x"], ["en", "hi", "xx"])
    assert table.shape == (3, len(FEATURES))
    assert np.isfinite(table).all()
