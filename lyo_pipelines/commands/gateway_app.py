"""The commands of the gateway, as `lyo` shows them: they parse; gateway.py does the work."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer
from rich.console import Console

gateway_app = typer.Typer()
key_app = typer.Typer(no_args_is_help=True, help="API keys: needed where others can reach the gateway.")
gateway_app.add_typer(key_app, name="key")
Name = Annotated[str, typer.Argument(help="Whose key it is.")]


@gateway_app.callback(invoke_without_command=True)
def gateway(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but this machine's own needs an API key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one and prints it.")] = 8080,
    engine: Annotated[
        Literal["torch", "llama_cpp", "openai"] | None,
        typer.Option(help="Who writes the answers (default: as configured)."),
    ] = None,
    base: Annotated[str | None, typer.Option(help="Base model: a registered name or a folder.")] = None,
) -> None:
    """Answer questions with the released adapters over the OpenAI API, log them into the inbox, and take feedback."""
    if context.invoked_subcommand is not None:
        return
    from lyo_pipelines.commands.gateway import run_gateway

    run_gateway(_console(), host=host, port=port, engine=engine, base=base)


@key_app.command()
def add(
    name: Name,
    owner: Annotated[bool, typer.Option("--owner", help="It may also upload documents and begin trainings.")] = False,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="It may also fine-tune on its own files (gateway.fine_tuning).")
    ] = False,
) -> None:
    """Make an API key and show it, this once."""
    from lyo_pipelines.commands.gateway import add_key

    add_key(_console(), name, owner=owner, fine_tune=fine_tune)


@key_app.command("list")
def list_() -> None:
    """Show the names of all API keys."""
    from lyo_pipelines.commands.gateway import list_keys

    list_keys(_console())


@key_app.command()
def remove(name: Name) -> None:
    """Take an API key away."""
    from lyo_pipelines.commands.gateway import remove_key

    remove_key(_console(), name)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 140)
