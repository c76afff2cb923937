"""`lyo backtest` on a small lake: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lyo_pipelines.cli import app
from lyo_pipelines.commands.backtest import BacktestError, laid_over, run_backtest
from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.health.read import HealthUnreadableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.retraining.health_histories import (
    CURRICULUM,
    HINDI,
    MATH,
    PHYSICS,
    day_of,
    made_health,
    other_mix,
    slump,
    steady,
    write_days,
)

START, END = day_of(60), day_of(70)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The installation that the environment names: 70 days, a slump and a change of mix from day 60 on."""
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("LYO_CONFIG", raising=False)
    lake = Lake(str(tmp_path))
    lake.write_text(CURRICULUM.model_dump_json(), lake.side("curriculum.yaml"))
    write_days(lake, made_health({MATH: steady(), PHYSICS: slump(60), HINDI: other_mix(60)}, 70))
    return lake


def run(**options: Any) -> tuple[str, dict[str, Any]]:
    """What is printed, and what stands in the JSON."""
    out = io.StringIO()
    path = run_backtest(Console(file=out, width=140), first=START, last=END, **options)
    return out.getvalue(), json.loads(Path(path).read_text())


def policy(folder: Path, text: str) -> Path:
    path = folder / "candidate.yaml"
    path.write_text(text)
    return path


def test_it_says_when_a_slump_would_have_fired_and_why_a_change_of_mix_would_not(lake: Lake) -> None:
    printed, told = run()
    (found,) = told["policies"]
    assert [(launch["segment"], launch["kinds"]) for launch in found["launches"]] == [(PHYSICS, ["quality"])]
    day = found["launches"][0]["day"]
    assert any(day in line and PHYSICS in line and "quality" in line for line in printed.splitlines())
    assert any(line.strip() == "figures in force: 1 launch" for line in printed.splitlines())
    assert found["segments"][HINDI]["days_by_reason"]["mix"] > 5
    assert "Hindsight" in printed
    assert told["cannot_know"]
    assert max(map(len, printed.splitlines()[:-2])) <= 140


def test_days_of_a_segment_are_told_once_each(lake: Lake) -> None:
    _, told = run()
    for segment in told["policies"][0]["segments"].values():
        days = [
            (date.fromisoformat(span["last"]) - date.fromisoformat(span["first"])).days + 1
            for span in segment["history"]
        ]
        assert sum(days) == sum(segment["days_by_reason"].values()) == 11


def test_the_picture_lies_beside_the_json_and_the_same_replay_writes_the_same_files(lake: Lake) -> None:
    run()
    folder = Path(lake.path("backtests"))
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(Path(name).suffix for name in first) == [".json", ".png"]
    assert all(name.startswith(f"{START}_{END}-") for name in first)
    assert next(data for name, data in first.items() if name.endswith(".png")).startswith(b"\x89PNG")
    run()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_another_policy_is_compared_with_the_one_in_force(lake: Lake, tmp_path: Path) -> None:
    printed, told = run(policy=policy(tmp_path, "retraining: {volume: {minimum_examples: 600}}"))
    new = {(launch["segment"], launch["day"]) for launch in told["difference"]["only_second"]}
    # 10 examples a day in each segment: 600 are there on the morning of the 60th day
    assert new == {(segment, START.isoformat()) for segment in (MATH, HINDI, PHYSICS)}
    assert "What candidate.yaml changes" in printed
    assert "only candidate.yaml" in printed
    assert len({found["digest"] for found in told["policies"]}) == 2


def test_the_policy_in_force_against_itself_makes_no_difference(lake: Lake, tmp_path: Path) -> None:
    printed, told = run(policy=policy(tmp_path, "retraining: {volume: {minimum_examples: 1000}}"))
    assert "No difference: both policies launch the same, 1 time." in printed
    assert told["difference"] == {"same": 1, "shifted": [], "only_first": [], "only_second": []}


