"""Probes: what is stored tells the adapter from its base, and the judgement refuses what is not the adapter."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.run import train_adapter
from lyo_pipelines.training.probes import (
    TOLERANCE,
    NextToken,
    NotReproducedError,
    Probe,
    ProbeSet,
    distances,
    judge,
    read_probes,
    tolerance_between,
)
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines_tests.training.tiny import make_dataset, make_model


def made(gap: float, *, count: int = 3, quantisation="float32", seed: int = 0) -> ProbeSet:
    """Probes whose adapter and base differ by `gap` nats at each token."""
    rng = np.random.default_rng(seed)
    probes = []
    for number in range(count):
        base_values = -rng.exponential(3, 24)
        signs = rng.choice([-1.0, 1.0], 24)
        probes.append(
            Probe(
                tokens=(1, 2, 3 + number),
                next=tuple(
                    NextToken(id=at, text=f"t{at}", adapter=float(value + gap * sign), base=float(value))
                    for at, (value, sign) in enumerate(zip(base_values, signs, strict=True))
                ),
            )
        )
    return ProbeSet(quantisation=quantisation, probes=tuple(probes))


def told(probes: ProbeSet, side: str, *, noise: float = 0.0, key: str = "id", seed: int = 1) -> list[dict]:
    """What an engine would measure that answers as `side`, each value off by `noise` on the average."""
    rng = np.random.default_rng(seed)
    return [
        {getattr(one, key): getattr(one, side) + rng.normal(0, noise / math.sqrt(2 / math.pi)) for one in probe.next}
        for probe in probes.probes
    ]


@given(
    gap=st.floats(0.05, 3),
    key=st.sampled_from(["id", "text"]),
    quantisation=st.sampled_from(sorted(TOLERANCE)),
    seed=st.integers(0, 99),
)
def test_an_engine_that_answers_as_the_adapter_passes_and_one_that_answers_as_the_base_does_not(
    gap, key, quantisation, seed
):
    probes = made(gap, quantisation=quantisation, seed=seed)
    noise = TOLERANCE[quantisation] / 4
    found = judge(probes, told(probes, "adapter", noise=noise, key=key, seed=seed), quantisation)
    assert found.to_adapter < found.tolerance
    if gap > TOLERANCE[quantisation]:
        assert not found.faint
        with pytest.raises(NotReproducedError):
            judge(probes, told(probes, "base", noise=noise, key=key, seed=seed), quantisation)


def test_an_adapter_within_the_tolerance_of_its_base_passes_as_either_and_is_called_faint():
    probes = made(0.004)
    for side in ("adapter", "base"):
        assert judge(probes, told(probes, side), "float32").faint
    assert not judge(made(0.02), told(made(0.02), "adapter"), "float32").faint


def test_between_half_the_tolerance_and_the_whole_of_it_the_nearer_one_is_who_answers():
    probes = made(0.2, quantisation="4-bit")
    judge(probes, told(probes, "adapter", noise=0.05), "4-bit")
    with pytest.raises(NotReproducedError, match="the base answers"):
        judge(probes, told(probes, "base", noise=0.05), "4-bit")


def test_the_coarser_measurement_sets_the_tolerance_and_a_caller_who_knows_better_may_narrow_it():
    assert tolerance_between("float32", "4-bit") == tolerance_between("4-bit", "float32") == TOLERANCE["4-bit"]
    probes = made(1.0)
    noisy = told(probes, "adapter", noise=0.08)
    with pytest.raises(NotReproducedError, match="not applied as it was trained"):
        judge(probes, noisy, "float32")
    assert judge(probes, noisy, "8-bit").tolerance == TOLERANCE["8-bit"]
    with pytest.raises(NotReproducedError):
        judge(probes, noisy, "8-bit", tolerance=0.05)


def test_another_adapter_is_neither_the_adapter_nor_the_base():
    probes = made(1.0)
    with pytest.raises(NotReproducedError):
        judge(probes, told(made(1.0, seed=9), "adapter"), "4-bit")


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_a_measurement_that_is_no_number_is_refused(bad):
    probes = made(1.0)
    measured = told(probes, "adapter")
    measured[1][0] = bad
    with pytest.raises(NotReproducedError, match="probe 2"):
        judge(probes, measured, "4-bit")


def test_too_few_tokens_in_common_and_answers_left_out_are_refused():
    probes = made(1.0)
    measured = told(probes, "adapter")
    with pytest.raises(NotReproducedError, match="2 answers to 3 probes"):
        judge(probes, measured[:2], "4-bit")
    few = [dict(list(one.items())[:9]) for one in measured]
    with pytest.raises(NotReproducedError, match="9 of its 24"):
        judge(probes, few, "4-bit")


def test_a_text_that_two_tokens_share_is_compared_with_neither():
    probe = made(1.0, count=1).probes[0]
    broken = tuple(one.model_copy(update={"text": "\ufffd"}) if one.id < 2 else one for one in probe.next)
    probes = ProbeSet(quantisation="float32", probes=(probe.model_copy(update={"next": broken}),))
    measured = told(probes, "adapter", key="text")
    assert measured[0]["\ufffd"] != probe.next[0].adapter
    assert judge(probes, measured, "float32").to_adapter == pytest.approx(0, abs=1e-9)


def test_the_noise_of_an_engine_is_what_its_base_is_off():
    probes = made(1.0)
    assert distances(probes, told(probes, "base", noise=0.05)).to_base == pytest.approx(0.05, rel=0.4)


@pytest.fixture(scope="module", params=["llama", "t5"])
def trained(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param)
    model = make_model(root / request.param, request.param)
    settings = {"budget.steps": 12, "budget.epochs": 9, "optimizer.learning_rate": 0.02, "validation.interval": 4}
    recipe = load_recipe("tiny_test", {"base_model": str(model), "speed.threads": 1, **settings})
    dataset = make_dataset(root / "dataset")
    arguments = (recipe, dataset, root / "adapter", root / "models")
    more = {"device": "cpu", "reporter": Reporter(), "stop": StopRequest()}
    return model, train_adapter(*arguments, **more), lambda: train_adapter(*arguments, **more)


def measured_by_peft(folder, model_dir, probes, *, adapter: bool):
    """The probes by transformers and peft alone, loaded from the disk."""
    import peft
    import torch

    model = peft.PeftModel.from_pretrained(base.load_model(str(model_dir), dtype=torch.float32), str(folder)).eval()
    found = []
    with torch.inference_mode(), torch.inference_mode() if adapter else model.disable_adapter():
        for probe in probes.probes:
            ids = torch.tensor([probe.tokens])
            asked = (
                {"input_ids": torch.tensor([probe.encoder_tokens]), "decoder_input_ids": ids}
                if probe.encoder_tokens
                else {"input_ids": ids}
            )
            values = torch.log_softmax(model(**asked).logits[0, -1].float(), -1)
            found.append(dict(enumerate(values.tolist())))
    return found


def test_training_stores_what_the_published_adapter_and_its_base_answer(trained):
    model, result, _ = trained
    probes = read_probes(result.path)
    assert "probes.json" in result.manifest.files
    assert (probes.quantisation, len(probes.probes)) == ("float32", 6)
    found = judge(probes, measured_by_peft(result.path, model, probes, adapter=True), "float32")
    assert found.to_adapter < 1e-4
    assert found.gap > 0.1, "places where the two differ were chosen"
    with pytest.raises(NotReproducedError):
        judge(probes, measured_by_peft(result.path, model, probes, adapter=False), "float32")


def test_a_training_that_only_publishes_again_writes_the_same_probes(trained):
    _, result, again = trained
    before = (result.path / "probes.json").read_bytes()
    for name in ("adapter_manifest.json", "probes.json"):
        (result.path / name).unlink()
    again()
    assert (result.path / "probes.json").read_bytes() == before


def test_an_adapter_without_the_file_has_no_probes(trained, tmp_path):
    _, result, _ = trained
    shutil.copytree(result.path, tmp_path / "old", ignore=shutil.ignore_patterns("probes.json"))
    assert read_probes(tmp_path / "old") is None
