"""Templates in Go's language, against what training renders; and what cannot be said there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.export.conversations import asked_conversations
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.go_template import go_template, render_go
from lyo_pipelines.export.turns import Turns, turns_of
from lyo_pipelines.training.engine.rendering import prompt_text
from lyo_pipelines_tests.training.chat_families import FAMILIES, family_tokenizer
from lyo_pipelines_tests.training.real_templates import REAL, real_tokenizer

CONVERSATIONS = [list(one.turns) for one in asked_conversations(None)]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def tokenizer_of(name: str):
    return real_tokenizer(REAL[name]) if "/" in name else family_tokenizer(FAMILIES[name])


@pytest.mark.parametrize(
    "name",
    [
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "google/gemma-2-2b-it",
        "meta-llama/Llama-2-7b-chat-hf",
        "llama3-dated",
        "qwen3",
        "thinker",
    ],
)
def test_ollamas_template_writes_what_training_writes(name):
    tokenizer = tokenizer_of(name)
    template = go_template(turns_of(tokenizer, CONVERSATIONS))
    for turns in CONVERSATIONS:
        assert render_go(template, turns) == prompt_text(turns, tokenizer)


def test_a_default_system_turn_is_written_only_where_none_is_given():
    template = go_template(turns_of(tokenizer_of("HuggingFaceTB/SmolLM2-135M-Instruct"), CONVERSATIONS))
    user = {"role": "user", "content": "u"}
    assert "named SmolLM" in render_go(template, [user])
    assert "named SmolLM" not in render_go(template, [{"role": "system", "content": "s"}, user])


@pytest.mark.parametrize("name", ["mistralai/Mistral-7B-Instruct-v0.3", "phi3"])
def test_a_template_that_is_no_matter_of_turns_is_refused_with_what_to_do(name):
    with pytest.raises(CannotExportError, match="turn by turn") as error:
        turns_of(tokenizer_of(name), CONVERSATIONS)
    assert "--to gguf" in error.value.hint


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans())
def test_whatever_stands_around_turns_comes_back(alone, before, after, ask, content, folded):
    turns = Turns(alone, (before, after), (before, after), (after, before), ask, folded)
    said = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": content},
        {"role": "user", "content": content},
    ]
    for conversation in (said, said[:1], [{"role": "system", "content": f"s{content}"}, *said]):
        assert render_go(go_template(turns), conversation) == turns.render(conversation)


@pytest.mark.parametrize("template", ["{{ if .System }}", "{{ end }}", "text", "{{ .Nothing }}"])
def test_no_other_template_is_read(template):
    with pytest.raises(ValueError, match=r"end|action"):
        render_go(template, [{"role": "user", "content": "u"}])
