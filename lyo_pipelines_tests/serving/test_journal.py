"""The journal, killed at any write and on disks that fill up: what was accepted is a row, once, with all that was told."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.serving.journal import segments as segments_module
from lyo_pipelines.serving.journal.appending import Appender, Entry
from lyo_pipelines.serving.journal.journal import Journal, JournalFullError, JournalTakenError
from lyo_pipelines.serving.journal.records import CUT_OFF, begin_line, drop_line, end_line, feedback_line, part_line
from lyo_pipelines.serving.journal.segments import Segments
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.serving.live_gateway import inbox_rows

RESERVE = 4096


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Disk:
    """What the journal writes to. lives: operations until the process is killed; free: bytes that are left (None: enough)."""

    lives: int = 10**9
    free: int | None = None
    reserved: int = 0
    odd: int = 0

    def operation(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed

    def write(self, handle: int, data: memoryview) -> int:
        """Perhaps half of it, before a kill or the end of the disk."""
        self.odd += 1
        if self.lives == 0:
            os.write(handle, data[: (len(data) * self.odd) // (self.odd + 1)])
        self.operation()
        size = len(data) if self.free is None else min(len(data), self.free)
        if not size:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.free is not None:
            self.free -= size
        return os.write(handle, data[:size])

    def fsync(self, handle: int) -> None:
        self.operation()

    def posix_fallocate(self, handle: int, offset: int, size: int) -> None:
        self.operation()
        if self.free is not None and self.free < size:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.free is not None:
            self.free -= size
        self.reserved = size
        os.posix_fallocate(handle, offset, size)

    def as_os(self) -> SimpleNamespace:
        shared = {
            name: getattr(os, name)
            for name in ("open", "close", "ftruncate", "O_WRONLY", "O_APPEND", "O_RDONLY", "O_CREAT", "O_TRUNC")
        }
        return SimpleNamespace(write=self.write, fsync=self.fsync, posix_fallocate=self.posix_fallocate, **shared)


class DiskPath(type(Path())):
    """A path whose changes are operations of a disk."""

    disk: Disk

    def replace(self, target: Any) -> Any:
        self.disk.operation()
        return super().replace(target)

    def unlink(self, missing_ok: bool = False) -> None:
        self.disk.operation()
        if self.name == "reserve" and self.exists() and self.disk.free is not None:
            self.disk.free += self.disk.reserved
        super().unlink(missing_ok=missing_ok)


class DiskLake(Lake):
    """A lake whose texts are written in one operation, or not at all."""

    def write_text(self, text: str, path: str) -> None:
        DiskPath.disk.operation()
        if DiskPath.disk.free is not None and len(text.encode()) > DiskPath.disk.free:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_text(text, path)
        DiskPath.disk.operation()


@dataclass
class World:
    """What a client knows: which begins, ends and feedback it was told are safe, and what it tried."""

    begun: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    ending: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    feedback: list[int] = field(default_factory=list)

    def entry(self, kind: str, name: str, number: int) -> Entry | None:
        if kind == "begin" and name not in self.tried:
            row = {"interaction_id": name, "question": f"what is {name}?"}
            self.tried.add(name)
            return Entry(begin_line(name, row), name, opens=row, done=lambda error: error or self.begun.add(name))
        if kind == "feedback":
            row = {"interaction_id": name, "rating": number}
            return Entry(
                feedback_line(row), sync=True, counts=True, done=lambda error: error or self.feedback.append(number)
            )
        if name not in self.begun or name in self.ending or name in self.dropped:
            return None
        return self.later(kind, name, number)

    def later(self, kind: str, name: str, number: int) -> Entry | None:
        """What comes after a begin."""
        if kind == "part":
            said = f" {number}"
            return Entry(part_line(name, said), name, part=said, done=lambda error: error or self.tell(name, said))
        if kind == "drop":
            self.dropped.add(name)
            return Entry(drop_line(name), name, closes=True, must=True)
        if kind != "end":
            return None
        self.ending[name] = f"answer {number}"
        line = end_line(name, {"answer": self.ending[name]})
        done = lambda error: error or self.ended.__setitem__(name, self.ending[name])  # noqa: E731
        return Entry(line, name, closes=True, must=True, sync=True, counts=True, done=done)

    def tell(self, name: str, said: str) -> None:
        self.told[name] = self.told.get(name, "") + said

    def check(self, lake: Lake, *, killed: bool) -> None:
        rows = inbox_rows(lake)
        ids = [row["interaction_id"] for row in rows]
        assert len(set(ids)) == len(ids), "nothing is there twice"
        assert self.begun - self.dropped <= set(ids) <= self.tried
        for row in rows:
            name = row["interaction_id"]
            assert row["question"] == f"what is {name}?"
            if name in self.ended or (name in self.ending and not killed):
                assert (row["answer"], row.get("error")) == (self.ending[name], None)
            elif row.get("error") is None:
                assert row["answer"] == self.ending[name]
            else:
                assert (row["answer"] or "").startswith(self.told.get(name, ""))
                assert row["error"] == CUT_OFF
        kept = [row["rating"] for row in inbox_rows(lake, feedback=True)]
        assert set(self.feedback) <= set(kept)
        assert len(set(kept)) == len(kept)


NAMES = st.sampled_from([f"i{n}" for n in range(8)])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["begin"] * 3 + ["part"] * 2 + ["end"] * 3 + ["drop", "feedback", "seal", "publish", "fill", "free"]
        ),
        NAMES,
        st.booleans(),
    ),
    max_size=40,
)


def run(steps: list[tuple[str, str, bool]], disk: Disk, world: World, lake: Lake, folder: Path) -> None:
    segments = Segments(folder, lake, reserve_bytes=RESERVE, clock=lambda: 1.8e9)
    appender, batch, numbers = Appender(segments), [], count(1)
    for kind, name, go in steps:
        if kind in ("fill", "free"):
            disk.free = 3 if kind == "fill" else None
        elif kind == "seal":
            try_it(appender.go_on)
        elif kind == "publish":
            try_it(segments.publish)
        elif (entry := world.entry(kind, name, next(numbers))) is not None:
            batch.append(entry)
        if go and batch:
            appender.write(batch)
            batch = []
    disk.free = None
    appender.write(batch)
    appender.finish()
    segments.publish()


def try_it(action) -> None:
    try:
        action()
    except OSError as error:
        assert error.errno == errno.ENOSPC


@settings(max_examples=draws(150))
@given(steps=STEPS, lives=st.none() | st.integers(0, 120), again=st.none() | st.integers(0, 12))
def test_whatever_is_killed_or_full_accepted_requests_are_rows_once(steps, lives, again):
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patched:
        lake, disk, world = DiskLake(root), Disk(10**9 if lives is None else lives), World()
        patched.setattr(segments_module, "os", disk.as_os())
        patched.setattr(DiskPath, "disk", disk, raising=False)
        folder = DiskPath(root, "journal")
        folder.mkdir()
        killed = False
        try:
            run(steps, disk, world, lake, folder)
        except Killed:
            killed = True
        disk.lives, disk.free = (10**9 if again is None else again), None
        for _ in range(2):
            try:
                Segments(folder, lake, reserve_bytes=RESERVE, clock=lambda: 1.9e9).recover()
            except Killed:
                disk.lives = 10**9
        world.check(lake, killed=killed)
        assert not list(folder.glob("*.jsonl")), "all of it went to the inbox"
        if not killed:
            assert set(world.ended) <= world.begun


@given(cut=st.integers(0, 400), noise=st.binary(max_size=30))
def test_what_was_written_before_the_end_of_a_torn_file_counts(cut, noise):
    lines = [
        begin_line("a", {"interaction_id": "a", "question": "x"}),
        part_line("a", "half"),
        end_line("a", {"answer": "half done"}),
    ]
    content = b"".join(lines)[:cut]
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "journal")
        folder.mkdir()
        (folder / "1.jsonl").write_bytes(content + noise)
        Segments(folder, Lake(root), reserve_bytes=0, clock=lambda: 1.9e9).recover()
        rows = inbox_rows(Lake(root))
    whole = sum(cut >= sum(map(len, lines[:n])) - 1 for n in (1, 2, 3))
    wanted = [None, (None, CUT_OFF), ("half", CUT_OFF), ("half done", None)]
    if cut in {sum(map(len, lines[:n])) - 1 for n in (1, 2, 3)} and noise and not noise.startswith(b"\n"):
        return  # the noise makes another line of a whole one
    assert [(row.get("answer"), row.get("error")) for row in rows] == ([wanted[whole]] if whole else [])


def opened(lake: Lake, **more: Any) -> Journal:
    return Journal.opened(lake, **({"rows": 100, "seconds": 100, "reserve_bytes": 0, "clock": lambda: 1.8e9} | more))


def test_many_at_once_share_their_way_to_the_disk(tmp_path, monkeypatch):
    synced = []
    plain = os.fsync
    monkeypatch.setattr(segments_module.os, "fsync", lambda handle: (synced.append(handle), plain(handle)))

    async def work() -> None:
        journal = opened(Lake(str(tmp_path)))
        await asyncio.gather(*(one(journal, f"i{n}") for n in range(200)))
        assert journal.waiting == 0
        await journal.close()

    async def one(journal: Journal, name: str) -> None:
        await journal.begin(name, {"interaction_id": name})
        await journal.end(name, {"answer": "x"})

    asyncio.run(work())
    assert len(inbox_rows(Lake(str(tmp_path)))) == 200
    assert len(synced) < 100


def test_rows_go_to_the_inbox_when_there_are_enough_and_after_a_while(tmp_path):
    async def work() -> None:
        lake = Lake(str(tmp_path))
        journal = opened(lake, rows=2, seconds=0.05)
        await journal.begin("open", {"interaction_id": "open"})
        journal.part("open", "so far")
        await journal.begin("done", {"interaction_id": "done"})
        await journal.end("done", {"answer": "x"})
        for _ in range(500):
            if inbox_rows(lake):
                break
            await asyncio.sleep(0.01)
        assert [row["interaction_id"] for row in inbox_rows(lake)] == ["done"], "the other has not ended"
        await journal.end("open", {"answer": "so far and more"})
        await journal.close()
        assert [row["answer"] for row in inbox_rows(lake)] == ["x", "so far and more"]

    asyncio.run(work())


def test_the_same_feedback_twice_is_kept_once_and_another_one_is_kept(tmp_path):
    async def work() -> list[bool]:
        journal = opened(Lake(str(tmp_path)))
        said = [{"interaction_id": "a", "rating": rating} for rating in (4, 4, 2, 4)]
        told = [await journal.feedback("a", row, f"2026-11-29T10:00:0{n}+00:00") for n, row in enumerate(said)]
        await journal.close()
        return told

    assert asyncio.run(work()) == [True, False, True, True]
    assert [row["rating"] for row in inbox_rows(Lake(str(tmp_path)), feedback=True)] == [4, 2, 4]


def test_a_second_gateway_on_the_same_data_is_told_so(tmp_path):
    async def work() -> None:
        journal = opened(Lake(str(tmp_path)))
        with pytest.raises(JournalTakenError, match="another gateway"):
            opened(Lake(str(tmp_path)))
        await journal.close()
        await opened(Lake(str(tmp_path))).close()

    asyncio.run(work())


def test_on_a_full_disk_new_requests_are_refused_and_answers_that_began_still_end(tmp_path, monkeypatch):
    disk, lake = Disk(), Lake(str(tmp_path))
    monkeypatch.setattr(segments_module, "os", disk.as_os())
    monkeypatch.setattr(DiskPath, "disk", disk, raising=False)

    async def work() -> None:
        monkeypatch.setattr(Lake, "local", lambda _, path: DiskPath(path))
        journal = opened(lake, reserve_bytes=RESERVE)
        await journal.begin("a", {"interaction_id": "a"})
        disk.free = 0
        with pytest.raises(JournalFullError):
            await journal.begin("b", {"interaction_id": "b"})
        await journal.end("a", {"answer": "x" * 1000})
        with pytest.raises(JournalFullError):
            await journal.begin("c", {"interaction_id": "c"})
        disk.free = None
        await journal.begin("d", {"interaction_id": "d"})
        await journal.end("d", {"answer": "y"})
        await journal.close()

    asyncio.run(work())
    monkeypatch.undo()
    assert [json.loads(json.dumps(row))["interaction_id"] for row in inbox_rows(lake)] == ["a", "d"]
