"""What a candidate has to beat: what the registry says serves everybody, and what it was tuned from. Never what a file's time says."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.evaluation.planning.champion import Baselines, UnusableBaselineError, baselines
from lyo_pipelines.registry.log import RegistryDamagedError, read_release
from lyo_pipelines.rollout import release as steps
from lyo_pipelines.rollout.release import Act
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.versions import latest_adapter, point_to
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, START
from lyo_pipelines_tests.rollout.adapter_factory import GATES, adapter, ready


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "data"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    path = tmp_path_factory.mktemp("figures") / "config.yaml"
    path.write_text(GATES)
    return load_config(path)


def canary(lake: Lake, config: Config, version: str, segment: str = SEGMENT) -> None:
    """Trained, reported, and in front of its first users."""
    ready(lake, version, segment)
    start_release(lake, segment, config.evaluation, config.rollout, who=PERSON, reason="to try it", now=START)


def champion(lake: Lake, config: Config, version: str, segment: str = SEGMENT) -> None:
    """All the way to everybody."""
    canary(lake, config, version, segment)
    for day in (7, 14, 21):
        steps.step_up(lake, segment, config.rollout, Act(PERSON, "good evidence", START + timedelta(days=day)))
    assert read_release(lake, segment).champion == version


def compared(lake: Lake, segment: str = SEGMENT) -> Baselines:
    return baselines(lake, segment, candidate=latest_adapter(lake, segment))


def versions(found: Baselines) -> tuple[str | None, str | None]:
    return (
        found.champion.version if found.champion else None,
        found.start.version if found.start else None,
    )


def tuned(lake: Lake, version: str, start: str) -> None:
    path = adapter(lake, version) / "adapter_manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "method": "kto", "start_from": start}))


def test_where_nothing_was_released_the_base_model_alone_is_to_beat(lake: Lake) -> None:
    ready(lake, "first")
    ready(lake, "second")
    assert compared(lake) == Baselines(None, None)


def test_after_a_fallback_the_champion_that_serves_again_is_to_beat(lake: Lake, config: Config) -> None:
    champion(lake, config, "good")
    canary(lake, config, "bad")
    steps.fall_back(lake, SEGMENT, Act(PERSON, "its users rated worse", START + timedelta(days=30)))
    ready(lake, "third")
    assert versions(compared(lake)) == ("good", None)


def test_a_version_in_canary_and_one_that_was_never_released_are_no_champion(lake: Lake, config: Config) -> None:
    champion(lake, config, "serves")
    ready(lake, "only_reported")
    canary(lake, config, "on_its_way")
    ready(lake, "newest")
    assert versions(compared(lake)) == ("serves", None)


def test_a_first_canary_leaves_the_base_model_to_beat(lake: Lake, config: Config) -> None:
    canary(lake, config, "first")
    ready(lake, "second")
    assert versions(compared(lake)) == (None, None)


def test_the_times_of_report_files_choose_no_champion(lake: Lake, config: Config) -> None:
    champion(lake, config, "march")
    champion(lake, config, "april")
    ready(lake, "may")
    old = Path(lake.report_dir(SEGMENT, "march")) / "report.json"
    old.write_bytes(old.read_bytes())  # copied back out of a backup
    os.utime(old, (4e9, 4e9))
    assert versions(compared(lake)) == ("april", None)


def test_a_retired_champion_is_nothing_to_beat(lake: Lake, config: Config) -> None:
    champion(lake, config, "first")
    steps.retire(lake, SEGMENT, Act(PERSON, "its licence ended", START + timedelta(days=40)))
    ready(lake, "second")
    assert versions(compared(lake)) == (None, None)


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_champion_whose_files_are_not_as_registered_stops_the_report(lake: Lake, config: Config, harm: str) -> None:
    champion(lake, config, "first")
    ready(lake, "second")
    folder = Path(lake.adapter_dir(SEGMENT, "first"))
    if harm == "changed":
        (folder / "adapter_model.safetensors").write_bytes(b"other weights")
    else:
        for path in folder.iterdir():
            path.unlink()
    with pytest.raises(UnusableBaselineError, match="first serves everybody, but its files") as raised:
        compared(lake)
    assert f"lyo rollback {SEGMENT}" in raised.value.hint


def test_a_registry_that_cannot_be_trusted_stops_the_report(lake: Lake, config: Config) -> None:
    champion(lake, config, "first")
    ready(lake, "second")
    Path(lake.path("registry", SEGMENT), "00000002.json").unlink()
    with pytest.raises(RegistryDamagedError, match="00000003"):
        compared(lake)


def test_a_tuned_adapter_has_to_beat_the_champion_and_what_it_was_tuned_from(lake: Lake, config: Config) -> None:
    champion(lake, config, "serves")
    ready(lake, "supervised")
    tuned(lake, "tuned", "supervised")
    assert versions(compared(lake)) == ("serves", "supervised")


def test_a_tuned_adapter_that_started_from_the_champion_is_compared_with_it_once(lake: Lake, config: Config) -> None:
    champion(lake, config, "serves")
    tuned(lake, "tuned", "serves")
    assert versions(compared(lake)) == ("serves", None)


def test_a_tuned_adapter_without_what_it_was_tuned_from_is_not_reported_on(lake: Lake) -> None:
    tuned(lake, "tuned", "lost")
    with pytest.raises(UnusableBaselineError, match="tuned was tuned from lost"):
        compared(lake)


def test_a_thin_segment_has_the_champion_of_the_segment_that_serves_it(lake: Lake, config: Config) -> None:
    parent, thin = "tutoring.en", "tutoring.en.art"
    champion(lake, config, "of_the_parent", parent)
    ready(lake, "newer", parent)
    point_to(lake, thin, "newer", served_by=parent)
    assert versions(compared(lake, thin)) == ("of_the_parent", None)
    point_to(lake, thin, "own")
    champion(lake, config, "own", thin)
    point_to(lake, thin, "newer", served_by=parent)
    assert versions(compared(lake, thin)) == ("own", None), "its own adapter serves it until that is retired"
