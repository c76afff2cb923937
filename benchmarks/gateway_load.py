"""What the gateway itself costs and survives, with an engine that answers at once in place of a model.

    python benchmarks/gateway_load.py [--part overhead] [--requests 2000] [--long 50000] [--killed 10000]

overhead: milliseconds of one request alone and CPU milliseconds of the server for each of sixteen at once, through the gateway
(checks, routing, row on the disk before its answer ends) and through a bare application that gives the same bytes, in turn.
memory:   resident memory of the server after each tenth of `--long` requests.
kills:    SIGKILL at random moments until `--killed` answers have been told: rows lost, rows twice, requests cut and told as such.

The figures are added to out/gateway.json. Linux only (/proc).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lyo_pipelines.client.trainings import DagsterTrainings
from lyo_pipelines.client.tunings import DagsterTunings
from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import GeneratedText, Proof
from lyo_pipelines.serving.models import ModelChoice, Models
from lyo_pipelines.serving.running import Assembly, access_for
from lyo_pipelines.serving.server import run_server
from lyo_pipelines.storage.lake import Lake

OUT = Path(__file__).parent / "out" / "gateway.json"
WORDS = [f"word{n} " for n in range(24)]
TOGETHER = 16
QUESTION = "How do I write 0.375 as a fraction, and why?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=[*PARTS], action="append", help="only this part; may be given again")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--long", type=int, default=50_000)
    parser.add_argument("--killed", type=int, default=10_000)
    parser.add_argument("--serve", nargs=2, metavar=("WHAT", "DATA"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.is_file() else {}
    for name in options.part or PARTS:
        found[name] = asyncio.run(PARTS[name](options)) | {"load_average": os.getloadavg()}
        print(name, json.dumps(found[name]))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")


# --- the two servers -------------------------------------------------------------------------------------------------------------


class InstantEngine:
    """Says the same words at once; a question that begins with `slow` is answered within a tenth of a second."""

    name = "instant"
    understands: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Nothing to load."""

    async def prove(self, choice: ModelChoice) -> Proof | None:
        return None

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        slow = str(request.messages[-1].content).startswith("slow")
        for word in WORDS:
            if slow:
                await asyncio.sleep(0.1 / len(WORDS))
            yield word
        yield GeneratedText("".join(WORDS), "stop", 12, len(WORDS))

    async def trouble(self) -> str:
        return ""

    async def close(self) -> None:
        """Nothing to free."""


def serve(what: str, data: str) -> None:
    """Run one of the two in this process until it is stopped; its address is the first line told."""
    if what == "bare":
        _serve_bare()
        return
    config, lake = lay_over({"gateway": {"journal": {"inbox_rows": 500}}}), Lake(data)
    assembly = Assembly(
        Models(lake, "tiny", to_base=True), InstantEngine(), config, access_for(lake, config, "127.0.0.1"), "a key of a benchmark",
        time.time, DagsterTrainings(), DagsterTunings(),
    )  # fmt: skip
    run_server(assembly.prepare, host="127.0.0.1", port=0, say=lambda text: print(text, flush=True))


def _serve_bare() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": len(WORDS), "total_tokens": 12 + len(WORDS)}

    async def answer(request: Request) -> JSONResponse:
        await request.json()
        message = {"role": "assistant", "content": "".join(WORDS)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})

    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False, lifespan="off"))
    socket = server.config.bind_socket()
    print(f"http://127.0.0.1:{socket.getsockname()[1]}/v1", flush=True)
    server.run(sockets=[socket])


