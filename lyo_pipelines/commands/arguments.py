"""Arguments that several commands share, how their help groups and shows examples, and where they print. Imports nothing heavy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

BEGIN, DATA, TRAINING, RELEASE, LOOK = (
    "Begin", "Data", "Training", "Release and serving", "Look",
)  # fmt: skip
"""Groups of the help, in the order of a first day."""

_SEGMENT_FOLDERS = ("adapters", "datasets", "reports", "registry")


def output() -> Console:
    """What a command prints to; wide enough for tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140)


def errors() -> Console:
    """Where progress goes while stdout is for a program."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else 140)


def examples(*lines: str) -> str:
    """The end of a command's help: what somebody would type."""
    return "\n\n".join(("Examples:", *lines))


def whole_numbers(text: str | None) -> list[int] | None:
    """Numbers separated by commas; None for None. Raises typer.BadParameter."""
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}: expected whole numbers separated by commas, for instance 1,4,16"
        ) from error


def complete_segment(incomplete: str) -> list[str]:
    """Segments of a local lake that begin so, by the names of folders alone: a shell asks at every key."""
    from lyo_pipelines.config.settings import Settings, SettingsError

    try:
        root = Settings.from_env().data_dir
    except SettingsError:
        return []
    if "://" in root:
        return []
    folders = [Path(root).expanduser() / "lake" / folder for folder in _SEGMENT_FOLDERS]
    names = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    return sorted(name for name in names if name.startswith(incomplete))


def complete_recipe(incomplete: str) -> list[str]:
    """Packaged recipes that begin so."""
    files = (Path(__file__).resolve().parents[1] / "training" / "recipe_files").glob("*.yaml")
    return sorted(path.stem for path in files if path.stem.startswith(incomplete))


Segment = Annotated[str, typer.Argument(help="For example tutoring.en.math.", autocompletion=complete_segment)]
SomeSegment = Annotated[
    str | None, typer.Argument(help="For example tutoring.en.math, or a parent.", autocompletion=complete_segment)
]
Port = Annotated[
    int, typer.Option(help="Port of the Dagster UI on 127.0.0.1; if it is taken, another free port is used.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the recipe; repeat it to change several."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of tables.")]
Limit = Annotated[int, typer.Option(min=0, help="How many rows to show.")]
