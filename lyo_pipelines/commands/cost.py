"""`lyo cost [SEGMENT]`: what was spent by month and kind, how the month stands against its budget, what it would have cost
elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.costs.elsewhere import Elsewhere, elsewhere
from lyo_pipelines.costs.money import told, total
from lyo_pipelines.costs.past_runs import PastRun, past_reports, past_runs, read_reports
from lyo_pipelines.costs.spent import Budget, CostLine, budget_of, chosen, cost_lines
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.telling import told_span

SHOWN_TRAININGS = 10


def show_costs(
    console: Console, segment: str | None = None, *, month: str | None = None, as_json: bool = False
) -> None:
    """Print what a segment (and those below it), or all of them, cost; month: one month only, as 2026-11."""
    settings = Settings.from_env()
    lake, config, now = Lake(settings.data_dir), load_config(settings.config_path).costs, datetime.now(UTC)
    runs = past_runs(lake, Path(lake.local(lake.side("models"))))
    lines = cost_lines(lake, runs, past_reports(read_reports(lake), runs), config, now)
    shown = chosen(lines, segment=segment, month=month)
    # the budget is everybody's, whichever segment is asked about
    budget = budget_of(lines, month or f"{now:%Y-%m}", config)
    mine = [
        run for run in runs
        if (segment is None or run.segment == segment or run.segment.startswith(f"{segment}."))
        and (month is None or f"{run.at:%Y-%m}" == month)
    ][-SHOWN_TRAININGS:]  # fmt: skip
    others = [(run, elsewhere(run, runs, config)) for run in mine]
    if as_json:
        print_json(
            console,
            {
                "segment": segment, "month": month, "lines": [asdict(line) for line in shown],
                "total": {name: asdict(one) for name, one in total(line.money for line in shown if line.money).items()},
                "budget": asdict(budget) if budget else None,
                "elsewhere": [
                    {"segment": run.segment, "version": run.version, "places": [asdict(one) for one in places]}
                    for run, places in others
                ],
            },
        )  # fmt: skip
        return
    _lines(console, shown, segment)
    _budget(console, budget)
    _elsewhere(console, others)


def _lines(console: Console, lines: Sequence[CostLine], segment: str | None) -> None:
    if not lines:
        console.print(f"Nothing was spent{f' on {segment}' if segment else ''} in this time.", highlight=False)
        return
    table = Table(title=f"What {segment or 'all segments'} cost", title_justify="left")
    for name in ("month", "segment", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("how much", justify="right")
    table.add_column("cost", justify="right")
    for line in lines:
        table.add_row(line.month, line.segment, line.kind, _quantity(line), str(line.money or "not priced"))
    console.print(table)
    console.print(f"Together {told(total(line.money for line in lines if line.money))}.", highlight=False)
    if any(line.money is None for line in lines):
        console.print("What is not priced has no price in costs.yaml; it is counted all the same.", style="dim")


def _quantity(line: CostLine) -> str:
    if line.unit == "GB months":
        return f"{line.quantity:.3g} GB"
    return f"{told_span(3600 * line.quantity)} of {'people' if line.unit.startswith('people') else 'a machine'}"


def _budget(console: Console, budget: Budget | None) -> None:
    if budget is None:
        console.print("No monthly budget is set (costs.monthly_budget).", style="dim", highlight=False)
    else:
        console.print(f"Budget of {budget.month}, all segments: {budget.says}.", highlight=False)


def _elsewhere(console: Console, others: Sequence[tuple[PastRun, list[Elsewhere]]]) -> None:
    """What trainings would have cost elsewhere, where anything is known of that."""
    if not any(places for _, places in others):
        said = "no training of the same kind on another machine, and no price of a provider (costs.hosted)"
        console.print(f"What it would have cost elsewhere is not known: {said}.", style="dim", highlight=False)
        return
    table = Table(title="\nThe newest trainings, had they run elsewhere", title_justify="left")
    for name in ("training", "here", "where", "time", "cost"):
        table.add_column(name, overflow="fold")
    for run, places in others:
        for one in places:
            time = "" if one.seconds is None else told_span(one.seconds)
            where = one.place if one.seconds is None else f"{one.place} (speed of {one.trainings})"
            table.add_row(
                f"{run.segment} {run.version}",
                told_span(run.seconds),
                escape(where),
                time,
                str(one.money or "not priced"),
            )
    console.print(table)
