"""The closing table says what the report says, also where there is no verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.contracts.report import Report, ServedBy
from lyo_pipelines.contracts.report_values import Gate, MetricValue
from lyo_pipelines_tests.contracts.reports_made import comparison, report

GATE = Gate(name="improves_on_base", passed=None, blocking=True, message="not enough groups")


def _report(*, gates: tuple[Gate, ...] = (GATE,), served_by: ServedBy | None = None, **compared: Any) -> Report:
    first = comparison(**{"difference": -0.5, "ci_low": -0.6, "ci_high": -0.4, **compared})
    return report(
        [first, first.model_copy(update={"b": "champion", "difference": 9.0})], gates=gates, served_by=served_by
    )


def _printed(shown: Report) -> str:
    console = Console(record=True, width=140, force_terminal=False)
    print_summary(console, shown, Path("reports/v1"))
    return console.export_text()


def test_base_adapter_interval_and_verdict_stand_in_one_row() -> None:
    text = _printed(_report())
    first, second = (line for line in text.splitlines() if "loss" in line)
    for part in ("base", "2.000", "1.500", "-0.500", "-0.600 … -0.400", "better"):
        assert part in first
    assert "current adapter" in second
    assert "+9.000" in second


def test_gates_of_other_tasks_are_not_shown() -> None:
    other = Gate(name="language_kept", passed=True, blocking=True, message="does not apply", applies=False)
    text = _printed(_report(gates=(GATE, other)))
    assert "improves_on_base" in text
    assert "language_kept" not in text


def test_a_thin_segments_table_says_whose_figures_these_are() -> None:
    served = ServedBy(segment="tutoring.en", reason="too small to split", own_items=4)
    text = _printed(_report(served_by=served))
    assert "tutoring.en.math trains nothing of its own: tutoring.en serves it" in text
    assert "(4 of the test items" in text


def test_no_verdict_is_said_with_its_reason() -> None:
    text = _printed(_report(verdict="cannot_tell", ci_low=None, ci_high=None, note="not enough groups"))
    assert "not enough groups" in next(line for line in text.splitlines() if "loss" in line)


def test_a_metric_that_was_not_measured_is_no_number() -> None:
    shown = _report()
    unmeasured = {**shown.models, "base": {"loss": MetricValue(value=None, n=0)}}
    assert "not measured" in _printed(shown.model_copy(update={"models": unmeasured}))
