"""The engine inside one process: every architecture trains, early stopping and orphans are noticed, Dagster is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.defs.adapter_page import adapter_metadata
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.training.checkpoints import checkpoint_fault, mark_complete
from lyo_pipelines.training.engine import embedded
from lyo_pipelines.training.engine.base import resolve
from lyo_pipelines.training.engine.embedded import LABEL_FILE, embedded_model
from lyo_pipelines.training.engine.finish import DamagedCheckpointError
from lyo_pipelines.training.engine.progress import out_of_patience, validation_steps
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import is_complete, read_adapter
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.training.tiny import make_dataset, make_model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("dataset"), turns=2)


def run(tmp_path, dataset, model, stop=None, reporter=None, **overrides):
    recipe = load_recipe("tiny_test", {"base_model": str(model), "speed.threads": 1, **overrides})
    return train_adapter(
        recipe,
        dataset,
        tmp_path / "adapter",
        tmp_path / "models",
        device="cpu",
        reporter=reporter or Reporter(),
        stop=stop or StopRequest(),
    )


@pytest.mark.parametrize("family", ["llama", "mistral", "gemma2", "gpt2", "t5"])
def test_every_architecture_learns_through_the_real_path(tmp_path, dataset, family):
    model = make_model(tmp_path / family, family)
    result = run(
        tmp_path,
        dataset,
        model,
        **{"budget.steps": 24, "budget.epochs": 20, "validation.interval": 4, "optimizer.learning_rate": 0.01},
    )
    assert result.metrics.eval_loss < result.metrics.first_eval_loss
    assert result.metrics.best_step in {4, 8, 12, 16, 20, 24}


@pytest.mark.parametrize(
    "overrides",
    [
        {"batch.padding_free": True},
        {
            "speed.fused_lora": False,
            "speed.loss_positions_only": False,
            "speed.attention": "eager",
            "batch.group_by_length": False,
        },
        {"dtype": "bfloat16"},
        {"speed.gradient_checkpointing": True},
        {"optimizer.schedule": "cosine", "validation.max_examples": 3},
    ],
)
def test_every_setting_of_speed_trains(tmp_path, dataset, overrides):
    model = make_model(tmp_path / "llama", "llama")
    assert run(tmp_path, dataset, model, **overrides).metrics.steps == 6


def test_a_training_that_gets_no_better_stops_early_and_keeps_its_best(tmp_path, dataset):
    model = make_model(tmp_path / "llama", "llama")
    result = run(
        tmp_path, dataset, model,
        **{"budget.steps": 60, "budget.epochs": 60, "validation.interval": 2},
        **{"validation.patience": 2, "optimizer.learning_rate": 3.0},
    )  # fmt: skip
    assert result.manifest.stopped_early
    assert result.metrics.steps == result.metrics.best_step + 4
    assert result.metrics.eval_loss == min(
        row["eval_loss"] for row in read_metrics(tmp_path / "adapter/metrics.jsonl") if "eval_loss" in row
    )


def test_a_run_killed_before_its_manifest_only_publishes(tmp_path, dataset):
    model = make_model(tmp_path / "llama", "llama")
    first = run(tmp_path, dataset, model)
    weights = (first.path / "adapter_model.safetensors").read_bytes()
    for name in ("adapter_manifest.json", "adapter_model.safetensors", "loss.png"):
        (first.path / name).unlink()
    again = run(tmp_path, dataset, model)
    assert (again.path / "adapter_model.safetensors").read_bytes() == weights
    assert again.metrics.eval_loss == first.metrics.eval_loss


def test_a_dataset_without_validation_rows_trains_to_its_end(tmp_path):
    dataset = make_dataset(tmp_path / "dataset", validation=0)
    result = run(tmp_path, dataset, make_model(tmp_path / "llama", "llama"))
    assert result.metrics.eval_loss is None
    assert result.metrics.steps == result.metrics.best_step == 6


def test_training_does_not_need_the_test_split_to_exist(tmp_path, dataset):
    copy = tmp_path / "dataset"
    shutil.copytree(dataset, copy)
    (copy / "test.parquet").unlink()
    run(tmp_path, copy, make_model(tmp_path / "llama", "llama"))
    assert is_complete(tmp_path / "adapter")


class Pipes:
    """What Dagster's side of a pipe receives."""

    def __init__(self):
        self.log, self.lines, self.reported = self, [], []

    def info(self, text):
        self.lines.append(text)

    def report_asset_materialization(self, **values):
        self.reported.append(values)


def test_dagster_gets_few_lines_and_one_materialization(tmp_path, dataset):
    pipes = Pipes()
    result = run(
        tmp_path,
        dataset,
        make_model(tmp_path / "llama", "llama"),
        reporter=Reporter(pipes=pipes),
        **{"budget.steps": 20, "budget.epochs": 9},
    )
    assert len(pipes.lines) <= 4, "each line is a database row"
    Reporter(pipes=pipes).materialize({"version": {"raw_value": result.version, "type": "text"}}, result.version)
    (reported,) = pipes.reported
    assert reported["data_version"] == result.version
    with dg.DagsterInstance.ephemeral() as instance:
        shown = adapter_metadata(instance, read_adapter(result.path))
    assert list(shown)[:2] == ["loss_curve", "result"], "what people look for stands first"
    assert str(shown["loss_curve"].value).startswith("![training and validation loss](data:image/png;base64,")
    assert f"{result.metrics.eval_loss:.3f} at step" in shown["result"]
    assert shown["took"].endswith("s") and shown["peak_memory"].endswith("iB")


