"""Training through the real process: it trains, it stops cleanly, and a killed run ends as one that was never killed."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import yaml

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.training.lock import device_lock
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import is_complete, read_adapter
from lyo_pipelines_tests.engine_process import EngineProcess
from lyo_pipelines_tests.training.tiny import make_dataset, make_model

STEPS = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "llama", "llama")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("dataset"), train=60, validation=12)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, model) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    values = {
        "extends": "tiny_test", "name": "killed", "base_model": str(model),
        "budget": {"epochs": 40, "steps": STEPS}, "optimizer": {"learning_rate": 0.01},
        "validation": {"interval": 5, "patience": 4}, "checkpoints": {"interval": 2, "keep": 2},
        "logging": {"interval": 1, "tracking": "tensorboard"}, "cost": {"per_hour": 36.0}, "speed": {"threads": 1},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(values))
    return path


def command(recipe: Path, dataset: Path, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "lyo_pipelines.training.engine", "--recipe", str(recipe), "--dataset", str(dataset),
        "--output", str(output), "--models", str(output.parent / "models"), *more,
    ]  # fmt: skip


def environment(tmp: Path) -> dict[str, str]:
    return os.environ | {
        "LYO_LOCK_DIR": str(tmp / "locks"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def start(recipe: Path, dataset: Path, output: Path, *more: str) -> EngineProcess:
    return EngineProcess(command(recipe, dataset, output, *more), environment(output.parent))


def finish(process: EngineProcess) -> tuple[int, str]:
    said = process.communicate(timeout=240)[1]
    return process.returncode, said


def wait_for_step(process: EngineProcess, output: Path, step: int) -> None:
    while process.poll() is None:
        if any(
            row.get("step", 0) >= step and row["stage"] == "training" for row in read_metrics(output / "metrics.jsonl")
        ):
            return
        time.sleep(0.004)


def weights(output: Path) -> str:
    return hashlib.sha256((output / "adapter_model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, recipe, dataset) -> tuple[Path, str]:
    output = tmp_path_factory.mktemp("undisturbed") / "adapter"
    code, said = finish(start(recipe, dataset, output))
    assert code == 0, said
    return output, said


def test_a_training_leaves_an_adapter_with_everything_about_it(undisturbed, dataset, recipe):
    output, said = undisturbed
    result = read_adapter(output)
    metrics = result.metrics
    assert result.segment == "tutoring.en.math"
    assert result.dataset_fingerprint == "feed0000"
    assert metrics.eval_loss is not None
    assert metrics.first_eval_loss is not None
    assert metrics.eval_loss < metrics.first_eval_loss, "nothing was learnt"
    assert (metrics.tokens_per_second or 0) > 0
    assert (metrics.peak_memory_bytes or 0) > 10**8
    assert result.manifest.cost.amount == pytest.approx(metrics.seconds / 100, rel=0.02)
    assert len(result.manifest.base_model.sha256) == 64
    assert result.manifest.recipe["lora"]["dropout"] == 0.1
    for name, digest in result.manifest.files.items():
        assert hashlib.sha256((output / name).read_bytes()).hexdigest() == digest
    assert (output / "loss.png").stat().st_size < 30_000
    assert list((output / "tensorboard").glob("events*"))
    assert "tokens/s" in said


def test_the_metrics_tell_stage_steps_and_time_left(undisturbed):
    rows = read_metrics(undisturbed[0] / "metrics.jsonl")
    assert rows[0]["stage"] == "loading"
    assert rows[-1]["stage"] == "done"
    assert [row["stage"] for row in rows].index("validating") > 1
    trained = [row for row in rows if "loss" in row and row["stage"] == "training"]
    assert [row["step"] for row in trained] == list(range(1, trained[-1]["step"] + 1))
    assert {
        "steps",
        "epoch",
        "learning_rate",
        "tokens_per_second",
        "tokens",
        "seconds",
        "eta_seconds",
        "memory_bytes",
    } <= set(trained[3])
    assert all(a["seconds"] <= b["seconds"] for a, b in itertools.pairwise(rows))


def test_the_adapter_loads_with_peft_and_changes_the_model(undisturbed, model):
    import peft
    import torch
    import transformers

    base_model = transformers.AutoModelForCausalLM.from_pretrained(model)
    ids = torch.tensor([[1, 20, 30, 40]])
    before = base_model(ids).logits
    adapted = peft.PeftModel.from_pretrained(base_model, undisturbed[0])
    assert not torch.allclose(before, adapted(ids).logits, atol=1e-3)
    config = json.loads((undisturbed[0] / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model)


def test_killed_twice_and_resumed_it_ends_with_bitwise_the_same_weights(tmp_path, recipe, dataset, undisturbed):
    output = tmp_path / "adapter"
    for step in (7, 23):
        process = start(recipe, dataset, output)
        wait_for_step(process, output, step)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        assert not is_complete(output)
        with pytest.raises(DocumentError, match="it resumes"):
            read_adapter(output)
    broken = sorted((output / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))[-1]
    (broken / "optimizer.pt").write_bytes(b"half")
    code, said = finish(start(recipe, dataset, output))
    assert code == 0, said
    assert f"{broken.name} is skipped" in said
    assert "resuming checkpoint-" in said
    assert weights(output) == weights(undisturbed[0])
    ours, theirs = read_adapter(output).metrics, read_adapter(undisturbed[0]).metrics
    for name in ("eval_loss", "loss", "best_step", "steps", "tokens", "validations"):
        assert getattr(ours, name) == getattr(theirs, name), name
    losses = [[(row["step"], row["loss"]) for row in read_metrics(o / "metrics.jsonl") if row["stage"] == "training" and "loss" in row]
              for o in (output, undisturbed[0])]  # fmt: skip
    assert losses[0] == losses[1], "the log of a resumed run has gaps, duplicates or other numbers"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_makes_a_clean_checkpoint_and_the_same_command_resumes(tmp_path, recipe, dataset, undisturbed, number):
    output = tmp_path / "adapter"
    process = start(recipe, dataset, output)
    wait_for_step(process, output, 11)
    process.send_signal(number)
    code, said = finish(process)
    assert code == 128 + number, said
    last = read_metrics(output / "metrics.jsonl")[-1]
    assert last["step"] < last["steps"], "it trained to its end before it stopped"
    assert "the same command resumes" in said
    code, said = finish(start(recipe, dataset, output))
    assert code == 0, said
    assert "skipped" not in said
    assert weights(output) == weights(undisturbed[0])


def test_what_is_trained_is_not_trained_again_and_another_recipe_is_refused(undisturbed, recipe, dataset, tmp_path):
    output, _ = undisturbed
    before = (output / "adapter_manifest.json").stat().st_mtime_ns
    log = (output / "metrics.jsonl").read_bytes()
    code, said = finish(start(recipe, dataset, output))
    assert (code, "already trained" in said) == (0, True)
    assert (output / "metrics.jsonl").read_bytes() == log
    assert (output / "adapter_manifest.json").stat().st_mtime_ns == before
    code, said = finish(start(recipe, dataset, output, "--set", "seed=99"))
    assert (code, "Choose another --output" in said) == (1, True), "another recipe's adapter passed for this one's"
    half = tmp_path / "half"
    half.mkdir()
    (half / "run.json").write_bytes((output / "run.json").read_bytes())
    code, said = finish(start(recipe, dataset, half, "--set", "seed=99"))
    assert code == 1
    assert "Choose another --output" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "lora.rank=3"], "Did you mean 'lora.r'"),
        (["--set", "base_model=no-such-model"], "neither registered"),
        (["--set", "device=cuda"], "wants a GPU"),
        (["--dataset", "/nonexistent"], "/nonexistent/manifest.json is missing"),
    ],
)
def test_bad_input_is_one_clear_sentence(tmp_path, recipe, dataset, more, said):
    code, heard = finish(start(recipe, dataset, tmp_path / "adapter", *more))
    assert code == 1
    assert said in heard
    assert "Traceback" not in heard
    assert not is_complete(tmp_path / "adapter")


def test_two_trainings_do_not_share_the_device_and_the_one_that_waits_can_be_stopped(
    tmp_path, recipe, dataset, monkeypatch
):
    monkeypatch.setenv("LYO_LOCK_DIR", str(tmp_path / "locks"))
    with device_lock("cpu", "the first training", wait_seconds=0, say=print):
        code, said = finish(start(recipe, dataset, tmp_path / "second", "--wait", "0"))
        assert code == 1, said
        assert f"process {os.getpid()} (the first training" in said
        third = start(recipe, dataset, tmp_path / "third", "--wait", "600")
        third.wait_for_output("waiting for device cpu")
        third.send_signal(signal.SIGTERM)
        code, said = finish(third)
        assert (code, "nothing was trained yet" in said) == (143, True)
