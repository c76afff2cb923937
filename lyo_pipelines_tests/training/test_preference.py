"""Preference tuning with real TRL trainers on a tiny model: on top of an adapter, resumable, published without its reference."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.dataset.preferences.contract import SCHEMAS
from lyo_pipelines.training.batches import TrainingPlan
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import TrainingResult, UnfitStartError, adapter_version, read_adapter
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe
from lyo_pipelines.training.recipes import Recipe
from lyo_pipelines_tests.engine_process import EngineProcess, run_engine
from lyo_pipelines_tests.training.tiny import conversation, make_dataset, make_model

WORSE = "answer no no no"


def write_preferences(folder: Path, train: int = 24, validation: int = 6) -> Path:
    """Preference data in which every bad answer is the same silly one."""
    rng = random.Random(0)
    folder.mkdir(parents=True)
    for split, count in (("train", train), ("validation", validation)):
        labels, pairs = [], []
        for at in range(count):
            *prompt, answer = conversation(rng)
            row = {"example_id": f"{split}{at}", "group_id": "g", "segment": "tutoring.en.math", "messages": prompt}
            good = at % 2 == 0
            labels.append(
                {**row, "answer": answer["content"] if good else WORSE, "label": good, "rating": 5.0 if good else 1.0}
            )
            pairs.append(
                {
                    **row,
                    "chosen": answer["content"],
                    "rejected": WORSE,
                    "kind": "two_answers",
                    "rejected_example_id": f"bad{at}",
                }
            )
        for kind, rows in (("kto", labels), ("dpo", pairs)):
            pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[kind]), folder / f"{kind}_{split}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": "tutoring.en.math", "fingerprint": "prefs"}))
    return folder


class World:
    """A base model, an adapter trained on it, and preference data."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = make_model(root / "base")
        self.preferences = write_preferences(root / "preferences")
        self.adapter = root / "adapter"
        run(self.command(make_dataset(root / "dataset"), self.adapter), root)

    def command(self, dataset: Path, output: Path, **changes: Any) -> list[str]:
        started = changes.pop("start", None)
        sets = {"base_model": str(self.base), "speed.threads": 1, **changes}
        return [
            sys.executable, "-m", "lyo_pipelines.training.engine", "--recipe", "tiny_test", "--dataset", str(dataset),
            "--output", str(output), "--models", str(self.root),
            *(part for key, value in sets.items() for part in ("--set", f"{key}={value}")),
            *(["--start-from", str(started)] if started else []),
        ]  # fmt: skip

    def tune(self, method: str, output: Path, **changes: Any) -> list[str]:
        learning = {"optimizer.learning_rate": 0.01, "budget.steps": 8, "budget.epochs": 9, "validation.interval": 4}
        return self.command(self.preferences, output, method=method, start=self.adapter, **{**learning, **changes})


def environment(root: Path) -> dict[str, str]:
    return os.environ | {"LYO_LOCK_DIR": str(root / "locks"), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def run(command: list[str], root: Path) -> str:
    code, printed = run_engine(command, environment(root))
    assert code == 0, printed
    return printed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("preference"))


@pytest.fixture(scope="module")
def tuned(world: World) -> dict[str, TrainingResult]:
    """An adapter of each method, tuned without a disturbance."""
    for method in ("kto", "dpo"):
        run(world.tune(method, world.root / method), world.root)
    return {method: read_adapter(world.root / method) for method in ("kto", "dpo")}


def weights(adapter: Path) -> dict[str, Any]:
    return load_file(adapter / "adapter_model.safetensors")


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_tuning_starts_from_the_adapter_and_moves_away_from_it(
    world: World, tuned: dict[str, TrainingResult], method: str
):
    before, after = weights(world.adapter), weights(tuned[method].path)
    assert before.keys() == after.keys()  # nothing of TRL's frozen reference is published
    assert any((before[name] != after[name]).any() for name in before)
    first = next(row["loss"] for row in read_metrics(tuned[method].path / "metrics.jsonl") if row.get("loss"))
    # at the start nothing differs from the reference: log 2 for a pair, half for a label (1 - sigmoid of nothing)
    assert first == pytest.approx({"dpo": 0.6931, "kto": 0.5}[method], abs=2e-3)


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_the_better_answers_gain_on_the_worse_ones(tuned: dict[str, TrainingResult], method: str):
    result = tuned[method]
    assert result.manifest.preference["rewards_margins"] > 0.05
    assert result.metrics.eval_loss < {"dpo": 0.6931, "kto": 0.5}[method]


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_the_manifest_says_what_was_tuned_with_what(world: World, tuned: dict[str, TrainingResult], method: str):
    start, manifest = read_adapter(world.adapter), tuned[method].manifest
    assert manifest.method == method
    assert manifest.start_from == start.version
    assert manifest.preference_fingerprint == "prefs"
    # evaluated on the test split of the dataset that its adapter comes from
    assert manifest.dataset_fingerprint == start.dataset_fingerprint
    recipe = Recipe.model_validate(manifest.recipe)
    assert manifest.version == adapter_version("prefs", recipe, start.version) != adapter_version("prefs", recipe)


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_killed_and_resumed_it_ends_with_bitwise_the_same_weights(
    world: World, tuned: dict[str, TrainingResult], method: str, tmp_path: Path
):
    output = tmp_path / "killed"
    process = EngineProcess(world.tune(method, output), environment(tmp_path))
    deadline = time.monotonic() + 120
    while not (output / "checkpoints" / "checkpoint-3" / "complete.json").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert "resuming checkpoint-" in run(world.tune(method, output), tmp_path)
    whole, resumed = weights(tuned[method].path), weights(output)
    assert all((whole[name] == resumed[name]).all() for name in whole)


