"""Ratings of those whom chance invited: signals by hand, which mean decides, and that nothing changes where nobody was invited."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from lyo_pipelines.health.contract import INVITATIONS
from lyo_pipelines.health.read import FrameHealth
from lyo_pipelines.retraining.compute_signals import compute_signals
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.rules import quality
from lyo_pipelines.retraining.signals import InvitedRatings, Signals
from lyo_pipelines.retraining.windows import comparison_windows
from lyo_pipelines.statistics.deciding_mean import Gap
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import row
from lyo_pipelines_tests.retraining.reference_measure import Row
from lyo_pipelines_tests.retraining.signal_factory import MUCH, case, change, decided, level, policy, signals
from lyo_pipelines_tests.retraining.test_compute_signals import NO_EXAMPLES, flat, health_of

TODAY = date(2026, 8, 21)
EVIDENCE = policy("evidence", window_days=(5, 10), baseline_days=15).evidence
WINDOWS = comparison_windows(TODAY, load_curriculum(Lake("memory://no-files")), EVIDENCE)
SEGMENT = "tutoring.en.math"
NOTHING, FOUND = Gap(0.02, -0.3, 0.34), Gap(-0.4, -0.6, -0.2)


@cache
def history(vocal: float = 0.15) -> tuple[Row, ...]:
    """A good adapter on all days; in the newest five this share of the discontented rate unasked (before: 15 %, as all others)."""
    rng = np.random.default_rng(5)
    made = []
    for day in WINDOWS.days:
        for _ in range(150):
            user, stars = int(rng.integers(400)), float(rng.choice(5, p=(0.04, 0.06, 0.15, 0.25, 0.5)) + 1)
            unasked = vocal if stars <= 3 and day in WINDOWS.short.now else 0.15
            invited = bool(rng.random() < 0.2)
            rates = rng.random() < (unasked + (1 - unasked) * 0.55 if invited else unasked)
            made.append(
                row(
                    day=day, segment=SEGMENT, topic=("angles", "fractions")[user % 2], rating=stars if rates else None,
                    rating_invited=invited, user_pseudonym=f"u_{user}",
                )
            )  # fmt: skip
    return tuple(made)


def measured(health: FrameHealth) -> Signals:
    return compute_signals(health, WINDOWS, TODAY, NO_EXAMPLES)[SEGMENT]


@cache
def of_history(vocal: float = 0.15) -> Signals:
    return measured(health_of(history(vocal)))


def by_hand(days: tuple[date, ...], vocal: float) -> float:
    """The corrected mean of these days' rows."""
    mine = [r for r in history(vocal) if r["day"] in days]
    asked, free = ([r["rating"] for r in mine if r["rating_invited"] == which] for which in (True, False))
    (response, total), (volunteering, unasked) = (
        (np.mean([stars is not None for stars in some]), np.mean([stars or 0.0 for stars in some]))
        for some in (asked, free)
    )
    return float(unasked + (1 - volunteering) * (total - unasked) / (response - volunteering))


def known(signals: Signals, window: int = 0) -> InvitedRatings:
    found = signals.invited[window]
    assert found is not None
    return found


@pytest.mark.parametrize(("window", "pair"), [(0, WINDOWS.short), (1, WINDOWS.long)], ids=["short", "long"])
def test_the_corrected_mean_is_that_computed_row_by_row_and_counts_invited_ratings(window, pair):
    found, mine = known(of_history(), window), [r for r in history() if r["rating_invited"] and r["rating"]]
    assert (found.change.value, found.change.base) == pytest.approx(
        [by_hand(days, 0.15) for days in (pair.now, pair.base)]
    )
    assert found.level.value == pytest.approx(found.change.value)
    assert [found.change.n, found.change.n_base] == [
        sum(r["day"] in days for r in mine) for days in (pair.now, pair.base)
    ]
    assert found.level.n == found.change.n
    assert found.lowest < found.level.value < found.highest
    assert 0.5 < found.response < 0.75
    assert found.volunteering == pytest.approx((0.15, 0.15), abs=0.05)


def test_where_only_who_rates_unasked_changes_all_ratings_fall_and_the_corrected_mean_does_not():
    found = of_history(vocal=0.6)
    assert found.rating is not None
    assert found.rating[0].within < -0.25
    assert abs(known(found).change.within) < 2 * known(found).change.day_error < 0.5
    assert known(found).volunteering_gap.beyond_chance
    assert known(found).change_gap.value == pytest.approx(
        found.rating[0].value - found.rating[0].base - known(found).change.value + known(found).change.base
    )


