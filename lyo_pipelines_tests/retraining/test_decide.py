"""The decision: what launches, what holds it back, what it is called; and the weekly budget."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.retraining.decide import RetrainingDecision, within_budget
from lyo_pipelines.retraining.findings import Kind
from lyo_pipelines.retraining.history import TrainingHistory
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines_tests.retraining.signal_factory import (
    CONFIG,
    NOW,
    SEGMENT,
    TODAY,
    area,
    change,
    decided,
    launch,
    level,
    policy,
    shares,
    signals,
    topic,
    training,
)

FELL = signals(rating=(change(-0.9), change(-0.9)))
SLOW = signals(time=change(math.log(2), n=2_000, n_base=8_000, base=7.5))
FULL = signals(examples=2_000)


def test_when_all_is_well_nothing_is_launched_and_what_is_missing_is_said():
    found = decided()
    assert (found.outcome, found.causes, found.cause_hash) == ("hold", (), "")
    assert found.says == "900 of 1,000 curated examples"


def test_several_causes_are_one_launch_that_names_all_most_urgent_kind_first():
    known = replace(FELL, examples=2_000, time=SLOW.time, topics=(topic(retried=300),))
    found = decided(known, where=area())
    assert found.outcome == "fire"
    assert found.kinds == ("quality", "performance", "business", "volume")
    assert found.causes == (
        "quality.rating_drop#1", "performance.response_time#1", "performance.retries:angles#1", "business.new_subject:math#1",
        "volume.minimum#1",
    )  # fmt: skip
    assert all(finding.says in found.says for finding in found.fired)
    assert len(found.fired) == 5


@pytest.mark.parametrize(
    ("known", "config", "outcome", "said"),
    [
        (signals(rating=(change(0.0, mix=-1.0),) * 2), CONFIG, "hold", "a change of mix"),
        (signals(rating_level=level(3.4, 60)), CONFIG, "not_enough_evidence", "the interval reaches 3.5"),
        (signals(rating=(change(0.0, mix=-1.0),) * 2, relevance=level(0.6, 20)), CONFIG, "hold", "change of mix"),
        (Signals(SEGMENT, TODAY), CONFIG, "not_enough_evidence", "0 of 1,000"),
        (Signals(SEGMENT, TODAY, examples=999), policy("volume", minimum_examples=1), "fire", "never trained"),
    ],
)
def test_a_quiet_segment_says_the_most_telling_thing(known, config, outcome, said):
    found = decided(known, config=config)
    assert found.outcome == outcome
    assert said in found.says


def trained_and_much_new(days: int) -> TrainingHistory:
    return TrainingHistory(training=training(days, examples=400))


@pytest.mark.parametrize(
    ("known", "days", "outcome"),
    [
        (FELL, 6, "hold"), (FELL, 7, "fire"),
        (SLOW, 7, "hold"), (SLOW, 13, "hold"), (SLOW, 14, "fire"),
        (replace(SLOW, rating=FELL.rating), 7, "fire"),  # the quicker of two kinds counts
        (signals(examples=4_000), 13, "hold"), (signals(examples=4_000), 14, "fire"),
    ],
)  # fmt: skip
def test_after_a_training_each_kind_of_cause_waits_its_own_time(known, days, outcome):
    found = decided(known, past=trained_and_much_new(days))
    assert found.outcome == outcome
    if outcome == "hold" and known is not None and found.causes:
        assert "cooldown" in found.says
        assert (NOW - timedelta(days=days)).date().isoformat() in found.says


@pytest.mark.parametrize(("days", "outcome"), [(6, "hold"), (7, "fire")])
def test_business_waits_as_quality_does(days, outcome):
    past = trained_and_much_new(days)
    known = signals(grades={"7": 900})
    assert decided(known, past=past, where=area()).outcome == outcome


def test_a_launch_is_waited_for_as_a_training_is_but_a_failed_one_is_not():
    for status, outcome in (("succeeded", "hold"), ("running", "hold"), ("failed", "fire")):
        assert (
            decided(FELL, past=TrainingHistory(launches=(launch(2, "volume.minimum#1", status=status),))).outcome
            == outcome
        )


def test_by_day_28_any_new_data_is_learnt_and_without_new_data_nothing_is():
    for days, examples, outcome in ((27, 2_030, "hold"), (28, 2_030, "fire"), (28, 2_010, "hold")):
        past = TrainingHistory(training=training(days, examples=2_000))
        assert decided(signals(examples=examples), past=past).outcome == outcome


FAILED = (launch(1, "quality.rating_drop#1", status="failed"),)


@pytest.mark.parametrize(
    ("past", "known", "said"),
    [
        (TrainingHistory(running=True), FELL, "in flight"),
        (
            TrainingHistory(launches=FAILED * 3),
            FELL,
            f"3 launches failed in a row: mend it, then `lyo train {SEGMENT}`",
        ),
        (TrainingHistory(), replace(FELL, examples=199), "199 of 200 curated examples"),
        (TrainingHistory(training=training(60, examples=890)), FELL, "nothing new to learn from: 10 of 20"),
        (TrainingHistory(training=training(60, examples=900)), FELL, "nothing new to learn from: 0 of 20"),
        (TrainingHistory(training=training(60, examples=1_500), new=7), FELL, "nothing new to learn from: 7 of 20"),
    ],
)
def test_what_holds_a_launch_back_is_said_with_the_cause(past, known, said):
    found = decided(known, past=past)
    assert found.outcome == "hold"
    assert found.causes == ("quality.rating_drop#1",)
    assert any(said in reason for reason in found.held_by)
    assert found.says.endswith(f"Held: {'; '.join(found.held_by)}")
    assert any(finding.says in found.says for finding in found.fired)


def test_every_obstacle_is_named_at_once():
    past = TrainingHistory(running=True, launches=(launch(1),), training=training(2, examples=900))
    assert len(decided(FELL, past=past).held_by) == 3


def test_a_retry_is_another_attempt_at_the_same_launch():
    first, again = (
        decided(FELL),
        decided(FELL, past=TrainingHistory(launches=FAILED)),
    )
    assert (first.attempt, again.attempt) == (1, 2)
    assert first.causes == again.causes
    assert again.cause_hash == FAILED[0].launch
    assert again.outcome == "fire"


def test_a_failed_launch_whose_run_lost_the_names_of_its_causes_is_tried_again_and_says_so():
    decision = decided(past=TrainingHistory(launches=(launch(1, status="failed"),)))
    assert (decision.outcome, decision.attempt) == ("fire", 2)
    assert "causes that its run no longer names" in decision.says


def test_a_failed_launch_is_tried_again_even_when_its_causes_are_gone():
    """The run died between the adapter and its report: the new adapter answers the cause, and nobody has evaluated it."""
    trained = training(0, examples=FELL.examples)
    found = decided(signals(examples=FELL.examples), past=TrainingHistory(training=trained, launches=FAILED))
    assert (found.outcome, found.attempt, found.kinds) == ("fire", 2, ("quality",))
    assert "attempt 2 of 3" in found.says


def test_what_a_person_canceled_or_repaired_by_hand_is_not_tried_again():
    for status in ("canceled", "succeeded"):
        past = TrainingHistory(launches=(launch(1, "quality.rating_drop#1", status=status), *FAILED))
        assert decided(FELL, past=past).outcome == "hold"


@pytest.mark.parametrize(("days", "outcome", "number"), [(27, "hold", None), (28, "fire", "#2")])
def test_the_same_cause_launches_again_after_28_days_under_another_name(days, outcome, number):
    past = TrainingHistory(launches=(launch(days, "quality.rating_drop#1"),))
    found = decided(FELL, past=past)
    assert found.outcome == outcome
    if number is None:
        assert (found.causes, found.cause_hash) == ((), "")
        assert "launched for this on" in found.says
    else:
        assert found.causes == (f"quality.rating_drop{number}",)
        assert found.cause_hash != decided(FELL).cause_hash


def test_another_cause_is_not_held_by_the_first():
    past = TrainingHistory(launches=(launch(20, "quality.rating_drop#1"),))
    found = decided(replace(FELL, time=SLOW.time), past=past)
    assert (found.outcome, found.causes) == ("fire", ("performance.response_time#1",))


@pytest.mark.parametrize(
    ("launched_for", "known", "outcome"),
    [
        ("quality.rating_drop", signals(rating_level=level(2.0), rating=(change(base=2.0),) * 2), "hold"),
        ("quality.average_rating", signals(negative=shares(400, 1_000, 100, 1_000)), "hold"),
        ("quality.negative_feedback", signals(topics=(topic(rating=2.0),)), "hold"),
        ("quality.rating_drop", signals(relevance=level(0.4, spread=0.1), relevance_change=change(base=0.4)), "fire"),
        ("quality.rating_drop", signals(topics=(topic(retried=300),)), "fire"),
        ("performance.knowledge_gap:angles", FELL, "fire"),
        ("quality.relevance", FELL, "fire"),
    ],
)
def test_one_fall_of_ratings_is_one_cause_whichever_rule_sees_it(launched_for, known, outcome):
    past = TrainingHistory(launches=(launch(20, f"{launched_for}#1"),))
    assert decided(known, past=past).outcome == outcome
    assert decided(known, past=TrainingHistory(launches=(launch(28, f"{launched_for}#1"),))).outcome == "fire"


def test_topics_are_causes_of_their_own():
    past = TrainingHistory(launches=(launch(20, "performance.retries:angles#1"),))
    known = signals(topics=(topic("angles", retried=300), topic("fractions", retried=300)))
    assert decided(known, past=past).causes == ("performance.retries:fractions#1",)


def firing(segment: str, *kinds: Kind, attempt: int = 1) -> RetrainingDecision:
    return RetrainingDecision(
        segment,
        TODAY,
        "fire",
        "x",
        (),
        causes=tuple(f"{k}.x#1" for k in kinds),
        kinds=kinds,
        cause_hash="h",
        attempt=attempt,
    )


@given(
    st.lists(st.sampled_from(["quality", "performance", "business", "volume"]), max_size=12),
    st.lists(st.integers(0, 20), max_size=8),
    st.integers(0, 10),
)
def test_the_budget_of_a_week_is_never_exceeded_and_the_most_urgent_go_first(kinds, launched_days_ago, budget):
    decisions = [firing(f"a.en.s{at}", kind) for at, kind in enumerate(kinds)]
    used = sum(days < 7 for days in launched_days_ago)
    found = within_budget(decisions, [NOW - timedelta(days=d) for d in launched_days_ago], NOW, budget)
    assert [d.segment for d in found] == [d.segment for d in decisions]
    fired, held = ([d for d in found if d.outcome == outcome] for outcome in ("fire", "hold"))
    assert len(fired) == min(len(decisions), max(0, budget - used))
    order = ["quality", "performance", "business", "volume"]
    assert max((order.index(d.kinds[0]) for d in fired), default=0) <= min(
        (order.index(d.kinds[0]) for d in held), default=3
    )
    assert all(f"weekly budget of {budget}" in d.says for d in held)


def test_a_retry_takes_no_room_and_what_holds_already_stays_as_it_is():
    quiet = decided()
    found = within_budget([firing("a.en", "quality", attempt=2), firing("b.en", "quality"), quiet], [], NOW, 0)
    assert [d.outcome for d in found] == ["fire", "hold", "hold"]
    assert found[2] == quiet


def test_among_equals_the_one_with_more_causes_goes_first():
    found = within_budget([firing("a.en", "quality"), firing("b.en", "quality", "volume")], [], NOW, 1)
    assert [d.outcome for d in found] == ["hold", "fire"]


def waiting(segment: str, days: int | None, kind: Kind = "volume") -> RetrainingDecision:
    """A decision that fires for a segment that was trained so many days ago (None: never)."""
    since = None if days is None else TODAY - timedelta(days=days)
    return replace(firing(segment, kind), waiting_since=since)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (waiting("z.en", None), waiting("a.en", 90)),  # a first training
        (waiting("z.en", 40), waiting("a.en", 30)),  # who waited longer
        (waiting("z.en", 10, "quality"), waiting("a.en", 60)),  # an urgent kind is worth eight weeks
        (waiting("z.en", 70), waiting("a.en", 10, "quality")),  # and no more
        (waiting("a.en", 30), waiting("b.en", 30)),
    ],
)
def test_first_trainings_come_first_and_then_who_has_waited_longest(first, second):
    found = within_budget([second, first], [], NOW, 1)
    assert {d.segment for d in found if d.outcome == "fire"} == {first.segment}


def test_nobody_starves_though_more_are_due_each_week_than_the_budget_allows():
    trained: dict[str, int | None] = {f"tutoring.{code}.s{n}": None for code in ("as", "ta") for n in range(9)}
    launched: list[tuple[str, int]] = []
    for day in range(70):
        at = [NOW + timedelta(days=then) for _, then in launched]
        due = [
            waiting(key, None if then is None else day - then)
            for key, then in trained.items()
            if then is None or day - then >= 14
        ]
        now = NOW + timedelta(days=day)
        due = [replace(d, waiting_since=d.waiting_since and d.waiting_since + timedelta(days=day)) for d in due]
        for decision in within_budget(due, at, now, 4):
            if decision.outcome == "fire":
                trained[decision.segment] = day
                launched.append((decision.segment, day))
    times = [sum(key == segment for segment, _ in launched) for key in trained]
    assert min(times) >= 2 and max(times) - min(times) <= 1


def test_fewer_examples_than_were_trained_on_do_not_say_that_nothing_is_new():
    past = TrainingHistory(training=training(60, examples=1_500))
    assert decided(FELL, past=past).outcome == "fire"
    assert decided(FELL, past=replace(past, new=3)).held_by
    assert decided(FELL, past=replace(past, new=300)).outcome == "fire"


def test_the_days_that_are_judged_are_said_where_holidays_came_since():
    weeks_ago = (
        (TODAY - timedelta(days=54), TODAY - timedelta(days=41)),
        (TODAY - timedelta(days=68), TODAY - timedelta(days=41)),
    )
    fell = decided(replace(FELL, judged=weeks_ago))
    assert "school days from 2026-09-27 to 2026-10-10 are judged: holidays since" in fell.says
    assert decided(replace(signals(), judged=weeks_ago)).says.endswith("nothing is judged since 2026-10-10: holidays")
    yesterday = TODAY - timedelta(days=1)
    assert "holidays" not in decided(replace(FELL, judged=((yesterday, yesterday),) * 2)).says


def test_a_finding_with_an_interval_says_how_sure_it_is():
    (drop,) = (f for f in decided(FELL).findings if f.rule == "quality.rating_drop")
    assert drop.figures["confidence"] == pytest.approx(0.99734)
    assert all(
        "confidence" not in f.figures
        for f in decided(FELL).findings
        if "low" not in f.figures and "high" not in f.figures
    )
