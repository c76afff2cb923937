"""What the model is asked to learn: the last answer and its end mark, nothing else, however long the prompt is."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.training.dataset_version import DatasetError, read_manifest
from lyo_pipelines.training.engine.chat import ConversationError, accepts_system, render, tokenize
from lyo_pipelines.training.engine.data import Collator, ExamplesDataset, read_split
from lyo_pipelines_tests.training.tiny import TEMPLATES, conversation, make_dataset, make_tokenizer


@pytest.fixture(scope="module", params=["llama", "gemma2", "mistral"])
def tokenizer(request):
    return make_tokenizer(request.param)


def learnt(tokenizer, messages, max_length=400) -> tuple[str, str]:
    (tokens,) = tokenize([messages], tokenizer, max_length)
    return tokenizer.decode(tokens.prompt), tokenizer.decode(tokens.answer)


def test_the_loss_lands_on_the_last_answer_and_its_end_mark_only(tokenizer):
    messages = [
        {"role": "system", "content": "you are a tutor"},
        {"role": "user", "content": "four apples"},
        {"role": "assistant", "content": "earlier answer"},
        {"role": "user", "content": "five apples"},
        {"role": "assistant", "content": "the result is five"},
    ]
    prompt, answer = learnt(tokenizer, messages)
    assert answer.strip() == "the result is five" + tokenizer.eos_token
    assert "earlier answer" in prompt
    assert "you are a tutor" in prompt


def test_a_template_that_refuses_a_system_role_gets_it_inside_the_first_question():
    tokenizer = make_tokenizer("gemma2")
    assert not accepts_system(tokenizer)
    prompt, _ = learnt(tokenizer, conversation(random.Random(0)))
    assert "system" not in prompt
    assert prompt.index("<start_of_turn>user") < prompt.index("you are a tutor")
    assert accepts_system(make_tokenizer("llama"))


def test_a_conversation_without_an_answer_is_refused(tokenizer):
    with pytest.raises(ConversationError):
        render([{"role": "user", "content": "four"}, {"role": "user", "content": "five"}], tokenizer)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(24, 200))
@settings(max_examples=60, deadline=None)
def test_truncation_keeps_the_answer_as_long_as_it_fits(seed, turns, limit):
    tokenizer = make_tokenizer_once()
    messages = conversation(random.Random(seed), turns=turns)
    (whole,) = tokenize([messages], tokenizer, 10_000)
    (cut,) = tokenize([messages], tokenizer, limit)
    assert len(cut) <= limit
    assert len(cut.prompt) > 0
    assert cut.answer == whole.answer[: len(cut.answer)]
    if len(whole.answer) <= limit - limit // 4:
        assert cut.answer == whole.answer
    assert (cut.cut == "") == (len(whole) <= limit)


def test_the_oldest_turns_go_first_and_the_system_turn_stays():
    tokenizer = make_tokenizer_once()
    messages = conversation(random.Random(3), turns=6)
    messages[1]["content"] = "number number number"
    (whole,) = tokenize([messages], tokenizer, 10_000)
    (cut,) = tokenize([messages], tokenizer, len(whole) - 1)
    prompt = tokenizer.decode(cut.prompt)
    assert cut.cut == "history"
    assert "you are a tutor" in prompt
    assert "number number number" not in prompt
    assert messages[-2]["content"] in prompt


_TOKENIZERS = {}


def make_tokenizer_once():
    if "llama" not in _TOKENIZERS:
        _TOKENIZERS["llama"] = make_tokenizer("llama")
    return _TOKENIZERS["llama"]


@pytest.mark.parametrize("padding_free", [False, True])
def test_decoded_labels_are_the_answers(tmp_path, tokenizer, padding_free):
    examples = read_split(make_dataset(tmp_path), "train", tokenizer, 400)
    data = ExamplesDataset(examples)
    batch = Collator(tokenizer.pad_token_id, padding_free)([data[i] for i in range(4)])
    labels = batch["labels"]
    kept = tokenizer.decode(labels[labels != -100])
    assert kept.count(tokenizer.eos_token) == 4
    expected = "".join(tokenizer.decode(examples.tokens[i].answer) for i in range(4))
    assert kept == expected
    assert batch["weights"].shape == labels.shape
    assert set(np.unique(batch["weights"])) <= {0.5, 1.0}


def test_training_cannot_read_the_test_split(tmp_path, tokenizer):
    with pytest.raises(DatasetError, match="train and validation only"):
        read_split(make_dataset(tmp_path), "test", tokenizer, 100)


def test_a_broken_dataset_version_says_what_is_wrong(tmp_path, tokenizer):
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        read_manifest(tmp_path)
    folder = make_dataset(tmp_path / "d")
    (folder / "train.parquet").write_bytes(b"half")
    with pytest.raises(DatasetError, match="Build the dataset again"):
        read_split(folder, "train", tokenizer, 100)


def test_a_sample_of_the_validation_split_is_the_same_every_time(tmp_path, tokenizer):
    folder = make_dataset(tmp_path, validation=30)
    first = read_split(folder, "validation", tokenizer, 100, max_examples=7, seed=1)
    again = read_split(folder, "validation", tokenizer, 100, max_examples=7, seed=1)
    assert first.tokens == again.tokens
    assert len(first.tokens) == 7


def test_every_family_of_the_tests_has_a_template():
    assert set(TEMPLATES) == {"llama", "gemma2", "mistral", "gpt2", "t5"}
