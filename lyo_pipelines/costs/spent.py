"""After it: what was spent, by segment, month and kind. Trainings, reports, what lies in the lake, serving and people's review.

What cannot be priced (no price is stated) is still counted, in its own unit. What a month may cost is compared here, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.costs.money import Money, in_currency, price_of_hour, total
from lyo_pipelines.costs.past_runs import PastReport, PastRun
from lyo_pipelines.curation.review import ReviewQueueError, read_queue
from lyo_pipelines.health.read import HealthUnreadableError, read_health
from lyo_pipelines.storage.lake import Lake

Kind = Literal["training", "report", "storage", "serving", "review"]
KINDS: tuple[Kind, ...] = ("training", "report", "storage", "serving", "review")
GB = 1e9


@dataclass(frozen=True)
class CostLine:
    """What one kind cost a segment in a month. month: "2026-11"; quantity in `unit`; money: None where no price is stated."""

    segment: str
    month: str
    kind: Kind
    quantity: float
    unit: str
    money: Money | None


@dataclass(frozen=True)
class Budget:
    """What a month cost against what it may. spent: None where a rate is missing; the message says so."""

    month: str
    amount: Money
    spent: Money | None
    says: str


def cost_lines(
    lake: Lake, runs: Sequence[PastRun], reports: Sequence[PastReport], config: CostsConfig, now: datetime
) -> list[CostLine]:
    """Everything that was spent until now, by month, segment and kind. Health or a review queue that cannot be read is left
    out."""
    priced = [*_trainings(runs, config), *_reports(runs, reports, config), *_storage(lake, runs, reports, config, now)]
    return _summed([*priced, *_serving(lake, config), *_review(lake, config)])


def chosen(lines: Iterable[CostLine], *, segment: str | None = None, month: str | None = None) -> list[CostLine]:
    """The lines of one segment (and of those below it) and one month."""
    return [
        line
        for line in lines
        if (segment is None or line.segment == segment or line.segment.startswith(f"{segment}."))
        and (month is None or line.month == month)
    ]


def budget_of(lines: Sequence[CostLine], month: str, config: CostsConfig) -> Budget | None:
    """How a month stands against what it may cost; None without a budget."""
    wanted = config.monthly_budget
    if wanted.amount is None:
        return None
    amount = Money(wanted.amount, wanted.amount, wanted.currency)
    sums = total(line.money for line in chosen(lines, month=month) if line.money)
    spent = in_currency(sums, wanted.currency, config.rates)
    if spent is None:
        missing = ", ".join(sorted({name for name in (*sums, wanted.currency) if config.rates.get(name) is None}))
        return Budget(month, amount, None, f"not compared with {amount}: costs.rates states no rate for {missing}")
    if spent.low > wanted.amount:
        return Budget(month, amount, spent, f"{spent} of {amount}: more than the month may cost")
    if spent.high > wanted.amount:
        return Budget(month, amount, spent, f"{spent} of {amount}: perhaps more than the month may cost")
    return Budget(month, amount, spent, f"{spent} of {amount}")


def _trainings(runs: Sequence[PastRun], config: CostsConfig) -> Iterable[CostLine]:
    for run in runs:
        hours = run.seconds / 3600
        price = _price(run, config)
        yield CostLine(run.segment, _month(run.at), "training", hours, "machine hours", price and price.times(hours))


def _reports(runs: Sequence[PastRun], reports: Sequence[PastReport], config: CostsConfig) -> Iterable[CostLine]:
    """On the machine of the adapter's training: the pool is the same."""
    by_version = {run.version: run for run in runs}
    for one in reports:
        hours, run = one.seconds / 3600, by_version.get(one.version)
        price = _price(run, config) if run else None
        yield CostLine(one.segment, _month(one.at), "report", hours, "machine hours", price and price.times(hours))


def _price(run: PastRun, config: CostsConfig) -> Money | None:
    return price_of_hour(run.machine, config, recipe_price=run.hour, recipe_currency=run.currency)