def test_an_engine_whose_parent_died_is_asked_to_stop(tmp_path):
    child = (
        "import sys, time\nfrom lyo_pipelines.external_process.stopping import StopRequest\n"
        "stop = StopRequest(); stop.watch_parent(0.05); print('watching', flush=True)\n"
        "deadline = time.monotonic() + 120\n"
        "while not stop.reason and time.monotonic() < deadline: time.sleep(0.02)\n"
        f"open({str(tmp_path / 'half')!r}, 'w').write(stop.reason or 'never noticed')\n"
        f"__import__('os').replace({str(tmp_path / 'half')!r}, {str(tmp_path / 'reason')!r})\n"
    )
    parent = (
        "import subprocess, sys, os\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE, text=True)\n"
        "p.stdout.readline(); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", parent], check=False)
    deadline = time.monotonic() + 180
    while not (tmp_path / "reason").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "parent process" in (tmp_path / "reason").read_text()


@given(st.lists(st.floats(0, 5), max_size=12), st.integers(1, 4))
def test_patience_counts_validations_since_the_best(losses, patience):
    expected = False
    if losses:
        best = min(range(len(losses)), key=lambda i: losses[i])
        expected = len(losses) - 1 - best >= patience
    assert out_of_patience(losses, patience, 0.0) == expected
    assert not out_of_patience(losses, None, 0.0)


def test_validation_always_includes_the_last_step():
    recipe = load_recipe("tiny_test", {"validation.interval": 4})
    five = [20] * 5
    assert validation_steps(recipe, 10, five, 1000) == {4, 8, 10}
    assert validation_steps(recipe, 10, [], 1000) == set()
    owner = load_recipe("owner")
    assert validation_steps(owner, 80, five, 100_000) == set(range(10, 81, 10)), "about eight times"
    assert validation_steps(owner, 80, five, 600) == {22, 44, 66, 80}, "for a fifth of what training costs"
    assert validation_steps(owner, 10, five, 50) == {10}, "at least at the end"


def test_a_conversion_that_lacks_its_weights_is_made_anew_and_a_whole_one_is_kept(tmp_path, monkeypatch):
    made = []

    def convert(gguf, folder):
        made.append(gguf.name)
        for name in (LABEL_FILE, "config.json", "model.safetensors"):
            (folder / name).write_text("{}")

    monkeypatch.setattr(embedded, "_convert", convert)
    (tmp_path / "smollm2-135m-instruct").mkdir()
    (tmp_path / "smollm2-135m-instruct" / LABEL_FILE).write_text("{}")
    folder = embedded_model(tmp_path)
    assert embedded_model(tmp_path) == folder
    assert (len(made), (folder / "model.safetensors").is_file()) == (1, True)


@pytest.mark.slow
def test_the_embedded_model_is_converted_once_and_answers(tmp_path):
    import torch

    from lyo_pipelines.training.engine.base import load_model, load_tokenizer
    from lyo_pipelines.training.engine.chat import prompt_text

    pytest.importorskip("gguf")
    folder = embedded_model(tmp_path)
    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    assert embedded_model(tmp_path) == folder
    assert resolve("HuggingFaceTB/SmolLM2-135M-Instruct", tmp_path) == str(folder)
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    assert "dequantised 4-bit" in (folder / LABEL_FILE).read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".tmp")] == []
    tokenizer, model = load_tokenizer(str(folder)), load_model(str(folder), dtype=torch.float32)
    prompt = prompt_text([{"role": "user", "content": "What is the derivative of x^2?"}], tokenizer)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    answer = tokenizer.decode(model.generate(**ids, max_new_tokens=12, do_sample=False)[0, ids["input_ids"].shape[1] :])
    shutil.rmtree(folder)  # half a gigabyte
    assert answer.startswith("The derivative of x^2 is")


def test_a_stop_in_a_validation_keeps_that_step_and_validates_it_when_resumed(tmp_path, dataset):
    model = make_model(tmp_path / "llama", "llama")
    changes = {"budget.steps": 8, "budget.epochs": 9, "validation.interval": 4, "checkpoints.interval": None}
    whole = run(tmp_path / "whole", dataset, model, **changes)
    stop = StopRequest()

    class Stopping(Reporter):
        def tell(self, text):
            if text.startswith("step 4 of 8: loss"):
                stop.reason = "SIGTERM"  # arrives after the step and before its validation

    with pytest.raises(Interrupted):
        run(tmp_path / "stopped", dataset, model, stop=stop, reporter=Stopping(), **changes)
    assert checkpoint_fault(tmp_path / "stopped/adapter/checkpoints/checkpoint-4") is None
    assert read_metrics(tmp_path / "stopped/adapter/metrics.jsonl")[-1]["stage"] == "interrupted"
    again = run(tmp_path / "stopped", dataset, model, **changes)
    assert again.manifest.files["adapter_model.safetensors"] == whole.manifest.files["adapter_model.safetensors"]
    assert again.metrics.validations == whole.metrics.validations == 2


def test_a_damaged_best_checkpoint_is_never_published(tmp_path, dataset):
    model = make_model(tmp_path / "llama", "llama")
    result = run(tmp_path, dataset, model)
    (result.path / "adapter_manifest.json").unlink()
    best, last = (result.path / "checkpoints" / f"checkpoint-{step}" for step in (5, 6))
    state = json.loads((last / "trainer_state.json").read_text())
    (last / "trainer_state.json").write_text(json.dumps(state | {"best_global_step": 5}))
    mark_complete(last)
    (best / "adapter_model.safetensors").write_bytes(b"half")
    with pytest.raises(DamagedCheckpointError, match="train again"):
        run(tmp_path, dataset, model)
