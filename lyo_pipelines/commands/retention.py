"""`lyo retention`: what is older than the settings allow, and with --apply: taking it away."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.retention.apply import apply_retention, plan_retention
from lyo_pipelines.retention.expired import Expired
from lyo_pipelines.storage.lake import Lake


def keep_to_retention(console: Console, *, apply: bool, as_json: bool) -> None:
    """Print what is too old; with `apply` take it away."""
    settings, now = Settings.from_env(), datetime.now(UTC)
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    if not apply:
        expired = plan_retention(lake, config, now)
        if as_json:
            print_json(console, {"expired": _values(expired), "changed": False})
            return
        if config.retention.is_off:
            console.print("Everything is kept for ever: set days under `retention:` in your config.yaml.")
            return
        _print(console, expired, "What is older than the settings allow")
        if not expired.is_empty:
            console.print(
                "\n[bold]Nothing was changed.[/] `lyo retention --apply` takes it away; it does not come back."
            )
        return
    done = apply_retention(lake, config, Pseudonyms(settings.require_pseudonym_key()), now)
    if as_json:
        print_json(console, {"expired": _values(done.expired), "changed": bool(done.record), "record": done.record})
        return
    _print(console, done.expired, "Taken away" if done.record else "Nothing is older than the settings allow")
    if done.record:
        console.print(f"Record: {done.record}", highlight=False, soft_wrap=True)


def _values(expired: Expired) -> dict[str, object]:
    """All of it as plain values, days as text."""
    days = {day.isoformat(): sum(rows.values()) for day, rows in expired.days.items()}
    damaged = {day.isoformat(): said for day, said in expired.damaged.items()}
    return asdict(expired) | {"days": days, "damaged": damaged}


def _print(console: Console, expired: Expired, title: str) -> None:
    table = Table("what", "how much", title=title, title_justify="left")
    for what, count in expired.counts.items():
        table.add_row(what, f"{count:,}")
    console.print(table)
    for day, said in expired.damaged.items():
        console.print(f"{day.isoformat()} stays: {said}", highlight=False, markup=False, soft_wrap=True)
