"""What learnt from erased people makes room when the setting says so, for what did not; otherwise it is told and stays."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import Config, lay_over
from lyo_pipelines.config.release import AfterErasureConfig
from lyo_pipelines.registry.log import read_history, read_release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.after_erasure import settle_tainted, tainted_serving
from lyo_pipelines.rollout.release import Act
from lyo_pipelines.rollout.routing import read_routing
from lyo_pipelines.rollout.start import ErasedPeopleError, start_release, waiting_adapters
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.tainted import tainted_path
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, SENSOR, START
from lyo_pipelines_tests.rollout.adapter_factory import ready

DAY = timedelta(days=1)
NEVER = AfterErasureConfig(deadline_days=None, skip_stages=False)
MONTH = AfterErasureConfig(deadline_days=30, skip_stages=False)
GATES = [{"name": "improves", "metric": "loss", "against": "base", "require": "better"}]
CONFIG: Config = lay_over({"evaluation": {"gates": GATES}})
ERASED = START + 70 * DAY


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three champions, one after the other."""
    found = Lake(str(tmp_path / "data"))
    for number in (1, 2, 3):
        begin(found, f"owner-{number}", 20 * number)
        for _ in range(3):
            steps.step_up(found, SEGMENT, CONFIG.rollout, act(20 * number + 1))
    return found


def act(day: float) -> Act:
    return Act(PERSON, "well", START + day * DAY)


def begin(lake: Lake, version: str, day: float) -> None:
    ready(lake, version)
    start_release(
        lake, SEGMENT, CONFIG.evaluation, CONFIG.rollout, who=PERSON, reason="to try it", now=START + day * DAY
    )


def mark(lake: Lake, *versions: str) -> None:
    told = {f"{SEGMENT}/{version}": {"since": ERASED.isoformat(), "examples": 3} for version in versions}
    lake.write_text(json.dumps(told), tainted_path(lake))


def settle(lake: Lake, config: AfterErasureConfig, days: float):
    return settle_tainted(lake, config, now=ERASED + days * DAY, who=SENSOR)


def serves(lake: Lake) -> str:
    entry = read_routing(lake).entries.get(SEGMENT)
    return entry.champion.version if entry and entry.champion else ""


def test_unless_it_is_set_what_learnt_from_erased_people_goes_on_and_is_told(lake):
    mark(lake, "owner-3")
    found = settle(lake, NEVER, 1000)
    assert (found.moved, serves(lake)) == ((), "owner-3")
    assert "owner-3 serves and learnt from people who were erased on" in found.says[SEGMENT]


@pytest.mark.parametrize(
    ("marked", "then"),
    [(["owner-3"], "owner-2"), (["owner-3", "owner-2"], "owner-1"), (["owner-1", "owner-2", "owner-3"], "")],
)
def test_at_the_deadline_the_newest_that_did_not_learn_from_them_serves_else_the_base(lake, marked, then):
    mark(lake, *marked)
    assert settle(lake, MONTH, 29.9).moved == ()
    found = settle(lake, MONTH, 30)
    assert (found.moved, found.says, serves(lake)) == ((SEGMENT,), {}, then)
    last = read_history(lake, SEGMENT).events[-1]
    assert (last.kind, last.to) == ("rolled_back", then)
    assert "learnt from people who were erased" in last.reason
    assert settle(lake, MONTH, 31).moved == (), "once"


def test_a_candidate_that_passed_its_gates_takes_over_at_the_deadline_or_at_once_where_that_is_set(lake):
    mark(lake, "owner-3")
    begin(lake, "owner-4", 71)
    assert settle(lake, MONTH, 2).moved == ()
    assert settle(lake, AfterErasureConfig(deadline_days=None, skip_stages=True), 2).moved == (SEGMENT,)
    release = read_release(lake, SEGMENT)
    assert (release.champion, release.in_canary, serves(lake)) == ("owner-4", False, "owner-4")
    assert read_history(lake, SEGMENT).events[-1].kind == "promoted"


def test_a_paused_candidate_does_not_take_over(lake):
    mark(lake, "owner-3")
    begin(lake, "owner-4", 71)
    steps.pause(lake, SEGMENT, act(72))
    assert settle(lake, MONTH, 31).moved == (SEGMENT,)
    assert (serves(lake), read_release(lake, SEGMENT).candidate) == ("owner-2", "")


def test_a_candidate_that_learnt_from_them_goes_back_and_its_champion_stays(lake):
    begin(lake, "owner-4", 69)
    mark(lake, "owner-4")
    assert settle(lake, MONTH, 31).moved == (SEGMENT,)
    assert (serves(lake), read_release(lake, SEGMENT).states["owner-4"]) == ("owner-3", "fallen_back")


def test_what_learnt_from_them_is_neither_begun_nor_brought_back(lake):
    mark(lake, "owner-2", "owner-4")
    ready(lake, "owner-4")
    assert waiting_adapters(lake) == ([], {})
    with pytest.raises(ErasedPeopleError, match="owner-4"):
        start_release(lake, SEGMENT, CONFIG.evaluation, CONFIG.rollout, who=PERSON, reason="x", now=ERASED + DAY)
    plan = steps.plan_rollback(lake, read_release(lake, SEGMENT))
    assert (plan.leaves, plan.to, len(plan.skipped)) == ("owner-3", "owner-1", 1)


def test_marks_that_cannot_be_read_move_nobody_and_are_told(lake):
    lake.write_text("{", tainted_path(lake))
    found = settle(lake, MONTH, 31)
    assert (found.moved, serves(lake)) == ((), "owner-3")
    assert "tainted.json is damaged" in str(found.troubles[""])
    assert steps.plan_rollback(lake, read_release(lake, SEGMENT)).to == "owner-2"


def test_who_serves_is_told_with_the_day(lake):
    mark(lake, "owner-3")
    ((told,),) = tainted_serving(lake, MONTH).values()
    assert told.due == ERASED + 30 * DAY
    assert f"{told.due:%Y-%m-%d}" in told.says
