"""The installation that benchmarks/kills.py kills parts of: data, home, daemon, code server, and whose processes are whose."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import yaml

from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.defs.health_days import stratum, write_day, yesterday

LOCATION = Path(__file__).parent / "kills_location.py"
LAUNCH = {"weekly_budget": 1000, "claim_seconds": 20, "maximum_attempts": 15}
MONITORING = {
    "start_timeout_seconds": 30, "max_runtime_seconds": 60, "poll_interval_seconds": 5, "free_slots_after_run_end_seconds": 5,
}  # fmt: skip
"""Shorter than shipped, where a run takes hours: what nobody watches any more shall fail within a minute here."""


@dataclass
class Service:
    """The daemon or the code server: started again when it is down and its time has come."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    back_at: float = 0.0
    died: int = 0

    def keep(self, now: float) -> None:
        if self.process is not None and self.process.poll() is not None:  # nobody killed it
            self.died, self.process = self.died + 1, None
        if self.process is None and now >= self.back_at:
            with self.log.open("ab") as output:
                self.process = subprocess.Popen(
                    self.command, cwd=PROJECT_ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip

    def kill(self, *, runs: bool, back_at: float) -> None:
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.process.pid).children(recursive=True) if runs else []
            self.process.send_signal(signal.SIGKILL)
            for child in below:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.wait()
        self.process, self.back_at = None, back_at


@dataclass
class World:
    """A temporary installation, and what was done to it."""

    root: Path
    launches: int
    environment: dict[str, str]
    released: int = 0
    kills: list[dict[str, Any]] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        return Lake(str(self.root / "data"))

    @property
    def segments(self) -> list[str]:
        return [f"tutoring.en.subject{number:03d}" for number in range(self.launches)]

    def prepare(self, shipped: Path) -> None:
        """Home, figures, and health of long ago: not yet enough examples for a training."""
        home = Path(self.environment["DAGSTER_HOME"])
        home.mkdir(parents=True)
        (self.root / "data").mkdir()
        settings = yaml.safe_load(shipped.read_text(encoding="utf-8"))
        settings["run_monitoring"] |= MONITORING
        settings["concurrency"]["pools"]["default_limit"] = 4
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        (self.root / "data" / "config.yaml").write_text(
            yaml.safe_dump({"retraining": {"launch": LAUNCH}}), encoding="utf-8"
        )
        write_day(self.lake, yesterday() - timedelta(days=40), [stratum(segment, 700) for segment in self.segments])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = {"host": "127.0.0.1", "port": port, "location_name": "lyo_pipelines"}
        (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
        commands = {
            "code server": ["-m", "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(port), "-f", str(LOCATION),
                            "--location-name", "lyo_pipelines"],
            # what the command dagster-daemon runs; as a module, it is a child of this interpreter and is killed by its own id
            "daemon": ["-m", "dagster._daemon", "run", "-w", str(home / "workspace.yaml")],
        }  # fmt: skip
        self.services = {
            name: Service(
                name, [sys.executable, *command], self.environment, self.root / f"{name.replace(' ', '_')}.log"
            )
            for name, command in commands.items()
        }

    def release(self, upto: int) -> None:
        """Give the first segments what makes them due; every third is rated badly, too."""
        if (upto := min(upto, self.launches)) > self.released:
            rows = [stratum(name, 700, rating=4.5 if at % 3 else 3.0) for at, name in enumerate(self.segments[:upto])]
            write_day(self.lake, yesterday(), rows)
            self.released = upto

    def lines(self) -> list[dict[str, Any]]:
        path = self.root / "data" / "work.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def processes(self) -> Iterator[psutil.Process]:
        """Everything that runs in this installation."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    process.environ().get("DAGSTER_HOME") == self.environment["DAGSTER_HOME"]
                    and process.pid != os.getpid()
                ):
                    yield process

    def kill_one(self, rng: random.Random) -> bool:
        """Kill a victim that is there now; whether there was one."""
        workers = [process for process in self.processes() if _is_worker(process)]
        up = [name for name, service in self.services.items() if service.process is not None]
        found = dict.fromkeys(up, 1.0) | ({"run": 2.0} if workers else {})
        if not found:
            return False
        victim = rng.choices(list(found), list(found.values()))[0]
        whole = victim == "code server" and rng.random() < 0.5
        if victim == "run":
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(workers).kill()
        else:
            self.services[victim].kill(runs=whole, back_at=time.time() + rng.choice([0.0, rng.uniform(0, 10)]))
        self.kills.append({"at": time.time(), "victim": f"{victim} with its runs" if whole else victim})
        return True

    def stop(self) -> None:
        while found := list(self.processes()):
            for process in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            for service in self.services.values():
                if service.process is not None:
                    service.process.wait()
            time.sleep(0.2)


def _is_worker(process: psutil.Process) -> bool:
    """A run; beside runs, a code server has only Python's own tracker of shared memory."""
    with contextlib.suppress(psutil.Error):
        return "--multiprocessing-fork" in process.cmdline()
    return False
