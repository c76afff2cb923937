"""A change of the academic year from end to end: before it, on it, after it, with the clock passed in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from lyo_pipelines.contracts.adapter import MANIFEST
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.versions import get_version, read_split
from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import HEALTH, USERS
from lyo_pipelines.health.read import load_health
from lyo_pipelines.retraining.assess import assess_segments
from lyo_pipelines.retraining.backtest import replay_policies
from lyo_pipelines.retraining.curriculum import Curriculum, load_curriculum
from lyo_pipelines.retraining.evaluate import evaluate
from lyo_pipelines.retraining.expiry import with_expiries
from lyo_pipelines.retraining.history import Launch, read_trainings, record_training
from lyo_pipelines.retraining.ledger import read_decisions
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines.training.versions import point_to
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, example, lake_with
from lyo_pipelines_tests.health.interaction_rows import frame, row
from lyo_pipelines_tests.retraining.signal_factory import CONFIG as RETRAINING

SEGMENT = "tutoring.en.math"
LAST = date(2027, 3, 31)
"""Last day of the academic year 2026-27 of the shipped curriculum."""
TOPICS = ("mensuration", "fractions")
POLICY = RETRAINING.model_copy(
    update={
        "launch": RETRAINING.launch.model_copy(update={"minimum_examples": 10}),
        "business": RETRAINING.business.model_copy(update={"minimum_expired": 5, "cooldown_days": 0}),
    }
)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path) -> Lake:
    """Ninety examples of February, as many lines of health, and a curriculum of which one topic ends with the year."""
    rows = [
        example(n, topic=TOPICS[n % 2], grade="7", occurred_at=at(date(2027, 2, 1)) + timedelta(hours=n))
        for n in range(90)
    ]
    lake = lake_with(tmp_path, rows)
    for day in lake.days("examples"):
        mine = [one for one in rows if one["occurred_at"].date() == day]
        health, users = aggregate_day(
            frame([row(segment=SEGMENT, topic=one["topic"], grade="7", user_pseudonym=f"u{n}") for n, one in enumerate(mine)]), []
        )  # fmt: skip
        lake.write_table(users.to_arrow().cast(USERS), lake.health_users(day))
        lake.write_table(health.to_arrow().cast(HEALTH), lake.health(day))
    edition = (
        "editions: [{name: NCERT 2020, subject: math, topics: [mensuration], academic_years: ['2025-26', '2026-27']}]"
    )
    lake.write_text(edition, lake.side("curriculum.local.yaml"))
    return lake


def train(lake: Lake, curriculum: Curriculum, now: datetime):
    """A dataset of now, and an adapter that learnt it, as a finished run leaves them (its weights are not asked for)."""
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=now, validity=curriculum.validity)
    name = f"owner-{version.fingerprint}"
    manifest = {
        "segment": SEGMENT, "version": name, "dataset_fingerprint": version.fingerprint, "base_model": {"name": "tiny"}, "metrics": {},
    }  # fmt: skip
    lake.write_json(manifest, f"{lake.adapter_dir(SEGMENT, name)}/{MANIFEST}")
    point_to(lake, SEGMENT, name)
    adapter = read_adapter(lake.adapter_dir(SEGMENT, name))
    record_training(lake, adapter, get_version(lake, SEGMENT, version.fingerprint))
    return version


def held_out(lake: Lake, version) -> list[set[str]]:
    return [
        set(read_split(lake, SEGMENT, version.fingerprint, split)["example_id"].to_pylist())
        for split in ("validation", "test")
    ]


def test_an_academic_year_ends(lake):
    curriculum, runs = load_curriculum(lake), list[Launch]()
    before = train(lake, curriculum, at(date(2027, 3, 1)))

    def look(day: date):
        return evaluate(lake, POLICY, curriculum, runs, kind="business", by="business_sensor", now=at(day))

    def expiry(day: date):
        decision = look(day).assessment.decisions[SEGMENT]
        return next((one for one in decision.findings if one.rule == "business.expiry"), None)

    assert look(LAST).claims == (), "on its last day the edition holds"
    assert expiry(LAST) is None

    day = LAST + timedelta(days=1)
    (claim,) = look(day).claims
    assert f"business.expiry:{LAST.isoformat()}#1" in claim.causes
    assert any(cause.startswith("business.academic_year") for cause in claim.causes), "one launch names both causes"
    assert not look(day).claims, "and it is claimed once"
    ledger = read_decisions(lake, SEGMENT)[0]
    found = next(one for one in ledger["findings"] if one["rule"] == "business.expiry")
    assert found["figures"]["expired"] == before.manifest.expires[LAST.isoformat()], "the evidence is kept"
    assert "hold no more" in ledger["says"]

    after = train(lake, curriculum, at(day))
    runs.append(Launch(claim.launch, 1, SEGMENT, at(day), "succeeded", claim.causes, claim.kinds, "run-1"))
    assert after.fingerprint != before.fingerprint
    assert after.manifest.removed_by_rule["expired"] == before.manifest.expires[LAST.isoformat()]
    assert set(read_split(lake, SEGMENT, after.fingerprint, "train")["topic"].to_pylist()) == {"fractions"}
    assert held_out(lake, before) == held_out(lake, after)
    for later in (1, 40):
        assert not look(day + timedelta(days=later)).claims
        assert expiry(day + timedelta(days=later)) is None


def test_an_edition_that_is_declared_after_the_training_counts_too(lake):
    """What the dataset noted when it was made is not all: it is counted again by the curriculum of today, once."""
    shipped = load_curriculum(Lake("memory://no-files"))
    train(lake, shipped, at(date(2027, 3, 1)))
    assert not read_trainings(lake)[SEGMENT].expires
    told, declared, troubles = read_trainings(lake), load_curriculum(lake), dict[str, str]()
    first = with_expiries(lake, told, declared.validity, troubles)[SEGMENT]
    assert first.expires.keys() == {LAST.isoformat()} and first.learnt > first.expires[LAST.isoformat()] > 0
    lake.fs.rm(lake.dataset_dir(SEGMENT), recursive=True)
    assert with_expiries(lake, told, declared.validity, troubles)[SEGMENT] == first and not troubles
    lake.write_text("{half", f"{lake.adapter_dir(SEGMENT)}/expires.json")
    assert with_expiries(lake, told, declared.validity, troubles)[SEGMENT].expires == {}
    assert "cannot be told" in troubles[SEGMENT]


def test_few_expired_examples_hold_and_too_few_left_are_said(lake):
    curriculum = load_curriculum(lake)
    train(lake, curriculum, at(date(2027, 3, 1)))
    day = at(LAST + timedelta(days=1))

    def decided(**launch):
        policy = POLICY.model_copy(update={"launch": POLICY.launch.model_copy(update=launch)})
        return assess_segments(lake, policy, curriculum, [], day, by="x").decisions[SEGMENT]

    assert "expired)" in decided(minimum_examples=80).says
    strict = POLICY.model_copy(update={"business": POLICY.business.model_copy(update={"expired_share": 0.9})})
    found = assess_segments(lake, strict, curriculum, [], day, by="x").decisions[SEGMENT]
    assert next(one for one in found.findings if one.rule == "business.expiry").outcome == "hold"


def test_a_backtest_knows_what_expires(lake):
    policy = POLICY.model_copy(
        update={"volume": POLICY.volume.model_copy(update={"minimum_examples": 50, "optimal_examples": 60})}
    )
    (found,) = replay_policies(load_health(lake), [policy], load_curriculum(lake), date(2027, 3, 1), date(2027, 4, 3))
    causes = {step.day: step.causes for step in found.launches}
    assert [day for day, mine in causes.items() if any(one.startswith("business.expiry") for one in mine)] == [
        LAST + timedelta(days=1)
    ]
    assert json.dumps([step.says for step in found.launches]).count("hold no more") == 1
