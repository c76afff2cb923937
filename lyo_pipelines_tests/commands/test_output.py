"""What commands say while something takes long, and what they say to programs."""

from __future__ import annotations

import json
import threading
from datetime import date

import pytest
import typer
from rich.console import Console

from lyo_pipelines.cli import app
from lyo_pipelines.commands.output import print_json, still_at_work

ACTS = {
    "demo", "ui", "serve", "review",  # go on until a person ends them
    "release", "pause", "resume", "step-back", "retire", "rollback",  # `lyo releases --json` tells what became of it
    "prefer", "segments remove", "key rotate", "mapping draft", "gateway", "gateway key add", "gateway key list", "gateway key remove",
}  # fmt: skip


class Spoken(Console):
    """A console that lets a test wait for its second line."""

    def __init__(self) -> None:
        super().__init__(record=True, width=200)
        self.twice = threading.Event()
        self.lines = 0

    def print(self, *given: object, **how: object) -> None:
        super().print(*given, **how)  # pyright: ignore[reportArgumentType]
        self.lines += 1
        if self.lines == 2:
            self.twice.set()


def test_work_that_goes_on_is_told_again_and_again_and_no_more_once_it_has_ended() -> None:
    console = Spoken()
    with still_at_work(console, "merging [v1]", every_seconds=0.01):
        assert console.twice.wait(60)
    said = console.lines
    assert console.export_text().splitlines()[:2] == ["merging [v1] … 0 s", "merging [v1] … 0 s"]
    assert console.lines == said
    assert "still-at-work" not in {thread.name for thread in threading.enumerate()}


def test_an_error_in_the_work_ends_the_telling_too() -> None:
    with pytest.raises(OSError, match="full"), still_at_work(Console(quiet=True), "x"):
        raise OSError("full")
    assert "still-at-work" not in {thread.name for thread in threading.enumerate()}


def test_json_for_programs_is_one_value_with_dates_as_text() -> None:
    console = Console(record=True, width=40)
    print_json(console, {"day": date(2026, 1, 2), "text": "[bold]गणित" * 10})
    assert json.loads(console.export_text()) == {"day": "2026-01-02", "text": "[bold]गणित" * 10}


def test_every_command_that_tells_something_tells_it_to_programs_too() -> None:
    without = {
        name
        for name, command in commands(typer.main.get_command(app))
        if "--json" not in {option for parameter in command.params for option in parameter.opts}
    }
    assert without <= ACTS


def commands(command: object, name: str = "") -> list[tuple[str, object]]:
    below = getattr(command, "commands", None)
    if not below:
        return [(name, command)]
    return [found for key, one in below.items() for found in commands(one, f"{name} {key}".strip())]
