"""The demo's last chapter: the good candidate climbs, the harmful one falls back, and nothing touches the real lake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands import demo_rollout
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.registry.log import registered_segments
from lyo_pipelines.rollout.rehearsal import Rehearsal
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import SEGMENT
from lyo_pipelines_tests.rollout.adapter_factory import GATES, ready, report

TODAY = date(2026, 11, 20)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "config.yaml").write_text(GATES)
    made = Lake(str(tmp_path / "data"))
    ready(made)
    return made


def played(lake: Lake, console: Console) -> list[demo_rollout.SimulatedRelease]:
    config = load_config(Path(lake.root).parent / "config.yaml")
    return demo_rollout.simulate_releases(console, lake, SEGMENT, config, key="k" * 32, today=TODAY)


def test_the_good_candidate_climbs_and_the_harmful_one_falls_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    # loading a model is covered where it is done; here a target that answers is enough
    monkeypatch.setattr(
        demo_rollout, "rehearse_fallback", lambda *_: Rehearsal("base", 0, "What is 7 + 5?", "12", 0.1, 0.1)
    )
    console = Console(record=True, width=140)
    good, harmful = played(lake, console)
    assert [day.share for day in good.days] == sorted(day.share for day in good.days)
    assert (good.situation, good.days[-1].share) == ("owner-1 serves", 0.5)
    assert harmful.situation == "no adapter of its own serves it"
    assert max(day.share for day in harmful.days) == 0.1
    assert len(harmful.days) < len(good.days) <= demo_rollout.DAYS
    assert all(one.plot.read_bytes().startswith(b"\x89PNG") for one in (good, harmful))
    assert registered_segments(lake) == []
    text = console.export_text()
    assert "promoted" in text
    assert "fell back" in text


def test_a_candidate_that_its_gates_reject_is_not_played(lake: Lake) -> None:
    report(lake, verdict="cannot_tell")
    console = Console(record=True, width=140)
    assert played(lake, console) == []
    assert "is rejected" in console.export_text()
