"""`lyo erase USER...`: what of them is where, and with --yes: taking it away, building the days again, and searching for the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.client.home import dagster_home
from lyo_pipelines.commands.arguments import errors
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.erasure.erase import Erasure, Proof, erase, plan_erasure, prove
from lyo_pipelines.erasure.plan_values import NOT_REACHED, plan_values
from lyo_pipelines.erasure.reach import Reach
from lyo_pipelines.erasure.requests import write_request
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.days.build import stale_days
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake


class NobodyError(LyoError):
    """None of the given ids is known."""


class StillThereError(LyoError):
    """The search afterwards found something of an erased person."""


def erase_people(console: Console, users: Sequence[str], *, reason: str, yes: bool, build: bool, as_json: bool) -> None:
    """Print the plan; with `yes` carry it out. Raises NobodyError, StillThereError."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    now = datetime.now(UTC)
    if not yes:
        reach = plan_erasure(lake, users, pseudonyms)
        _say_plan(console, reach, as_json=as_json)
        return
    done = erase(lake, users, pseudonyms, config.interactions, reason=reason, now=now)
    if not as_json:
        _print_plan(console, done.reach)
    if done.reach.unknown and len(done.reach.unknown) == len(done.reach.people):
        raise NobodyError(f"nothing is known of {', '.join(done.reach.unknown)}: nothing was changed.")
    built = _build(errors(), lake, config, pseudonyms) if build else ()
    known = [user for user in users if user not in done.reach.unknown]
    proof = prove(lake, known, pseudonyms, [Path(dagster_home())] if Path(dagster_home()).is_dir() else [])
    _say_done(console, done, built, proof, as_json=as_json)
    if unexpected := proof.unexpected(lake, done.reach):
        raise StillThereError(
            f"{len(unexpected)} files still hold an id or a pseudonym, for instance {unexpected[0]}.",
            hint="Stop what writes there (a gateway, a run), and run this again.",
        )


def request_erasure(console: Console, users: Sequence[str], *, reason: str) -> None:
    """Write down that they ask, for the Dagster job erase_people, which is told nothing of who they are."""
    lake = Lake(Settings.from_env().data_dir)
    number = write_request(lake, users, reason=reason, now=datetime.now(UTC))
    console.print(
        f"Request {number} waits. In Dagster, plan_erasure shows what it would take away, and erase_people takes it away.",
        highlight=False,
    )


def _build(console: Console, lake: Lake, config: Config, pseudonyms: Pseudonyms) -> tuple[date, ...]:
    built = build_stale_days(lake, config.curation, wanted=set(stale_days(lake)).__contains__, pseudonyms=pseudonyms)
    for day, said in built.damaged.items():
        console.print(f"{day.isoformat()} stays as it was: {said}", highlight=False, markup=False, soft_wrap=True)
    return tuple(built.days)


def _say_plan(console: Console, reach: Reach, *, as_json: bool) -> None:
    if as_json:
        _print_json(console, {"plan": plan_values(reach), "changed": False})
        return
    _print_plan(console, reach)
    _print_unreached(console)
    console.print("\n[bold]Nothing was changed.[/] `--yes` with a `--reason` carries it out.")


def _say_done(console: Console, done: Erasure, built: Sequence[date], proof: Proof, *, as_json: bool) -> None:
    if as_json:
        told = {
            "plan": plan_values(done.reach),
            "changed": bool(done.record),
            "erased": dict(done.done),
            "days_built": [day.isoformat() for day in built],
            "record": done.record,
            "searched": proof.searched,
            "left": proof.left,
        }
        _print_json(console, told)
        return
    told = ", ".join(f"{count:,} {what}" for what, count in done.done.items() if count)
    if done.record:
        console.print(f"\nErased: {told}. Record: {done.record}", highlight=False, soft_wrap=True)
    else:
        console.print("\nThey were erased before; nothing was left to do.")
    waiting = "" if built or not done.days else f"; {len(done.days)} days wait to be built by a running Dagster"
    console.print(f"{len(built)} days were built again{waiting}.", highlight=False)
    console.print(f"Searched {proof.searched:,} files: found in {len(proof.left):,}.", highlight=False)
    for path, count in proof.left.items():
        console.print(f"  {escape(path)} ({count})", highlight=False, soft_wrap=True)
    _print_unreached(console)


def _print_plan(console: Console, reach: Reach) -> None:
    values = plan_values(reach)
    for user in reach.unknown:
        console.print(f"Nothing is known of {escape(user)}.", highlight=False)
    if reach.again:
        console.print(f"{reach.again} of them were erased before.", highlight=False)
    table = Table("what", "how much", title="What is theirs", title_justify="left")
    table.add_row("interactions", f"{reach.rows:,} on {len(reach.days)} days")
    table.add_row("feedback on them", f"{values['feedback']:,}")
    if reach.curated:
        table.add_row("examples of days without interactions", f"{sum(reach.curated.values()):,}")
    for (segment, version), splits in reach.versions.items():
        found = ", ".join(f"{count} in {split}" for split, count in splits.items() if count)
        table.add_row(f"dataset {segment}/{version}", found)
    for (segment, version), rows in reach.preferences.items():
        table.add_row(f"preference data {segment}/{version}", f"{rows:,} rows")
    for adapter in reach.adapters:
        again = f"{adapter.seconds / 3600:.1f} h" + (f", {adapter.cost:.2f} {adapter.currency}" if adapter.cost else "")
        serves = f"serves {adapter.serves}; " if adapter.serves else ""
        table.add_row(
            f"adapter {adapter.name}",
            f"learnt from {adapter.examples} of their examples; {serves}training again: {again}",
        )
    for path, lines in reach.originals.blanked.items():
        table.add_row(f"inbox file {path}", f"{len(lines)} lines will be blanked")
    for path, rows in reach.originals.aside.items():
        table.add_row(f"inbox file {path}", f"{rows} rows: it goes to inbox/set_aside as a whole, mend it there")
    for path, hits in reach.originals.by_hand.items():
        table.add_row(f"inbox file {path}", f"named in {hits} places: mend it by hand")
    for name in sorted(reach.originals.tables):
        table.add_row(name, "erase them at its source")
    console.print(table)


def _print_unreached(console: Console) -> None:
    console.print("\nNot reached by this command:")
    for said in NOT_REACHED:
        console.print(f"  - {said}", highlight=False, soft_wrap=True)


def _print_json(console: Console, told: object) -> None:
    console.print(json.dumps(told, ensure_ascii=False, indent=2), highlight=False, markup=False, soft_wrap=True)