def _storage(
    lake: Lake, runs: Sequence[PastRun], reports: Sequence[PastReport], config: CostsConfig, now: datetime
) -> Iterable[CostLine]:
    """What lies there now, from the month in which it was made; a month counts whole."""
    folders = [(run.segment, run.at, run.folder) for run in runs]
    folders += [(one.segment, one.at, Path(lake.local(lake.report_dir(one.segment, one.version)))) for one in reports]
    each = config.storage.per_gb_month
    for segment, since, folder in folders:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / GB
        money = None if each is None else Money(each * size, each * size, config.storage.currency)
        for month in _months(since, now):
            yield CostLine(segment, month, "storage", size, "GB months", money)


def _serving(lake: Lake, config: CostsConfig) -> Iterable[CostLine]:
    """The hours in which answers were written, of all interactions of a segment's days."""
    days = lake.days("health")
    try:
        strata = read_health(lake, days).strata(days).collect()
    except HealthUnreadableError:
        return
    machine = config.machines.get(config.serving.machine or "")
    hour = None if machine is None or machine.per_hour is None else Money(*machine.per_hour, machine.currency)
    known = strata.with_columns(month=pl.col("day").dt.strftime("%Y-%m"), segment=pl.col("segment").cast(pl.String))
    sums = known.group_by("segment", "month").agg(pl.col("n", "timed", "log_time_sum", "log_time_squares").sum())
    for row in sums.iter_rows(named=True):
        seconds = row["n"] * _mean_seconds(row["timed"], row["log_time_sum"], row["log_time_squares"])
        hours = seconds / 3600 / config.serving.answers_at_once
        yield CostLine(row["segment"], row["month"], "serving", hours, "machine hours", hour and hour.times(hours))


def _mean_seconds(n: int, total_log: float, squares: float) -> float:
    """Mean of a log-normal out of the sums of logarithms of milliseconds; 0 where none was timed."""
    if not n:
        return 0.0
    mean = total_log / n
    return math.exp(mean + max(squares / n - mean**2, 0.0) / 2) / 1000


def _review(lake: Lake, config: CostsConfig) -> Iterable[CostLine]:
    """One line for each decision that a person made, in the month of its interaction."""
    try:
        queue = read_queue(lake)
    except ReviewQueueError:
        return
    settings = config.review
    for one in queue:
        if one.decision and one.segment:
            hours = settings.minutes / 60
            price = settings.per_hour
            money = None if price is None else Money(hours * price, hours * price, settings.currency)
            yield CostLine(one.segment, one.day[:7], "review", hours, "people's hours", money)


def _summed(lines: Iterable[CostLine]) -> list[CostLine]:
    """One line for each month, segment, kind and currency, newest month first."""
    found: dict[tuple[str, str, Kind, str], CostLine] = {}
    for line in lines:
        key = line.month, line.segment, line.kind, line.money.currency if line.money else ""
        if (same := found.get(key)) is None:
            found[key] = line
            continue
        money = None
        if line.money and same.money:
            money = Money(same.money.low + line.money.low, same.money.high + line.money.high, line.money.currency)
        found[key] = CostLine(line.segment, line.month, line.kind, same.quantity + line.quantity, line.unit, money)
    by_name = sorted(found.values(), key=lambda line: (line.segment, KINDS.index(line.kind)))
    return sorted(by_name, key=lambda line: line.month, reverse=True)


def by_month(
    lines: Iterable[CostLine], currency: str, rates: Mapping[str, float | None]
) -> dict[str, dict[Kind, float]]:
    """Month -> kind -> the middle of what it cost in one currency, oldest first; what has no price or no rate is left out."""
    found: dict[str, dict[Kind, float]] = {}
    for line in sorted(lines, key=lambda line: line.month):
        if line.money is None or (money := in_currency(total([line.money]), currency, rates)) is None:
            continue
        kinds = found.setdefault(line.month, {})
        kinds[line.kind] = kinds.get(line.kind, 0.0) + (money.low + money.high) / 2
    return found


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"


def _months(since: datetime, now: datetime) -> list[str]:
    """The months from one moment to another, both included."""
    first, last = since.year * 12 + since.month - 1, now.year * 12 + now.month - 1
    return [f"{date(at // 12, at % 12 + 1, 1):%Y-%m}" for at in range(first, last + 1)]
