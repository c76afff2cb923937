"""What a candidate has to beat: the newest other adapter that was found fit, on the same base, never itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lyo_pipelines.config.evaluation import GateFigures
from lyo_pipelines.config.figures import load_figures
from lyo_pipelines.evaluation.planning.champion import current_adapter
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import TrainingResult, read_adapter

SEGMENT = "tutoring.en.math"
GATE = GateFigures.model_validate({"name": "answer_length", "metric": "length_ratio", "minimum": 0.5, "maximum": 2})
FIGURES = load_figures().evaluation.model_copy(update={"gates": (GATE,), "minimum_groups": 10})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def trained(lake: Lake, version: str, base: str = "tiny") -> TrainingResult:
    folder = Path(lake.adapter_dir(SEGMENT, version))
    folder.mkdir(parents=True)
    manifest = {
        "segment": SEGMENT,
        "version": version,
        "dataset_fingerprint": "d",
        "base_model": {"name": base},
        "metrics": {},
    }
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    return read_adapter(folder)


def reported(lake: Lake, version: str, *, length_ratio: float, age: int) -> None:
    folder = Path(lake.report_dir(SEGMENT, version))
    folder.mkdir(parents=True)
    report = {
        "groups": 80,
        "models": {"candidate": {"length_ratio": {"value": length_ratio}}},
        "comparisons": [],
        "slices": [],
    }
    (folder / "report.json").write_text(json.dumps(report))
    os.utime(folder / "report.json", (10_000 - age, 10_000 - age))


def test_the_first_adapter_of_a_segment_has_nothing_to_beat(lake: Lake) -> None:
    candidate = trained(lake, "v1")
    reported(lake, "v1", length_ratio=1, age=0)
    assert current_adapter(lake, SEGMENT, FIGURES, candidate=candidate) is None


def test_the_newest_fit_one_on_the_same_base_is_the_one_to_beat(lake: Lake) -> None:
    for version, ratio, age, base in (
        ("old", 1, 9, "tiny"),
        ("newer", 1, 5, "tiny"),
        ("unfit", 9, 2, "tiny"),
        ("other", 1, 1, "big"),
    ):
        trained(lake, version, base)
        reported(lake, version, length_ratio=ratio, age=age)
    trained(lake, "unreported")
    found = current_adapter(lake, SEGMENT, FIGURES, candidate=trained(lake, "candidate"))
    assert found is not None
    assert found.version == "newer"
