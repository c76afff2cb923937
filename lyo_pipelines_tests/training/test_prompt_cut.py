"""Cutting a prompt keeps its form, whatever is long in it; and reading an answer leaves out what is no part of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.training.engine.decoding import read_answer
from lyo_pipelines.training.engine.prompt_cut import prompt_ids, shortened_prompt
from lyo_pipelines.training.engine.rendering import frame
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.training.chat_families import FAMILIES, family_tokenizer

TOKENIZERS = {name: family_tokenizer(FAMILIES[name]) for name in ("gemma2", "llama3-dated", "qwen3", "phi3")}
TEXTS = st.text(st.sampled_from("add five கணக்கு जोड़ो दो\n 12.+é🙂"), max_size=240)


def turns(system: str | None, history: list[str], question: str) -> list[dict[str, str]]:
    told = [] if system is None else [{"role": "system", "content": system}]
    roles = ("user", "assistant")
    earlier = [{"role": roles[at % 2], "content": text} for at, text in enumerate(history[: len(history) // 2 * 2])]
    return [*told, *earlier, {"role": "user", "content": question}]


@given(st.sampled_from(sorted(TOKENIZERS)), st.none() | TEXTS, st.lists(TEXTS, max_size=4), TEXTS, st.integers(1, 400))
@settings(deadline=None, max_examples=draws(80))
def test_a_cut_prompt_fits_and_keeps_its_beginning_and_its_end(name, system, history, question, room):
    tokenizer = TOKENIZERS[name]
    asked = turns(system, history, question)
    whole = prompt_ids(asked, tokenizer)
    cut, kind = shortened_prompt(asked, tokenizer, room)
    assert len(cut) <= room
    assert (kind == "") == (len(whole) <= room)
    bare = prompt_ids(turns(None if system is None else "", [], ""), tokenizer)
    if room >= len(bare):  # there is room for the form
        assert cut[0] == whole[0]
        header = prompt_ids(turns(None, [], ""), tokenizer)[-3:]
        assert cut[-3:] == header
        assert "\ufffd" not in tokenizer.decode(cut), "no letter is cut in two"


def test_the_oldest_turns_go_before_anything_of_the_question_and_the_system_turn_goes_last():
    tokenizer = TOKENIZERS["phi3"]
    asked = turns("be kind", ["old question " * 9, "old answer", "newer question", "newer answer"], "add five and six")
    whole = prompt_ids(asked, tokenizer)
    cut, kind = shortened_prompt(asked, tokenizer, len(whole) - 1)
    assert kind == "history"
    text = tokenizer.decode(cut)
    assert "old" not in text
    assert "newer question" in text
    long = turns("rule " * 200, [], "word " * 100 + "the last words")
    text = tokenizer.decode(shortened_prompt(long, tokenizer, 160)[0])
    assert text.startswith("<|system|>\nrule rule")
    assert "the last words<|end|>" in text
    assert "word word the last words" in text, (
        "the question has its share, although the system turn is longer than the prompt"
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("five", "five"),
        ("<think>\n\n</think>\n\nfive", "five"),
        ("<think>let me see</think>five", "five"),
        ("\n <think>\nlet me see", ""),
        ("a < b and <think> is a word", "a < b and <think> is a word"),
    ],
)
def test_thoughts_before_an_answer_are_no_part_of_it(written, read):
    tokenizer = TOKENIZERS["qwen3"]
    assert read_answer(tokenizer, tokenizer(written, add_special_tokens=False)["input_ids"]) == read


def test_a_growing_answer_never_shows_a_thought():
    tokenizer = TOKENIZERS["qwen3"]
    ids = tokenizer("<think>\nfour\n</think>\n\nfive apples", add_special_tokens=False)["input_ids"]
    shown = [read_answer(tokenizer, ids[:count], finished=False) for count in range(len(ids) + 1)]
    assert shown[-1] == "five apples"
    assert all("five apples".startswith(text.rstrip()) for text in shown)


def test_an_end_mark_of_several_pieces_is_replaced_by_the_tokenizers_own_and_not_read():
    tokenizer = family_tokenizer(FAMILIES["neox-plain"])
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + '> ' + m['content'] + '\n<END>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant> ' }}{% endif %}"
    )
    assert (frame(tokenizer).end, frame(tokenizer).stop) == ("</s>", tokenizer.eos_token_id)
    ids = tokenizer("five\n<END>\nuser> and six", add_special_tokens=False)["input_ids"]
    assert read_answer(tokenizer, ids) == "five"
