"""Engine processes for tests, forked from one that has imported everything.

Importing torch, transformers, peft and trl costs several times what training a tiny model does, and some forty tests need an engine
in a process of its own, to be killed, interrupted or read. The process is real, and so are its signals and its exit code; only the
import is shared. That `python -m` starts an engine at all is shown by the tests that go through Dagster, and by those of the commands.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import TimeoutExpired

_IMPORTED = (
    "lyo_pipelines.training.engine.run",
    "lyo_pipelines.training.engine.preference",
    "lyo_pipelines.evaluation.engine.evaluate",
    "tensorboard.summary",
)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(_IMPORTED))


class EngineProcess:
    """One started engine, with the part of `subprocess.Popen` that tests use; stdout and stderr go to one file."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start `[python, "-m", module, *arguments]` with this environment."""
        assert command[1] == "-m", "an engine is started as a module"
        handle, output = tempfile.mkstemp(prefix="engine-", suffix=".log")
        os.close(handle)
        self._output = Path(output)
        self._process = _CONTEXT.Process(target=_main, args=(command[2], list(command[3:]), dict(env), output))
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """Exit code; minus the signal's number when one ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.exitcode

    def wait_for_output(self, text: str) -> None:
        """Wait until it has printed this; fails when it ends without."""
        while text not in self._output.read_text(encoding="utf-8", errors="replace"):
            assert self._process.is_alive(), f"ended without {text!r}: {self._output.read_text(errors='replace')}"
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired("engine", timeout or 0.0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; returns ("", everything that it printed)."""
        self.wait(timeout)
        return "", self._output.read_text(encoding="utf-8", errors="replace")


def run_engine(command: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
    """Run an engine to its end; returns its exit code and everything that it printed."""
    process = EngineProcess(command, env)
    printed = process.communicate()[1]
    assert process.returncode is not None
    return process.returncode, printed


def _main(module: str, arguments: list[str], env: dict[str, str], output: str) -> None:
    target = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    sys.argv = [module, *arguments]
    package = importlib.import_module(module)
    engine = importlib.import_module(f"{module}.__main__") if hasattr(package, "__path__") else package
    sys.exit(engine.main(arguments))
