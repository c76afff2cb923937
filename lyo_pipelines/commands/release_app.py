"""The commands of releases, as `lyo` shows them: they parse; release.py and route.py do the work."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

release_app = typer.Typer()
Segment = Annotated[str, typer.Argument(help="For instance tutoring.en.math.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the history of the segment.")]
Port = Annotated[
    int, typer.Option(help="Port of the Dagster UI on 127.0.0.1; another free one is taken when it is in use.")
]


@release_app.command()
def release(segment: Segment, reason: Reason, port: Port = 3000) -> None:
    """Begin the release of a segment's newest adapter: gates, then 10 % of its users; the rollout sensor takes it from there."""
    from lyo_pipelines.commands.release import begin_release

    begin_release(_console(), segment, reason, port=port)


@release_app.command()
def releases(
    segment: Annotated[str | None, typer.Argument(help="One segment's whole history instead of all segments.")] = None,
) -> None:
    """Who is served by what, everywhere; or the whole history of one segment: what served whom, by which decision."""
    from lyo_pipelines.commands.release import show_releases

    show_releases(_console(), segment)


@release_app.command()
def pause(segment: Segment, reason: Reason) -> None:
    """Let a candidate keep its users and take no step up."""
    from lyo_pipelines.commands.release import pause as run

    run(_console(), segment, reason)


@release_app.command()
def resume(segment: Segment, reason: Reason) -> None:
    """Let the steps of a paused release go on."""
    from lyo_pipelines.commands.release import resume as run

    run(_console(), segment, reason)


@release_app.command()
def step_back(segment: Segment, reason: Reason) -> None:
    """Take a candidate back to the stage before."""
    from lyo_pipelines.commands.release import step_back as run

    run(_console(), segment, reason)


@release_app.command()
def retire(
    segment: Segment,
    reason: Reason,
    version: Annotated[str | None, typer.Option(help="Default: the candidate, else the champion.")] = None,
) -> None:
    """Take an adapter version out for good."""
    from lyo_pipelines.commands.release import retire as run

    run(_console(), segment, reason, version)


@release_app.command()
def rollback(
    segment: Segment,
    reason: Annotated[str | None, typer.Option(help="Why; needed unless it is a rehearsal.")] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Load and ask what would serve, say what would happen, change nothing.")
    ] = False,
) -> None:
    """Go back to what served before, in one step."""
    from lyo_pipelines.commands.release import roll_back

    roll_back(_console(), segment, reason, rehearsal=rehearse)


@release_app.command()
def route(
    user: Annotated[str, typer.Argument(help="A user's id, as the gateway knows it.")],
    segment: Segment,
    mode: Annotated[str | None, typer.Option(help="Reasoning mode, for instance chain_of_thought.")] = None,
    team: Annotated[str | None, typer.Option(help="Team or tenant.")] = None,
) -> None:
    """Which adapter answers a user, in which arm, and why."""
    from lyo_pipelines.commands.route import show_route

    show_route(_console(), user, segment, mode=mode, team=team)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 140)
