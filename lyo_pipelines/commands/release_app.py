"""The commands of releases, as `lyo` shows them: they parse; release.py and route.py do the work."""

from __future__ import annotations

from typing import Annotated

import typer

from lyo_pipelines.commands.arguments import RELEASE, AsJson, Port, Segment, complete_segment, examples, output

release_app = typer.Typer()
Reason = Annotated[str, typer.Option(help="Reason, recorded in the segment's history.")]


@release_app.command(
    rich_help_panel=RELEASE, epilog=examples("lyo release tutoring.en.math --reason 'weekly training'")
)
def release(
    segment: Segment,
    reason: Reason,
    version: Annotated[
        str, typer.Option(help="Another version than the newest adapter; a provider's model has to be named.")
    ] = "",
    port: Port = 3000,
) -> None:
    """Start the release of a segment's newest adapter: gates first, then 10 % of its users; the rollout sensor does the rest."""
    from lyo_pipelines.commands.release import begin_release

    begin_release(output(), segment, reason, version=version, port=port)


@release_app.command(rich_help_panel=RELEASE, epilog=examples("lyo releases", "lyo releases tutoring.en.math"))
def releases(
    segment: Annotated[
        str | None,
        typer.Argument(
            help="Show the whole history of one segment instead of all segments.", autocompletion=complete_segment
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which adapter serves whom in every segment; or the whole history of one segment, decision by decision."""
    from lyo_pipelines.commands.release import show_releases

    show_releases(output(), segment, as_json=as_json)


@release_app.command(rich_help_panel=RELEASE)
def pause(segment: Segment, reason: Reason) -> None:
    """Pause a release: the candidate keeps its users, but gets no more."""
    from lyo_pipelines.commands.release import pause as run

    run(output(), segment, reason)


@release_app.command(rich_help_panel=RELEASE)
def resume(segment: Segment, reason: Reason) -> None:
    """Resume a paused release."""
    from lyo_pipelines.commands.release import resume as run

    run(output(), segment, reason)


@release_app.command(rich_help_panel=RELEASE)
def step_back(segment: Segment, reason: Reason) -> None:
    """Move a candidate back to the previous stage."""
    from lyo_pipelines.commands.release import step_back as run

    run(output(), segment, reason)


@release_app.command(rich_help_panel=RELEASE)
def retire(
    segment: Segment,
    reason: Reason,
    version: Annotated[
        str | None, typer.Option(help="Adapter version (default: the candidate, else the champion).")
    ] = None,
) -> None:
    """Withdraw an adapter version for good."""
    from lyo_pipelines.commands.release import retire as run

    run(output(), segment, reason, version)


@release_app.command(rich_help_panel=RELEASE, epilog=examples("lyo rollback tutoring.en.math --rehearse"))
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

    roll_back(output(), segment, reason, rehearsal=rehearse)


@release_app.command(rich_help_panel=RELEASE, epilog=examples("lyo route user-42 tutoring.en.math"))
def route(
    user: Annotated[str, typer.Argument(help="A user's id, as the gateway knows it.")],
    segment: Segment,
    mode: Annotated[str | None, typer.Option(help="Reasoning mode, for example chain_of_thought.")] = None,
    team: Annotated[str | None, typer.Option(help="Team or tenant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show which adapter answers a user, in which arm, and why."""
    from lyo_pipelines.commands.route import show_route

    show_route(output(), user, segment, mode=mode, team=team, as_json=as_json)


@release_app.command(rich_help_panel=RELEASE, epilog=examples("lyo serve --segment tutoring.en.math --port 8000"))
def serve(
    segment: Annotated[
        str | None,
        typer.Option(
            help="Serve this segment only (default: every segment with an adapter).", autocompletion=complete_segment
        ),
    ] = None,
    base: Annotated[str | None, typer.Option(help="Serve this base model only: a registered name or a folder.")] = None,
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one and prints it.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on. There is no authentication.")] = "127.0.0.1",
) -> None:
    """Serve a base model and the lake's adapters over the OpenAI API (/v1/chat/completions, /v1/models)."""
    from lyo_pipelines.commands.serve import serve_models as run

    run(output(), segment=segment, base=base, host=host, port=port)
