"""Runs that failed are tried again, ever more rarely."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.rollout.attempts import WAITS, next_attempt

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
Known = dict[str, tuple[int, str]]


def test_the_wait_grows_with_every_failure_and_ends_each_time() -> None:
    known, now = Known(), NOW
    for failed, wait in enumerate((*WAITS, WAITS[-1], WAITS[-1]), 1):
        due = next_attempt(failed, now, known, "cause")
        assert (due or now) - now == wait
        now += wait
        assert next_attempt(failed, now, known, "cause") is None


def test_without_a_failure_nothing_waits_and_nothing_is_remembered() -> None:
    known: Known = {"cause": (2, NOW.isoformat())}
    assert next_attempt(0, NOW, known, "cause") is None
    assert known == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-(10**6), 10**6)), max_size=30))
def test_however_clocks_and_runs_go_no_cause_waits_longer_than_the_longest_wait(
    looks: list[tuple[int, int]],
) -> None:
    known = Known()
    for failed, minutes in looks:
        now = NOW + timedelta(minutes=minutes)
        due = next_attempt(failed, now, known, "cause")
        assert due is None or now < due <= now + WAITS[-1]
