"""Traffic of a canary: the same again, felt by the candidate's users only, and accepted at the door like any log."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from lyo_pipelines.sample.traffic import GOOD, HARMFUL, NO_EFFECT, Effect, NoTrafficError, Route, Traffic
from lyo_pipelines.sample.write import write_jsonl
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import build, land

SEGMENT = "tutoring.en.math"
DAY = date(2026, 11, 2)


def to(arm: str) -> Route:
    return lambda user: (arm, "owner-1")


def mean(values: list[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def test_the_same_seed_makes_the_same_traffic_and_another_day_another() -> None:
    one, same = (Traffic(SEGMENT).day(DAY, to("candidate"), GOOD, questions=300) for _ in range(2))
    assert one == same
    assert [
        row["question"] for row in Traffic(SEGMENT).day(DAY + timedelta(days=1), to("candidate"), questions=300)
    ] != [row["question"] for row in one]


def test_only_the_candidates_users_feel_its_effect() -> None:
    effect = Effect(rating=-0.6, slower=2.0, errors=0.1, retries=0.2)
    usual = Traffic(SEGMENT).day(DAY, to("current"), effect, questions=4_000)
    assert usual == Traffic(SEGMENT).day(DAY, to("current"), NO_EFFECT, questions=4_000)
    worse = Traffic(SEGMENT).day(DAY, to("candidate"), effect, questions=4_000)
    fell = mean([row["rating"] for row in worse]) - mean([row["rating"] for row in usual])
    assert -0.7 < fell < -0.45
    assert [row["response_time_ms"] for row in worse] == pytest.approx(
        [2 * row["response_time_ms"] for row in usual], abs=0.11
    )
    failed = [sum(row["error"] is not None for row in rows) / len(rows) for rows in (worse, usual)]
    assert 0.08 < failed[0] - failed[1] < 0.12
    assert all(row["rating"] is None and row["answer"] is None for row in worse if row["error"])


def test_users_differ_from_each_other_as_they_do_in_life() -> None:
    rows = Traffic(SEGMENT, users=60).day(DAY, to("current"), questions=6_000)
    by_user: dict[str, list[float]] = {}
    for row in rows:
        if row["rating"]:
            by_user.setdefault(row["user_id"], []).append(row["rating"])
    means = [float(np.mean(ratings)) for ratings in by_user.values() if len(ratings) >= 20]
    assert 0.2 < np.std(means) < 0.6, "some are lenient, some are strict"
    assert max(map(len, by_user.values())) > 3 * np.median([len(ratings) for ratings in by_user.values()])


def test_the_route_is_asked_for_every_question_and_stands_in_the_row() -> None:
    rows = Traffic(SEGMENT, users=50).day(
        DAY, lambda user: ("current", None) if user < "pupil-00025" else (None, "v7"), questions=200
    )
    for row in rows:
        wanted = ("current", None) if row["user_id"] < "pupil-00025" else (None, "v7")
        assert (row["experiment_arm"], row["adapter_version"]) == wanted


@pytest.mark.parametrize("segment", ["tutoring.en.math", "tutoring.hi.math", "tutoring.ta.physics"])
def test_the_rows_are_accepted_at_the_door(segment: str, tmp_path: Path) -> None:
    rows = Traffic(segment).day(DAY, to("candidate"), HARMFUL, questions=120)
    lake = Lake(str(tmp_path))
    path = write_jsonl(tmp_path / "inbox" / "traffic.jsonl", rows)
    report = land(lake, path)
    assert (report.accepted, report.rejected) == (120, 0)
    landed = build(lake).to_pylist()
    assert {(row["experiment_arm"], row["adapter_version"]) for row in landed} == {("candidate", "owner-1")}
    assert all(row["user_pseudonym"] and "pupil" not in row["user_pseudonym"] for row in landed)


def test_a_segment_of_which_no_sample_exists_is_named_with_those_that_do() -> None:
    for segment in ("tutoring.fr.math", "search.en", "tutoring.en.history"):
        with pytest.raises(NoTrafficError, match=r"tutoring\.en\.math"):
            Traffic(segment)
