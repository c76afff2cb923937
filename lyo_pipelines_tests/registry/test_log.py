"""The registry on real files: nothing is lost, nothing forks, and what was changed afterwards is found."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
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
    read_intact,
    read_release,
    registered_segments,
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


DAMAGES = {
    "empty": b"",
    "no text": b"\xff\xfe\x00\x80 a sector of another file",
    "cut within a letter": '{"reason": "ஆ'.encode()[:-1],
    "another object": b'{"kind": "paused"}',
    "a list": b"[]",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("damage", list(DAMAGES))
@pytest.mark.parametrize("place", [1, 4, 6])
def test_a_damaged_event_of_one_segment_is_named_and_what_came_before_it_stays_known(
    tmp_path: Path, damage: str, place: int
) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted())
    write(lake, event("registered", segment="search.mr"))
    Path(lake.path("registry", SEGMENT, f"{place:08d}.json")).write_bytes(DAMAGES[damage])
    found, troubles = read_all(lake)
    assert (set(found), set(troubles)) == ({"search.mr"}, {SEGMENT})
    assert f"{place:08d}.json" in troubles[SEGMENT]
    before, error = read_intact(lake, SEGMENT)
    assert error is not None and before.release == state(promoted()[: place - 1])


def test_a_folder_where_an_event_was_is_damage_and_files_beside_events_are_none(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *released())
    folder = Path(lake.path("registry", SEGMENT))
    for stray in (folder / ".DS_Store", folder / "read me.txt", folder.parent / "notes.txt", folder.parent / ".keep"):
        stray.write_bytes(b"\x00")
    assert len(read_history(lake, SEGMENT).events) == 3
    assert registered_segments(lake) == [SEGMENT]
    last = folder / "00000003.json"
    last.rename(folder / "00000003.json.bak")
    with pytest.raises(RegistryDamagedError, match=r"00000003\.json\.bak"):
        read_history(lake, SEGMENT)
    last.mkdir()
    (folder / "00000003.json.bak").unlink()
    with pytest.raises(RegistryDamagedError, match="it is a folder"):
        read_history(lake, SEGMENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [("at", "2026-11-02T06:00:00"), ("stage", "2"), ("share", None), ("reason", 7), ("figures", []), ("clock", "soon")],
)
def test_a_last_event_whose_values_are_of_another_kind_is_damage(tmp_path: Path, name: str, value: object) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *released())
    path = Path(lake.path("registry", SEGMENT, "00000003.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(RegistryDamagedError, match=r"00000003\.json"):
        read_history(lake, SEGMENT)


def test_an_event_remembers_its_writers_clock_only_where_that_says_something_else(lake: Lake) -> None:
    write(lake, *released(day=40))
    early, _ = append_event(lake, event("paused"), now=START + timedelta(days=3))
    assert (early.at, early.happened_at) == (START + timedelta(days=40), START + timedelta(days=3))
    read = read_history(lake, SEGMENT)
    assert read.events[-1] == early
    assert [one.clock for one in read.events[:3]] == [None] * 3
    assert read.release.clocks == (*[START + timedelta(days=40)] * 3, START + timedelta(days=3))


def test_an_event_and_its_name_are_on_the_disk_when_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, fsync = list[str](), os.fsync

    def counted(handle: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", counted)
    append_event(Lake(str(tmp_path)), event("registered"), now=START)
    assert synced[-2:] == ["file", "folder"]
    assert set(synced[:-2]) == {"folder"}, "those that had to be made first"


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
