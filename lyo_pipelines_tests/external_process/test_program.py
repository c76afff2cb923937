"""However a process ends, its exit code and its last words fit: done, mendable, a fault of ours, stopped."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.stopping import Interrupted
from lyo_pipelines_tests.external_process.pipes_made import pipes_files


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LYO_TRACEBACK", raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # what the frame sets must not reach other tests


def program(folder: Path, *, stop_at_once: bool = False) -> Program:
    return Program(
        name="counting",
        folder=folder / "not" / "there" / "yet",
        go_on="count again",
        less_memory="Count less.",
        kept=lambda: "three are counted.",
        stop_at_once=stop_at_once,
    )


def raising(error: BaseException):
    def work(*_: object) -> None:
        raise error

    return work


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, "No space left on device", "/data/x")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LyoError("the list is\n empty", hint="Fill it."), "counting failed: the list is empty. Fill it."),
        (FULL, "Free some space and count again."),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Free some space and count again."),
        (RuntimeError("PytorchStreamWriter: I/O error: No space left on device"), "Free some space and count again."),
        (caused(LyoError("the model is not whole"), FULL), "Free some space and count again."),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), "/data/x: permission denied"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "Count less."),
        (MemoryError(), "Count less."),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_exit_code_1(tmp_path, capsys, error, said):
    assert program(tmp_path).run(raising(error)) == 1
    heard = capsys.readouterr().err
    assert said in heard
    assert len(heard.splitlines()) == 1
    assert "Traceback" not in heard


def test_a_writer_that_only_says_it_failed_is_a_full_disk_where_nothing_is_left(tmp_path, capsys, monkeypatch):
    assert program(tmp_path).run(raising(RuntimeError("enforce fail at inline_container.cc"))) == 70
    usage = type("Usage", (), {"free": 4096})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert program(tmp_path).run(raising(RuntimeError("enforce fail at inline_container.cc"))) == 1
    assert "Free some space" in capsys.readouterr().err


def test_anything_else_is_a_fault_of_ours_with_its_traceback(tmp_path, capsys):
    assert program(tmp_path).run(raising(KeyError("surprise"))) == 70
    heard = capsys.readouterr().err
    assert "Traceback" in heard
    assert "fault of lyo_pipelines" in heard
    assert "KeyError" in heard.splitlines()[-1]


def test_whoever_asks_for_a_traceback_gets_the_error_itself(tmp_path, monkeypatch):
    os.environ["LYO_TRACEBACK"] = "1"
    with pytest.raises(LyoError, match="empty"):
        program(tmp_path).run(raising(LyoError("the list is empty")))


def test_an_interruption_says_what_is_kept_and_the_handlers_of_before_come_back(tmp_path, capsys):
    before = signal.getsignal(signal.SIGTERM)
    reached = []

    def work(_: object, stop) -> None:
        signal.raise_signal(signal.SIGTERM)
        reached.append(stop.reason)  # work that is not stopped at once ends its step first
        stop.check()

    assert program(tmp_path).run(work) == 143
    assert reached == ["SIGTERM"]
    assert "stopped (SIGTERM): three are counted." in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_work_that_is_stopped_at_once_does_not_go_on_even_where_it_catches_every_exception(tmp_path):
    reached = []

    def work(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except Exception:
            reached.append("swallowed")
        reached.append("went on")

    assert program(tmp_path, stop_at_once=True).run(work) == 130
    assert reached == []
    assert not issubclass(Interrupted, Exception)


PROCESS = """
    import sys, time
    from pathlib import Path
    from lyo_pipelines.external_process.program import Program
    program = Program(name="counting", folder=Path("."), go_on="", less_memory="", kept=lambda: "it is kept.",
                      stop_at_once=sys.argv[1] == "at once", stop_with_parent=True)
    def work(report, stop):
        report.say("working")
        for _ in range(600):
            time.sleep(0.05)
            stop.check()
    sys.exit(program.run(work))
"""


def start(how: str, **environment: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROCESS), how],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    assert process.stderr is not None
    while "working" not in (line := process.stderr.readline()):
        assert line, "it ended before it began"
    return process


@pytest.mark.parametrize("how", ["in order", "at once"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_real_process_cleanly(how, number):
    process = start(how)
    process.send_signal(number)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 128 + number
    assert "it is kept." in said
    assert "Traceback" not in said


WAITS_FOR_A_LOCK = """
    import fcntl, os, sys
    from pathlib import Path
    from lyo_pipelines.external_process import program, stopping
    watch = stopping.StopRequest.watch_parent
    stopping.StopRequest.watch_parent = lambda self: watch(self, 0.05)
    def work(report, stop):
        with open(sys.argv[1], "w") as handle:
            print("waiting", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)  # the kernel holds us here until the signal
    me = program.Program(name="", folder=Path("."), go_on="", less_memory="", stop_at_once=True, stop_with_parent=True,
                         kept=lambda: Path(sys.argv[1] + ".kept").write_text("stopped") and "")
    sys.exit(me.run(work))
"""


def test_a_process_that_waits_for_a_lock_ends_when_its_parent_dies(tmp_path):
    import fcntl

    parent = (
        "import subprocess, sys, os\n"
        f"p = subprocess.Popen([sys.executable, '-c', {textwrap.dedent(WAITS_FOR_A_LOCK)!r}, {str(tmp_path / 'lock')!r}],"
        " stdout=subprocess.PIPE, text=True)\n"
        "p.stdout.readline(); os._exit(9)\n"
    )
    with (tmp_path / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", parent], check=False)
        end = time.monotonic() + 120
        while not (tmp_path / "lock.kept").exists() and time.monotonic() < end:
            time.sleep(0.05)
    assert (tmp_path / "lock.kept").exists()


def test_dagster_hears_of_an_interrupted_process_through_its_own_files(tmp_path):
    files = pipes_files(tmp_path, "adapter")
    process = start("in order", **files.environment)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 143
    assert [line["message"] for line in files.sent("log")] == ["working", "stopped (SIGTERM): it is kept."]
    assert files.sent("report_asset_materialization") == []
    assert len(files.sent("closed")) == 1
