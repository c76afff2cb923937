"""Each architecture and method goes the whole way with a small random model: trained, killed, resumed, evaluated, merged."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.evaluation.engine.encoding import encode_items
from lyo_pipelines.evaluation.engine.evaluate import evaluate
from lyo_pipelines.evaluation.engine.generate import likelihood
from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.planning.assemble import adapter_spec, gather_inputs
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.merge import MergeError, merge_adapter
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import TrainingResult, is_complete
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.engine_process import EngineProcess
from lyo_pipelines_tests.training.real_templates import REAL, real_model
from lyo_pipelines_tests.training.tiny import make_dataset

torch = pytest.importorskip("torch")

NAMES = {real.family: name for name, real in REAL.items() if name != "HuggingFaceTB/SmolLM2-135M-Instruct"}
WAYS = [
    ("gemma2", "lora"),
    ("mistral", "lora"),
    ("llama", "lora"),
    ("gpt2", "lora"),
    ("t5", "lora"),
    ("llama", "qlora"),
    ("gemma2", "qlora"),
    ("llama", "full"),
    ("t5", "full"),
]
STEPS = 24
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Way:
    """One architecture trained by one method, from beginning to end without a disturbance."""

    method: str
    model: Path
    recipe: Path
    dataset: Path
    result: TrainingResult


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("dataset"), train=24, validation=6, test=6, turns=2)


@pytest.fixture(scope="module", params=WAYS, ids=[f"{family}-{method}" for family, method in WAYS])
def way(request, tmp_path_factory, dataset) -> Way:
    family, method = request.param
    folder = tmp_path_factory.mktemp(f"{family}-{method}")
    model = real_model(folder / family, NAMES[family])
    recipe = folder / "recipe.yaml"
    values = {
        "extends": "tiny_test", "name": method, "method": method, "base_model": str(model),
        "budget": {"epochs": 99, "steps": STEPS}, "optimizer": {"learning_rate": 0.003 if method == "full" else 0.02},
        "batch": {"max_length": 96}, "validation": {"interval": 8}, "checkpoints": {"interval": 4}, "speed": {"threads": 1},
    }  # fmt: skip
    recipe.write_text(yaml.safe_dump(values))
    return Way(method, model, recipe, dataset, run(recipe, dataset, folder / "adapter"))


def run(recipe: Path, dataset: Path, output: Path) -> TrainingResult:
    return train_adapter(
        load_recipe(recipe),
        dataset,
        output,
        output.parent / "models",
        device="cpu",
        reporter=Reporter(),
        stop=StopRequest(),
    )


def weights(result: TrainingResult) -> dict[str, str]:
    return {name: digest for name, digest in result.manifest.files.items() if name.endswith(".safetensors")}


def test_it_learns_and_says_what_it_is(way):
    result = way.result
    assert result.metrics.eval_loss < result.metrics.first_eval_loss
    assert result.manifest.method == way.method
    kinds = {name.partition(".")[0].partition("-")[0] for name in weights(result)}
    assert kinds == {"model"} if way.method == "full" else {"adapter_model"}


def test_killed_and_resumed_it_ends_with_bitwise_the_same_weights(way, tmp_path):
    output = tmp_path / "adapter"
    command = [
        sys.executable, "-m", "lyo_pipelines.training.engine", "--recipe", str(way.recipe), "--dataset", str(way.dataset),
        "--output", str(output), "--models", str(tmp_path / "models"),
    ]  # fmt: skip
    process = EngineProcess(command, os.environ | {"LYO_LOCK_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"})
    while process.poll() is None and not any(
        row.get("step", 0) >= 9 and row["stage"] == "training" for row in read_metrics(output / "metrics.jsonl")
    ):
        time.sleep(0.004)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not is_complete(output)
    resumed = run(way.recipe, way.dataset, output)
    assert weights(resumed) == weights(way.result)
    for name in ("eval_loss", "loss", "best_step", "steps", "tokens", "validations"):
        assert getattr(resumed.metrics, name) == getattr(way.result.metrics, name), name


def test_it_is_evaluated_against_its_base(way, tmp_path):
    config = load_config().evaluation.model_copy(
        update={
            "max_items": 6, "max_new_tokens": 8, "generation_batch": 4, "loss_batch": 4, "latency_items": 1,
            "latency_new_tokens": 3, "dtype": "float32", "device": "cpu", "resamples": 200, "minimum_groups": 2,
            "max_length": 96, "metrics": ("loss", "chrf"),
        }
    )  # fmt: skip
    inputs = gather_inputs(way.dataset, way.result.path, None, config, curation=load_config().curation)
    report = evaluate(
        inputs, tmp_path / "report", tmp_path / "models", tmp_path / "cache", lambda _: None, clock=lambda: NOW
    )
    loss = {role: report.metric(role, "loss") for role in ("base", "candidate")}
    assert loss["candidate"] < loss["base"], "what was learnt must show on items of the same kind"
    assert report.models["candidate"]["answer_tokens"].n == 6
    assert report.timings["candidate"].probes == 1
    assert loss["candidate"] == pytest.approx(way.result.metrics.eval_loss, rel=0.25)


def test_the_validation_loss_of_training_is_what_evaluation_measures(way, tmp_path):
    rows = pq.ParquetFile(way.dataset / "validation.parquet").read().to_pylist()
    items = [
        Item(
            row["example_id"],
            row["group_id"],
            tuple((turn["role"], turn["content"]) for turn in row["messages"][:-1]),
            row["messages"][-1]["content"],
            "en",
        )
        for row in rows
    ]
    host = ModelHost(tmp_path, device="cpu", dtype="float32", attention=None)
    with host.using(adapter_spec("candidate", way.result.path)) as (model, tokenizer):
        found = likelihood(model, tokenizer, encode_items(tokenizer, items, max_length=96))
        four_bit = any("4bit" in type(module).__name__ for module in model.modules())
    assert four_bit == (way.method == "qlora"), "an adapter is judged on the base that it was trained on"
    loss = sum(found["nll_sums"]) / sum(found["nll_tokens"])
    assert loss == pytest.approx(way.result.metrics.eval_loss, rel=1e-3)


def test_merged_it_answers_as_the_adapter_does(way, tmp_path):
    import peft
    import transformers

    folder = merge_adapter(way.result, tmp_path / "merged", tmp_path / "models")
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    merged = kind.from_pretrained(folder).eval()
    assert not any("lora" in name for name, _ in merged.named_parameters())
    tokenizer = base.load_tokenizer(str(folder))
    assert tokenizer.chat_template == base.load_tokenizer(str(way.model)).chat_template
    if way.method == "full":
        expected = kind.from_pretrained(way.result.path).eval()
    else:
        four_bit_on = "cpu" if way.method == "qlora" else None
        under = base.load_model(str(way.model), dtype=torch.float32, four_bit_on=four_bit_on)
        expected = peft.PeftModel.from_pretrained(under, str(way.result.path)).eval()
    ids = torch.tensor([[5, 20, 30, 40, 21]])
    inputs = {"input_ids": ids} | ({"decoder_input_ids": ids[:, :3]} if config.is_encoder_decoder else {})
    with torch.no_grad():
        ours, theirs = merged(**inputs).logits, expected(**inputs).logits
        plain = kind.from_pretrained(way.model).eval()(**inputs).logits
    assert torch.allclose(ours, theirs, atol=1e-3, rtol=1e-4)  # logits go up to 14
    assert not torch.allclose(ours, plain, atol=1e-2)
    label = json.loads((folder / base.LABEL_FILE).read_text())
    assert label["adapter"]["version"] == way.result.version
    assert "licence" in label
    assert way.result.version in (folder / "README.md").read_text()
    with pytest.raises(MergeError, match="exists already"):
        merge_adapter(way.result, folder, tmp_path / "models")


def test_plain_text_is_trained_and_evaluated_by_its_loss_alone(tmp_path):
    dataset = make_dataset(tmp_path / "dataset", train=24, validation=6, test=6, plain=True)
    model = real_model(tmp_path / "gpt2", NAMES["gpt2"])
    recipe = load_recipe(
        "tiny_test",
        {
            "base_model": str(model),
            "budget": {"epochs": 99, "steps": 16},
            "optimizer.learning_rate": 0.02,
            "speed.threads": 1,
        },
    )
    result = train_adapter(
        recipe, dataset, tmp_path / "adapter", tmp_path, device="cpu", reporter=Reporter(), stop=StopRequest()
    )
    assert result.metrics.eval_loss < result.metrics.first_eval_loss
    config = load_config().evaluation.model_copy(
        update={"dtype": "float32", "device": "cpu", "resamples": 200, "minimum_groups": 2, "metrics": ("loss", "chrf")}
    )
    report = evaluate(
        gather_inputs(dataset, result.path, None, config, curation=load_config().curation),
        tmp_path / "report",
        tmp_path,
        tmp_path / "c",
        lambda _: None,
        clock=lambda: NOW,
    )
    candidate = report.models["candidate"]
    assert candidate["loss"].value < report.models["base"]["loss"].value
    assert report.metric("candidate", "chrf") is None, "nothing was asked, so nothing was written"
    assert report.timings["candidate"].probes == 0
