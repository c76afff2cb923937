"""`lyo backtest`: what the retraining triggers would have done with the history of the lake, and what another policy would change."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.config.loading import ConfigError, load_config, read_sections
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.health.read import load_health, read_health
from lyo_pipelines.retraining.backtest import CANNOT_KNOW, Backtest, BacktestStep, default_range, replay_policies
from lyo_pipelines.retraining.backtest_files import write_backtest
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.decision_reasons import LIMITS, REASONS
from lyo_pipelines.retraining.expiry import with_expiries
from lyo_pipelines.retraining.history import Training, read_trainings
from lyo_pipelines.retraining.policy_differences import PolicyDifference, policy_difference
from lyo_pipelines.segments import parse_segment
from lyo_pipelines.storage.lake import Lake

IN_FORCE = "figures in force"
SHOWN_LAUNCHES = 60
SHOWN_SEGMENTS = 40
KIND_COLOURS = {"quality": "red", "performance": "blue", "business": "green", "volume": "yellow"}


class BacktestError(LyoError):
    """The replay that was asked for cannot be made; the message says which can."""


def run_backtest(
    console: Console,
    *,
    first: date | None = None,
    last: date | None = None,
    policy: Path | None = None,
    segment: str | None = None,
) -> str:
    """Replay, print what would have fired and what held, and write JSON and plot; return the path of the JSON."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path).retraining
    if segment is not None:
        parse_segment(segment)
    policies, names = [config], [IN_FORCE]
    if policy is not None:
        policies.append(laid_over(settings.config_path, policy))
        names.append(policy.name)
    days = lake.days("health")
    if not days:
        raise BacktestError(
            "no day of segment_health yet: `lyo ingest PATH` reads logs and builds their days, `lyo demo` makes some"
        )
    unreadable = read_health(lake, days).unreadable
    curriculum, readable = load_curriculum(lake), [day for day in days if day not in unreadable]
    first, last = _range(readable, first, last, default_range(readable, config, curriculum))
    unknown: dict[str, str] = {}
    known = with_expiries(lake, read_trainings(lake), curriculum.validity, unknown)
    with console.status(f"Replaying {first} to {last}"):
        found = replay_policies(load_health(lake), policies, curriculum, first, last, trainings=known)
    if segment is not None:
        found = [_only(one, segment) for one in found]
    differs = policy_difference(*found) if len(found) == 2 else None
    notes = [f"{day.isoformat()} is left out, its health cannot be read: {why}" for day, why in unreadable.items()]
    notes += [*_later(known, first), *(f"{segment}: {says}" for segment, says in unknown.items())]
    notes += dict.fromkeys(f"not decided: {trouble}" for one in found for trouble in one.troubles)
    _show(console, found, names, differs)
    for note in (*CANNOT_KNOW, *notes):
        console.print(f"· {note}", style="dim", highlight=False, markup=False)
    paths = write_backtest(lake, found, names, differs, notes=notes, segment=segment)
    for what, path in zip(("All of it", "Picture  "), paths, strict=True):
        console.print(f"{what}: {path}", highlight=False, soft_wrap=True, markup=False)
    return paths[0]


def laid_over(config: str | None, policy: Path) -> RetrainingConfig:
    """The figures of `policy` over those of the configuration. Raises ConfigError that names file and key."""
    if not read_sections(policy).get("retraining"):
        raise ConfigError(f"{policy}: nothing under `retraining:`; a policy looks like config.yaml, with that section.")
    return load_config(config, policy).retraining


def _range(days: Sequence[date], first: date | None, last: date | None, usual: tuple[date, date]) -> tuple[date, date]:
    earliest, latest = min(days) + timedelta(days=1), max(days) + timedelta(days=1)
    last = last or usual[1]
    # a range that is to end before the usual first day starts where health does
    first = first or (usual[0] if usual[0] <= last else earliest)
    if not earliest <= first <= last <= latest:
        raise BacktestError(
            f"{first} to {last} cannot be replayed: health reaches from {min(days)} to {max(days)}, and each day is compared with the "
            f"days before it. Choose --from and --to between {earliest} and {latest}."
        )
    return first, last


