"""What a person does to a release: each command says what follows, and changes nothing without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lyo_pipelines.cli import app
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.registry.log import read_history, read_release
from lyo_pipelines.rollout.assignment import bucket_of, salt_of
from lyo_pipelines.rollout.rehearsal import Rehearsal
from lyo_pipelines.rollout.release import NothingDueError, ReasonMissingError
from lyo_pipelines.rollout.routing import read_routing
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, START
from lyo_pipelines_tests.rollout.adapter_factory import GATES, ready


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A candidate in canary."""
    (tmp_path / "config.yaml").write_text(GATES)
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LYO_CONFIG", str(tmp_path / "config.yaml"))
    found = Lake(str(tmp_path))
    ready(found)
    config = load_config(tmp_path / "config.yaml")
    start_release(found, SEGMENT, config.evaluation, config.rollout, who=PERSON, reason="to try it", now=START)
    return found


def lyo(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def said(*arguments: str) -> str:
    result = lyo(*arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_one_command_and_one_reason_change_what_users_get(lake: Lake) -> None:
    paused = said("pause", SEGMENT, "--reason", "exam week")
    assert "(stage 1, 10% of users, paused). The routing file says so" in paused
    assert "Possible now: lyo resume, lyo retire, lyo rollback" in paused
    assert "resumed: owner-1" in said("resume", SEGMENT, "--reason", "exams are over")
    assert "retired: owner-1" in said("retire", SEGMENT, "--reason", "not wanted")
    last = read_history(lake, SEGMENT).events[-1]
    assert (last.reason, last.who.person) == ("not wanted", True)
    assert read_routing(lake).entries == {}


def test_the_history_of_a_segment_says_why_it_is_where_it_is_and_until_when(lake: Lake) -> None:
    shown = said("releases", SEGMENT)
    assert "It holds: " in shown and "0 of 30 users" in shown and "Until: not in sight" in shown
    assert "2026-11-02 06:00 UTC canary (10% of users): owner-1" in shown
    assert "Until: `lyo resume tutoring.en.math`" in (
        said("pause", SEGMENT, "--reason", "x") and said("releases", SEGMENT)
    )
    events = len(read_history(lake, SEGMENT).events)
    weights = Path(lake.adapter_dir(SEGMENT, "owner-1")) / "adapter_model.safetensors"
    weights.write_bytes(b"bitrot")
    assert "It would fall back: its files are not as they were registered" in said("releases", SEGMENT)
    assert len(read_history(lake, SEGMENT).events) == events, "whoever looks changes nothing"
    Path(lake.path("registry", SEGMENT, "00000002.json")).write_bytes(b"\xff")
    damaged = said("releases", SEGMENT)
    assert "Held: " in damaged and "00000002.json cannot be read" in damaged and "registered: owner-1" in damaged


def test_what_is_not_possible_says_what_is(lake: Lake) -> None:
    result = lyo("step-back", SEGMENT, "--reason", "slower")
    assert "at the first stage" in str(result.exception)
    assert "possible: pause, retire, rollback" in str(result.exception)
    nothing = lyo("pause", "tutoring.hi.math", "--reason", "x")
    assert isinstance(nothing.exception, NothingDueError)


@pytest.mark.parametrize("command", ["pause", "resume", "step-back", "retire", "release"])
def test_no_command_changes_anything_without_a_reason(lake: Lake, command: str) -> None:
    assert "Missing option '--reason'" in " ".join(lyo(command, SEGMENT).output.replace("│", " ").split())
    assert isinstance(lyo(command, SEGMENT, "--reason", " ").exception, ReasonMissingError)
    assert isinstance(lyo("rollback", SEGMENT).exception, ReasonMissingError)
    assert len(read_history(lake, SEGMENT).events) == 3


def test_a_rehearsed_rollback_changes_nothing_and_the_real_one_is_one_step(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def rehearse(lake: Lake, target: object, base: str, *_: object) -> Rehearsal:
        asked.append((target, base))
        return Rehearsal(base, 0, "What is 7 + 5?", "12", 1.0, 0.2)

    monkeypatch.setattr("lyo_pipelines.commands.release.rehearse_fallback", rehearse)
    shown = said("rollback", SEGMENT, "--rehearse")
    assert "owner-1 would leave, and the base model tiny would answer 10% of users" in shown
    assert "answered in 0.2 s: '12'" in shown and "Nothing was changed" in shown
    assert asked == [(None, "tiny")]
    assert read_release(lake, SEGMENT).in_canary
    assert "rolled back: owner-1" in said("rollback", SEGMENT, "--reason", "parents complain")
    assert not read_release(lake, SEGMENT).in_canary


def test_the_table_of_releases_mends_the_routing_file(lake: Lake) -> None:
    Path(lake.path("routing.json")).write_text("{")
    shown = said("releases")
    assert all(word in shown for word in (SEGMENT, "owner-1", "10%", "canary by asha"))
    assert read_routing(lake).entries[SEGMENT].stage == 1
    history = said("releases", SEGMENT)
    assert "a parent's adapter or the base" in history and "to try it" in history


def test_a_route_says_adapter_arm_bucket_and_why(lake: Lake) -> None:
    salt = salt_of(SEGMENT, "owner-1")
    first = next(f"p{n}" for n in range(1_000) if bucket_of(f"p{n}", salt) < 1_000)
    other = next(f"p{n}" for n in range(1_000) if bucket_of(f"p{n}", salt) >= 1_000)
    shown = said("route", first, SEGMENT)
    assert f"{SEGMENT} owner-1 (on tiny) answers." in shown
    assert f"bucket {bucket_of(first, salt):,} of 10,000, arm candidate" in shown
    assert "If it cannot be loaded, the base model answers." in shown
    shown = said("route", other, SEGMENT, "--mode", "chain_of_thought", "--team", "school-7")
    assert "the base model answers." in shown and "arm current" in shown
    assert (
        shown.index("tutoring.en.school_7") < shown.index("tutoring.en.chain_of_thought") < shown.index("is not below")
    )
    assert "is not part of any release" in said("route", first, "tutoring.hi.math")
