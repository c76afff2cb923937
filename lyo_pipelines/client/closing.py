"""Closing a Dagster that a command started: not under runs that others launched in it."""

from __future__ import annotations

import time

from rich.console import Console

from lyo_pipelines.client.follow import Patience, named_runs
from lyo_pipelines.client.graphql import Client, GraphQLError
from lyo_pipelines.client.server import Server

_SAY_EVERY = 60.0


def close_when_idle(
    server: Server, console: Console, *, poll_seconds: float = 2.0, patience_seconds: float = 600.0
) -> None:
    """Stop a server that this process started once no run works or waits in it; says for which it waits.

    Ctrl-C stops it at once. So do `patience_seconds` in which no run works and nothing moves.
    """
    if not server.owned:
        return
    client, patience, said = Client(server.url), Patience(patience_seconds), 0.0
    try:
        while runs := client.active_runs():
            if patience.ended(runs):
                console.print(
                    f"Closing Dagster; {named_runs(runs)} waits there for the next `lyo ui`.", highlight=False
                )
                break
            if not said or (console.is_terminal and time.monotonic() - said >= _SAY_EVERY):
                said = time.monotonic()
                console.print(
                    f"Dagster stays open for what others launched: {named_runs(runs)}. Ctrl-C closes it now: a training keeps its "
                    "checkpoint, and what waits goes on with the next `lyo ui`.",
                    highlight=False,
                    soft_wrap=True,
                )
            time.sleep(poll_seconds)
    except GraphQLError:
        pass  # it is gone already
    except KeyboardInterrupt:
        console.print("Closing Dagster.")
    finally:
        server.stop()
