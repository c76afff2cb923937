"""The commands of releases, as `lyo` shows them: they parse; release.py and route.py do the work."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

release_app = typer.Typer()
Segment = Annotated[str, typer.Argument(help="For example tutoring.en.math.")]
Reason = Annotated[str, typer.Option(help="Reason, recorded in the segment's history.")]
Port = Annotated[
    int, typer.Option(help="Port of the Dagster UI on 127.0.0.1; if it is taken, another free port is used.")
]


@release_app.command()
def release(segment: Segment, reason: Reason, port: Port = 3000) -> None:
    """Start the release of a segment's newest adapter: gates first, then 10 % of its users; the rollout sensor does the rest."""
    from lyo_pipelines.commands.release import begin_release

    begin_release(_console(), segment, reason, port=port)


@release_app.command()
def releases(
    segment: Annotated[
        str | None, typer.Argument(help="Show the whole history of one segment instead of all segments.")
    ] = None,
) -> None:
    """Show which adapter serves whom in every segment; or the whole history of one segment, decision by decision."""
    from lyo_pipelines.commands.release import show_releases

    show_releases(_console(), segment)


@release_app.command()
def pause(segment: Segment, reason: Reason) -> None:
    """Pause a release: the candidate keeps its users, but gets no more."""
    from lyo_pipelines.commands.release import pause as run

    run(_console(), segment, reason)


@release_app.command()
def resume(segment: Segment, reason: Reason) -> None:
    """Resume a paused release."""
    from lyo_pipelines.commands.release import resume as run

    run(_console(), segment, reason)


@release_app.command()
def step_back(segment: Segment, reason: Reason) -> None:
    """Move a candidate back to the previous stage."""
    from lyo_pipelines.commands.release import step_back as run

    run(_console(), segment, reason)


@release_app.command()
def retire(
    segment: Segment,
    reason: Reason,
    version: Annotated[
        str | None, typer.Option(help="Adapter version (default: the candidate, else the champion).")
    ] = None,
) -> None:
    """Withdraw an adapter version for good."""
    from lyo_pipelines.commands.release import retire as run

    run(_console(), segment, reason, version)


@release_app.command()
def rollback(
    segment: Segment,
    reason: Annotated[str | None, typer.Option(help="Reason; required unless it is a rehearsal.")] = None,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse",
            help="Load the adapter that would serve and ask it a question, print what would happen, change nothing.",
        ),
    ] = False,
) -> None:
    """Go back to the previous champion in one step."""
    from lyo_pipelines.commands.release import roll_back

    roll_back(_console(), segment, reason, rehearsal=rehearse)


@release_app.command()
def route(
    user: Annotated[str, typer.Argument(help="A user's id, as the gateway knows it.")],
    segment: Segment,
    mode: Annotated[str | None, typer.Option(help="Reasoning mode, for example chain_of_thought.")] = None,
    team: Annotated[str | None, typer.Option(help="Team or tenant.")] = None,
) -> None:
    """Show which adapter answers a user, in which arm, and why."""
    from lyo_pipelines.commands.route import show_route

    show_route(_console(), user, segment, mode=mode, team=team)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 140)
