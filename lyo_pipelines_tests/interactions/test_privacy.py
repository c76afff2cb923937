"""No raw user id reaches the lake: not as a column, not in metadata, ids or text, not in a rejected row, not in a name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.settings import MissingPseudonymKeyError
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines.interactions.fields.scrub import Scrubber, dump_json, is_distinctive
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    PSEUDONYMS,
    as_csv,
    as_parquet,
    build,
    everything_written,
    jsonl,
    lake_at,
    land,
    rating,
    rejected,
    row,
)
from lyo_pipelines_tests.interactions.test_formats import observation, score

RAW = "meena.rao-77@example.org"
PSEUDONYM = PSEUDONYMS.of(RAW)

LEAKY = [
    row(0, user_id=RAW),
    row(
        1,
        user_id=RAW,
        metadata={"userId": RAW, "trace": {"user": {"id": RAW, "x": [RAW]}}, "note": f"from {RAW}", "n": 1},
    ),
    row(
        2, user_id=RAW, metadata=json.dumps({"email": RAW, "inner": json.dumps({"User-Name": "Meena Rao of class 7"})})
    ),
    row(3, user_id=RAW, conversation_id=f"chat-{RAW}-3", interaction_id=f"{RAW}/3"),
    row(4, user_id=RAW, question=f"My login is {RAW}, why?", answer=f"Hello {RAW}", context=RAW, error=f"no {RAW}"),
    row(5, user_id=RAW, history=[{"role": "user", "content": f"I am {RAW}"}]),
    row(6, user_id=RAW, complaint_text=f"{RAW} is angry", complaint_category=RAW),
    row(7, user_id=RAW, occurred_at="never", metadata={"user": RAW}, answer=f"{RAW}!"),
    row(8, user_id=None, occurred_at="never", whoever=RAW, answer=f"mail {RAW}"),
    row(9, user_id={"id": RAW}),
    row(10, user_id=RAW, metadata={RAW: 1}),
    row(11, user_id=None, metadata={"student_name": "Meena Rao of class 7"}, team=RAW),
    b'{"user_id": "' + RAW.encode() + b'", broken',
    b"[" + json.dumps(RAW).encode() + b"]",
]


@pytest.mark.parametrize("name", [f"{RAW}.jsonl", "a.jsonl"])
def test_a_raw_id_is_nowhere_in_what_was_written(tmp_path, name):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / name, LEAKY))
    build(lake)
    assert (report.accepted, report.rejected) == (9, 5)
    written = everything_written(lake)
    assert RAW not in written
    assert "Meena Rao" not in written
    assert PSEUDONYM is not None and PSEUDONYM in written


@pytest.mark.parametrize("write", [as_csv, as_parquet], ids=["csv", "parquet"])
def test_nor_from_other_containers(tmp_path, write):
    lake = lake_at(tmp_path / "data")
    rows = [row(n, user_id=RAW, conversation_id=f"{RAW}/1") for n in range(3)]
    rows[2]["occurred_at"] = "never"
    report = land(lake, write(tmp_path / f"a.{'csv' if write is as_csv else 'parquet'}", rows))
    assert (report.accepted, report.rejected) == (2, 1)
    build(lake)
    assert RAW not in everything_written(lake)


def test_nor_from_langfuse_openai_or_a_mapped_file(tmp_path):
    lake = lake_at(tmp_path / "data")
    meta = json.dumps({"language": "en", "user_id": RAW, "note": RAW})
    observations = [
        observation(1, user_id=RAW, metadata=meta, session_id=f"s-{RAW}"),
        observation(2, user_id=RAW, type="SPAN", metadata=meta),
        observation(
            3, user_id=RAW, tags=[RAW], input=json.dumps({"messages": [{"role": "user", "content": f"I am {RAW}"}]})
        ),
    ]
    land(lake, jsonl(tmp_path / "o.jsonl", observations))
    scores = [score(session_id=f"s-{RAW}", comment=f"by {RAW}", value=1, userId=RAW), score(trace_id="x", name=RAW)]
    report = land(lake, jsonl(tmp_path / "s.jsonl", scores))
    assert report.feedback_applied == 1  # it is matched by what the id was
    messages = [{"role": "user", "content": f"I am {RAW}"}]
    land(lake, jsonl(tmp_path / "m.jsonl", [{"messages": messages, "user": RAW}, {"messages": 3, "user": RAW}]))
    mapping = parse_mapping(
        b"fields: {user_id: p.who, question: q, occurred_at: t}\nconstants: {task: a, language: en}\nmetadata: {all: p}",
        "m",
    )
    flat = [{"p": {"who": "student 17/b"}, "q": "ask student 17/b", "t": t} for t in ("2026-10-01", "never")]
    assert land(lake, jsonl(tmp_path / "f.jsonl", flat), mapping=mapping).rejected == 1
    feedback = [
        rating("x", 9, user_id=RAW, complaint_text=f"by {RAW}"),
        rating("x", 2, user_id=RAW, complaint_text=f"by {RAW}"),
    ]
    land(lake, jsonl(tmp_path / "g.jsonl", feedback))
    build(lake)
    written = everything_written(lake)
    assert RAW not in written
    assert "student 17/b" not in written


NAMES = ("task", "language", "subject", "topic", "grade", "team", "reasoning_mode", "model", "adapter_version", "experiment_arm",
         "release_id", "complaint_category", "source")  # fmt: skip


@pytest.mark.parametrize("planted", ["9845012376", "+91 98450 12376", "leelavathi-7", "ask Leelavathi"])
def test_no_name_that_others_count_by_holds_a_person(tmp_path, planted):
    lake = lake_at(tmp_path / "data")
    rows = [row(number, user_id="leelavathi", **{name: planted}) for number, name in enumerate(NAMES)]
    land(
        lake, jsonl(tmp_path / "a.jsonl", [*rows, row(99, adapter_version="owner-20261120T103045", model="gpt-4-0613")])
    )
    build(lake)
    written = everything_written(lake).lower()
    assert "leelavathi" not in written
    assert "98450" not in written
    assert "owner-20261120t103045" in written
    assert "gpt-4-0613" in written


def test_the_rejected_text_keeps_what_is_no_person(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, user_id=RAW, occurred_at="never")]))
    raw = json.loads(rejected(lake)[0]["raw"])
    assert (raw["subject"], raw["turn"]) == (row(1)["subject"], row(1)["turn"])
    assert raw["user_id"] == PSEUDONYM


def test_a_pseudonym_is_stable_keyed_and_shaped():
    mine, same, other = Pseudonyms("k" * 32), Pseudonyms("k" * 32), Pseudonyms("another" * 4)
    assert mine.of("a") == same.of("a") != other.of("a")
    assert mine.of("a") != mine.of("b")
    assert len(mine.of("a") or "") == 22
    assert mine.of(None) is mine.of("") is None
    assert mine.of_many(["a", None]) == [mine.of("a"), None]
    with pytest.raises(MissingPseudonymKeyError, match="LYO_PSEUDONYM_KEY"):
        Pseudonyms("")


def test_the_memory_of_pseudonyms_is_bounded(monkeypatch):
    monkeypatch.setattr("lyo_pipelines.interactions.pseudonyms._CACHE_LIMIT", 3)
    mine = Pseudonyms("k" * 32)
    first = [mine.of(str(n)) for n in range(10)]
    assert [mine.of(str(n)) for n in range(10)] == first


def test_only_distinctive_ids_are_looked_for_inside_text():
    assert is_distinctive("student-132")
    assert is_distinctive("98765432")
    assert not is_distinctive("7")
    assert not is_distinctive("student")
    assert not is_distinctive("123456")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_values_that_hold_no_person_stay_as_they_are(value):
    scrubber = Scrubber(PSEUDONYMS, ["user_id"])
    if "user" not in str(value).lower():
        assert json.loads(dump_json(scrubber.value(value, RAW))) == json.loads(dump_json(value)) or isinstance(
            value, str
        )


@given(JSON, st.sampled_from(["user_id", "userId", "USER-ID", "email", "Student Name"]))
def test_an_identifier_field_never_keeps_its_value(value, key):
    scrubber = Scrubber(PSEUDONYMS, CONFIG.identifier_keys)
    kept = scrubber.value({"deep": [{key: {"a": [RAW, value]}}]})
    assert RAW not in dump_json(kept)


def test_nesting_without_end_is_cut():
    deep: list = []
    for _ in range(900):
        deep = [deep]
    assert len(dump_json(Scrubber(PSEUDONYMS, ["user"]).value({"user": deep, "x": deep}))) < 400
    assert dump_json({"a": "\ud800", "b": 10**30, 1: [2**70], "c": 10**500})
