"""Claims: each launch once, whatever crashes and however many sensors look at a time."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from lyo_pipelines.retraining.claims import OTHERS_WAIT, Claim, is_free, launches_of_claims, make_claim, read_claims
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.history import Launch, RunStatus
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.retraining.signal_factory import NOW, TODAY

SECONDS = 120


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path) -> Lake:
    return Lake(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")


@pytest.fixture
def disk(tmp_path) -> Lake:
    """Where sensors at once really are at once."""
    return Lake(str(tmp_path))


def due(segment: str = "tutoring.ta.math", attempt: int = 1) -> RetrainingDecision:
    return RetrainingDecision(
        segment, TODAY, "fire", "mean rating fell", (), causes=("quality.rating_drop#1",), kinds=("quality",),
        cause_hash=f"hash-of-{segment}", attempt=attempt,
    )  # fmt: skip


def claim(
    lake: Lake,
    decision: RetrainingDecision | None = None,
    *,
    by: str = "quality_sensor",
    now: datetime = NOW,
    budget: int = 20,
) -> Claim | None:
    return make_claim(lake, decision or due(), by=by, now=now, budget=budget, seconds=SECONDS)


def seen(lake: Lake, *runs: Launch, by: str = "quality_sensor", now: datetime = NOW) -> list[Launch]:
    return launches_of_claims(lake, read_claims(lake), list(runs), by=by, now=now, seconds=SECONDS)


def run_of(made: Claim, status: RunStatus = "running", run_id: str = "r1") -> Launch:
    return Launch(
        made.launch, made.attempt, made.segment, NOW + timedelta(seconds=5), status, made.causes, made.kinds, run_id
    )


def made(found: Claim | None) -> Claim:
    assert found is not None
    return found


def test_a_claim_is_read_back_as_it_was_made(lake):
    mine = made(claim(lake))
    assert read_claims(lake) == [mine]
    assert (mine.segment, mine.causes, mine.says, mine.at, mine.generation) == (
        "tutoring.ta.math", ("quality.rating_drop#1",), "mean rating fell", NOW, 0,
    )  # fmt: skip


@pytest.mark.parametrize("sensors", [["quality_sensor"] * 8, [f"sensor_{n}" for n in range(8)]])
def test_of_many_at_once_one_claims_a_launch(disk, sensors):
    together = Barrier(len(sensors))

    def at_once(by: str) -> Claim | None:
        together.wait()
        return claim(disk, by=by)

    with ThreadPoolExecutor(len(sensors)) as pool:
        found = [mine for mine in pool.map(at_once, sensors) if mine is not None]
    assert len(found) == 1
    assert read_claims(disk) == found


def test_a_claim_that_is_taken_back_while_others_read_is_no_trouble(lake, monkeypatch):
    mine, names = made(claim(lake)), Lake.names
    monkeypatch.setattr(Lake, "names", lambda self, folder: [*names(self, folder), "taken-back-1-0.json"])
    assert read_claims(lake) == [mine]


def test_another_attempt_is_another_claim(lake):
    first, second = made(claim(lake)), made(claim(lake, due(attempt=2)))
    assert first.name != second.name
    assert len(read_claims(lake)) == 2


@pytest.mark.parametrize(
    ("by", "later", "free"),
    [
        ("quality_sensor", timedelta(seconds=119), False),
        ("quality_sensor", timedelta(seconds=120), True),
        ("volume_sensor", timedelta(seconds=120), False),
        ("volume_sensor", timedelta(hours=24, minutes=59), False),
        ("volume_sensor", OTHERS_WAIT, True),
    ],
)
def test_a_claim_without_a_run_is_claimed_again_by_its_sensor_soon_and_by_others_late(lake, by, later, free):
    first = made(claim(lake))
    assert is_free(first, by=by, now=NOW + later, seconds=SECONDS) == free
    again = claim(lake, by=by, now=NOW + later)
    assert (again is not None) == free
    if again is not None:
        assert (again.launch, again.attempt, again.generation, again.by) == (first.launch, first.attempt, 1, by)
        assert read_claims(lake) == [again]


@pytest.mark.parametrize(("ahead", "free"), [(timedelta(minutes=5), False), (timedelta(days=40), True)])
def test_a_claim_by_a_clock_that_was_ahead_does_not_hold_its_segment_until_that_day(lake, ahead, free):
    made(claim(lake, now=NOW + ahead))
    assert is_free(read_claims(lake)[0], by="volume_sensor", now=NOW, seconds=SECONDS) is False
    assert (seen(lake) == []) == free, "nothing that runs"
    again = claim(lake)
    assert (again is not None) == free
    if again is not None:
        assert (again.generation, again.at) == (1, NOW)


def test_two_ticks_that_claim_again_at_once_get_one_claim(disk):
    claim(disk)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: claim(disk, now=NOW + timedelta(minutes=5)), range(6)))
    assert len([mine for mine in found if mine is not None]) == 1


def test_a_claim_whose_run_was_seen_is_never_claimed_again(lake):
    mine = made(claim(lake))
    seen(lake, run_of(mine))
    assert read_claims(lake) == [replace(mine, run_id="r1")]
    assert claim(lake, now=NOW + timedelta(days=30)) is None


def test_a_claim_that_waits_for_its_run_counts_as_running_for_everybody(lake):
    mine = made(claim(lake))
    for by in ("quality_sensor", "volume_sensor"):
        (found,) = seen(lake, by=by, now=NOW + timedelta(seconds=60))
        assert (found.launch, found.status, found.run_id, found.at) == (mine.launch, "running", "", NOW)
    assert seen(lake, now=NOW + timedelta(seconds=SECONDS)) == []
    assert len(seen(lake, by="volume_sensor", now=NOW + timedelta(seconds=SECONDS))) == 1


@pytest.mark.parametrize("status", ["running", "succeeded", "failed"])
def test_a_launch_is_what_its_run_is(lake, status):
    mine = made(claim(lake))
    assert seen(lake, run_of(mine, status)) == [run_of(mine, status)]


def test_a_run_whose_record_was_deleted_was_launched_all_the_same(lake):
    mine = made(claim(lake))
    seen(lake, run_of(mine))
    (found,) = seen(lake, now=NOW + timedelta(days=3))
    assert (found.status, found.run_id, found.causes) == ("succeeded", "r1", mine.causes)


def test_a_run_that_a_person_executed_again_counts_instead_of_the_one_that_failed(lake):
    failed = run_of(made(claim(lake)), "failed")
    again = replace(failed, status="succeeded", run_id="r2", at=failed.at + timedelta(hours=1))
    assert seen(lake, failed, again) == seen(lake, again, failed) == [again]


def test_launches_come_newest_first_and_those_of_people_are_none(lake):
    mine = made(claim(lake))
    older = replace(run_of(mine), launch="other", at=NOW - timedelta(days=3))
    by_hand = replace(run_of(mine), launch="", run_id="r2")
    assert seen(lake, older, by_hand, run_of(mine)) == [run_of(mine), older]


# -- damaged files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"launch": "x"}', b'{"at": 7, "launch": "x"}'])
def test_a_claim_that_cannot_be_read_is_named_and_still_holds_its_launch_for_a_day(disk, content):
    mine, other = made(claim(disk)), made(claim(disk, due("search.mr")))
    path = disk.path("decisions", "launches", f"{mine.name}.json")
    Path(path).write_bytes(content)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    troubles: dict[str, str] = {}
    found = read_claims(disk, troubles)
    assert list(troubles) == [path] and "restore it or move it" in troubles[path]
    assert {(one.launch, one.segment) for one in found} == {(mine.launch, ""), (other.launch, "search.mr")}
    assert claim(disk, now=NOW + timedelta(hours=24)) is None, "what it launched may be running"
    again = made(claim(disk, now=NOW + OTHERS_WAIT))
    assert (again.generation, Path(path).read_bytes()) == (1, content), "the damaged file stays where it is"
    assert len(read_claims(disk)) == 2


def test_files_that_are_no_claims_are_named_or_passed_over_and_one_of_a_later_version_is_read(disk):
    mine = made(claim(disk))
    folder = Path(disk.path("decisions", "launches"))
    (folder / "notes.txt").write_text("call Asha")
    (folder / ".DS_Store").write_bytes(b"\x00")
    path = folder / f"{mine.name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "cost": 3}))
    troubles: dict[str, str] = {}
    assert read_claims(disk, troubles) == [mine]
    assert [Path(one).name for one in troubles] == ["notes.txt"]


# -- the weekly budget -----------------------------------------------------------------------------------------


def test_when_the_budget_filled_up_meanwhile_nothing_is_claimed_and_nothing_left_behind(lake):
    for n in range(3):
        assert (claim(lake, due(f"a.en.s{n}"), budget=2) is not None) == (n < 2)
    assert len(read_claims(lake)) == 2
    week = NOW + timedelta(days=7)
    assert claim(lake, due("a.en.s2"), budget=2, now=week) is not None


def test_a_retry_takes_no_room(lake):
    claim(lake, budget=1)
    assert claim(lake, due("a.en.x", attempt=2), budget=1) is not None
    assert claim(lake, due("a.en.y"), budget=1) is None


def test_a_sensor_that_began_earlier_and_came_later_does_not_exceed_the_budget(lake):
    assert claim(lake, due("a.en.x"), budget=1, now=NOW + timedelta(seconds=3)) is not None
    assert claim(lake, due("a.en.y"), budget=1, now=NOW, by="volume_sensor") is None


@pytest.mark.parametrize("budget", [1, 3])
def test_many_sensors_at_once_never_exceed_the_budget(disk, budget):
    workers = 6
    together = Barrier(workers)

    def tick(number: int) -> list[Claim | None]:
        together.wait()
        later = NOW - timedelta(seconds=number)
        return [
            claim(disk, due(f"a.en.s{number}x{n}"), by=f"sensor_{number}", now=later, budget=budget) for n in range(3)
        ]

    with ThreadPoolExecutor(workers) as pool:
        granted = [mine for found in pool.map(tick, range(workers)) for mine in found if mine is not None]
    assert len(granted) <= budget
    assert sorted(c.name for c in read_claims(disk)) == sorted(c.name for c in granted)
    while len(granted) < budget:  # those who stepped back for each other get the room at another tick
        one = claim(disk, due(f"b.en.s{len(granted)}"), budget=budget)
        granted.append(made(one))
    assert claim(disk, due("c.en"), budget=budget) is None
