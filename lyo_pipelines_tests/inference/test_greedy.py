"""The lean forward pass writes what transformers' own generation writes, whichever rows, adapters and prompts share a batch."""

from __future__ import annotations

import numpy as np
import peft  # noqa: TID253  (these tests run models)
import pytest
import torch  # noqa: TID253  (these tests run models)
import transformers  # noqa: TID253
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.inference.greedy import Prompt, write_greedily
from lyo_pipelines.inference.lean_model import LeanModel, why_not_by_row, why_not_lean
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.inference.tiny_rows import FAMILIES, SHAPE, STOPS, build, by_transformers


@pytest.fixture(scope="module", params=FAMILIES)
def models(request) -> tuple[torch.nn.Module, LeanModel, dict]:
    model = build(request.param)
    assert why_not_lean(model) == ""
    assert [why_not_by_row(model, name) for name in ("first", "second")] == ["", ""]
    lean = LeanModel(model)
    return model, lean, {None: None, "first": lean.adapter("first"), "second": lean.adapter("second")}


questions = st.lists(
    st.tuples(
        st.sampled_from([None, "first", "second"]),
        st.booleans(),
        st.lists(st.integers(14, 96), min_size=1, max_size=24),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=12,
)
HEAD = list(range(20, 32))


@settings(max_examples=draws(12))
@given(asked=questions, rows=st.integers(1, 7))
def test_answers_are_those_of_each_prompt_alone(models, asked, rows):
    model, lean, adapters = models
    prompts = [
        Prompt(str(number), (*(HEAD if headed else []), *tokens), limit, adapters[adapter])
        for number, (adapter, headed, tokens, limit) in enumerate(asked)
    ]
    with torch.inference_mode():
        written = [one for batch in write_greedily(lean, prompts, stops=STOPS, rows=rows) for one in batch]
    assert sorted(one.key for one in written) == sorted(prompt.key for prompt in prompts)
    found = {one.key: (one.tokens, one.stopped) for one in written}
    for (adapter, *_), prompt in zip(asked, prompts, strict=True):
        assert found[prompt.key] == by_transformers(model, adapter, prompt.tokens, prompt.limit)


def test_what_may_come_next_is_obeyed_row_by_row(models):
    _, lean, _ = models
    seen: dict[str, list[int]] = {"odd": [], "free": []}

    def only_odd(new, width):
        seen["odd"] += new
        return np.arange(width) % 2 == 1

    prompts = [Prompt("odd", (20, 30, 40), 9, allowed=only_odd), Prompt("free", (20, 30, 40), 9)]
    with torch.inference_mode():
        found = {one.key: one for batch in write_greedily(lean, prompts, stops=[2], rows=2) for one in batch}
        (alone,) = [one for batch in write_greedily(lean, prompts[1:], stops=[2], rows=2) for one in batch]
    assert all(token % 2 for token in found["odd"].tokens)
    assert seen["odd"] == found["odd"].tokens[:-1]  # the last one ended the answer at its limit
    assert found["free"].tokens == alone.tokens


def test_the_shared_weights_are_still_the_models_own(models):
    """The stacked weights are the modules' memory: what changes one changes the other, and nothing is held twice."""
    model, _, _ = models
    attention = model.get_base_model().model.layers[0].self_attn
    parts = [getattr(attention, name).base_layer.weight for name in ("q_proj", "k_proj", "v_proj")]
    assert len({part.untyped_storage().data_ptr() for part in parts}) == 1


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (transformers.MistralConfig(**SHAPE, sliding_window=16), "a sliding window"),
        (transformers.GPT2Config(n_embd=32, n_layer=1, n_head=2, vocab_size=97), "architecture gpt2"),
        (
            transformers.LlamaConfig(**SHAPE, rope_scaling={"rope_type": "dynamic", "factor": 2.0}),
            "rotary positions of type dynamic",
        ),
    ],
)
def test_what_the_lean_pass_does_not_know_is_named(config, why):
    assert why_not_lean(transformers.AutoModelForCausalLM.from_config(config)) == why


@pytest.mark.parametrize(
    "config",
    [
        peft.LoraConfig(use_dora=True, target_modules=["q_proj"]),
        peft.LoraConfig(modules_to_save=["lm_head"], target_modules=["q_proj"]),
        peft.LoraConfig(bias="lora_only", target_modules=["q_proj"]),
        peft.LoraConfig(target_modules=["lm_head"]),
        peft.LoraConfig(target_modules=["embed_tokens"]),
        peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"]),
    ],
    ids=["dora", "whole modules", "biases", "head", "embeddings", "other method"],
)
def test_adapters_that_are_more_than_lora_are_named(config):
    model = peft.get_peft_model(
        transformers.AutoModelForCausalLM.from_config(transformers.LlamaConfig(**SHAPE)), config
    )
    assert why_not_by_row(model, "default")
