"""Is a launch worth it? Gains out of reports, the answer in words, and what holds a launch only where it is switched on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.contracts.report import Report
from lyo_pipelines.costs import past_runs
from lyo_pipelines.costs.forecast import CostForecast, Range
from lyo_pipelines.costs.gains import PastGain, past_gains
from lyo_pipelines.costs.money import Money
from lyo_pipelines.costs.worth import launch_worth
from lyo_pipelines.evaluation.command import REPORT
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.retraining.decide import decide_segment
from lyo_pipelines.retraining.decision_reasons import reason_of
from lyo_pipelines.retraining.history import TrainingHistory
from lyo_pipelines.retraining.worth import RULE, with_worth
from lyo_pipelines.statistics.next_gain import Gain
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.contracts import reports_made
from lyo_pipelines_tests.retraining.signal_factory import CONFIG, NOW, signals

SEGMENT = "tutoring.en.math"
COST = CostForecast(0.9, Range(60, 90, 120, 12, 12, calibrated=True), None, None, Money(1.0, 2.0, "USD"))


def gains(*values: float, turn: str = "first") -> list[PastGain]:
    return [PastGain(turn, "loss", Gain(f"tutoring.en.s{at}", value, 0.02)) for at, value in enumerate(values)]  # pyright: ignore[reportArgumentType]


def worth(past: list[PastGain], *, answers: float = 0, cost: CostForecast | None = None, **changed: object):
    costs = lay_over({"costs": {"worth": changed, "rates": {"USD": 1.0, "INR": 0.0125}}}).costs
    return launch_worth(SEGMENT, "first", past, costs.worth, costs.rates, answers=answers, cost=cost)


def of(version: str, days: int, difference: float, *, champion: float | None = None):
    compared = [reports_made.comparison(difference=difference, ci_low=difference - 0.1, ci_high=difference + 0.1)]
    if champion is not None:
        compared.append(
            reports_made.comparison(b="champion", difference=champion, ci_low=champion - 0.1, ci_high=champion + 0.1)
        )
    return reports_made.report(compared, version=version, created_at=reports_made.CREATED + timedelta(days=days))


def test_gains_are_over_the_base_at_first_then_over_what_serves_else_over_the_version_before():
    found = past_gains([of("v3", 20, -0.7), of("v1", 0, -0.5), of("v2", 10, -0.6, champion=-0.2)])
    assert [(one.turn, round(one.gain.value, 3)) for one in found] == [("first", 0.5), ("again", 0.2), ("again", 0.1)]
    assert found[0].gain.standard_error == pytest.approx(0.1 / 1.96, rel=1e-3)
    assert found[2].gain.standard_error == pytest.approx(found[0].gain.standard_error * 2**0.5)


def test_steady_gains_are_worth_it_small_ones_are_not_and_few_cannot_tell():
    steady = gains(0.5, 0.45, 0.52, 0.5, 0.48, 0.51)
    assert (good := worth(steady)).answer == "worth_it" and good.probability is not None and good.probability > 0.95
    assert "6 reports of first trainings" in good.says
    assert worth(steady, margin=0.9).answer == "not_worth_it"
    assert worth(gains(0.4, -0.4, 0.1, -0.2, 0.3, -0.1)).answer == "cannot_tell"
    few = worth(steady[:4])
    assert (few.answer, few.probability) == ("cannot_tell", None)
    assert "4 of 5 reports" in few.says


def test_gains_of_later_trainings_say_nothing_of_a_first_one():
    assert worth(gains(*[0.5] * 8, turn="again")).reports == 0


def test_the_value_is_set_against_the_cost_in_its_own_currency():
    steady = gains(0.5, 0.45, 0.52, 0.5, 0.48, 0.51)
    assert worth(steady, answers=1_000, cost=COST).net is None  # no value is set
    found = worth(steady, answers=1_000, cost=COST, better_answer={"amount": 0.5, "currency": "INR"})
    assert found.net is not None and found.probability is not None
    assert found.net.low == pytest.approx(500 * found.probability - 160)
    assert found.net.high == pytest.approx(500 * found.probability - 80)
    dear = worth(steady, answers=10, cost=COST, better_answer={"amount": 0.5, "currency": "INR"})
    assert dear.answer == "not_worth_it"
    other = worth(steady, answers=1_000, cost=COST, better_answer={"amount": 0.5, "currency": "EUR"})
    assert other.net is None and "no rate" in other.says


def decided(tmp_path: Path, *, gates: bool, difference: float = 0.3, **changed: object):
    """A segment that is due, in a lake whose reports all say the same of earlier launches; loss: lower is better."""
    lake = Lake(str(tmp_path))
    for at in range(7):
        name = f"tutoring.en.s{at}"
        report = of(f"v{at}", at, difference).model_copy(update={"segment": name})
        lake.write_text(report.to_json(), f"{lake.report_dir(name, report.version)}/report.json")
    decision = decide_segment(signals(examples=1_500), CONFIG, TrainingHistory(), NOW)
    assert decision.outcome == "fire"
    costs = lay_over({"costs": {"worth": {"gates": gates}}}).costs
    by_day = pl.DataFrame({"segment": [decision.segment], "day": [NOW.date()], "n": [50], "kept": [40]})
    [found] = with_worth(
        lake, [replace(decision, **changed)], CONFIG, costs, trained={}, examples={decision.segment: 1_500}, by_day=by_day,
        today=NOW.date(),
    )  # fmt: skip
    return found


def test_each_decision_with_a_cause_says_whether_it_is_worth_it_and_nothing_is_held(tmp_path):
    found = decided(tmp_path, gates=False)
    told = next(one for one in found.findings if one.rule == RULE)
    assert found.outcome == "fire" and told.says.startswith("not worth it") and told.outcome == "clear"
    assert told.figures["reports"] == 7


def test_switched_on_it_holds_what_is_not_worth_it_and_says_why(tmp_path):
    found = decided(tmp_path, gates=True)
    assert found.outcome == "hold" and "not worth it" in found.says
    assert reason_of(found) == "not worth"


def test_what_is_worth_it_another_attempt_and_an_erasure_are_never_held(tmp_path):
    assert decided(tmp_path / "a", gates=True, difference=-0.3).outcome == "fire"
    assert decided(tmp_path / "b", gates=True, attempt=2).outcome == "fire"
    assert decided(tmp_path / "c", gates=True, causes=("business.erasure#1",)).outcome == "fire"


def test_a_look_parses_a_report_once_and_again_when_it_is_another_one(tmp_path, monkeypatch):
    lake, parsed = Lake(str(tmp_path)), list[str]()

    def write(report: Report) -> None:
        folder = Path(lake.report_dir(SEGMENT, report.version))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT).write_text(report.to_json())

    monkeypatch.setattr(past_runs, "read_report", lambda folder: parsed.append(folder.name) or read_report(folder))
    write(of("v1", 0, -0.5))
    write(of("v2", 10, -0.6))
    first = past_runs.read_reports(lake)
    assert past_gains(first) == past_gains([of("v1", 0, -0.5), of("v2", 10, -0.6)])
    assert past_runs.read_reports(lake) == first
    assert sorted(parsed) == ["v1", "v2"]
    write(of("v2", 10, -0.75))
    assert past_gains(past_runs.read_reports(lake)) == past_gains([of("v1", 0, -0.5), of("v2", 10, -0.75)])
    assert sorted(parsed) == ["v1", "v2", "v2"]
    (Path(lake.report_dir(SEGMENT, "v1")) / REPORT).write_text("{")
    assert [one.version for one in past_runs.read_reports(lake)] == ["v2"]
