"""What the model is asked to learn: the last answer and its end mark, nothing else, however long the prompt is."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.training.engine.base import load_tokenizer
from lyo_pipelines.training.engine.chat import ConversationError, render, tokenize
from lyo_pipelines.training.engine.data import IGNORED, Collator, ExamplesDataset, read_split
from lyo_pipelines.training.engine.rendering import accepts_system
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.training.real_templates import CONVERSATION, REAL, real_model
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
@settings(max_examples=draws(60))
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


def test_a_damaged_split_says_what_to_do(tmp_path, tokenizer):
    folder = make_dataset(tmp_path / "d")
    (folder / "train.parquet").write_bytes(b"half")
    with pytest.raises(DatasetError, match="Build the dataset again"):
        read_split(folder, "train", tokenizer, 100)


def test_a_sample_of_the_validation_split_is_the_same_every_time(tmp_path, tokenizer):
    folder = make_dataset(tmp_path, validation=30)
    first = read_split(folder, "validation", tokenizer, 100, max_examples=draws(7), seed=1)
    again = read_split(folder, "validation", tokenizer, 100, max_examples=draws(7), seed=1)
    assert first.tokens == again.tokens
    assert len(first.tokens) == 7


@pytest.mark.parametrize("name", REAL)
def test_the_loss_of_each_real_conversation_lands_on_the_answer_and_its_end_mark_only(tmp_path, name):
    real = REAL[name]
    tokenizer = load_tokenizer(str(real_model(tmp_path, name)))
    (tokens,) = tokenize([CONVERSATION], tokenizer, 400)
    encoder_decoder = real.family == "t5"
    batch = Collator(tokenizer.pad_token_id, encoder_decoder=encoder_decoder)([{"tokens": tokens, "weight": 1.0}])
    labels, ids = batch["labels"][0], batch["input_ids"][0]
    assert tokenizer.decode(labels[labels != IGNORED]).lstrip(" ") == real.learnt.lstrip(" ")
    prompt = ids if encoder_decoder else ids[labels == IGNORED]
    # SentencePiece writes a space after each special token, which is decoded too
    assert tokenizer.decode(prompt).replace("> ", ">").removeprefix(" ") == real.asked
    if not encoder_decoder:
        # as one text tokenises, so the model reads it here: no space twice, no word cut anew
        whole = tokenizer(real.asked + real.learnt, add_special_tokens=False)["input_ids"]
        assert ids.tolist() == whole
        assert labels[labels != IGNORED].tolist() == whole[len(prompt) :]


@pytest.mark.parametrize("name", REAL)
def test_a_single_question_is_asked_without_role_names_of_our_own(tmp_path, name):
    tokenizer = load_tokenizer(str(real_model(tmp_path, name)))
    prompt, answer = render(CONVERSATION[-2:], tokenizer)
    assert prompt.count("five apples") == 1
    assert "assistant:" not in prompt
    assert answer.strip().startswith("the result is five")


@pytest.mark.parametrize("name", REAL)
def test_all_of_a_plain_text_is_learnt_without_a_template(tmp_path, name):
    real = REAL[name]
    tokenizer = load_tokenizer(str(real_model(tmp_path, name)))
    text = [{"role": "assistant", "content": "the number is four so we get six"}]
    (tokens, asked) = tokenize([text, CONVERSATION], tokenizer, 400)
    assert tokenizer.decode(tokens.answer).lstrip(" ") == text[0]["content"] + tokenizer.eos_token
    around = tokenizer.bos_token_id if real.adds_bos else tokenizer.eos_token_id if real.adds_eos else None
    assert tokens.prompt == ([around] if around is not None else [])
    assert asked.prompt, "the conversation beside it keeps its template"
    for padding_free in (False, True):
        collate = Collator(tokenizer.pad_token_id, padding_free, encoder_decoder=real.family == "t5")
        labels = collate([{"tokens": example, "weight": 1.0} for example in (tokens, tokens)])["labels"]
        learnt = labels[labels != IGNORED]
        # in a row without padding a text's first token would be predicted from the end of another
        assert len(learnt) == 2 * (len(tokens.answer) - (padding_free and not tokens.prompt and real.family != "t5"))
    (cut,) = tokenize([text], tokenizer, 4)
    assert (len(cut), cut.cut, cut.answer) == (4, "answer", tokens.answer[: 4 - len(tokens.prompt)])


def test_filling_up_a_row_adds_nothing_to_the_loss(tmp_path):
    tokenizer = make_tokenizer("llama")
    data = ExamplesDataset(read_split(make_dataset(tmp_path), "train", tokenizer, 400))
    rows = [data[i] for i in range(3)]
    plain, filled = (Collator(0, padding_free=True, multiple=multiple)(rows) for multiple in (1, 64))
    assert filled["input_ids"].shape[1] % 64 == 0
    assert (filled["labels"] != IGNORED).sum() == (plain["labels"] != IGNORED).sum()
    assert filled["weights"].sum() == plain["weights"].sum()
    assert filled["position_ids"][0, plain["input_ids"].shape[1]] == 0, "the filling is an example of its own"


def test_every_family_of_the_tests_has_a_template():
    assert set(TEMPLATES) == {"llama", "gemma2", "mistral", "gpt2", "t5"}
