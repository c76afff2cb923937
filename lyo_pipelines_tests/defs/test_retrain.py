"""From sample files to a report under Dagster with a tiny random model: the real path, end to end, in a minute."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.fallback import parent_of_thin
from lyo_pipelines.dataset.versions import latest_version
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines.training.versions import latest_adapter, supervised_adapter
from lyo_pipelines_tests.defs.test_data_assets import data_through
from lyo_pipelines_tests.training.tiny import make_model

SEGMENT = "tutoring.en.math"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[dg.DagsterInstance, Store, Path]:
    """A small sample, landed and curated, and a tiny base model."""
    root = tmp_path_factory.mktemp("retrain")
    store = Store(data_dir=str(root / "data"), config_path=str(root / "config.yaml"))
    (root / "config.yaml").write_text(
        "evaluation: {max_items: 12, max_new_tokens: 8, latency_items: 1, resamples: 1000}\n"
    )
    write_sample(root / "data" / "inbox", root / "labels.jsonl", n=1500, seed=3, end=clock.current_time().date())
    for path in (root / "data" / "inbox").iterdir():
        os.utime(path, (1, 1))
    model = make_model(root / "base")
    instance = dg.DagsterInstance.ephemeral()
    data_through(instance, store)
    instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])
    return instance, store, model


World = tuple[dg.DagsterInstance, Store, Path]


def launch(world: World, job: str, op: str, segment: str, **overrides: object) -> dg.ExecuteInProcessResult:
    """One run of a job for a segment on the tiny model."""
    instance, store, model = world
    instance.add_dynamic_partitions(SEGMENTS.name, [segment])
    config = {"recipe": "tiny_test", "overrides": {"base_model": str(model), **overrides}}
    return (
        build_defs(resources={"store": store})
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            partition_key=segment,
            run_config={"ops": {op: {"config": config}}},
            raise_on_error=False,
        )
    )


def retrain(world: World, segment: str = SEGMENT, **overrides: object) -> dg.ExecuteInProcessResult:
    """One `retrain` run."""
    return launch(world, "retrain", "adapter", segment, **overrides)


def failure_of(result: dg.ExecuteInProcessResult) -> tuple[str, str]:
    """(step, what it said) of the step that failed."""
    event = next(e for e in result.all_events if e.is_step_failure)
    data = event.step_failure_data
    told = data.user_failure_data.description if data.user_failure_data else str(data.error)
    return str(event.step_key), str(told)


def test_a_segment_goes_through_to_a_report_and_a_second_run_repeats_nothing(world) -> None:
    _, store, _ = world
    result = retrain(world)
    assert result.success
    made = {e.asset_key.to_user_string(): e for e in result.all_events if e.is_step_materialization}
    assert set(made) == {"train_split", "validation_split", "test_split", "adapter", "eval_report"}
    lake = store.lake()
    version, adapter = latest_version(lake, SEGMENT), latest_adapter(lake, SEGMENT)
    assert version is not None and adapter.dataset_fingerprint == version.fingerprint
    report = json.loads((Path(lake.report_dir(SEGMENT, adapter.version)) / "report.json").read_text())
    assert report["dataset_fingerprint"] == version.fingerprint
    assert {"base", "candidate"} <= set(report["models"])
    assert report["row_figures"] == version.manifest.row_figures
    text = (Path(lake.report_dir(SEGMENT, adapter.version)) / "report.md").read_text()
    assert "| `curation.minimum_rating` | 4.0 |" in text, "figures that shaped the rows are named with their values"
    checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
    for name in ("no_shared_group", "no_shared_question", "no_near_duplicate_question", "no_benchmark_overlap"):
        assert checks[name], name
    shown = made["adapter"].step_materialization_data.materialization.metadata
    assert any("data:image/png" in str(value.value) for value in shown.values()), (
        "the loss curve is on the asset's page"
    )
    page = made["eval_report"].step_materialization_data.materialization.metadata
    assert next(iter(page)) == "may_be_released"
    assert str(page["may_be_released"].value).startswith("Cannot judge, so it is held: improves on base")
    assert checks["may_be_released"] is False
    judged = set(checks) & {"outdoes_base", "outdoes_current", "stays_correct", "your_own_gates"}
    assert not judged, "gates that cannot judge, have nothing to compare or are not there are neither green nor red"
    rows = [record.data for record in page["against_base"].value.records]
    assert set(rows[0]) == {"metric", "verdict", "base → adapter", "difference", "interval"}
    split = made["test_split"].step_materialization_data.materialization.metadata
    assert 0 < len(split["examples"].value.records) <= store.load_config().dataset.shown_examples

    weights = adapter.path / "adapter_model.safetensors"
    before = weights.stat().st_mtime_ns
    again = retrain(world)
    assert again.success
    assert weights.stat().st_mtime_ns == before, "nothing is trained twice"


def test_a_wrong_recipe_key_fails_at_once_and_names_it(world) -> None:
    result = retrain(world, **{"optimizer.lerning_rate": 1})
    step, told = failure_of(result)
    assert step == "adapter"
    assert "learning_rate" in told


def test_a_registered_benchmark_blocks_training_and_names_the_items(world) -> None:
    _, store, _ = world
    lake = store.lake()
    config = store.load_config()
    version = build_dataset(lake, SEGMENT, config.dataset, config.curation, now=clock.current_time())
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


def test_a_thin_segment_trains_nothing_and_its_report_says_who_serves_it(world) -> None:
    _, store, _ = world
    lake, config = store.lake(), store.load_config()
    few = config.curation.segment_minimum_interactions
    thin = min(key for key, count in segment_counts(lake).items() if count.kept > 0 and count.read < few)
    step, told = failure_of(retrain(world, thin))
    parent = parent_of_thin(lake, thin, config.dataset, config.curation)
    assert parent is not None
    assert (step, f"`lyo train {parent}` first" in told) == ("adapter", True)

    assert retrain(world, parent).success
    served = retrain(world, thin)
    assert served.success
    adapter = latest_adapter(lake, thin)
    assert adapter.segment == parent
    assert lake.names(lake.adapter_dir(thin)) == ["latest.json"], "nothing was trained for it"
    report = json.loads((Path(lake.report_dir(thin, adapter.version)) / "report.json").read_text())
    assert (report["segment"], report["served_by"]["segment"]) == (thin, parent)
    assert report["timings"]["candidate"]["reused"], "the parent's answers are asked for once"
    assert f"`{parent}` serves it" in (Path(lake.report_dir(thin, adapter.version)) / "report.md").read_text()
    assert {part["dimension"] for part in report["slices"]} >= {"segment"}


def test_preferences_tune_the_adapter_and_are_compared_with_it(world) -> None:
    _, store, _ = world
    assert retrain(world).success
    lake = store.lake()
    start = latest_adapter(lake, SEGMENT)
    result = launch(world, "prefer", "preference_adapter", SEGMENT, method="kto", validation={"interval": 3})
    assert result.success
    checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
    assert checks["no_test_item_in_preferences"]
    tuned = latest_adapter(lake, SEGMENT)
    assert (tuned.manifest.method, tuned.manifest.start_from) == ("kto", start.version)
    report = json.loads((Path(lake.report_dir(SEGMENT, tuned.version)) / "report.json").read_text())
    assert report["model_versions"]["start"] == start.version
    assert supervised_adapter(lake, SEGMENT).version == start.version, "the next tuning starts there again"


def test_rewards_tune_the_adapter_where_a_run_asks_for_it(world) -> None:
    _, store, _ = world
    assert retrain(world).success
    lake = store.lake()
    start, version = supervised_adapter(lake, SEGMENT), latest_version(lake, SEGMENT)
    assert version is not None
    result = launch(
        world, "prefer", "preference_adapter", SEGMENT, method="grpo", batch={"size": 4, "accumulation": 1}, budget={"steps": 2},
        validation={"interval": 2, "max_examples": 4},
        reinforcement={"max_new_tokens": 8, "minimum_questions": 4, "max_kl": 50, "max_length_ratio": 50},
    )  # fmt: skip
    assert result.success
    tuned = latest_adapter(lake, SEGMENT)
    assert (tuned.manifest.method, tuned.manifest.start_from) == ("grpo", start.version)
    assert tuned.dataset_fingerprint == version.fingerprint
    assert tuned.manifest.reinforcement is not None
    assert "rated answers are fewer than 400" in tuned.manifest.reinforcement.ratings.why
    folder = Path(lake.report_dir(SEGMENT, tuned.version))
    assert json.loads((folder / "report.json").read_text())["model_versions"]["start"] == start.version
    assert "## How it was trained by rewards" in (folder / "report.md").read_text()
    assert supervised_adapter(lake, SEGMENT).version == start.version, "the next tuning starts there again"


def test_too_few_preferences_are_said_with_what_to_do(world) -> None:
    assert retrain(world).success
    result = launch(world, "prefer", "preference_adapter", SEGMENT, method="dpo")
    step, told = failure_of(result)
    assert step == "preference_adapter"
    assert "pairs to learn from and 20 are needed: collect more ratings, try kto" in told
