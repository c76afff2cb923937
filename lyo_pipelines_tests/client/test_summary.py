"""The closing table says what the report says, also where there is no verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from lyo_pipelines.client.summary import print_summary


def _report(**comparison: Any) -> dict[str, Any]:
    row = {
        "metric": "loss",
        "a": "candidate",
        "b": "base",
        "difference": -0.5,
        "ci_low": -0.6,
        "ci_high": -0.4,
        "verdict": "better",
    }
    return {
        "segment": "tutoring.en.math",
        "version": "v1",
        "n_test": 80,
        "models": {"base": {"loss": {"value": 2.0, "n": 80}}, "candidate": {"loss": {"value": 1.5, "n": 80}}},
        "comparisons": [{**row, **comparison}, {**row, "b": "champion", "difference": 9.0}],
        "gates": [{"name": "improves_on_base", "passed": None, "message": "not enough groups"}],
    }


def _printed(report: dict[str, Any]) -> str:
    console = Console(record=True, width=140, force_terminal=False)
    print_summary(console, report, Path("reports/v1"))
    return console.export_text()


def test_base_adapter_interval_and_verdict_stand_in_one_row() -> None:
    text = _printed(_report())
    first, second = (line for line in text.splitlines() if "loss" in line)
    for part in ("base", "2.000", "1.500", "-0.500", "-0.600 … -0.400", "better"):
        assert part in first
    assert "current adapter" in second
    assert "+9.000" in second


def test_gates_of_other_tasks_are_not_shown() -> None:
    report = _report()
    report["gates"].append({"name": "language_kept", "passed": True, "applies": False, "message": "does not apply"})
    assert "language_kept" not in _printed(report)


def test_a_thin_segments_table_says_whose_figures_these_are() -> None:
    served = {"segment": "tutoring.en", "reason": "too small to split", "own_items": 4}
    text = _printed(_report() | {"served_by": served})
    assert "tutoring.en.math trains nothing of its own: tutoring.en serves it" in text
    assert "(4 of the test items" in text


def test_no_verdict_is_said_with_its_reason() -> None:
    text = _printed(_report(verdict=None, ci_low=None, ci_high=None, note="not enough groups"))
    assert "not enough groups" in next(line for line in text.splitlines() if "loss" in line)


def test_a_metric_that_was_not_measured_is_no_number() -> None:
    report = _report()
    report["models"]["base"]["loss"]["value"] = None
    assert "not measured" in _printed(report)
