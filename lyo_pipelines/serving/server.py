"""Running the server in this process until it is stopped. On 127.0.0.1 unless somebody says otherwise: it asks nobody for a key."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from lyo_pipelines.machine import machine_explained
from lyo_pipelines.serving.models import Models


def run_server(
    models: Models, models_dir: Path, *, host: str, port: int, device: str = "auto", say: Callable[[str], None]
) -> None:
    """Load the first model, say the address and answer until SIGINT or SIGTERM. port 0: any free one. Raises AddressInUseError."""
    import uvicorn

    from lyo_pipelines.serving.app import make_app
    from lyo_pipelines.serving.generation import Generator

    with machine_explained(f"{host}:{port}"):
        listening = socket.create_server((host, port))
    with listening:
        writer = Generator(models_dir, device=device)
        names = models.names()
        choice = models.choose(names[0], None)
        writer.load(choice)
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listening.getsockname()[1]}/v1")
        say(f"models: {', '.join(names)}")
        config = uvicorn.Config(
            make_app(models, writer), log_level="warning", access_log=False, timeout_graceful_shutdown=3
        )
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # uvicorn has closed in order and passes the signal on
            say("closed")