@contextmanager
def running(what: str, data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """One of the servers as a process of its own."""
    command = [sys.executable, __file__, "--serve", what, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Resident memory of a process, MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# --- the parts -------------------------------------------------------------------------------------------------------------------


def body(number: int, *, slow: bool = False, stream: bool = False) -> dict[str, Any]:
    question = f"{'slow ' if slow else ''}{QUESTION} ({number})"
    return {
        "model": "tiny",
        "stream": stream,
        "user": f"u{number % 500}",
        "messages": [{"role": "user", "content": question}],
    }


async def ask_many(url: str, count: int, *, together: int, first: int = 0) -> list[float]:
    """Milliseconds of each of `count` requests."""
    numbers, taken = iter(range(first, first + count)), []
    async with httpx.AsyncClient(timeout=60) as client:

        async def one_after_another() -> None:
            for number in numbers:
                started = time.perf_counter()
                answer = await client.post(f"{url}/chat/completions", json=body(number))
                answer.raise_for_status()
                taken.append(1000 * (time.perf_counter() - started))

        await asyncio.gather(*(one_after_another() for _ in range(together)))
    return taken


async def overhead(options: argparse.Namespace) -> dict[str, Any]:
    """Both servers in turn, four times."""
    alone: dict[str, list[float]] = {"gateway": [], "bare": []}
    spent = dict.fromkeys(alone, 0.0)
    rounds, count = 4, options.requests // 4
    with (
        tempfile.TemporaryDirectory() as folder,
        running("gateway", Path(folder)) as gateway,
        running("bare", Path()) as bare,
    ):
        for name, (url, _) in (("gateway", gateway), ("bare", bare)):
            await ask_many(url, 50, together=4)
            alone[name].clear()
        for _ in range(rounds):
            for name, (url, process) in (("gateway", gateway), ("bare", bare)):
                alone[name] += await ask_many(url, count, together=1)
                before = cpu_seconds(process.pid)
                await ask_many(url, count, together=TOGETHER)
                spent[name] += cpu_seconds(process.pid) - before
    found: dict[str, Any] = {"requests": rounds * count, "together": TOGETHER}
    for name, taken in alone.items():
        tenths = statistics.quantiles(taken, n=100)
        found[name] = {
            "median_ms": statistics.median(taken), "p95_ms": tenths[94], "p99_ms": tenths[98],
            "cpu_ms": 1000 * spent[name] / (rounds * count),
        }  # fmt: skip
    return found


async def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Resident memory along many requests, and how many rows are in the inbox at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with running("gateway", Path(folder)) as (url, process):
            found = [resident_mib(process.pid)]
            started = time.perf_counter()
            for tenth in range(10):
                await ask_many(url, options.long // 10, together=TOGETHER, first=tenth * options.long // 10)
                found.append(resident_mib(process.pid))
            seconds = time.perf_counter() - started
        rows = len(inbox_rows(Path(folder)))
    return {
        "requests": options.long,
        "resident_mib": found,
        "requests_per_second": options.long / seconds,
        "rows": rows,
    }


def inbox_rows(data: Path) -> list[dict[str, Any]]:
    """All rows of interactions that gateways put into the inbox."""
    files = [path for path in sorted((data / "inbox").glob("gateway-*.jsonl")) if not path.stem.endswith("-feedback")]
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass
class Told:
    """What clients heard: whole answers and begun ones, by interaction."""

    whole: dict[str, str] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)

    async def ask(self, client: httpx.AsyncClient, url: str, chance: random.Random) -> None:
        asked = body(len(self.begun), slow=chance.random() < 0.3, stream=chance.random() < 0.5)
        async with client.stream("POST", f"{url}/chat/completions", json=asked) as answer:
            if answer.status_code != 200:
                return
            name, said = answer.headers["x-lyo-interaction-id"], ""
            self.begun[name] = ""
            if not asked["stream"]:
                self.whole[name] = json.loads(await answer.aread())["choices"][0]["message"]["content"]
                return
            async for line in answer.aiter_lines():
                data = line.removeprefix("data: ")
                if data == "[DONE]":
                    self.whole[name] = said
                elif data:
                    said += json.loads(data)["choices"][0]["delta"].get("content", "")
                    self.begun[name] = said


async def kills(options: argparse.Namespace) -> dict[str, Any]:
    """Lives of 50 to 400 answers, each ended by SIGKILL but the last."""
    told, chance, lives = Told(), random.Random(3), 0
    with tempfile.TemporaryDirectory() as folder:
        while len(told.whole) < options.killed:
            lives += 1
            with running("gateway", Path(folder)) as (url, process):
                await _one_life(told, url, process, len(told.whole) + chance.randint(50, 400), chance)
        with running("gateway", Path(folder)):
            """What the last kill left behind is recovered by the next start."""
        rows = inbox_rows(Path(folder))
    found = {row["interaction_id"]: row for row in rows}
    wrong = [name for name, text in told.whole.items() if (found.get(name) or {}).get("answer") != text]
    return {
        "answers": len(told.whole), "requests": len(told.begun), "kills": lives, "rows": len(rows),
        "lost": len(set(told.begun) - set(found)), "twice": len(rows) - len(found), "differ": len(wrong),
        "cut": sum(bool(row.get("error")) for row in rows),
    }  # fmt: skip


async def _one_life(told: Told, url: str, process: subprocess.Popen[str], until: int, chance: random.Random) -> None:
    async with httpx.AsyncClient(timeout=30) as client:

        async def go_on() -> None:
            while process.poll() is None:
                try:
                    await told.ask(client, url, chance)
                except httpx.HTTPError:
                    await asyncio.sleep(0.01)

        asking = [asyncio.create_task(go_on()) for _ in range(8)]
        while len(told.whole) < until:
            await asyncio.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        await asyncio.gather(*asking)


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {"overhead": overhead, "memory": memory, "kills": kills}

if __name__ == "__main__":
    main()
