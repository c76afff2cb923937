"""`lyo route USER SEGMENT`: what a user's question would be answered by, and why, out of the routing file that gateways read."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.rollout.assignment import BUCKETS
from lyo_pipelines.rollout.routing import read_routing
from lyo_pipelines.rollout.selection import Query, choose_adapter
from lyo_pipelines.storage.lake import Lake


def show_route(
    console: Console,
    user: str,
    segment: str,
    *,
    mode: str | None = None,
    team: str | None = None,
    as_json: bool = False,
) -> None:
    """Print adapter, arm, bucket and every key that was looked at. The user's id is not kept anywhere."""
    query = Query.of_segment(segment, reasoning_mode=mode, team=team)
    choice = choose_adapter(read_routing(Lake(Settings.from_env().data_dir)), query, user)
    adapter = choice.adapter
    if as_json:
        looked_at = [{"key": one.key, "why": one.why} for one in choice.considered]
        named = (
            {"segment": adapter.segment, "version": adapter.version, "base_model": adapter.base_model}
            if adapter
            else None
        )
        told = {
            "adapter": named,
            "release": choice.release_id or choice.release,
            "arm": choice.arm,
            "bucket": choice.bucket,
        }
        print_json(
            console, {**told, "fallback": choice.fallback.version if choice.fallback else None, "looked_at": looked_at}
        )
        return
    answers = f"{adapter.segment} {adapter.version} (on {adapter.base_model})" if adapter else "the base model"
    console.print(f"[bold]{answers}[/] answers.", highlight=False)
    if choice.release is None:
        console.print("The question is not part of any release.", highlight=False)
    else:
        console.print(
            f"Release {choice.release_id or choice.release}: bucket {choice.bucket:,} of {BUCKETS:,}, arm [bold]{choice.arm}[/].",
            highlight=False,
        )
    if choice.arm == "candidate":
        fallback = choice.fallback.version if choice.fallback else "the base model"
        console.print(f"If it cannot be loaded, {fallback} answers.", highlight=False)
    table = Table(title="\nLooked at, most specific first", title_justify="left")
    table.add_column("key", no_wrap=True)
    table.add_column("found", ratio=1)
    for one in choice.considered:
        table.add_row(one.key, one.why)
    console.print(table)