def test_a_policy_lies_over_the_configuration_and_not_over_the_defaults(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("retraining: {quality: {relevance: 0.5}, volume: {minimum_examples: 70}}")
    found = laid_over(str(config), policy(tmp_path, "retraining: {volume: {minimum_examples: 80}}"))
    assert (found.quality.relevance, found.volume.minimum_examples) == (0.5, 80)
    assert found.evidence == load_config().retraining.evidence


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("retraining: {volume: {minimum: 5}}", "retraining.volume.minimum"),
        ("volume: {minimum_examples: 5}", "nothing under `retraining:`"),
        ("just words", "expected sections"),
        ("retraining: [", "cannot be read as YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_by_file_and_name(
    tmp_path: Path, configured: bool, text: str | None, says: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("retraining: {quality: {relevance: 0.5}}")
    path = tmp_path / "candidate.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as error:
        laid_over(str(config) if configured else None, path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_one_segment_is_shown_and_the_others_are_replayed_with_it(lake: Lake) -> None:
    _, whole = run()
    printed, told = run(segment=PHYSICS)
    assert MATH not in printed
    assert told["policies"][0]["launches"] == whole["policies"][0]["launches"]
    with pytest.raises(BacktestError, match=f"Did you mean {PHYSICS}"):
        run(segment="tutoring.en.phisics")


def test_segments_that_are_not_shown_are_counted_and_stand_in_the_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    write_days(Lake(str(tmp_path)), made_health({f"tutoring.en.s{n}": steady(8) for n in range(45)}, 4))
    out = io.StringIO()
    path = run_backtest(Console(file=out, width=140))
    assert "… and 5 more segments" in out.getvalue()
    told = json.loads(Path(path).read_text())
    assert {f"tutoring.en.s{n}" for n in range(45)} <= told["policies"][0]["segments"].keys()


def test_a_range_without_health_is_refused_with_the_one_that_there_is(lake: Lake) -> None:
    with pytest.raises(BacktestError, match=f"between {day_of(1)} and {day_of(70)}"):
        run_backtest(Console(file=io.StringIO()), first=day_of(3), last=day_of(71))
    with pytest.raises(BacktestError, match="cannot be replayed"):
        run_backtest(Console(file=io.StringIO()), first=day_of(5), last=day_of(4))


def test_an_empty_lake_says_how_days_come_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    with pytest.raises(BacktestError, match="no day of segment_health yet"):
        run_backtest(Console(file=io.StringIO()))


def test_days_that_cannot_be_read_are_named_and_never_taken_for_quiet_ones(lake: Lake) -> None:
    Path(lake.health(day_of(65))).write_bytes(b"no parquet")
    printed, told = run()
    assert f"{day_of(65)} is left out" in printed
    assert any(note.startswith(f"{day_of(65)} is left out") for note in told["notes"])
    for number in range(70):
        Path(lake.health(day_of(number))).write_bytes(b"no parquet")
    with pytest.raises(HealthUnreadableError):
        run()


def test_trainings_within_the_range_are_told_because_what_was_before_them_is_not_known(lake: Lake) -> None:
    training = {"at": f"{day_of(65)}T08:00:00+00:00", "version": "v", "fingerprint": "f" * 16, "examples": 300}
    lake.write_json(training, f"{lake.adapter_dir(MATH)}/trained.json")
    printed, _ = run()
    assert f"Last trained on or after {START}" in printed
    assert f"1 ({MATH})" in printed


def test_the_command_takes_its_days_and_says_where_its_files_are(lake: Lake) -> None:
    done = CliRunner().invoke(app, ["backtest", "--from", f"{day_of(66)}", "--to", f"{day_of(68)}", "--segment", HINDI])
    assert done.exit_code == 0, done.output
    assert f"{day_of(66)} to {day_of(68)}: 3 days, 1 segment" in done.output
    assert f"{day_of(66)}_{day_of(68)}-" in done.output
    wrong = CliRunner().invoke(app, ["backtest", "--from", "yesterday"])
    assert wrong.exit_code == 2
