"""Means under volunteering: the formulas against plain Python, and by simulation that the corrected one keeps what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lyo_pipelines.statistics.cluster_robust import cluster_robust_ratio
from lyo_pipelines.statistics.deciding_mean import Choice, Gap, choose_mean
from lyo_pipelines.statistics.invitations import (
    Responses,
    fit_correction,
    influence_error,
    mean_influence,
    worst_case_bounds,
)

STARS = st.integers(1, 5)
USERS = 4


def some(share: int) -> st.SearchStrategy[list[int | None]]:
    """Ratings of 24 to 60 answers, `share` of eight of which are there."""
    ratings = st.lists(STARS, min_size=24, max_size=60)
    return ratings.map(lambda found: [stars if at % 8 < share else None for at, stars in enumerate(found)])


ANSWERS = st.tuples(some(6), some(1)).map(
    lambda both: [
        (at % USERS, asked, stars)
        for asked, part in zip((True, False), both, strict=True)
        for at, stars in enumerate(part)
    ]
)
"""(user, whether a rating was invited, rating): six of eight of the invited rate, and one of eight unasked."""


def summed(answers, invited: bool) -> Responses:
    """One row of sums by user."""
    sums = np.zeros((4, 1, USERS))
    for user, asked, stars in answers:
        if asked == invited:
            sums[:, 0, user] += (1, stars is not None, stars or 0, (stars or 0) ** 2)
    return Responses(*sums)


def both(answers) -> tuple[Responses, Responses]:
    return summed(answers, True), summed(answers, False)


def by_hand(answers) -> tuple[float, float, float]:
    """(share of volunteers, their mean, mean of the moved)."""
    asked, free = ([stars for _, is_asked, stars in answers if is_asked == which] for which in (True, False))
    rated, unasked = ([stars for stars in some if stars is not None] for some in (asked, free))
    response, volunteering = len(rated) / len(asked), len(unasked) / len(free)
    moved = (sum(rated) / len(asked) - sum(unasked) / len(free)) / (response - volunteering)
    return volunteering, sum(unasked) / max(1, len(unasked)), moved


@given(ANSWERS)
def test_volunteers_stand_for_themselves_and_the_moved_for_everybody_else(answers):
    found = fit_correction(*both(answers))
    assert np.isfinite(found.value[0])
    volunteering, mean, moved = by_hand(answers)
    assert found.moved[0] == pytest.approx(moved)
    assert found.value[0] == pytest.approx(volunteering * mean + (1 - volunteering) * moved)


@given(ANSWERS)
def test_totals_over_answers_are_the_corrected_mean_and_those_of_parts_add_up(answers):
    invited, uninvited = both(answers)
    found = fit_correction(invited, uninvited)
    assert np.isfinite(found.value[0])
    totals = found.totals(invited, uninvited)
    assert totals.sum() / len(answers) == pytest.approx(found.value[0])
    one_by_one = [found.totals(*both([answer])).sum() for answer in answers]
    assert sum(one_by_one) == pytest.approx(totals.sum())
    assert found.squares(invited, uninvited).sum() == pytest.approx(sum(value**2 for value in one_by_one))


@given(ANSWERS)
def test_where_all_who_were_invited_rate_their_mean_is_the_mean(answers):
    answers = [(user, asked, stars or 3 if asked else stars) for user, asked, stars in answers]
    found = fit_correction(*both(answers))
    assert np.isfinite(found.value[0])
    assert found.value[0] == pytest.approx(np.mean([stars for _, asked, stars in answers if asked]))


@given(ANSWERS)
def test_where_everybody_was_invited_the_mean_is_that_of_those_who_answered(answers):
    answers = [answer for answer in answers if answer[1]]
    found = fit_correction(*both(answers))
    assert np.isfinite(found.value[0])
    assert found.value[0] == pytest.approx(np.mean([stars for *_, stars in answers if stars is not None]))
    assert math.isnan(found.volunteering[0])


@given(ANSWERS)
def test_no_answer_of_the_silent_takes_the_mean_of_the_invited_out_of_its_bounds(answers):
    invited, uninvited = both(answers)
    (low,), (high,) = worst_case_bounds(invited)
    for guess in (1, 2.5, 5):
        filled = [guess if stars is None else stars for _, asked, stars in answers if asked]
        assert low - 1e-9 <= np.mean(filled) <= high + 1e-9
    found = fit_correction(invited, uninvited)
    if 1 <= found.moved[0] <= 5:
        assert low - 1e-9 <= found.value[0] <= high + 1e-9


@given(ANSWERS)
def test_the_error_by_influence_is_that_of_a_ratio_over_users(answers):
    invited, _ = both(answers)
    error = influence_error(mean_influence(invited.rated, invited.total), invited.rated)
    expected = cluster_robust_ratio(invited.total[0], invited.rated[0]).standard_error
    assert error[0] == pytest.approx(expected)


def test_an_invitation_that_moves_hardly_anybody_corrects_nothing():
    rng = np.random.default_rng(4)
    answers = [(n % USERS, bool(rng.random() < 0.3), 4 if rng.random() < 0.2 else None) for n in range(200)]
    assert math.isnan(fit_correction(*both(answers)).value[0])


def windows(pull: float, repeats: int = 400, answers: int = 3_000, users: int = 250):
    """(invited, uninvited, mean of all ratings by repeat, true mean): each repeat is a row. Users differ in how lenient they are and
    in how ready to rate; with `pull`, volunteering depends on the rating itself."""
    rng = np.random.default_rng(8)
    user = rng.integers(0, users, (repeats, answers))
    trait = np.take_along_axis(rng.normal(0, 1, (repeats, users)), user, axis=1)
    rating = np.clip(np.round(3.9 + 0.5 * trait + rng.normal(0, 0.95, user.shape)), 1, 5)
    unasked = 1 / (1 + np.exp(2.2 - 0.5 * trait - pull * ((rating - 3.6) ** 2 - 1.2)))
    invited = rng.random(user.shape) < 0.1
    rated = rng.random(user.shape) < np.where(invited, unasked + (1 - unasked) * 0.55, unasked)
    cell = (np.arange(repeats)[:, None] * users + user).ravel()

    def sums(values):
        return np.bincount(cell, weights=values.ravel(), minlength=repeats * users).reshape(repeats, users)

    asked, free = (
        Responses(sums(those), sums(those & rated), sums((those & rated) * rating)) for those in (invited, ~invited)
    )
    steps = np.arange(1.5, 5)
    true = 1 + stats.norm.sf((steps - 3.9) / math.hypot(0.5, 0.95)).sum()
    return asked, free, np.where(rated, rating, 0).sum(axis=1) / rated.sum(axis=1), true


def test_the_corrected_mean_holds_where_volunteering_depends_on_the_rating_and_that_of_all_ratings_does_not():
    asked, free, plain, true = windows(pull=0.35)
    found = fit_correction(asked, free)
    ratios = [
        cluster_robust_ratio(sums, counts)
        for sums, counts in zip(found.totals(asked, free), asked.n + free.n, strict=True)
    ]
    errors = np.array([ratio.standard_error for ratio in ratios])
    known = asked.rated.sum(axis=1) ** 2 / np.square(asked.rated).sum(axis=1) - 1
    missed = (np.abs(found.value - true) > stats.t.ppf(0.975, known) * errors).mean()
    assert abs(found.value.mean() - true) < 0.03
    assert abs(plain.mean() - true) > 0.08
    assert missed < 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(errors))
    assert errors.mean() == pytest.approx(found.value.std(), rel=0.15)


def test_the_corrected_mean_costs_nothing_but_breadth_where_volunteers_are_like_all():
    asked, free, plain, true = windows(pull=0.0, repeats=200)
    assert abs(fit_correction(asked, free).value.mean() - true) < 0.03
    assert abs(plain.mean() - true) < 0.12  # users who are readier to rate are more lenient, too


NO, YES = Gap(0.02, -0.2, 0.24), Gap(0.18, 0.05, 0.31)


@pytest.mark.parametrize(
    ("given", "by", "word"),
    [
        ({"can_correct": False, "is_enough": True}, "plain", "not moved enough"),
        ({"is_enough": True, "gap": NO}, "corrected", "they are enough"),
        ({"is_enough": False, "gap": YES}, "corrected", "0.18 higher"),
        ({"is_enough": False, "gap": NO, "volunteering_gap": YES}, "corrected", "26 % rate unasked, against 13 %"),
        ({"is_enough": False, "gap": NO, "volunteering_gap": NO}, "plain", "only 12 of 40"),
        ({"is_enough": False}, "plain", "no difference from them is shown"),
    ],
)
def test_the_corrected_mean_decides_where_there_is_enough_of_it_or_all_ratings_mislead(given, by, word):
    values = {"invited": 12, "needed": 40, "can_correct": True, "volunteering": (0.26, 0.13)} | given
    choice = choose_mean(**values)
    assert choice.by == by
    assert word in choice.aside


def test_where_the_log_knows_of_no_invitation_nothing_is_said():
    assert Choice().aside == ""
