"""Starts, finds and stops the Dagster UI and daemon of this installation, on 127.0.0.1 only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from lyo_pipelines.client.home import (
    StorageError,
    dagster_environment,
    dagster_home,
    find_storage,
    hide_password,
)
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import WORKING_DIRECTORY, module_command, run_command

HOST = "127.0.0.1"
STATE_FILE = ".lyo_ui.json"
_SELECTOR = '{repositoryLocationName: "lyo_pipelines", repositoryName: "__repository__"}'


class ServerError(LyoError):
    """Dagster did not come up; the message says where its log is."""


@dataclass(frozen=True)
class Server:
    """A running `dagster dev`; `owned` when this process started it and so stops it."""

    url: str
    pid: int
    log: Path
    owned: bool

    def stop(self, grace_seconds: float = 15.0) -> None:
        """Stop what this process started: the whole process group, kindly first."""
        if not self.owned:
            return
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal_number)
            if _wait_gone(self.pid, grace_seconds):
                break
        (dagster_home() / STATE_FILE).unlink(missing_ok=True)


def find_server() -> Server | None:
    """The server that already serves this DAGSTER_HOME, if it answers."""
    try:
        state = json.loads((dagster_home() / STATE_FILE).read_text(encoding="utf-8"))
        found = Server(state["url"], int(state["pid"]), Path(state["log"]), owned=False)
        return found if _answers(found.url) else None
    except (OSError, ValueError, KeyError):
        return None


def silent_server() -> Server | None:
    """The server that was started for this DAGSTER_HOME and whose process runs, but that does not answer; None where there is none."""
    try:
        state = json.loads((dagster_home() / STATE_FILE).read_text(encoding="utf-8"))
        found = Server(state["url"], int(state["pid"]), Path(state["log"]), owned=False)
        os.kill(found.pid, 0)
    except PermissionError:
        return None  # another user's process has the number now
    except (OSError, ValueError, KeyError):
        return None
    return None if _answers(found.url) else found


def start_server(port: int, *, wait_seconds: float = 600.0, on_wait: Callable[[], None] = lambda: None) -> Server:
    """Start `dagster dev` (or join the one that runs) and wait until its code location is loaded.

    Raises ServerError with the end of its log when it ends, or has not come up after `wait_seconds` (a machine with much to do starts
    it slowly).
    """
    running = find_server()
    if running:
        return running
    on_wait()
    home = dagster_home()
    _set_gpu_pool(home)
    url = f"http://{HOST}:{_free_port(port)}"
    log = home / "dagster-dev.log"
    options = {"-w": "workspace.yaml", "-h": HOST, "-p": url.rsplit(":", 1)[1], "--log-level": "warning"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            module_command("dagster", "dev", options=options),
            cwd=WORKING_DIRECTORY,
            env=dagster_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop the group in order
        )
    server = Server(url, process.pid, log, owned=True)
    (home / STATE_FILE).write_text(json.dumps({"url": url, "pid": process.pid, "log": str(log)}), encoding="utf-8")
    deadline = time.monotonic() + wait_seconds
    try:
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
                waited = f"within {wait_seconds:.0f} s" if process.poll() is None else "and has ended"
                raise ServerError(f"Dagster did not start on {url} {waited}. The end of {log}:\n{hide_password(tail)}")
            on_wait()
            time.sleep(0.5)
    except BaseException:
        server.stop()
        raise
    return server


def _answers(url: str) -> bool:
    query = f"{{ repositoryOrError(repositorySelector: {_SELECTOR}) {{ __typename }} }}"
    try:
        answer = httpx.post(f"{url}/graphql", json={"query": query}, timeout=5).json()
        return answer["data"]["repositoryOrError"]["__typename"] == "Repository"
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


def _set_gpu_pool(home: Path) -> None:
    """Give the pool its limit before any run: on a fresh database the default alone lets several runs start at once."""
    try:
        # asks the database itself (0.02 s): a file in the home would know nothing of another or a restored database
        if find_storage(home).knows_pool("gpu"):
            return
    except StorageError as error:
        raise ServerError(error.message, hint=error.hint) from None
    command = module_command("dagster", "instance", "concurrency", "set", "gpu", "1")
    done = run_command(command, env=dagster_environment(home))
    if done.returncode != 0:
        reason = hide_password(done.stderr.strip())[-500:]
        raise ServerError(f"the pool 'gpu' could not be limited to one run: {reason}")


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("no free port on 127.0.0.1")


def _wait_gone(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(group, os.WNOHANG)
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return True
        time.sleep(0.2)
    return False
