"""Running a server in this process until it is stopped: it listens, loads, answers, and ends what it began.

On 127.0.0.1 unless somebody says otherwise: `lyo serve` asks nobody for a key, `lyo gateway` does on any other address.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from lyo_pipelines.machine import machine_explained
from lyo_pipelines.serving.access.patience import protocol_with_patience
from lyo_pipelines.serving.door import Door

Prepared = Callable[[], Awaitable[tuple[Door, ASGIApp]]]


def run_server(prepare: Prepared, *, host: str, port: int, say: Callable[[str], None]) -> None:
    """Listen, prepare, say the address and answer until SIGINT or SIGTERM. port 0: any free one. Raises AddressInUseError.

    prepare: makes the application within the event loop that it lives in, ready to answer.
    """
    with listening_on(host, port) as listening:
        asyncio.run(_serve(prepare, listening, host, say))


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that listens there; what it accepts sends at once. Raises AddressInUseError."""
    with machine_explained(f"{host}:{port}"):
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    # asyncio sets it only on sockets that name their protocol; without it a small answer waits 40 ms for the client's ACK
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def _serve(prepare: Prepared, listening: socket.socket, host: str, say: Callable[[str], None]) -> None:
    door, app = await prepare()
    async with _closed(door):
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listening.getsockname()[1]}/v1")
        say(f"models: {', '.join(await asyncio.to_thread(door.models.names))}")
        seconds = door.config.seconds
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False, ws="none",
            http=protocol_with_patience(seconds.headers), timeout_graceful_shutdown=round(seconds.drain),
        )  # fmt: skip
        await _Server(config, door).serve(sockets=[listening])
        say("closed")


@asynccontextmanager
async def _closed(door: Door) -> AsyncGenerator[None]:
    """At the end every answer that began has its row, and every row is in the inbox."""
    try:
        yield
    finally:
        door.draining = True
        await door.emptied()
        await door.engine.close()
        if door.journal is not None:
            await door.journal.close()


class _Server(uvicorn.Server):
    """uvicorn, which is asked to stop by a signal and does not raise it again: what is open must be closed first."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        self._door.draining = True
        self.handle_exit(number, None)
