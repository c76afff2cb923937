"""A training whose numbers run away says when and what to change, and is not tried again unchanged."""

from __future__ import annotations

import json
import math

import dagster as dg
import pytest
from safetensors.torch import load_file, save_file

from lyo_pipelines.defs.resources import refuse_repetition
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.checkpoints import mark_complete
from lyo_pipelines.training.divergence import (
    NOTE,
    DivergedError,
    diverged,
    first_divergence,
    note_divergence,
    require_not_diverged,
)
from lyo_pipelines.training.engine.__main__ import main
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import is_complete
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.training.tiny import make_dataset, make_model

TOO_HIGH = {"optimizer.learning_rate": 1e30, "budget.steps": 6, "budget.epochs": 9, "speed.threads": 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    return make_model(root / "model", "llama"), make_dataset(root / "dataset", train=24, validation=4)


def train(world, output, **changes):
    model, dataset = world
    recipe = load_recipe("tiny_test", {"base_model": str(model), **TOO_HIGH, **changes})
    return train_adapter(recipe, dataset, output, output, device="cpu", reporter=Reporter(), stop=StopRequest())


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"validation.interval": 1}, r"at step 1 of 6: its validation loss is NaN"),
        ({"validation.interval": 6}, r"at step 2 of 6: its (loss|gradient's norm) is (NaN|infinite)"),
        (
            {"validation.interval": 6, "logging.interval": 4, "checkpoints.interval": 6},
            r"between step 1 and 4 of 6: its (loss|gradient's norm) is",
        ),
    ],
)
def test_a_learning_rate_far_too_high_ends_the_training_with_the_step_and_a_way_out(world, tmp_path, changes, since):
    with pytest.raises(DivergedError, match=since) as told:
        train(world, tmp_path / "adapter", **changes)
    assert "Lower optimizer.learning_rate (it is 1e+30" in str(told.value)
    assert read_metrics(tmp_path / "adapter/metrics.jsonl")[-1]["stage"] == "diverged"
    assert not is_complete(tmp_path / "adapter")
    last = read_metrics(tmp_path / "adapter/metrics.jsonl")[-1]["step"]
    assert not (tmp_path / f"adapter/checkpoints/checkpoint-{last}").exists(), "nothing unsound is kept to go on from"


def test_weights_that_the_last_step_broke_are_not_published(world, tmp_path):
    sound = {"optimizer.learning_rate": 1e-3, "budget.steps": 1}
    result = train(world, tmp_path / "adapter", **sound)
    (result.path / "adapter_manifest.json").unlink()
    (last,) = (result.path / "checkpoints").glob("checkpoint-1")
    weights = load_file(last / "adapter_model.safetensors")
    weights[sorted(weights)[0]][0, 0] = math.inf
    save_file(weights, last / "adapter_model.safetensors", metadata={"format": "pt"})
    mark_complete(last)
    with pytest.raises(DivergedError, match="at step 1 of 1: its weights are not all numbers"):
        train(world, tmp_path / "adapter", **sound)
    assert not is_complete(tmp_path / "adapter")
    with pytest.raises(DivergedError):
        require_not_diverged(tmp_path / "adapter")


def test_the_same_training_is_refused_at_once_and_dagster_does_not_retry_it(world, tmp_path, capsys):
    model, dataset = world
    output = tmp_path / "adapter"
    with pytest.raises(DivergedError):
        train(world, output)
    begun = capsys.readouterr().err
    assert "24 examples" in begun
    command = ["--recipe", "tiny_test", "--dataset", str(dataset), "--output", str(output), "--models", str(tmp_path)]
    assert (
        main([*command, "--set", f"base_model={model}", *(f"--set={key}={value}" for key, value in TOO_HIGH.items())])
        == 1
    )
    told = capsys.readouterr().err
    assert "diverged at step" in told
    assert f"to try it all the same, remove {output}" in told
    assert "24 examples" not in told, "it did not begin"
    with pytest.raises(dg.Failure, match=r"Lower optimizer\.learning_rate") as failure:
        refuse_repetition(output)
    assert failure.value.allow_retries is False
    refuse_repetition(tmp_path / "another")


def test_a_checkpoint_whose_history_ran_away_is_not_gone_on_from(world, tmp_path):
    sound = {"optimizer.learning_rate": 1e-3, "budget.steps": 2}
    result = train(world, tmp_path / "adapter", **sound)
    (result.path / "adapter_manifest.json").unlink()
    last = result.path / "checkpoints/checkpoint-2"
    state = json.loads((last / "trainer_state.json").read_text())
    state["log_history"].append({"step": 2, "loss": math.nan})
    (last / "trainer_state.json").write_text(json.dumps(state))  # NaN, as the Trainer itself writes it
    mark_complete(last)
    with pytest.raises(DivergedError, match="at step 2 of 2: its loss is NaN"):
        train(world, tmp_path / "adapter", **sound)


def test_the_first_value_that_is_no_number_is_found():
    history = [{"step": 1, "loss": 2.0, "grad_norm": 1.0}, {"step": 2, "eval_loss": 1.9, "rewards": math.nan}]
    assert first_divergence(history) is None
    assert first_divergence([*history, {"step": 3, "loss": 1.0, "grad_norm": math.inf}]) == (
        "gradient's norm",
        math.inf,
        3,
    )


def test_what_to_change_depends_on_what_is_unusual():
    def advice(**changes) -> str:
        return diverged(load_recipe("owner", changes), "loss", math.nan, step=9, steps=10, before=8).hint

    assert (
        advice(**{"optimizer.learning_rate": 3.0})
        == "Lower optimizer.learning_rate (it is 3; usual is 2e-4), and train again."
    )
    assert "max_grad_norm=1" in advice(**{"optimizer.max_grad_norm": 0})
    assert "warmup" in advice(**{"optimizer.learning_rate": 2e-4})
    assert "dtype=float32" in advice(dtype="bfloat16")
    assert "usual is 2e-5" in advice(method="kto")


def test_a_torn_note_is_no_reason_to_refuse(tmp_path):
    note_divergence(tmp_path, DivergedError("it diverged.", hint="Less."))
    with pytest.raises(DivergedError, match=r"it diverged\. Less\. It would do so again"):
        require_not_diverged(tmp_path)
    (tmp_path / NOTE).write_text('{"mess')
    require_not_diverged(tmp_path)