@pytest.mark.parametrize("said", [None, False])
def test_where_nobody_was_invited_signals_are_exactly_those_of_before(said):
    nobody = [{**r, "rating_invited": said} for r in history()]
    health = health_of(nobody)
    before = FrameHealth(health.health.drop(INVITATIONS), health.by_user.drop(INVITATIONS))
    found, expected = measured(health), measured(before)
    assert found.invited == expected.invited == (None, None)
    assert [str(part) for part in flat(found)] == [str(part) for part in flat(expected)]


def test_where_invitations_began_after_the_baseline_ratings_given_unasked_are_compared():
    since = WINDOWS.short.now[0]
    begun = [r if r["day"] >= since else {**r, "rating_invited": None} for r in history()]
    free = [{**r, "rating": None} if r["day"] >= since and r["rating_invited"] else r for r in begun]
    found, unasked = measured(health_of(begun)), measured(health_of([{**r, "rating_invited": None} for r in free]))
    assert found.rating is not None and unasked.rating is not None
    assert known(found).unasked and math.isnan(known(found).change.within)
    assert [found.rating[0].n, found.rating[0].n_base] == [unasked.rating[0].n, unasked.rating[0].n_base]
    assert found.rating[0].within == pytest.approx(unasked.rating[0].within)
    assert any("ratings given unasked decide" in finding.says for finding in decided(found).findings)


def invited(**changes) -> InvitedRatings:
    """Much is known of the invited, and they say that all is well."""
    base = InvitedRatings(
        change=change(n=MUCH, n_base=MUCH), level=level(4.2, MUCH), lowest=2.9, highest=4.5, response=0.6, volunteering=(0.3, 0.13),
        gap=NOTHING, change_gap=NOTHING, volunteering_gap=NOTHING, unasked=False,
    )  # fmt: skip
    return replace(base, **changes)


FALLEN = change(-0.6, n=MUCH, n_base=MUCH)
FEW = change(0.0, n=12, n_base=90)


@pytest.mark.parametrize(
    ("told", "outcome", "says"),
    [
        (None, "fire", ""),
        (invited(), "clear", "they are enough"),
        (invited(change=FALLEN), "fire", "they are enough"),
        (invited(change=FEW, change_gap=FOUND), "not_enough_evidence", "0.40 lower"),
        (invited(change=FEW, volunteering_gap=FOUND), "not_enough_evidence", "30 % rate unasked, against 13 %"),
        (invited(change=FEW), "not_enough_evidence", "invited ratings do not show it"),
        (invited(change=change(-0.8, n=12, n_base=90)), "fire", "only 12 of 40 invited ones"),
        (invited(change=change(-0.8, n=60, n_base=70)), "fire", "only 70 of 80 invited ones"),
        (invited(change=change(math.nan, n=3, n_base=0)), "fire", "not moved enough"),
    ],
)
def test_a_fall_that_only_volunteers_show_launches_nothing(told, outcome, says):
    known = signals(rating=(FALLEN, change()), invited=(told, told))
    (found,) = quality.rating_drop(case(known))
    assert found.outcome == outcome
    assert says in found.says
    assert ("decides" in found.figures) == (told is not None)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (None, "fire"),
        (invited(), "clear"),
        (invited(level=level(2.8, MUCH), change=change(-1.4, n=MUCH, n_base=MUCH)), "fire"),
        (invited(level=level(3.6, 12)), "not_enough_evidence"),
        (invited(level=level(2.0, 12)), "fire"),
        (invited(level=level(2.0, 12), gap=FOUND), "not_enough_evidence"),
    ],
)
def test_a_low_mean_of_volunteers_must_be_one_of_the_invited_too(told, outcome):
    known = signals(
        rating_level=level(2.9, MUCH), rating=(change(-1.3, n=MUCH, n_base=MUCH), change()), invited=(told, told)
    )
    (found,) = quality.average_rating(case(known))
    assert found.outcome == outcome


def test_what_misleads_in_one_window_misleads_in_the_other():
    known = signals(
        rating=(FALLEN, FALLEN), invited=(invited(change=FEW), invited(change=FEW, volunteering_gap=FOUND))
    )  # fmt: skip
    (found,) = quality.rating_drop(case(known))
    assert (found.outcome, found.figures["decides"]) == ("not_enough_evidence", "corrected")


def test_a_decision_says_which_ratings_decided_and_why():
    known = signals(rating=(FALLEN, FALLEN), invited=(invited(), invited()))
    (found,) = [finding for finding in decided(known).findings if finding.rule == "quality.rating_drop"]
    assert found.says.endswith(f"({MUCH:,} invited ratings decide: they are enough)")
    assert found.figures["plain"] == pytest.approx(FALLEN.value)
    assert found.figures["corrected"] == pytest.approx(4.2)
    assert (found.figures["lowest"], found.figures["highest"]) == (2.9, 4.5)
