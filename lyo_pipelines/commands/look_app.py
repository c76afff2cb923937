"""The commands that only look, as `lyo` shows them: they parse; the modules beside them do the work."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from lyo_pipelines.commands.arguments import (
    LOOK,
    AsJson,
    Changes,
    Segment,
    SomeSegment,
    complete_recipe,
    examples,
    output,
)

look_app = typer.Typer()
config_app = typer.Typer(no_args_is_help=True, help="The configuration that a team writes.")
look_app.add_typer(config_app, name="config", rich_help_panel=LOOK)


@look_app.command(rich_help_panel=LOOK, epilog=examples("lyo status", "lyo --demo status --json"))
def status(
    every: Annotated[
        bool, typer.Option("--all", help="Show every segment, also those without an adapter beyond the first forty.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show where every segment stands, what waits, whether anybody watches, and what to do next."""
    from lyo_pipelines.commands.status import show_status

    show_status(output(), as_json=as_json, every=every)


@look_app.command(rich_help_panel=LOOK, epilog=examples("lyo why tutoring.en.physics --since 2026-11-01 --all"))
def why(
    segment: Segment,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only decisions from this day onwards.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every decision on its own line.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the retraining triggers decided about a segment and why, newest first."""
    from lyo_pipelines.commands.why import explain_decision

    explain_decision(output(), segment, since=since.date() if since else None, every=every, as_json=as_json)


@look_app.command(rich_help_panel=LOOK, epilog=examples("lyo cost", "lyo cost tutoring.en.math --month 2026-11 --json"))
def cost(
    segment: SomeSegment = None,
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="Only this month, for example 2026-11.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what trainings, reports, storage, serving and review cost, by month and segment, and what else it might have cost."""
    from lyo_pipelines.commands.cost import show_costs

    show_costs(output(), segment, month=f"{month:%Y-%m}" if month else None, as_json=as_json)


@look_app.command(
    rich_help_panel=LOOK, epilog=examples("lyo doctor", "lyo doctor --recipe gemma_2_2b --set batch.size=2")
)
def doctor(
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Check one recipe instead: device, base model, estimated memory.", autocompletion=complete_recipe
        ),
    ] = None,
    set: Changes = None,
    as_json: AsJson = False,
) -> None:
    """Check whether this machine has what the pipelines (or one recipe) need, and what to do about anything missing."""
    from lyo_pipelines.commands.doctor import check_machine
    from lyo_pipelines.commands.doctor_recipe import check_recipe

    if recipe and as_json:
        raise typer.BadParameter(
            "--json tells about the machine; `lyo train SEGMENT --dry-run --json` about a training"
        )
    well = check_recipe(output(), recipe, set or []) if recipe else check_machine(output(), as_json=as_json)
    if not well:
        raise typer.Exit(1)


@config_app.command("check", epilog=examples("lyo config check", "LYO_CONFIG=new.yaml lyo config check"))
def check_config(as_json: AsJson = False) -> None:
    """Read figures, curriculum, mappings, recipes and word lists as the pipelines do: what they change, and what is wrong."""
    from lyo_pipelines.commands.config_check import check_configuration

    if not check_configuration(output(), as_json=as_json):
        raise typer.Exit(1)


@look_app.command(rich_help_panel=LOOK, epilog=examples("lyo verify", "lyo verify tutoring.en.math --deep"))
def verify(
    segment: SomeSegment = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte, not only sizes, counts and footers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the lake with what was written down of it when it was made; exit code 1 where something is damaged."""
    from lyo_pipelines.commands.verify import show_verification

    if not show_verification(output(), segment, deep=deep, as_json=as_json):
        raise typer.Exit(1)
