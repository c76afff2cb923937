"""The `lyo` command: thin, it parses and prints; rooms below do the work. The commands of each group stand in commands/*_app.py."""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lyo_pipelines.commands.arguments import BEGIN, RELEASE, Port, examples, output
from lyo_pipelines.commands.data_app import data_app
from lyo_pipelines.commands.gateway_app import gateway_app
from lyo_pipelines.commands.look_app import look_app
from lyo_pipelines.commands.release_app import release_app
from lyo_pipelines.commands.training_app import training_app
from lyo_pipelines.errors import LyoError
from lyo_pipelines.machine import machine_explained

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn tutor and assistant logs into better, evaluated adapters.",
    epilog=examples(
        "lyo demo                      all of it on sample logs, in data/demo",
        "lyo ingest logs/ --dry-run    what your files would become",
        "lyo ingest logs/              read them",
        "lyo status                    where everything stands, and what to do next",
        "lyo train SEGMENT --dry-run   what a training would take",
    ),
)
INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"lyo {metadata.version('lyo_pipelines')}")
        raise typer.Exit


@app.callback()
def root(
    on_demo: Annotated[
        bool, typer.Option("--demo", help="Work on the data and the Dagster of `lyo demo` instead of your own.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Settle on whose data the command works, and who may read what it writes."""
    del version
    if on_demo:
        from lyo_pipelines.commands.demo_place import use_demo_place

        use_demo_place()
    from lyo_pipelines.config.settings import Settings
    from lyo_pipelines.private_files import write_privately

    write_privately(group=Settings.from_env().group_reads)


@app.command(rich_help_panel=BEGIN, epilog=examples("lyo demo", "lyo --demo ui", "lyo --demo why tutoring.en.math"))
def demo(
    port: Port = 3000,
    interactions: Annotated[int, typer.Option(help="Number of sample interactions to generate.")] = 8_000,
) -> None:
    """Put sample files in the demo's own inbox and let the triggers do the rest: they train and report, or say why they do not."""
    from lyo_pipelines.commands.demo import run_demo
    from lyo_pipelines.commands.demo_place import use_demo_place

    use_demo_place()
    console = output()
    server = run_demo(console, port=port, interactions=interactions)
    if server is not None:
        _keep_open(console, server)


@app.command(rich_help_panel=BEGIN, epilog=examples("lyo ui", "lyo --demo ui"))
def ui(port: Port = 3000) -> None:
    """Open the Dagster UI on 127.0.0.1 and keep it open."""
    from lyo_pipelines.client.server import start_server
    from lyo_pipelines.commands.days import starting

    console = output()
    server = start_server(port, on_wait=starting(console))
    console.print(f"Dagster UI: [bold]{server.url}[/]", highlight=False)
    _keep_open(console, server)


app.add_typer(data_app)
app.add_typer(training_app)
app.add_typer(release_app)
app.add_typer(gateway_app, name="gateway", rich_help_panel=RELEASE)
app.add_typer(look_app)


def _keep_open(console: Console, server: object) -> None:
    from lyo_pipelines.client.closing import close_when_idle
    from lyo_pipelines.client.server import Server

    assert isinstance(server, Server)
    console.print("Press Ctrl-C to close it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        if console.is_terminal:  # who is there can say that runs are to be stopped
            close_when_idle(server, console)
        else:
            server.stop()


def main() -> None:
    """Entry point. Exit codes: 1 for an error that the message says how to mend, 70 for a fault of ours, 130 after Ctrl-C."""
    # `kill` stops in order, too; and a shell that starts us in the background would have us (and Dagster) ignore SIGINT
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)
    try:
        with machine_explained("the data directory"):
            app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            output().print("\n[yellow]Interrupted.[/] Finished work is kept; the next run continues from there.")
        raise
    except LyoError as error:
        from lyo_pipelines.config.settings import traceback_wanted

        if traceback_wanted():
            raise
        _say(error)
        sys.exit(1)
    except Exception as error:
        from lyo_pipelines import faults

        sys.stderr.write(f"{faults.fault_report(error)}\n")
        sys.exit(faults.EXIT_CODE)


def _say(error: LyoError) -> None:
    """What is wrong in one line and what to do in the next, on stderr; brackets in a message are no markup."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    stderr.print(f"[red]{type(error).__name__}:[/] {escape(error.message)}")
    if error.hint:
        stderr.print(escape(error.hint))
    stderr.print("[dim]LYO_TRACEBACK=1 shows where it came from.[/]")


if __name__ == "__main__":
    main()
