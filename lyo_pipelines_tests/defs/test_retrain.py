"""From sample files to a report under Dagster with a tiny random model: the real path, end to end, in a minute."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.versions import latest
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines.training.versions import latest_adapter
from lyo_pipelines_tests.defs.test_data_assets import data_through
from lyo_pipelines_tests.training.tiny import make_model

SEGMENT = "tutoring.en.math"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[dg.DagsterInstance, Store, Path]:
    """A small sample, landed and curated, and a tiny base model."""
    root = tmp_path_factory.mktemp("retrain")
    store = Store(data_dir=str(root / "data"), pseudonym_key="k" * 32, config_path=str(root / "config.yaml"))
    (root / "config.yaml").write_text(
        "evaluation: {max_items: 12, max_new_tokens: 8, latency_items: 1, resamples: 1000}\n"
    )
    write_sample(root / "data" / "inbox", root / "labels.jsonl", n=1500, seed=3, end=datetime.now(UTC).date())
    for path in (root / "data" / "inbox").iterdir():
        os.utime(path, (1, 1))
    model = make_model(root / "base")
    instance = dg.DagsterInstance.ephemeral()
    data_through(instance, store)
    instance.add_dynamic_partitions("segments", [SEGMENT])
    return instance, store, model


def retrain(world: tuple[dg.DagsterInstance, Store, Path], **overrides: object) -> dg.ExecuteInProcessResult:
    """One `retrain` run of the segment on the tiny model."""
    instance, store, model = world
    config = {"recipe": "tiny_test", "overrides": {"base_model": str(model), **overrides}}
    return (
        build_defs(resources={"store": store})
        .resolve_job_def("retrain")
        .execute_in_process(
            instance=instance,
            partition_key=SEGMENT,
            run_config={"ops": {"adapter": {"config": config}}},
            raise_on_error=False,
        )
    )


def test_a_segment_goes_through_to_a_report_and_a_second_run_repeats_nothing(world) -> None:
    _, store, _ = world
    result = retrain(world)
    assert result.success
    made = {e.asset_key.to_user_string(): e for e in result.all_events if e.is_step_materialization}
    assert set(made) == {"train_split", "validation_split", "test_split", "adapter", "eval_report"}
    lake = store.lake()
    version, adapter = latest(lake, SEGMENT), latest_adapter(lake, SEGMENT)
    assert version is not None and adapter.dataset_fingerprint == version.fingerprint
    report = json.loads((Path(lake.report_dir(SEGMENT, adapter.version)) / "report.json").read_text())
    assert report["dataset_fingerprint"] == version.fingerprint
    assert {"base", "candidate"} <= set(report["models"])
    checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
    for name in ("no_shared_group", "no_shared_question", "no_near_duplicate_question", "no_benchmark_overlap"):
        assert checks[name], name
    shown = made["adapter"].step_materialization_data.materialization.metadata
    assert any("data:image/png" in str(value.value) for value in shown.values()), (
        "the loss curve is on the asset's page"
    )

    weights = adapter.path / "adapter_model.safetensors"
    before = weights.stat().st_mtime_ns
    again = retrain(world)
    assert again.success
    assert weights.stat().st_mtime_ns == before, "nothing is trained twice"


def test_a_wrong_recipe_key_fails_at_once_and_names_it(world) -> None:
    result = retrain(world, **{"optimizer.lerning_rate": 1})
    failure = next(e for e in result.all_events if e.is_step_failure)
    assert failure.step_key == "adapter"
    assert "learning_rate" in str(failure.step_failure_data.user_failure_data.description)


def test_a_registered_benchmark_blocks_training_and_names_the_items(world) -> None:
    _, store, _ = world
    lake = store.lake()
    figures = store.figures()
    version = build_dataset(lake, SEGMENT, figures.dataset, figures.curation, now=datetime.now(UTC))
    first = lake.read_table(f"{version.path}/train.parquet").to_pylist()[0]
    question = next(m["content"] for m in first["messages"] if m["role"] == "user")
    benchmark = Path(lake.side("benchmarks", "exam.jsonl"))
    benchmark.parent.mkdir(parents=True, exist_ok=True)
    benchmark.write_text(json.dumps({"question": question, "answer": "1"}) + "\n")
    try:
        result = retrain(world, seed=11)
        assert not result.success
        failed = [
            e for e in result.get_asset_check_evaluations() if not e.passed and e.check_name == "no_benchmark_overlap"
        ]
        assert len(failed) == 1 and "exam" in (failed[0].description or "")
        assert not any(e.is_step_start and e.step_key == "adapter" for e in result.all_events)
    finally:
        benchmark.unlink()
