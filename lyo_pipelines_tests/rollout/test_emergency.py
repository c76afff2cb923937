"""A candidate whose registry is damaged is still watched, and can be taken from its users."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.registry.log import read_history, read_release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.emergency import stop_by_person
from lyo_pipelines.rollout.release import Act, NothingDueError
from lyo_pipelines.rollout.rounds import Cursor, Round, go_round
from lyo_pipelines.rollout.routing import read_routing
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.sample.traffic import GOOD, Effect, Traffic
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, SENSOR, START
from lyo_pipelines_tests.rollout.adapter_factory import GATES, interactions, ready, routed

DAY = timedelta(days=1)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "config.yaml").write_text(GATES)
    return load_config(tmp_path / "config.yaml")


@pytest.fixture
def lake(tmp_path: Path, config: Config) -> Lake:
    """A champion, and a candidate at a quarter of the users since the 23rd day."""
    found = Lake(str(tmp_path / "data"))
    for version, day in (("owner-1", 0), ("owner-22", 20)):
        ready(found, version)
        start_release(
            found, SEGMENT, config.evaluation, config.rollout, who=PERSON, reason="to try it", now=START + day * DAY
        )
        for number in (3, 7, 14)[: 3 if version == "owner-1" else 1]:
            steps.step_up(found, SEGMENT, config.rollout, Act(PERSON, "well", START + (day + number) * DAY))
    return found


def live(lake: Lake, effect: Effect, *days: int) -> None:
    for day in days:
        rows = Traffic(SEGMENT, users=600).day((START + day * DAY).date(), routed(lake), effect, questions=2_000)
        interactions(lake, rows)


def event_file(lake: Lake, number: int) -> Path:
    return Path(lake.path("registry", SEGMENT, f"{number:08d}.json"))


def round_at(lake: Lake, config: Config, day: float) -> Round:
    return go_round(lake, config.rollout, Cursor(), now=START + day * DAY, who=SENSOR)


@pytest.mark.parametrize("number", [2, 9, 10])
def test_a_harmful_candidate_whose_registry_is_damaged_is_taken_from_its_users_and_falls_back_later(
    lake: Lake, config: Config, number: int
) -> None:
    live(lake, Effect(errors=0.5), 25, 26)
    whole = event_file(lake, number).read_bytes()
    event_file(lake, number).write_bytes(b"\x00\xff")
    said = round_at(lake, config, 27).held[SEGMENT]
    assert f"{number:08d}.json" in said and "nobody is routed to owner-22 any more: errors in" in said
    entry = read_routing(lake).entries[SEGMENT]
    assert (entry.candidate, entry.champion and entry.champion.version) == (None, "owner-1")
    assert "nobody is routed to owner-22" in round_at(lake, config, 28).held[SEGMENT], "it stays so, and is said"
    event_file(lake, number).write_bytes(whole)
    assert round_at(lake, config, 29).held == {}
    release = read_release(lake, SEGMENT)
    assert (release.champion, release.states["owner-22"]) == ("owner-1", "fallen_back")
    last = read_history(lake, SEGMENT).events[-1]
    assert "while the registry was damaged" in last.reason and last.figures["findings"]
    assert [event.kind for event in read_history(lake, SEGMENT).events].count("fell_back") == 1
    assert round_at(lake, config, 30).held == {}


def test_a_good_candidate_whose_registry_is_damaged_keeps_its_users_and_takes_no_step(
    lake: Lake, config: Config
) -> None:
    live(lake, GOOD, *range(24, 30))
    before = read_routing(lake)
    event_file(lake, 9).write_bytes(b"")
    found = round_at(lake, config, 30)
    assert "owner-22 keeps its users, takes no step and is still watched" in found.held[SEGMENT]
    assert (found.visits, read_routing(lake)) == ((), before)


def test_a_person_takes_a_candidate_from_its_users_though_its_registry_is_damaged(lake: Lake, config: Config) -> None:
    whole = event_file(lake, 10).read_bytes()
    event_file(lake, 10).write_bytes(b"[]")
    assert stop_by_person(lake, SEGMENT, Act(PERSON, "a parent called", START + 25 * DAY)) == "owner-22"
    assert read_routing(lake).entries[SEGMENT].candidate is None
    with pytest.raises(NothingDueError):
        stop_by_person(lake, SEGMENT, Act(PERSON, "again", START + 25 * DAY))
    event_file(lake, 10).write_bytes(whole)
    round_at(lake, config, 26)
    last = read_history(lake, SEGMENT).events[-1]
    assert (last.kind, last.who, last.reason[:15]) == ("fell_back", PERSON, "a parent called")


def test_a_stop_that_cannot_be_read_stops_all_the_same_and_is_named(lake: Lake, config: Config) -> None:
    event_file(lake, 10).write_bytes(b"[]")
    stop_by_person(lake, SEGMENT, Act(PERSON, "a parent called", START + 25 * DAY))
    stop = Path(lake.path("rollout", SEGMENT, "stopped.json"))
    stop.write_bytes(b"")
    found = round_at(lake, config, 26)
    assert read_routing(lake).entries[SEGMENT].candidate is None
    assert SEGMENT in found.held
