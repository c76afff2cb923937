"""The lake in an S3 bucket (a real server): whole objects, one writer at a time, and nothing left behind by a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from lyo_pipelines.config.settings import Settings, SettingsError
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.lease import Lease, LeaseLostError, leased
from lyo_pipelines.storage.object_store import ObjectStoreError, object_store

DAY = date(2026, 10, 1)


@pytest.fixture
def lake(object_server):
    return Lake(object_server.new_root())


def test_what_is_written_is_read_back_and_listed_at_once(lake):
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    lake.write_table(table, lake.interactions(DAY))
    assert lake.read_table(lake.interactions(DAY)).equals(table)
    assert lake.days("interactions") == [DAY]
    assert lake.days("interactions", name="other.parquet") == []
    assert lake.names(lake.path("interactions")) == ["date=2026-10-01"]
    lake.fs.rm(lake.interactions(DAY))
    assert not lake.exists(lake.interactions(DAY))
    assert lake.names(lake.path("interactions")) == []


def test_a_write_is_one_request_and_an_error_leaves_the_old_object(lake, object_server):
    path = lake.path("a", "x.txt")
    before = object_server.requests.copy()
    lake.write_text("old", path)
    assert object_server.requests - before == {"PUT": 1}
    with pytest.raises(RuntimeError, match="half way"), lake.replacing(path) as temporary:
        lake.fs.pipe_file(temporary, b"half")
        raise RuntimeError("half way")
    assert lake.read_text(path) == "old"
    assert lake.names(lake.path("a")) == ["x.txt"]


def test_names_with_wildcards_are_names(lake):
    source, target = lake.path("[a]*.txt"), lake.path("moved", "[a]*.txt")
    lake.write_text("1", source)
    lake.write_text("2", lake.path("a.txt"))
    lake.move(source, target)
    assert (lake.read_text(target), lake.exists(source)) == ("1", False)
    lake.fs.rm(target)
    assert lake.names(lake.path()) == ["a.txt"]


def test_one_of_many_creates(lake):
    path = lake.path("registry", "00000001.json")
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda n: lake.create_text(str(n), path), range(6)))
    assert sum(won) == 1
    assert lake.read_text(path) == str(won.index(True))


def test_a_creation_whose_answer_was_lost_is_known_as_our_own(lake, monkeypatch):
    store = lake.fs
    really = store.remote.pipe_file

    def answer_lost(*args, **options):
        really(*args, **options)
        return really(*args, **options)  # as the client asks again

    monkeypatch.setattr(store.remote, "pipe_file", answer_lost)
    assert lake.create_text("x", lake.path("1.json"))
    monkeypatch.undo()
    assert not lake.create_text("x", lake.path("1.json"))


def test_a_lease_is_held_by_one_and_given_back(lake):
    at_work, most = [], []

    def work(_):
        with leased(lake, "landing"):
            at_work.append(1)
            most.append(len(at_work))
            lake.write_text("x", lake.path("y"))
            at_work.pop()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert most == [1, 1, 1]


def test_a_lease_that_was_not_renewed_goes_to_the_next_and_stops_its_owner(lake, monkeypatch):
    path, store = lake.path("locks", "landing"), lake.fs
    first, second = Lease(store, path, 2), Lease(store, path, 2)
    first.acquire()
    first._done.set()  # it is suspended: it renews no more
    begun = time.monotonic()
    second.acquire()
    assert time.monotonic() - begun > 1.9
    assert second.fence == first.fence + 1
    monkeypatch.setattr(store, "guards", {first.require_held})
    with pytest.raises(LeaseLostError, match="another process"):
        lake.write_text("late", lake.path("late.txt"))
    monkeypatch.setattr(store, "guards", {second.require_held})
    lake.write_text("in time", lake.path("late.txt"))
    second.release()


def test_a_held_lease_is_renewed(lake, object_server):
    lease = Lease(lake.fs, lake.path("locks", "landing"), 2)
    lease.acquire()
    with pytest.raises(TimeoutError):
        Lease(lake.fs, lake.path("locks", "landing"), 2).acquire(timeout=5)
    lease.require_held()
    lease.release()


def test_what_a_killed_process_had_begun_is_removed_from_this_machine(object_server, tmp_path):
    child = (
        "from lyo_pipelines.storage.scratch import process_scratch as s\n"
        "(s() / 'x').write_text('x')\nprint(s(), flush=True)\ninput()"
    )
    environment = {**os.environ, "LYO_LOCAL_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", child], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        left = Path(process.stdout.readline().strip())
        assert (left / "x").exists()
        look = [sys.executable, "-c", child.replace("input()", "")]
        subprocess.run(look, env=environment, check=True, stdout=subprocess.DEVNULL)
        assert left.exists(), "its owner lives"
        process.send_signal(signal.SIGKILL)
    subprocess.run(look, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert not left.exists()


def test_secrets_in_the_address_are_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("LYO_DATA_DIR", "s3://AKIAXX:sesame@bucket/prefix")
    with pytest.raises(SettingsError, match="LYO_DATA_DIR") as caught:
        Settings.from_env()
    assert "sesame" not in str(caught.value)


def test_a_storage_that_does_not_answer_is_told_without_secrets(object_server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    lake = Lake("s3://elsewhere/x")
    monkeypatch.setattr(lake.fs.remote, "retries", 1, raising=False)
    with pytest.raises(ObjectStoreError, match="does not answer") as caught:
        lake.names(lake.path())
    assert object_server.environment["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)
    object_store.cache_clear()


def test_what_needs_a_disk_says_so(lake):
    with pytest.raises(NotLocalError, match="object storage"):
        lake.local(lake.path("adapters"))
