"""TRL's real GRPO trainer on a tiny model that answers sums: it learns, resumes, and is stopped by its guards."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from lyo_pipelines.evaluation.report.markdown_reinforcement import reinforcement_part
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import TrainingResult, read_adapter
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe
from lyo_pipelines_tests.engine_process import EngineProcess, run_engine
from lyo_pipelines_tests.reinforcement.sums import SumWorld, ratings, sums


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SumWorld:
    return SumWorld(tmp_path_factory.mktemp("reinforcement"))


@pytest.fixture(scope="module")
def rated(world: SumWorld) -> Path:
    return ratings(world.root / "ratings")


@pytest.fixture(scope="module")
def trained(world: SumWorld) -> TrainingResult:
    world.run(world.reinforce(world.root / "trained"))
    return read_adapter(world.root / "trained")


def test_it_starts_from_the_adapter_and_learns_what_is_rewarded(world: SumWorld, trained: TrainingResult) -> None:
    before, after = (load_file(path / "adapter_model.safetensors") for path in (world.adapter, trained.path))
    assert before.keys() == after.keys(), "nothing of TRL's frozen reference is published"
    assert any((before[name] != after[name]).any() for name in before)
    record = trained.manifest.reinforcement
    assert record is not None
    assert (record.questions, record.checkable, record.validation, record.rewards) == (
        48,
        48,
        12,
        {"right_answer": 1.0},
    )
    reward, *judges = record.held
    assert reward.rewarded and {judge.name for judge in judges} == {"like_the_reference", "stated_in_words"}
    assert record.kl > 0
    assert trained.manifest.dataset_fingerprint == "5fde" and trained.manifest.preference_fingerprint is None
    assert trained.manifest.start_from == read_adapter(world.adapter).version
    text = reinforcement_part(record)
    assert "| reward | yes | 12 |" in text and "| stated in words | no: a judge | 12 |" in text


def test_metrics_hold_the_start_every_step_and_every_validation(trained: TrainingResult) -> None:
    rows = read_metrics(trained.path / "metrics.jsonl")
    validations = {row["step"]: row for row in rows if "eval_loss" in row}
    assert set(validations) == {0, 3, 6}
    assert validations[0]["kl"] == 0 and validations[0]["reward_change"] == 0
    assert {"judge_stated_in_words_low", "length_start", "unfinished"} <= set(validations[6])
    steps = [row for row in rows if row["stage"] == "training" and "loss" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4, 5, 6]
    assert all(0 <= row["reward"] <= 1 and row["answer_tokens"] > 0 for row in steps)


def test_killed_and_resumed_it_ends_with_bitwise_the_same_weights(
    world: SumWorld, trained: TrainingResult, tmp_path: Path
) -> None:
    output = tmp_path / "killed"
    process = EngineProcess(world.reinforce(output), world.environment())
    deadline = time.monotonic() + 240
    while not (output / "checkpoints" / "checkpoint-2" / "complete.json").exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert "resuming checkpoint-" in world.run(world.reinforce(output))
    whole, resumed = (load_file(path / "adapter_model.safetensors") for path in (trained.path, output))
    assert all((whole[name] == resumed[name]).all() for name in whole)


def test_predicted_ratings_that_reward_length_are_caught_by_the_guard(
    world: SumWorld, rated: Path, tmp_path: Path
) -> None:
    """Long answers are rated well here, so that the reward is to write more; the guard ends it and keeps what was before."""
    rewarded = {"reinforcement.rewards": "{predicted_rating: 1.0}", "reinforcement.max_length_ratio": 1.2}
    strong = {
        "optimizer.learning_rate": 0.02,
        "reinforcement.beta": 0.001,
        "budget.steps": 30,
        "validation.interval": 1,
    }
    output = tmp_path / "longer"
    code, printed = run_engine(
        world.reinforce(output, "--ratings", str(rated), **rewarded, **strong, **{"validation.patience": 30}),
        world.environment(),
    )
    assert "stopped by its guards at step" in printed and "reinforcement.max_length_ratio" in printed
    if code == 0:
        record = read_adapter(output).manifest.reinforcement
        assert record is not None and "tokens" in record.stopped and record.ratings.used
        assert record.length <= 1.2 * record.length_start, "what is kept is from before"
        assert read_adapter(output).manifest.preference_fingerprint == "4a7e"
    else:
        assert "nothing is published" in printed


def test_going_too_far_from_the_start_ends_it_and_again_when_it_is_resumed(world: SumWorld, tmp_path: Path) -> None:
    far = {"reinforcement.max_kl": 1e-9, "validation.interval": 6}
    for _ in range(2):
        code, printed = run_engine(world.reinforce(tmp_path / "far", **far), world.environment())
        assert code == 1
        assert "stopped by its guards at step 6" in printed and "nats per token away from its start" in printed
        assert not (tmp_path / "far" / "adapter_manifest.json").exists()


def test_what_does_not_fit_is_said_before_anything_is_trained(world: SumWorld, tmp_path: Path) -> None:
    def said(command: list[str]) -> str:
        code, printed = run_engine(command, world.environment())
        assert code == 1
        return " ".join(printed.split())

    in_words = sums(tmp_path / "words", checkable=False)
    told = said(world.reinforce(tmp_path / "a", dataset=in_words))
    assert "0 questions of the train split can be rewarded, and 40 are needed" in told
    assert "0 have a result that can be checked, and ratings are not predicted" in told
    assert not (tmp_path / "a").exists()
    command = [
        part if part != "lyo_pipelines.reinforcement" else "lyo_pipelines.training.engine"
        for part in world.reinforce(tmp_path / "b")
    ]
    assert "start it with python -m lyo_pipelines.reinforcement" in said(command)
    with pytest.raises(RecipeError, match="are not whole groups of 4 to one question"):
        load_recipe("tiny_test", {"method": "grpo", "batch": {"size": 3, "accumulation": 1}})
