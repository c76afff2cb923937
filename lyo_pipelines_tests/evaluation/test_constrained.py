"""Holding answers to a schema, with real tiny models that write nonsense when they are left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
import torch  # noqa: TID253  (these tests run models)
import transformers  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.constrained import Constraint, ConstraintError, bounded
from lyo_pipelines.evaluation.engine.encoding import Encoded
from lyo_pipelines.evaluation.planning.assemble import gather_inputs, outputs_key
from lyo_pipelines.tasks import task_formats
from lyo_pipelines.training.engine.decoding import stop_ids
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.training.tiny import make_model


class Rating(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["lesson", "film"]
    stars: int = Field(ge=0, le=5)
    worth: Annotated[float, Field(ge=0, le=1)]
    tags: Annotated[list[Literal["long", "short"]], Field(max_length=2)]


class Endless(BaseModel):
    why: str


SCHEMAS = {name: json.dumps(schema.model_json_schema()) for name, schema in (("rating", Rating), ("endless", Endless))}
PROMPTS = [Encoded(f"e{n}", tuple(range(5, 8 + n)), (1,), "") for n in range(6)]


def loaded(folder: Path, family: str):
    make_model(folder, family)
    kind = transformers.AutoModelForSeq2SeqLM if family == "t5" else transformers.AutoModelForCausalLM
    return kind.from_pretrained(folder).eval(), transformers.AutoTokenizer.from_pretrained(folder)


def asked(model, tokenizer, schemas: dict[str, str] | None, limit: int = 160) -> dict[str, list]:
    constraint = None if schemas is None else Constraint(tokenizer, stop_ids(tokenizer, model), schemas)
    with torch.inference_mode():
        return generate.answers(model, tokenizer, PROMPTS, max_new_tokens=limit, constraint=constraint)


def valid(texts: list[str]) -> int:
    def fits(text: str) -> bool:
        try:
            Rating.model_validate_json(text)
        except ValidationError:
            return False
        return True

    return sum(map(fits, texts))


@pytest.mark.parametrize("family", ["llama", "gemma2", "mistral", "gpt2", "t5"])
def test_a_random_model_writes_no_valid_answer_by_itself_and_only_valid_ones_when_held(tmp_path, family):
    model, tokenizer = loaded(tmp_path, family)
    free = asked(model, tokenizer, None)
    held = asked(model, tokenizer, dict.fromkeys((e.item_id for e in PROMPTS), SCHEMAS["rating"]))
    assert (valid(free["texts"]), valid(held["texts"])) == (0, len(PROMPTS))
    assert not any(held["truncated"])


def test_rows_of_one_batch_are_held_each_to_its_own_schema_or_to_none(tmp_path):
    model, tokenizer = loaded(tmp_path, "gpt2")
    free = asked(model, tokenizer, None)
    some = asked(model, tokenizer, {"e1": SCHEMAS["rating"], "e4": SCHEMAS["endless"]})
    assert [row for row in range(6) if some["texts"][row] != free["texts"][row]] == [1, 4]
    assert valid(some["texts"][1:2]) == 1
    assert some["texts"][4].startswith("{")


def test_an_answer_without_bounds_runs_on_and_counts_as_cut(tmp_path):
    model, tokenizer = loaded(tmp_path, "llama")
    found = asked(model, tokenizer, dict.fromkeys((e.item_id for e in PROMPTS), SCHEMAS["endless"]), limit=24)
    assert any(found["truncated"])
    for text, cut in zip(found["texts"], found["truncated"], strict=True):
        assert text.startswith("{")
        assert cut != text.endswith("}")


def test_an_item_is_answered_alike_alone_and_in_a_batch(tmp_path):
    model, tokenizer = loaded(tmp_path, "llama")
    schemas = dict.fromkeys((e.item_id for e in PROMPTS), SCHEMAS["rating"])
    together = asked(model, tokenizer, schemas)["texts"]
    constraint = Constraint(tokenizer, stop_ids(tokenizer, model), schemas)
    with torch.inference_mode():
        alone = [
            generate.answers(model, tokenizer, [e], max_new_tokens=160, constraint=constraint)["texts"] for e in PROMPTS
        ]
    assert [text for (text,) in alone] == together


def test_the_schema_of_every_packaged_task_can_be_held(tmp_path):
    _, tokenizer = loaded(tmp_path, "llama")
    schemas = {n: json.dumps(f.answer.model_json_schema()) for n, f in task_formats().items() if f.answer}
    assert "classification" in schemas
    Constraint(tokenizer, [tokenizer.eos_token_id], schemas)


def test_a_model_that_cannot_write_json_is_refused_with_what_to_do():
    from tokenizers import Tokenizer, decoders, models

    letters = Tokenizer(models.BPE({"a": 0, "}": 1, "</s>": 2}, []))
    letters.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=letters, eos_token="</s>")
    with pytest.raises(ConstraintError, match=r"cannot write .*constrained: off"):
        Constraint(tokenizer, [2], {"e1": SCHEMAS["rating"]})


def test_a_schema_that_is_no_grammar_is_refused_with_what_to_do(tmp_path):
    _, tokenizer = loaded(tmp_path, "llama")
    with pytest.raises(ConstraintError, match=r"cannot be made a grammar .*constrained: off"):
        Constraint(tokenizer, [tokenizer.eos_token_id], {"e1": '{"type": "string", "pattern": "(?=x)y"}'})


JSON = st.recursive(
    st.sampled_from(["number", "integer", "string"]).map(lambda kind: {"type": kind}),
    lambda inner: st.dictionaries(
        st.sampled_from(["items", "properties", "anyOf"]), inner | st.lists(inner), max_size=2
    ),
    max_leaves=6,
)


@given(JSON)
def test_only_numbers_are_bounded_and_what_they_say_themselves_stays(schema):
    def without(part):
        if isinstance(part, list):
            return [without(one) for one in part]
        if isinstance(part, dict):
            return {key: without(value) for key, value in part.items() if key != "multipleOf"}
        return part

    assert without(bounded(schema)) == schema
    assert str(bounded(schema)).count("multipleOf") == str(schema).count("'number'")
    assert bounded({"type": "number", "multipleOf": 2}) == {"type": "number", "multipleOf": 2}


def test_answers_that_are_held_are_kept_apart_from_free_ones_where_there_is_a_schema(world, tmp_path):
    def key(folder: Path, constrained: str) -> str:
        config = world.config.model_copy(update={"constrained": constrained})
        inputs = gather_inputs(folder, world.candidate, None, config, curation=sample_reports.CURATION)
        return outputs_key(inputs, inputs.models[0], device="cpu", dtype="float32")

    structured = sample_reports.dataset(tmp_path / "c", sample_reports.classified(6), segment="classification.en")
    assert key(structured, "off") != key(structured, "schema")
    assert key(world.dataset, "off") == key(world.dataset, "schema"), "tutoring has no schema: its answers are the same"
