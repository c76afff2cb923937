"""A whole gateway over a stub engine, listening on a free port: in a thread of this process, or as a process that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from lyo_pipelines.config.loading import Config, lay_over
from lyo_pipelines.errors import LyoError
from lyo_pipelines.serving import server
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.serving.models import Models
from lyo_pipelines.serving.running import Assembly, access_for
from lyo_pipelines.serving.server import run_server
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.serving.stub_engine import StubEngine

SECRET = "a key for the tests"
NOW = 1_795_000_000.0
"""In November 2026; each look at the clock is a millisecond later."""


@dataclass
class Gateway:
    """One that is running."""

    client: httpx.Client
    engine: StubEngine
    lake: Lake
    url: str

    def ask(self, question: str, **more: Any) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": question}]} | more
        return self.client.post("/v1/chat/completions", json=body)


@dataclass
class FakeTrainings:
    """A Dagster that remembers what it was asked to launch."""

    begun: list[str] = field(default_factory=list)
    told: list[Run] = field(default_factory=list)
    silent: bool = False

    def begin(self, name: str) -> str:
        if self.silent:
            raise LyoError("Dagster does not run", hint="Start it.")
        self.begun.append(name)
        return f"run-{len(self.begun)}"

    def runs(self, setup: str | None) -> tuple[str, str, list[Run]]:
        known = [f"run-{number}" for number in range(1, len(self.begun) + 1)]
        if not known or setup not in (None, *known):
            return "", "", []
        found = setup or known[-1]
        return found, self.begun[known.index(found)], self.told


@dataclass
class FakeTunings:
    """Runs of fine-tuning jobs, as a test says."""

    told: dict[str, Run] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def run_of(self, job: str) -> Run | None:
        return self.told.get(job)

    def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)


@dataclass
class Running:
    """What is passed to a gateway that is started."""

    lake: Lake
    engine: Any = field(default_factory=StubEngine)
    changes: dict[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    trainings: FakeTrainings = field(default_factory=FakeTrainings)
    tunings: Any = field(default_factory=FakeTunings)
    more: dict[str, Any] = field(default_factory=dict)
    base: str = "tiny"
    now: float = NOW

    def config(self) -> Config:
        return lay_over({**self.more, "gateway": self.changes})

    def assembly(self) -> Assembly:
        ticks, config = count(), self.config()
        access = access_for(self.lake, config, self.host)
        models = Models(self.lake, self.base, to_base=True, tuned=config.gateway.fine_tuning.enabled)
        clock = lambda: self.now + next(ticks) / 1000  # noqa: E731
        return Assembly(models, self.engine, config, access, SECRET, clock, self.trainings, self.tunings)


@contextmanager
def running(lake: Lake, **more: Any) -> Iterator[Gateway]:
    """Start one in a thread; stopped in order at the end."""
    run, said, up, servers = Running(lake, **more), [], threading.Event(), []

    class Remembered(server._Server):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            servers.append(self)

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            up.set()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(server, "_Server", Remembered)
        address = {"host": "127.0.0.1" if run.host == "127.0.0.1" else run.host, "port": 0, "say": say}
        thread = threading.Thread(target=run_server, args=(run.assembly().prepare,), kwargs=address)
        thread.start()
        try:
            assert up.wait(60), said
            url = said[0].removesuffix("/v1").replace("0.0.0.0", "127.0.0.1")
            with httpx.Client(base_url=url, timeout=30) as client:
                yield Gateway(client, run.engine, lake, url)
        finally:
            while not servers and thread.is_alive():
                thread.join(0.05)
            for one in servers:
                one.should_exit = True
            thread.join(60)


@contextmanager
def process(data_dir: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The same as a process of its own; killed at the end, where it still runs."""
    command = [sys.executable, "-m", "lyo_pipelines_tests.serving.live_gateway", str(data_dir)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as started:
        assert started.stdout is not None
        try:
            yield started.stdout.readline().strip().removesuffix("/v1"), started
        finally:
            started.kill()


def inbox_rows(lake: Lake, *, feedback: bool = False) -> list[dict[str, Any]]:
    """All rows that gateways put into the inbox."""
    files = sorted(Path(lake.side("inbox")).glob("gateway-*.jsonl"))
    wanted = [file for file in files if file.stem.endswith("-feedback") == feedback]
    return [json.loads(line) for file in wanted for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    changes = {"journal": {"inbox_rows": 7, "inbox_seconds": 0.2, "reserve_bytes": 4096}}
    assembled = Running(Lake(sys.argv[1]), StubEngine(pause=0.01), changes).assembly()
    run_server(assembled.prepare, host="127.0.0.1", port=0, say=lambda text: print(text, flush=True))
