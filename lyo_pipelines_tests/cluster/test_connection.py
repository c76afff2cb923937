"""What a cluster on this machine must not do: report, take signals, lie open; and what is said when there is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lyo_pipelines.cluster import connection
from lyo_pipelines.cluster.connection import ClusterError, connected, load_ray


def test_a_cluster_on_this_machine_reports_nothing_lies_closed_and_leaves_sigterm(cluster):
    import ray
    from ray._common.usage import usage_lib

    assert not usage_lib.usage_stats_enabled()
    assert getattr(signal.getsignal(signal.SIGTERM), "__module__", "") != "ray._private.worker"
    folder = Path(ray._private.worker._global_node.get_session_dir_path()).parents[1]
    assert folder.stat().st_mode & 0o077 == 0
    assert folder.name.startswith(f"lyo-ray-{os.geteuid()}-")


def test_who_is_connected_stays_connected(cluster):
    import ray

    with connected("nowhere:1", local_workers=1) as found:
        assert found is ray
    assert ray.is_initialized()


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match="lyo_pipelines\\[ray\\]"):
        load_ray()


def test_a_killed_run_leaves_its_folder_to_the_next_and_a_running_one_keeps_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(connection, "_LONGEST_SOCKET", 1000)
    left = tmp_path / f"lyo-ray-{os.geteuid()}-killed"
    left.mkdir()
    (left / ".lock").touch()
    with connection._session_folder() as first, connection._session_folder() as second:
        assert not left.exists()
        assert first.parent.exists() and second.parent.exists()
    assert not list(tmp_path.iterdir())


def test_the_paths_of_sockets_stay_short_where_temporary_files_lie_deep(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with connection._session_folder() as folder:
        assert folder.parent.parent == Path("/tmp")


def test_a_start_that_fails_is_tried_again_and_leaves_no_process(tmp_path, monkeypatch):
    started: list[subprocess.Popen] = []

    def init(**options: object) -> None:
        started.append(
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(options["_temp_dir"])])
        )
        raise Exception("The current node timed out during startup.\nMore of it")  # noqa: TRY002 - as Ray raises it

    ray = SimpleNamespace(is_initialized=lambda: False, init=init, shutdown=lambda: None)
    monkeypatch.setattr(connection, "load_ray", lambda: ray)
    with pytest.raises(ClusterError, match="too busy to start"), connected(connection.LOCAL, local_workers=1):
        pass
    assert len(started) == connection.START_ATTEMPTS
    assert all(process.wait(10) == -signal.SIGKILL for process in started)
