"""`lyo cost` prints what was spent in a lake, with its currency, and what is not known."""

from __future__ import annotations

import io
import json
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from lyo_pipelines.commands.cost import show_costs
from lyo_pipelines.config.loading import lay_over, load_config
from lyo_pipelines.costs.past_runs import past_runs
from lyo_pipelines.defs.cost_page import cost_metadata
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.contracts.reports_made import CREATED
from lyo_pipelines_tests.rollout.adapter_factory import adapter, report

SEGMENT = "tutoring.en.math"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """One training of an hour on a GPU with its report, and one on a machine that nobody named."""
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    lake = Lake(str(tmp_path))
    for version, machine in (("owner-1", "NVIDIA H200"), ("owner-2", "")):
        path = adapter(lake, version, SEGMENT) / "adapter_manifest.json"
        metrics = {"tokens": 1_000_000, "epochs": 2.0, "seconds": 3600.0, "steps": 10, "planned_steps": 10}
        told = json.loads(path.read_text()) | {"metrics": metrics, "machine": machine, "examples": {"train": 40}}
        path.write_text(json.dumps(told))
    report(lake, "owner-1", SEGMENT)
    return lake


def printed(segment: str | None = None, month: str | None = None, *, as_json: bool = False) -> str:
    console = Console(file=io.StringIO(), width=180)
    show_costs(console, segment, month=month, as_json=as_json)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_what_was_spent_is_printed_by_kind_with_prices_and_without(lake):
    text = printed()
    assert "2.00 to 5.00 USD" in text and "not priced" in text
    assert "No monthly budget is set" in text and "elsewhere" in text
    assert "Nothing was spent on tutoring.hi" in printed("tutoring.hi")


def test_json_has_the_same_for_scripts_and_a_month_is_chosen(lake):
    told = json.loads(printed(SEGMENT, as_json=True))
    kinds = {(line["kind"], line["money"]["low"] if line["money"] else None) for line in told["lines"]}
    assert {("training", 2.0), ("training", None)} <= kinds
    reported = json.loads(printed(month=f"{CREATED:%Y-%m}", as_json=True))["lines"]
    assert any(line["kind"] == "report" and line["quantity"] == pytest.approx(12.5 / 3600) for line in reported)
    assert json.loads(printed(month="2020-01", as_json=True))["lines"] == []


def test_the_page_shows_a_picture_its_sum_and_the_budget(lake):
    with dg.DagsterInstance.ephemeral() as instance:
        shown = cost_metadata(instance, lake, load_config().costs, CREATED, SEGMENT)
        budget = lay_over({"costs": {"monthly_budget": {"amount": 1_000}}}).costs
        compared = cost_metadata(instance, lake, budget, CREATED, SEGMENT)
        assert cost_metadata(instance, lake, budget, CREATED, "tutoring.hi") == {}
    assert list(shown) == ["cost_by_month", "cost", "cost_lines"]
    assert str(shown["cost"]).endswith("USD")
    assert "no rate for INR" in str(compared["budget_of_the_month"])


def test_a_training_says_what_it_ran_on_and_an_older_one_says_nothing(lake):
    runs = {run.version: run for run in past_runs(lake, Path(lake.side("models")))}
    assert (runs["owner-1"].machine, runs["owner-2"].machine) == ("NVIDIA H200", "")
    assert runs["owner-1"].tokens_per_example == 1_000_000 / 80
