"""`lyo why`: the verdict, the rules, the history and the launches of a segment, out of a ledger that is written here."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lyo_pipelines.cli import app
from lyo_pipelines.commands.why import NothingDecidedError, evidence_text, explain_decision
from lyo_pipelines.retraining.claims import launches_of_claims, make_claim
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.findings import TriggerFinding
from lyo_pipelines.retraining.history import Launch
from lyo_pipelines.retraining.ledger import record_decisions
from lyo_pipelines.segments import SegmentKeyError
from lyo_pipelines.storage.lake import Lake

SEGMENT, OTHER = "tutoring.ta.math", "tutoring.hi.physics"
FIRST = date(2026, 11, 2)


def held(number: int, segment: str = SEGMENT) -> RetrainingDecision:
    """A day with a few examples more than the day before."""
    says = f"{850 + number} of 1,000 curated examples"
    found = TriggerFinding("volume.minimum", "volume", "hold", says, {"examples": 850 + number, "minimum": 1_000})
    clear = TriggerFinding(
        "quality.relevance", "quality", "clear", "mean relevance 0.88 of 90 [0.81, 0.95], at least 0.7"
    )
    return RetrainingDecision(segment, FIRST + timedelta(days=number), "hold", says, (clear, found))


def fired(number: int) -> RetrainingDecision:
    says = "mean rating 2.92 of 121 [2.49, 3.35], below 3.5"
    known = {"value": 2.92, "low": 2.49, "high": 3.35, "threshold": 3.5, "n": 121}
    found = TriggerFinding("quality.average_rating", "quality", "fire", says, known, suspicious=True)
    day, cause = FIRST + timedelta(days=number), "quality.average_rating#1"
    more = {"causes": (cause,), "kinds": ("quality",), "cause_hash": "c0ffee"}
    return RetrainingDecision(SEGMENT, day, "fire", says, (*held(number).findings, found), **more)


def at(decision: RetrainingDecision) -> datetime:
    return datetime(decision.day.year, decision.day.month, decision.day.day, 6, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    return Lake(str(tmp_path))


def write(lake: Lake, *decisions: RetrainingDecision) -> None:
    for decision in decisions:
        record_decisions(lake, [decision], {decision.segment: 867}, policy="figures", now=at(decision))


def said(segment: str = SEGMENT, **options: Any) -> str:
    out = io.StringIO()
    explain_decision(Console(file=out, width=140), segment, **options)
    return out.getvalue()


def lines_of(text: str, *parts: str) -> list[str]:
    return [line for line in text.splitlines() if all(part in line for part in parts)]


def test_the_first_line_is_the_verdict_in_one_sentence(lake: Lake) -> None:
    write(lake, held(0), fired(1))
    assert (
        said().strip().splitlines()[0]
        == f"{SEGMENT} is to be trained again: mean rating 2.92 of 121 [2.49, 3.35], below 3.5."
    )
    write(lake, held(2))
    assert said().strip().splitlines()[0] == f"{SEGMENT} is held: 852 of 1,000 curated examples."


def test_each_rule_stands_with_its_outcome_and_figures_what_fired_first(lake: Lake) -> None:
    write(lake, fired(0))
    text = said()
    fire, hold, clear = (
        text.index(f"│ {rule}") for rule in ("quality.average_rating", "volume.minimum", "quality.relevance")
    )
    assert fire < hold < clear
    assert lines_of(text, "quality.average_rating", "fire", "mean rating 2.92")
    assert not any(again in text for again in ("value 2.92", "threshold 3.5", "n 121")), "the sentence has told them"


def test_days_that_decided_the_same_for_the_same_reason_share_a_line(lake: Lake) -> None:
    write(lake, *map(held, range(17)), fired(17))
    text = said()
    assert len(lines_of(text, "2026-11-02 … 2026-11-18", "hold", "866 of 1,000 curated examples")) == 1
    assert text.index("2026-11-19") < text.index("2026-11-02 … 2026-11-18")
    assert not lines_of(text, "855 of 1,000")
    every = said(every=True)
    assert len(lines_of(every, "of 1,000 curated examples", "06:00")) == 17
    assert lines_of(every, "2026-11-07 06:00", "hold", "855 of 1,000")


def test_days_without_a_decision_are_not_claimed(lake: Lake) -> None:
    write(lake, held(0), held(1), held(5), held(6))
    text = said()
    assert lines_of(text, "2026-11-02 … 2026-11-03")
    assert lines_of(text, "2026-11-07 … 2026-11-08")


def test_launches_name_attempt_sensor_and_run(lake: Lake) -> None:
    decision = fired(3)
    write(lake, decision)
    claimed = make_claim(lake, decision, by="quality_sensor", now=at(decision), budget=5, seconds=60)
    assert claimed is not None
    assert lines_of(said(), "2026-11-05 06:00", "quality_sensor", "not seen yet")
    run = Launch(claimed.launch, 1, SEGMENT, at(decision), "succeeded", run_id="a-run")
    launches_of_claims(lake, [claimed], [run], by="quality_sensor", now=at(decision), seconds=60)
    text = said()
    assert lines_of(text, "2026-11-05 06:00", "1", "quality_sensor", "a-run", "quality.average_rating#1")
    assert "Launched by quality_sensor on 2026-11-05 06:00 UTC." in " ".join(text.split())


def test_launches_of_other_segments_are_not_shown(lake: Lake) -> None:
    write(lake, held(0))
    other = replace(fired(0), segment=OTHER)
    assert make_claim(lake, other, by="quality_sensor", now=at(other), budget=5, seconds=60)
    text = said()
    assert "Never launched by a trigger" in text
    assert "quality_sensor" not in text


def test_only_what_was_decided_since_a_day(lake: Lake) -> None:
    write(lake, *map(held, range(6)))
    text = said(since=FIRST + timedelta(days=4))
    assert "Decisions, newest first (2)" in text
    assert lines_of(text, "2026-11-06 … 2026-11-07")
    with pytest.raises(NothingDecidedError, match="no decision since 2026-12-01"):
        said(since=date(2026, 12, 1))


def test_an_unknown_segment_is_told_its_neighbours_and_what_the_ledger_knows(lake: Lake) -> None:
    write(lake, held(0), held(0, OTHER))
    with pytest.raises(NothingDecidedError) as error:
        said("tutoring.ta.maths")
    assert f"Did you mean {SEGMENT}?" in str(error.value)
    assert OTHER in str(error.value)
    with pytest.raises(SegmentKeyError):
        said("maths")


def test_an_empty_ledger_says_what_switches_the_triggers_on(lake: Lake) -> None:
    with pytest.raises(NothingDecidedError, match="LYO_TRIGGERS=on") as error:
        said()
    assert "lyo backtest" in str(error.value)


def test_an_interval_stands_behind_the_figure_that_it_belongs_to() -> None:
    drop = {"value": 2.9, "base": 4.0, "within": -1.06, "low": -1.65, "high": -0.46, "smallest_drop": 0.15, "n": 121}
    assert evidence_text(drop) == "within -1.06 [-1.65, -0.46], smallest_drop 0.15, n 121, value 2.9, base 4"
    rise = {"value": 0.5, "ratio": None, "low": 1.2, "high": None, "threshold": 1.0, "p50_ms": 1898.4}
    assert evidence_text(rise) == "value 0.5 [1.2, …], threshold 1, p50_ms 1,898"
    assert evidence_text({"low": 0.5, "count": 1_200}) == "low 0.5, count 1,200"
    assert evidence_text({}) == ""


def test_words_in_brackets_are_shown_as_they_are(lake: Lake) -> None:
    write(lake, replace(held(0), says="[bold] is no markup"))
    assert "[bold] is no markup" in said()


def test_the_command_prints_it(lake: Lake) -> None:
    write(lake, *map(held, range(3)))
    done = CliRunner().invoke(app, ["why", SEGMENT, "--since", "2026-11-03", "--all"])
    assert done.exit_code == 0, done.output
    assert done.output.count("06:00") == 3  # the verdict's, and one line for each of two days


def test_what_the_sentence_told_is_not_told_again_among_the_figures() -> None:
    drop = {
        "value": 2.903,
        "base": 4.0,
        "within": -1.06,
        "low": -1.651,
        "high": -0.464,
        "smallest_drop": 0.15,
        "n": 121,
    }
    says = "mean rating 4.00 -> 2.90 in 14 days; within topics and grades -1.06 [-1.65, -0.46], mix -0.03"
    assert evidence_text(drop, says) == "smallest_drop 0.15, n 121"
    share = {"value": 0.3605, "base": 0.034, "threshold": 1.2, "n": 1_470}
    assert evidence_text(share, "36.1 % negative of 1,470 answers, week before 3.4 %") == "threshold 1.2"


def test_how_sure_the_intervals_are_is_said_once(lake: Lake) -> None:
    known = TriggerFinding(
        "quality.relevance", "quality", "clear", "well", {"low": 0.8, "high": 0.9, "confidence": 0.99734}
    )
    other = replace(known, rule="quality.average_rating")
    write(lake, replace(held(0), findings=(known, other)))
    text = said()
    assert text.count("99.73 % confidence") == 1
    assert "confidence 0.997" not in text


def test_every_time_has_its_zone(lake: Lake) -> None:
    write(lake, *map(held, range(3)))
    times = re.findall(r"\d\d:\d\d(?: UTC)?", said(every=True))
    assert times and all(time.endswith(" UTC") for time in times)
