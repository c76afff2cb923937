"""The registry on real files: nothing is lost, nothing forks, and what was changed afterwards is found."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.registry.fold import IllegalEventError
from lyo_pipelines.registry.log import (
    MovedOnError,
    RegistryDamagedError,
    append_event,
    read_all,
    read_history,
    read_release,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import SEGMENT, START, event, promoted, released, state, write

EACH = 12


@pytest.fixture(params=["local", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")


def test_what_was_appended_is_read_back_in_order_with_the_state_after_it(lake: Lake) -> None:
    events = promoted()
    after = write(lake, *events)
    found = read_history(lake, SEGMENT)
    assert [one.kind for one in found.events] == [one.kind for one in events]
    assert [one.sequence for one in found.events] == list(range(1, len(events) + 1))
    assert found.release == after == state(events)
    assert read_release(lake, "tutoring.hi.math").sequence == 0


def test_an_event_that_does_not_fit_is_not_written(lake: Lake) -> None:
    write(lake, *released())
    with pytest.raises(IllegalEventError, match="possible: pause, retire, rollback"):
        append_event(lake, event("resumed"), now=START)
    assert len(read_history(lake, SEGMENT).events) == 3


def test_a_decision_on_an_older_state_does_not_count(lake: Lake) -> None:
    release = write(lake, *released())
    append_event(lake, event("fell_back"), now=START, expected=release.sequence)
    with pytest.raises(MovedOnError, match=r"event 3 was the last, now 4 is"):
        append_event(lake, event("promoted"), now=START, expected=release.sequence)
    assert read_release(lake, SEGMENT).champion == ""


def test_a_clock_that_is_behind_does_not_turn_history_around(lake: Lake) -> None:
    write(lake, *released(day=5))
    last, _ = append_event(lake, event("paused"), now=START)
    assert last.at == START + timedelta(days=5)


def register(root: str, worker: int, ready: object) -> None:
    """One process that registers versions of its own, as fast as it can."""
    ready.wait()  # pyright: ignore[reportAttributeAccessIssue]
    for number in range(EACH):
        append_event(Lake(root), event("registered", f"w{worker}-{number}"), now=START)


def test_two_processes_at_once_lose_nothing_and_never_fork(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(2)
    workers = [spawn.Process(target=register, args=(str(tmp_path), worker, ready)) for worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = read_history(Lake(str(tmp_path)), SEGMENT)
    assert len(found.events) == 2 * EACH, "and the chain of digests holds, or reading would have failed"
    for worker in range(2):
        mine = [one.version for one in found.events if one.version.startswith(f"w{worker}-")]
        assert mine == [f"w{worker}-{number}" for number in range(EACH)], "each in its own order"


def fall_back(root: str, ready: object, outcomes: object) -> None:
    ready.wait()  # pyright: ignore[reportAttributeAccessIssue]
    try:
        append_event(Lake(root), event("fell_back"), now=START, expected=3)
        outcomes.put("done")  # pyright: ignore[reportAttributeAccessIssue]
    except MovedOnError:
        outcomes.put("moved on")  # pyright: ignore[reportAttributeAccessIssue]


def test_the_same_decision_of_two_processes_is_done_once(tmp_path: Path) -> None:
    write(Lake(str(tmp_path)), *released())
    spawn = multiprocessing.get_context("spawn")
    ready, outcomes = spawn.Barrier(2), spawn.Queue()
    workers = [spawn.Process(target=fall_back, args=(str(tmp_path), ready, outcomes)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert sorted(outcomes.get(timeout=120) for _ in workers) == ["done", "moved on"]
    for worker in workers:
        worker.join(timeout=60)
    assert [one.kind for one in read_history(Lake(str(tmp_path)), SEGMENT).events].count("fell_back") == 1


@pytest.mark.parametrize("how", ["changed", "removed", "added", "cut"])
def test_a_past_that_was_changed_is_found_and_named(tmp_path: Path, how: str) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted())
    write(lake, event("registered", segment="tutoring.hi.math"))
    folder = Path(lake.path("registry", SEGMENT))
    second = folder / "00000002.json"
    if how == "changed":
        second.write_text(second.read_text().replace("for a reason", "for another reason"))
    elif how == "removed":
        second.unlink()
    elif how == "added":
        (folder / "00000009.json").write_text(second.read_text())
    else:
        second.write_text(second.read_text()[:100])
    with pytest.raises(RegistryDamagedError, match=r"0000000\d\.json"):
        read_history(lake, SEGMENT)
    found, troubles = read_all(lake)
    assert set(found) == {"tutoring.hi.math"}, "the others go on"
    assert set(troubles) == {SEGMENT}
