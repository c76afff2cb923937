"""Costs before and after a training: intervals, prices with their currencies, what a month may cost, other places."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.config.loading import ConfigError, lay_over
from lyo_pipelines.costs.elsewhere import elsewhere
from lyo_pipelines.costs.forecast import CostForecasts, PlannedRun
from lyo_pipelines.costs.money import Money, in_currency, price_of_hour, told, total
from lyo_pipelines.costs.past_runs import PastReport, tokens_per_example, with_guesses
from lyo_pipelines.costs.plots import months_plot
from lyo_pipelines.costs.spent import budget_of, by_month, chosen, cost_lines
from lyo_pipelines.curation.review import Review, write_queue
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.costs.past_factory import BEGAN, ONE, past

GPU = "NVIDIA H200"


def config(**changed: object) -> CostsConfig:
    return lay_over({"costs": changed}).costs


AMOUNTS = st.builds(
    lambda low, more, currency: Money(low, low + more, currency),
    st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(["USD", "INR", "EUR"]),
)  # fmt: skip


@given(st.lists(AMOUNTS, max_size=6))
def test_currencies_are_added_by_themselves_and_mixed_by_a_stated_rate_alone(amounts):
    sums = total(amounts)
    for currency, one in sums.items():
        assert one.low == pytest.approx(sum(each.low for each in amounts if each.currency == currency))
    if set(sums) - {"USD"}:
        assert in_currency(sums, "USD", {"USD": 1.0, "INR": None}) is None
    mixed = in_currency(sums, "USD", {"USD": 1.0, "INR": 0.0125, "EUR": 1.25})
    assert mixed is not None
    worth = {"USD": 1.0, "INR": 0.0125, "EUR": 1.25}
    assert mixed.high == pytest.approx(sum(worth[each.currency] * each.high for each in amounts))


def test_amounts_are_told_with_their_currency():
    assert str(Money(2, 5, "USD")) == "2.00 to 5.00 USD"
    assert told(total([Money(0.004, 0.004, "USD"), Money(1_500, 1_500, "INR")])) == "0.004 USD + 1,500 INR"
    assert told({}) == "not priced"


def test_an_hour_has_the_recipes_price_else_the_owners_range_for_gpus_and_none_for_cpus():
    assert price_of_hour(GPU, config()) == Money(2.0, 5.0, "USD")
    assert price_of_hour(GPU, config(), recipe_price=4.0, recipe_currency="USD") == Money(4.0, 4.0, "USD")
    assert price_of_hour("CPU, 2 threads", config()) is None
    assert price_of_hour("", config()) is None


def test_a_forecast_says_seconds_memory_the_report_and_money():
    runs = past(20, machine=GPU)
    reports = [
        PastReport(run.segment, run.version, run.at, run.kind, GPU, 200, 60.0 + at % 3) for at, run in enumerate(runs)
    ]
    plan = PlannedRun(ONE.kind, GPU, 10_000, 25, estimate=ONE.estimate, answers=200)
    found = CostForecasts(runs, reports, config().forecast).of(plan, Money(2.0, 5.0, "USD"))
    assert (
        found is not None and found.memory is not None and found.report_seconds is not None and found.money is not None
    )
    assert found.seconds.low < 100 < found.seconds.high < 3 * found.seconds.low
    assert found.memory.low < 2e9 < found.memory.high
    assert found.report_seconds.low < 61 < found.report_seconds.high
    assert found.money.low == pytest.approx(2.0 * (found.seconds.low + found.report_seconds.low) / 3600)
    assert found.money.high == pytest.approx(5.0 * (found.seconds.high + found.report_seconds.high) / 3600)
    assert found.seconds.calibrated and "20 past runs, 20 of them alike" in found.seconds.told


def test_with_few_runs_the_interval_is_wide_and_says_so_and_with_none_there_is_none():
    plan = PlannedRun(ONE.kind, ONE.machine, 10_000, 25)
    many, few = (CostForecasts(past(n), [], config().forecast).of(plan, None) for n in (20, 2))
    assert many is not None and few is not None
    assert few.seconds.high / few.seconds.low > 2 * many.seconds.high / many.seconds.low
    assert "few, so the interval is wide" in few.seconds.told
    assert few.memory is None and few.money is None
    assert CostForecasts([], [], config().forecast).of(plan, None) is None


def test_tokens_are_guessed_from_what_came_before_alone():
    runs = with_guesses([replace(ONE, tokens=4_000), replace(ONE, tokens=8_000), replace(ONE, tokens=8_000)])
    assert [run.planned_tokens for run in runs] == [200.0 * 40, 4_000, 6_000]
    assert tokens_per_example(runs, "tutoring.en.art") == (200, True)  # no run of its own: that of its language


def spent(tmp_path: Path, settings: CostsConfig):
    """Two trainings with reports, one reviewed finding, one gigabyte each."""
    lake = Lake(str(tmp_path))
    runs = []
    for at, month in enumerate((9, 11)):
        folder = tmp_path / f"adapter{at}"
        folder.mkdir()
        with (folder / "weights").open("wb") as file:
            file.truncate(1_000_000_000)
        runs.append(
            replace(ONE, version=f"v{at}", at=BEGAN.replace(month=month), seconds=3600.0, machine=GPU, folder=folder)
        )
    reports = [PastReport(ONE.segment, "v1", BEGAN.replace(month=11), ONE.kind, GPU, 200, 1800.0)]
    write_queue(
        lake,
        [
            Review("i1", "2026-11-03", ONE.segment, "rude", "…", decision="keep"),
            Review("i2", "2026-11-03", ONE.segment, "rude", "…"),
        ],
    )
    return cost_lines(lake, runs, reports, settings, datetime(2026, 11, 20, tzinfo=UTC))


def test_what_was_spent_is_told_by_month_and_kind(tmp_path):
    lines = spent(tmp_path, config(review={"minutes": 30, "per_hour": 400}))
    told_lines = {(line.month, line.kind): (round(line.quantity, 3), line.money) for line in lines}
    assert told_lines == {
        ("2026-09", "training"): (1.0, Money(2.0, 5.0, "USD")),
        ("2026-09", "storage"): (1.0, Money(0.02, 0.02, "USD")),
        ("2026-10", "storage"): (1.0, Money(0.02, 0.02, "USD")),
        ("2026-11", "training"): (1.0, Money(2.0, 5.0, "USD")),
        ("2026-11", "report"): (0.5, Money(1.0, 2.5, "USD")),
        ("2026-11", "storage"): (2.0, Money(0.04, 0.04, "USD")),
        ("2026-11", "review"): (0.5, Money(200.0, 200.0, "INR")),
    }
    assert {line.month for line in chosen(lines, segment="tutoring.en", month="2026-10")} == {"2026-10"}
    assert chosen(lines, segment="tutoring.e") == []
    months = by_month(lines, "USD", {"USD": 1.0, "INR": None})
    assert months["2026-11"] == pytest.approx({"training": 3.5, "report": 1.75, "storage": 0.04})
    assert months_plot(months, "USD", ONE.segment).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("rates", "amount", "says"),
    [
        ({"USD": 1.0, "INR": None}, 1_000, "states no rate for INR"),
        ({"USD": 1.0, "INR": 0.01}, 1_000, "254.00 to 704.00 INR of 1,000 INR"),
        ({"USD": 1.0, "INR": 0.01}, 500, "perhaps more than the month may cost"),
        ({"USD": 1.0, "INR": 0.01}, 100, ": more than the month may cost"),
    ],
)
def test_a_month_is_compared_with_its_budget_only_at_a_stated_rate(tmp_path, rates, amount, says):
    settings = config(
        rates=rates, monthly_budget={"amount": amount}, review={"per_hour": None}, storage={"per_gb_month": 0.0}
    )
    lines = spent(tmp_path, settings)
    settings = settings.model_copy(update={"rates": rates})
    lines = [line for line in lines if line.kind == "training"] + [
        replace(lines[0], money=Money(0.54, 2.04, "USD"), month="2026-11")
    ]
    found = budget_of(lines, "2026-11", settings)
    assert found is not None and says in found.says
    assert budget_of(lines, "2026-11", config()) is None


def test_elsewhere_is_known_by_measured_speeds_and_stated_prices_alone():
    here = past(3, machine="CPU, 2 threads")
    there = past(3, machine=GPU, speed=1_000.0, spread=0.0)
    assert elsewhere(here[0], here, config()) == []
    settings = config(hosted={"somebody": {"per_million_tokens": 3.0, "currency": "USD"}})
    machine, provider = elsewhere(replace(here[0], tokens=2_000_000), [*here, *there], settings)
    assert (machine.place, machine.trainings) == (GPU, 3)
    assert machine.seconds == pytest.approx(2_000, rel=0.01)
    assert machine.money is not None and machine.money.low == pytest.approx(2.0 * 2_000 / 3600, rel=0.01)
    assert (provider.place, provider.seconds, provider.money) == ("somebody", None, Money(6.0, 6.0, "USD"))
    other = [replace(run, base_model="another") for run in there]
    assert [one.place for one in elsewhere(here[0], [*here, *other], settings)] == ["somebody"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"machines": {"gpu": {"per_hour": [5.0, 2.0]}}}, "the lower price comes first"),
        ({"machines": {"gpu": {"matches": "("}}}, "no regular expression"),
        ({"serving": {"machine": "rocket"}}, "not one of machines"),
        ({"storage": {"currency": "dollars"}}, "currency"),
        ({"monthly_budget": {"amount": float("inf")}}, "monthly_budget.amount.*finite"),
        ({"rates": {"INR": float("inf")}}, "rates.INR.*finite"),
    ],
)
def test_a_wrong_figure_is_refused_by_name(changed, words):
    with pytest.raises(ConfigError, match=words):
        config(**changed)
