"""The `lyo` command: thin, it parses and prints; rooms below do the work."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Turn tutor and assistant logs into better, evaluated adapters."
)
console = Console(width=None if sys.stdout.isatty() else 140)
INTERRUPTED = 130
Port = Annotated[
    int, typer.Option(help="Port of the Dagster UI on 127.0.0.1; another free one is taken when it is in use.")
]


@app.command()
def demo(
    port: Port = 3000,
    interactions: Annotated[int, typer.Option(help="How many sample interactions to make.")] = 8_000,
) -> None:
    """Sample files in the inbox, and the triggers do the rest: what fires is trained and reported, what holds says why."""
    from lyo_pipelines.commands.demo import run_demo

    server = run_demo(console, port=port, interactions=interactions)
    if server is not None:
        _keep_open(server)


@app.command()
def ui(port: Port = 3000) -> None:
    """Open the Dagster UI on 127.0.0.1 and keep it open."""
    from lyo_pipelines.client.server import start_server

    server = start_server(port)
    console.print(f"Dagster UI: [bold]{server.url}[/]", highlight=False)
    _keep_open(server)


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files.")],
    format: Annotated[
        str, typer.Option(help="auto, canonical, feedback, flat (with a mapping), langfuse, openai_messages.")
    ] = "auto",
    mapping: Annotated[Path | None, typer.Option(help="YAML that maps a flat file's columns.")] = None,
    build: Annotated[
        bool, typer.Option(help="Also rebuild the days it touches (raw_interactions, filtered_examples).")
    ] = True,
) -> None:
    """Read files now, say what was accepted and rejected, and rebuild the days they touch."""
    from lyo_pipelines.commands.ingest import ingest_path

    ingest_path(console, path, format=format, mapping=mapping, build=build)


@app.command()
def train(
    segment: Annotated[str, typer.Argument(help="For instance tutoring.en.math.")],
    recipe: Annotated[str, typer.Option(help="A packaged recipe or a YAML file.")] = "owner",
) -> None:
    """Dataset version, adapter and report of one segment, as a Dagster run."""
    from lyo_pipelines.commands.train import train_segment

    train_segment(console, segment, recipe)


@app.command()
def report(segment: Annotated[str, typer.Argument(help="For instance tutoring.en.math.")]) -> None:
    """Print the newest report of a segment."""
    from lyo_pipelines.commands.report import show_report

    show_report(console, segment)


@app.command()
def why(
    segment: Annotated[str, typer.Argument(help="For instance tutoring.en.math.")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only decisions from this day on.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Every decision on a line of its own.")] = False,
) -> None:
    """What the retraining triggers decided about a segment, and why, newest first."""
    from lyo_pipelines.commands.why import explain

    explain(console, segment, since=since.date() if since else None, every=all)


@app.command()
def backtest(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day to decide about.")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="YAML with a `retraining:` section, compared with what is in force.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Show one segment only (all are replayed).")] = None,
) -> None:
    """Replay the lake's history: which retrainings would have fired, when and why, and what another policy would change."""
    from lyo_pipelines.commands.backtest import run_backtest

    start, end = (day.date() if day else None for day in (first, last))
    run_backtest(console, first=start, last=end, policy=policy, segment=segment)


@app.command()
def doctor() -> None:
    """Look whether this machine has what the pipelines need, and say what to do where it has not."""
    from lyo_pipelines.commands.doctor import look

    if not look(console):
        raise typer.Exit(1)


def _keep_open(server: object) -> None:
    from lyo_pipelines.client.server import Server

    assert isinstance(server, Server)
    console.print("Ctrl-C closes it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Closing the UI.")
        server.stop()


def main() -> None:
    """Entry point: known errors are one clear line and exit code 1, Ctrl-C is 130."""
    # `kill` stops in order, too; and a shell that starts us in the background would have us (and Dagster) ignore SIGINT
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            console.print("\n[yellow]Interrupted.[/] What was finished is kept; the next run goes on from there.")
        raise
    except (RuntimeError, ValueError, OSError) as error:
        if os.environ.get("LYO_TRACEBACK"):
            raise
        console.print(f"[red]{type(error).__name__}:[/] {error}", highlight=False, soft_wrap=True)
        console.print("[dim]LYO_TRACEBACK=1 shows where it came from.[/]")
        sys.exit(1)


if __name__ == "__main__":
    main()
