"""Each kind of base model that can be exported, tiny and random, in a real llama.cpp: its tokens, its answers, its adapter's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lyo_pipelines.export.architectures import architecture_of
from lyo_pipelines.export.conversations import asked_conversations
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.gguf_files import About, write_adapter, write_model
from lyo_pipelines.export.llama_server import LlamaServer, LlamaSizes
from lyo_pipelines.export.source import read_source
from lyo_pipelines.training.engine.prompt_cut import prompt_ids
from lyo_pipelines_tests.export.made import InTorch, lora_adapter
from lyo_pipelines_tests.training.chat_families import family_model
from lyo_pipelines_tests.training.real_templates import real_model

TURNS = [
    {"role": "system", "content": "you are a tutor"},
    {"role": "user", "content": "add four apples, it's 12  for ₹5; क्या है?"},
    {"role": "assistant", "content": "the result\n\nis five"},
    {"role": "user", "content": "so seven?"},
]
MADE = ("llama3-dated", "llama-base", "gemma2", "qwen2", "qwen3", "thinker")
SENTENCEPIECE = "mistralai/Mistral-7B-Instruct-v0.3"


@pytest.mark.parametrize("name", [*MADE, "HuggingFaceTB/SmolLM2-135M-Instruct"])
def test_llama_cpp_has_the_tokens_and_the_answers_of_training(tmp_path, name):
    pytest.importorskip("xllamacpp", reason="the extra llama-cpp is not installed")
    base = (real_model if "/" in name else family_model)(tmp_path / "base", name)
    adapter = lora_adapter(tmp_path / "owner-1", base)
    source = read_source(base)
    write_model(source, tmp_path / "base.gguf", "f32", About("base"))
    write_adapter(adapter.path, source.architecture, tmp_path / "adapter.gguf", About("adapter"))
    torch = InTorch(base, adapter.path)
    with LlamaServer(tmp_path / "base.gguf", [tmp_path / "adapter.gguf"], LlamaSizes(256)) as server:
        tokens = prompt_ids(TURNS, source.tokenizer)
        assert server.tokens_of(TURNS) == tokens
        assert server.tokens_of(TURNS[1:2]) == prompt_ids(TURNS[1:2], source.tokenizer)
        for number, adapted in ((None, False), (0, True)):
            wanted = torch.next_tokens(tokens, adapted=adapted)
            told = server.next_tokens(tokens, number)
            assert np.mean([abs(value - wanted[token]) for token, value in told.items()]) < 0.002
            answer = tokens[5:9]
            summed = server.log_probabilities(tokens, answer, number)
            assert summed[0] == pytest.approx(wanted[answer[0]], abs=0.005)
            assert len(summed) == 4


def test_sentencepieces_way_with_spaces_becomes_the_same_tokens(tmp_path):
    pytest.importorskip("xllamacpp", reason="the extra llama-cpp is not installed")
    from lyo_pipelines_tests.training.real_templates import REAL, real_tokenizer
    from lyo_pipelines_tests.training.tiny import make_model

    base = make_model(tmp_path / "base", "llama", hidden=64, tokenizer=real_tokenizer(REAL[SENTENCEPIECE]))
    source = read_source(base)
    write_model(source, tmp_path / "base.gguf", "f16", About("base"))
    turns = [
        {"role": "user", "content": "add four apples"},
        {"role": "assistant", "content": "six"},
        {"role": "user", "content": "so"},
    ]
    with LlamaServer(tmp_path / "base.gguf", [], LlamaSizes(256)) as server:
        assert server.tokens_of(turns) == prompt_ids(turns, source.tokenizer)


def test_frequencies_are_stretched_as_transformers_stretches_them():
    import torch
    import transformers
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rope = {
        "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 512,
    }  # fmt: skip
    config = transformers.LlamaConfig(
        hidden_size=64,
        num_attention_heads=2,
        head_dim=32,
        num_hidden_layers=1,
        rope_parameters=rope,
        max_position_embeddings=4096,
    )
    stretched, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    plain = 1 / 500_000.0 ** (np.arange(0, 32, 2) / 32)
    factors = architecture_of(config.to_dict()).rope_factors
    assert factors is not None
    np.testing.assert_allclose(plain / factors, stretched.numpy(), rtol=1e-5)
    assert factors[0] == 1
    assert math.isclose(factors[-1], 8, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "phi3"}, "phi3"),
        ({"hidden_act": "relu"}, "relu"),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic"),
    ],
)
def test_what_would_come_out_wrong_is_refused(changes, said):
    config = {
        "model_type": "llama", "hidden_act": "silu", "num_attention_heads": 4, "hidden_size": 64, "num_hidden_layers": 1,
        "intermediate_size": 64, "rms_norm_eps": 1e-5, "vocab_size": 100, "max_position_embeddings": 64,
    }  # fmt: skip
    assert architecture_of(config).kv_heads == 4
    with pytest.raises(CannotExportError, match=said):
        architecture_of(config | changes)


def test_a_file_says_no_longer_context_than_is_read_alike_without_a_sliding_window(tmp_path):
    config = {
        "model_type": "mistral", "hidden_act": "silu", "num_attention_heads": 4, "hidden_size": 64, "num_hidden_layers": 1,
        "intermediate_size": 64, "rms_norm_eps": 1e-5, "vocab_size": 100, "max_position_embeddings": 32_768,
    }  # fmt: skip
    assert architecture_of(config).values["context_length"] == 32_768
    assert architecture_of(config | {"sliding_window": 4096}).values["context_length"] == 4096


def test_conversations_of_a_dataset_are_asked_in_each_of_its_languages(tmp_path):
    from lyo_pipelines_tests.export.made import dataset

    with_answers = [one for one in asked_conversations(dataset(tmp_path / "feed0001")) if one.answer]
    assert [one.language for one in with_answers] == ["en", "en", "hi", "hi", "ta", "ta"]
    assert all(one.turns[-1]["role"] == "user" for one in with_answers)
    assert not [one for one in asked_conversations(Path(tmp_path / "gone")) if one.answer]