def test_what_does_not_fit_is_said_before_anything_is_trained(world: World, tmp_path: Path):
    from lyo_pipelines.training.engine.tuning_start import fit_to_start_from

    def said(command: list[str]) -> str:
        code, printed = run_engine(command, environment(tmp_path))
        assert code == 1
        return printed

    command = world.tune("dpo", tmp_path / "a")
    del command[-2:]
    assert "name its folder (--start-from)" in said(command)
    recipe = load_recipe("tiny_test", {"method": "dpo"})
    with pytest.raises(UnfitStartError, match="--set base_model="):
        fit_to_start_from(world.adapter, recipe)
    with pytest.raises(RecipeError, match=r"kto needs batch\.size of at least 2"):
        load_recipe("tiny_test", {"method": "kto", "batch": {"size": 1}})


def test_each_prompt_meets_the_answer_of_its_neighbour_in_the_batch(world: World):
    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.preference_data import read_preferences

    rows = read_preferences(world.preferences, "kto", "train", base.load_tokenizer(str(world.base)), 128)
    seen = rows.with_mismatched(lambda made: made)([rows.dataset[at] for at in (0, 1, 2)])
    completions = [row["completion_ids"] for row in seen]
    assert [row["KL_completion_ids"] for row in seen] == [completions[2], completions[0], completions[1]]


@pytest.mark.parametrize("limit", [40, 128])
def test_both_answers_of_a_pair_follow_the_same_prompt(world: World, limit: int):
    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.preference_data import read_preferences

    tokenizer = base.load_tokenizer(str(world.base))
    rows = read_preferences(world.preferences, "dpo", "train", tokenizer, limit)
    for row, length in zip(rows.dataset, rows.lengths, strict=True):
        longest = max(len(row["chosen_ids"]), len(row["rejected_ids"]))
        assert len(row["prompt_ids"]) + longest <= limit
        assert length == 2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])
        assert WORSE in tokenizer.decode(row["rejected_ids"])
    assert bool(rows.cut) == (limit == 40)


def planned(method: str, lengths: list[int], **batch: object) -> TrainingPlan:
    from lyo_pipelines.training.engine.preference_data import plan_preferences

    recipe = load_recipe(
        "owner", {"method": method, "batch": {"size": 2, "accumulation": 2, **batch}, "budget": {"epochs": 1}}
    )
    return plan_preferences(np.array(lengths, np.int64), recipe)


def test_kto_leaves_out_an_answer_that_has_no_other_to_compare_with_and_dpo_learns_from_every_pair():
    sizes = sorted(len(batch) for batch in planned("kto", [10, 11, 5, 9, 8]).micro_batches)
    assert sizes == [2, 2]
    with pytest.raises(DatasetError, match="only one preference"):
        planned("kto", [3])
    assert sorted(len(batch) for batch in planned("dpo", [10, 11, 5, 9, 8]).micro_batches) == [1, 2, 2]
    assert planned("dpo", [3]).micro_batches == ((0,),)
    assert all(len(batch) == 1 for batch in planned("dpo", [4, 5, 6], size=1).micro_batches)


def test_good_and_bad_answers_share_kto_batches_though_good_ones_are_longer():
    rng = np.random.default_rng(3)
    lengths = [*rng.integers(200, 300, 400), *rng.integers(20, 120, 400)]
    labels = [True] * 400 + [False] * 400
    plan = planned("kto", lengths, size=4, group_by_length=True)
    alike = [len({labels[at] for at in batch}) == 1 for batch in plan.micro_batches]
    assert np.mean(alike) < 0.2, "a seventh of shuffled batches of four holds one label, and nearly all of sorted ones"


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_an_adapter_of_a_base_in_4_bits_is_tuned_and_judged_on_it(world: World, tmp_path: Path, method: str):
    from lyo_pipelines.evaluation.planning.assemble import adapter_spec

    start = world.root / "in_4_bits"
    if not (start / "adapter_manifest.json").exists():
        run(world.command(world.root / "dataset", start, method="qlora"), world.root)
    output = tmp_path / method
    run(world.command(world.preferences, output, method=method, start=start, **{"budget.steps": 3}), world.root)
    tuned = read_adapter(output)
    assert tuned.manifest.tuned_in_4_bits
    assert adapter_spec("candidate", output).four_bit
    first = next(row for row in read_metrics(output / "metrics.jsonl") if "loss" in row)
    assert first["loss"] == pytest.approx(0.6931 if method == "dpo" else 0.5, abs=0.01), (
        "it starts as its own reference"
    )
    assert all(part.dtype == np.float32 for part in load_file(output / "adapter_model.safetensors").values())
    assert not adapter_spec("champion", world.adapter).four_bit
