"""One word for each decision: every sentence that holds a launch back has its reason, and days are put together without loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.retraining.decide import decide_segment
from lyo_pipelines.retraining.decision_reasons import REASONS, decision_spans, reason_of, reason_of_row
from lyo_pipelines.retraining.history import Launch, Training, TrainingHistory
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines_tests.retraining.health_histories import FIRST, MATH, changed, day_of


def test_every_sentence_that_holds_a_launch_back_has_its_reason() -> None:
    now = datetime.combine(day_of(40), time(9), tzinfo=UTC)
    known = Signals(MATH, now.date(), interactions=5_000, examples=1_200)
    trained = Training(now - timedelta(days=40), "v", "f" * 16, 500)
    failed = Launch("x", 1, MATH, now - timedelta(days=20), "failed", ("volume.minimum#1",))
    lately = replace(failed, status="succeeded", causes=(), at=now - timedelta(days=2))
    histories = {
        "running": (known, TrainingHistory(running=True)),
        "failed": (known, TrainingHistory(launches=(failed,) * 3)),
        "cooldown": (known, TrainingHistory(launches=(lately,))),
        "fire": (known, TrainingHistory(training=trained)),
        "below minimum": (replace(known, examples=900), TrainingHistory()),
        "not due": (replace(known, examples=510), TrainingHistory(training=replace(trained, examples=505))),
    }
    for reason, (signals, history) in histories.items():
        decision = decide_segment(
            signals, changed(volume={"minimum_examples": 505 if reason == "not due" else 1_000}), history, now
        )
        quiet = reason in {"below minimum", "not due"}
        # with nothing measured at all, a held volume rule is all there is
        assert reason_of(replace(decision, outcome="hold") if quiet else decision) == reason
    few = changed(volume={"minimum_examples": 100}, launch={"minimum_examples": 2_000})
    assert reason_of(decide_segment(known, few, TrainingHistory(), now)) == "few examples"


def test_an_unknown_sentence_is_still_a_reason() -> None:
    row = {"outcome": "hold", "held_by": ["a new limit"], "findings": []}
    assert reason_of_row(row) == "held"
    assert {"held", "fire"} <= REASONS.keys()


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["mix", "quiet"])), unique_by=lambda day: day[0]).map(sorted)
)
def test_spans_hold_every_day_once_and_no_other(days: list[tuple[int, str]]) -> None:
    found = decision_spans((day_of(n), "hold", reason, f"{n}") for n, reason in days)
    told = [(span.first + timedelta(days=n), span.reason) for span in found for n in range(span.days)]
    assert told == [(day_of(n), reason) for n, reason in days]
    assert [span.says for span in found] == [f"{(span.last - FIRST).days}" for span in found]
    assert all((a.reason, a.last + timedelta(days=1)) != (b.reason, b.first) for a, b in pairwise(found))
