"""Personal data inside JSON goes, and the JSON stays JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.curation.batch import BatchResult, curate_batch
from lyo_pipelines.curation.json_texts import _closed, _opened
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, row, table

LISTS = load_wordlists()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
TOOLS = {
    "tools": [
        {"name": "send", "parameters": {"properties": {"to": {"type": "string"}, "text": {"type": "string"}}}},
        {"name": "dial", "parameters": {"properties": {"number": {"type": "integer"}}}},
    ]
}


def curated(task: str, answer: Any, **changes: Any) -> BatchResult:
    made = row(task=task, subject=None, answer=json.dumps(answer, ensure_ascii=False), rating=5.0, **changes)
    return curate_batch(table(made), CONFIG, LISTS, {})


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"tool": tool, "arguments": arguments}], "reply": ""}


@given(st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_laid_open_and_put_back_is_the_same_value(value):
    text = json.dumps(value)
    assert json.loads(_closed(text, _opened(text), CONFIG) or "") == value


def test_texts_that_are_no_json_are_redacted_as_they_are():
    assert _opened("{not JSON") == "{not JSON"
    assert _closed("{not JSON", "{<PERSON>", CONFIG) == "{<PERSON>"


def test_an_address_a_secret_link_and_a_number_go_and_the_object_stays():
    answer = call(
        "send",
        to="meena.rao@example.org",
        text="see https://portal.example.org/hw?token=0123456789abcdef0123 or call 98765 43210",
    )
    result = curated("agent", answer, context=json.dumps(TOOLS))
    (kept,) = [json.loads(text) for text in result.kept["answer"].to_pylist()]
    assert kept["calls"][0]["arguments"]["to"] == "<EMAIL>"
    assert "<PHONE>" in kept["calls"][0]["arguments"]["text"]
    assert "token" not in json.dumps(kept)
    assert result.pii["EMAIL"] == 1


def test_a_number_that_may_be_somebodys_takes_its_row_along_when_the_schema_wants_a_number():
    result = curated("agent", call("dial", number=9876543210), context=json.dumps(TOOLS))
    assert result.kept.num_rows == 0
    assert result.removed["rule"].to_pylist() == ["invalid_answer"]
    assert result.read == sum(result.funnel.values()) == 1


def test_what_fell_to_redaction_leaves_the_others_in_their_order():
    texts = [call("dial", number=number) for number in (1234, 9876543210, 5678)]
    rows = [
        row(n, task="agent", subject=None, answer=json.dumps(text), context=json.dumps(TOOLS))
        for n, text in enumerate(texts)
    ]
    result = curate_batch(table(*rows, row(7)), CONFIG, LISTS, {})
    assert result.kept["interaction_id"].to_pylist() == ["i0", "i2", "i7"]
    assert result.removed["interaction_id"].to_pylist() == ["i1"]


def test_a_name_of_the_profile_goes_from_the_whole_row():
    answer = {"score": 0.9, "level": "high", "reason": "Kavitha likes short videos about science."}
    context = json.dumps({"learner": {"name": "Kavitha Raman", "grade": 7}})
    kept = curated("engagement", answer, context=context, question="A video on rivers").kept
    assert json.loads(kept["context"][0].as_py())["learner"] == {"name": "<PERSON>", "grade": 7}
    assert json.loads(kept["answer"][0].as_py())["reason"].startswith("<PERSON> likes")


@pytest.mark.parametrize("sign", ['"', "\\", "\n", "\ue000", "\x1e"])
def test_signs_inside_texts_survive(sign):
    answer = {"score": 0.9, "level": "high", "reason": f"short{sign} write to asha.k@example.org{sign} and fun"}
    kept = curated("engagement", answer, context='{"learner": {"grade": 7}}', question="A video on rivers").kept
    reason = json.loads(kept["answer"][0].as_py())["reason"]
    assert "<EMAIL>" in reason
    assert reason.startswith("short")
    assert reason.endswith("and fun")