def _only(found: Backtest, segment: str) -> Backtest:
    if segment not in found.by_segment:
        near = difflib.get_close_matches(segment, found.by_segment, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise BacktestError(
            f"{segment}: this segment occurs on no day of the range.{meant} Known: {', '.join(list(found.by_segment)[:12])}."
        )
    return found.only(segment)


def _later(known: dict[str, Training], first: date) -> list[str]:
    later = sorted(segment for segment, training in known.items() if training.at.date() >= first)
    if not later:
        return []
    shown = ", ".join(later[:5]) + (" and others" if len(later) > 5 else "")
    return [
        f"Last trained on or after {first}, and what was before is not known, so they count as never trained: {len(later)} ({shown})."
    ]


def _show(console: Console, found: Sequence[Backtest], names: Sequence[str], differs: PolicyDifference | None) -> None:
    one = found[0]
    days = (one.last - one.first).days + 1
    console.print(
        f"\n[bold]{one.first} to {one.last}[/]: {_count(days, 'day')}, {_count(len(one.by_segment), 'segment')}",
        highlight=False,
    )
    for replayed, name in zip(found, names, strict=True):
        _launches(console, replayed.launches, f"{name}: {_count(len(replayed.launches), 'launch', 'launches')}")
    if differs is not None:
        _differences(console, differs, names)
    _held(console, found, names)


def _launches(console: Console, steps: Sequence[BacktestStep], title: str) -> None:
    if not steps:
        console.print(f"\n{escape(title)}", highlight=False)
        return
    table = Table(title=f"\n{escape(title)}", title_justify="left", row_styles=["", "dim"] if len(steps) > 20 else None)
    for name in ("day", "segment", "kinds"):
        table.add_column(name, no_wrap=True)
    table.add_column("causes", max_width=38, overflow="fold")
    table.add_column("why", ratio=1)
    for step in steps[:SHOWN_LAUNCHES]:
        table.add_row(
            step.day.isoformat(), step.segment, kinds(step.kinds), escape("\n".join(step.causes)), escape(step.says)
        )
    console.print(table)
    _more(console, len(steps) - SHOWN_LAUNCHES, "launches")


def _differences(console: Console, found: PolicyDifference, names: Sequence[str]) -> None:
    if not found:
        console.print(f"\nNo difference: both policies launch the same, {_count(found.same, 'time')}.", highlight=False)
        return
    same, sizes = _count(found.same, "launch", "launches"), map(len, (found.shifted, found.only_a, found.only_b))
    title = "\nWhat {} changes: {} the same, {} moved, {} gone, {} new".format(names[1], same, *sizes)
    table = Table(title=escape(title), title_justify="left")
    for name in ("segment", "change", names[0], names[1]):
        table.add_column(escape(name), no_wrap=name != "change")
    rows = [(s.a.segment, s.a.day, _moved(s.days), _fired(s.a), _fired(s.b)) for s in found.shifted]
    rows += [(step.segment, step.day, f"[red]only {escape(names[0])}[/]", _fired(step), "") for step in found.only_a]
    rows += [(step.segment, step.day, f"[green]only {escape(names[1])}[/]", "", _fired(step)) for step in found.only_b]
    for segment, _, *cells in sorted(rows)[:SHOWN_LAUNCHES]:
        table.add_row(segment, *cells)
    console.print(table)
    _more(console, len(rows) - SHOWN_LAUNCHES, "differences")


def _fired(step: BacktestStep) -> str:
    return f"{step.day} {kinds(step.kinds)}"


def _moved(days: int) -> str:
    if not days:
        return "same day, other kinds"
    return f"{_count(abs(days), 'day')} {'later' if days > 0 else 'earlier'}"


def _count(n: int, one: str, more: str = "") -> str:
    return f"{n:,} {one if n == 1 else more or one + 's'}"


def _held(console: Console, found: Sequence[Backtest], names: Sequence[str]) -> None:
    counted = [one.reasons() for one in found]
    total: Counter[str] = sum((each for one in counted for each in one.values()), Counter())
    shown = [reason for reason in REASONS if total[reason] and reason != "fire"]
    told = "" if len(found) == 1 else f" ({names[0]} → {names[1]})"
    table = Table(title=escape(f"\nDays without a launch, and why{told}"), title_justify="left")
    table.add_column("segment", no_wrap=True)
    for reason in shown:
        table.add_column(REASONS[reason], justify="right", min_width=7)
    segments = sorted({*counted[0], *counted[-1]}, key=lambda key: (-_told(counted, key), key))
    for segment in segments[:SHOWN_SEGMENTS]:
        table.add_row(segment, *(_cell([one.get(segment, Counter())[reason] for one in counted]) for reason in shown))
    console.print(table)
    _more(console, len(segments) - SHOWN_SEGMENTS, "segments")


def _told(counted: Sequence[dict[str, Counter[str]]], segment: str) -> int:
    """Days on which there was a cause, or a fall that was looked into."""
    return sum(one.get(segment, Counter())[reason] for one in counted for reason in ("fire", "mix", *LIMITS))


def _cell(numbers: Sequence[int]) -> str:
    if len(set(numbers)) == 1:
        return f"{numbers[0]}" if numbers[0] else "[dim]·[/]"
    return f"[bold]{' → '.join(map(str, numbers))}[/]"


def _more(console: Console, left: int, what: str) -> None:
    if left > 0:
        console.print(f"… and {left:,} more {what}: they are in the JSON.", style="dim", highlight=False)


def kinds(found: Sequence[str]) -> str:
    """Kinds of triggers in their colours."""
    return ", ".join(f"[{KIND_COLOURS.get(kind, 'default')}]{kind}[/]" for kind in found)
