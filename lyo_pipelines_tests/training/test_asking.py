"""A training that asks stops at the very line that is answered with no, and each example's loss is the validation's."""

from __future__ import annotations

import io
import sys

import pytest

from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import Interrupted, StopRequest
from lyo_pipelines.training.checkpoints import checkpoint_fault
from lyo_pipelines.training.engine.asking import AskingReporter
from lyo_pipelines.training.engine.example_losses import measure_adapter
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.training.tiny import make_dataset, make_model


def train(tmp_path, answers: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    asked = io.StringIO()
    monkeypatch.setattr(sys, "stdout", asked)
    stop = StopRequest()
    recipe = load_recipe(
        "tiny_test", {"base_model": str(tmp_path / "model"), "speed.threads": 1, "checkpoints.interval": None}
    )
    return train_adapter(
        recipe, tmp_path / "dataset", tmp_path / "adapter", tmp_path / "models", device="cpu",
        reporter=AskingReporter(Reporter(), stop), stop=stop,
    )  # fmt: skip


@pytest.fixture
def made(tmp_path):
    make_model(tmp_path / "model", "llama")
    make_dataset(tmp_path / "dataset")
    return tmp_path


def test_a_no_at_a_validation_leaves_its_checkpoint_and_not_a_step_more(made, monkeypatch):
    # step 1, step 2, validation at 2, step 3, step 4, validation at 4: no
    with pytest.raises(Interrupted):
        train(made, "go\n" * 5 + "stop\n", monkeypatch)
    rows = read_metrics(made / "adapter/metrics.jsonl")
    assert [row["step"] for row in rows if "eval_loss" in row] == [2, 4]
    assert max(row["step"] for row in rows) == 4
    assert checkpoint_fault(made / "adapter/checkpoints/checkpoint-4") is None
    assert not (made / "adapter/checkpoints/checkpoint-5").exists()


def test_one_that_may_go_on_ends_and_its_examples_add_up_to_its_validation_loss(made, monkeypatch):
    result = train(made, "go\n" * 100, monkeypatch)
    sums, tokens = measure_adapter(result.path, made / "dataset", made / "models", "cpu", StopRequest())
    assert len(sums) == 10
    assert sums.sum() / tokens.sum() == pytest.approx(result.metrics.eval_loss, rel=1e-5)
