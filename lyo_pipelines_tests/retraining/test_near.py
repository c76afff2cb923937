"""What is near a launch: most urgent first, since when the ledger suspects it, and when a first training may be due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.findings import TriggerFinding
from lyo_pipelines.retraining.ledger import record_decisions
from lyo_pipelines.retraining.near import near_causes
from lyo_pipelines.storage.lake import Lake

TODAY = date(2026, 3, 29)
MATH, PHYSICS, ART = "tutoring.en.math", "tutoring.en.physics", "tutoring.en.art"


def slump(outcome="not_enough_evidence", suspicious=True) -> TriggerFinding:
    return TriggerFinding("quality.average_rating", "quality", outcome, "mean rating 3.9", suspicious=suspicious)


def missing(examples: int) -> TriggerFinding:
    says = f"{examples} of 1,000"
    return TriggerFinding("volume.minimum", "volume", "hold", says, {"examples": examples, "minimum": 1_000})


def decision(
    segment: str, *findings: TriggerFinding, day: date = TODAY, held_by: tuple[str, ...] = ()
) -> RetrainingDecision:
    return RetrainingDecision(segment, day, "hold", "says", findings, held_by=held_by)


def kept(**by_segment: int) -> pl.DataFrame:
    rows = [(f"tutoring.en.{name}", TODAY - timedelta(days=1), n, n) for name, n in by_segment.items()]
    kinds = {"segment": pl.String, "day": pl.Date, "n": pl.Int64, "kept": pl.Int64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def test_most_urgent_first_and_what_is_clear_not_at_all(tmp_path):
    decisions = [
        decision(ART, missing(400)),
        decision(PHYSICS, slump()),
        decision(MATH, slump("fire"), held_by=("cooldown",)),
        decision("tutoring.en.biology", slump("clear", suspicious=False)),
        decision("tutoring.en.chemistry", slump("fire")),
    ]
    found = near_causes(Lake(str(tmp_path)), decisions, kept(), today=TODAY)
    assert [(one.segment.rpartition(".")[2], one.state) for one in found] == [
        ("chemistry", "fires"), ("art", "held"), ("math", "held"), ("physics", "cannot tell yet"),
    ]  # fmt: skip
    assert found[2].says == "mean rating 3.9. Held: cooldown"


def test_it_is_suspected_since_the_ledger_says_so_without_a_gap(tmp_path):
    lake = Lake(str(tmp_path))
    for back, finding in ((5, slump()), (4, slump("clear", suspicious=False)), (3, slump()), (1, slump("hold"))):
        day = TODAY - timedelta(days=back)
        now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        record_decisions(lake, [decision(MATH, finding, day=day)], {}, policy="p", now=now)
    (found,) = near_causes(lake, [decision(MATH, slump())], kept(), today=TODAY)
    assert found.since == TODAY - timedelta(days=3)


def test_a_first_training_is_expected_at_the_pace_of_the_last_weeks(tmp_path):
    (found,) = near_causes(Lake(str(tmp_path)), [decision(MATH, missing(900))], kept(math=280), today=TODAY)
    assert found.expected == TODAY + timedelta(days=10)
    (still,) = near_causes(Lake(str(tmp_path)), [decision(MATH, missing(900))], kept(), today=TODAY)
    assert still.expected is None
