"""What a training would take is said before anything starts, from what this lake has seen, and what would be quicker without a GPU."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands import train, train_estimate
from lyo_pipelines.commands.train_estimate import estimate_training, quicker, show_estimate
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.dataset.example_lake import SEGMENT, examples, lake_with
from lyo_pipelines_tests.rollout.adapter_factory import adapter

BASE = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text("curation: {segment_minimum_interactions: 1}\ndataset: {minimum_groups: 3}\n")
    return load_config(path)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_with(tmp_path_factory.mktemp("estimate") / "data", examples(range(60)))


def trained(lake: Lake, *, tokens: int = 8_000, speed: float = 500.0) -> None:
    """A finished training of this lake: 40 examples seen twice."""
    path = adapter(lake, base=BASE) / "adapter_manifest.json"
    manifest = json.loads(path.read_text())
    metrics = {"tokens": tokens, "epochs": 2.0, "tokens_per_second": speed, "steps": 5, "seconds": tokens / speed}
    path.write_text(json.dumps(manifest | {"metrics": metrics, "examples": {"train": 40}}))


def test_data_steps_and_time_follow_from_the_split_and_from_earlier_trainings(tmp_path: Path, config) -> None:
    lake = lake_with(tmp_path, examples(range(60)))
    recipe = load_recipe("owner", {"device": "cpu", "cost": {"per_hour": 3.6}})
    guessed = estimate_training(lake, config, SEGMENT, recipe)
    assert sum(guessed.examples.values()) == 60 and guessed.examples["train"] > 40
    assert any("guessed" in note for note in guessed.notes)
    trained(lake)
    found = estimate_training(lake, config, SEGMENT, recipe)
    assert found.tokens_per_example == 100.0
    assert found.tokens == found.examples["train"] * 100 * 3
    assert found.steps == -(-found.examples["train"] * 3 // 16)
    assert found.seconds is not None and found.seconds[0] < found.tokens / 500 < found.seconds[1]
    assert found.seconds[1] > 3 * found.seconds[0] and "1 past run" in found.speed and "wide" in found.speed
    assert found.money == pytest.approx((found.seconds[0] / 1000, found.seconds[1] / 1000)) and found.currency == "USD"
    assert found.memory_gb is not None and found.memory_gb > 0.5


def test_a_budget_ends_it_earlier(lake: Lake, config) -> None:
    recipe = load_recipe("cpu_demo", {"budget": {"tokens": 1_600}})
    found = estimate_training(lake, config, SEGMENT, recipe)
    assert (found.tokens, found.epochs) == (1_600, round(1_600 / (found.examples["train"] * 200), 2))
    stepped = estimate_training(lake, config, SEGMENT, load_recipe("cpu_demo", {"budget": {"steps": 2}}))
    assert stepped.steps == 2


def test_a_rough_count_needs_no_split(lake: Lake, config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_estimate, "make_plan", lambda *_, **__: pytest.fail("it was split"))
    found = estimate_training(lake, config, SEGMENT, load_recipe("cpu_demo"), exact=False)
    assert found.examples == {"train": 48, "validation": 6, "test": 6}


def test_without_a_gpu_a_long_training_comes_with_what_takes_minutes(lake: Lake, config) -> None:
    short = estimate_training(lake, config, SEGMENT, load_recipe("cpu_demo"))
    assert quicker(short) is None
    long = estimate_training(lake, config, SEGMENT, load_recipe("owner", {"device": "cpu", "budget": {"epochs": 300}}))
    said = quicker(long)
    assert said is not None and "No GPU" in said
    assert f"lyo train {SEGMENT} --recipe owner --set budget.tokens=30000" in said


def test_a_dry_run_prints_it_and_starts_nothing(lake: Lake, config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYO_DATA_DIR", lake.root)
    monkeypatch.setattr(train, "load_config", lambda path: config)
    monkeypatch.setattr(train, "start_server", lambda *_, **__: pytest.fail("Dagster was started"))
    before = sorted(path for path in Path(lake.root).rglob("*"))
    console = Console(record=True, width=160)
    train.train_segment(console, SEGMENT, "cpu_demo", dry_run=True)
    text = console.export_text()
    for word in ("60 examples", "steps", "memory", "nothing was started"):
        assert word in text
    machine = Console(file=io.StringIO(), width=60)
    show_estimate(machine, estimate_training(lake, config, SEGMENT, load_recipe("cpu_demo")), as_json=True)
    assert json.loads(machine.file.getvalue())["segment"] == SEGMENT  # pyright: ignore[reportAttributeAccessIssue]
    assert sorted(path for path in Path(lake.root).rglob("*")) == before
