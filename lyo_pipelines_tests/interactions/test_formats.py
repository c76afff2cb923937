"""What the known formats mean: Langfuse with its traps, OpenAI messages, and telling them apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lyo_pipelines.config.interactions import ScoreConfig
from lyo_pipelines.interactions.chats.pairing import answer_in
from lyo_pipelines.interactions.chats.questions import chat_of
from lyo_pipelines.interactions.chats.replies import reply_of
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.formats.detect import detect_format
from lyo_pipelines_tests.interactions.landing_lake import (
    CONFIG,
    as_parquet,
    build,
    conversation,
    exercise,
    jsonl,
    lake_at,
    land,
    rejected,
    row,
)


def observation(number: int = 0, **changes):
    result = {
        "id": f"o{number}",
        "trace_id": f"t{number}",
        "type": "GENERATION",
        "name": "reply",
        "start_time": "2026-10-10T20:32:37.012Z",
        "end_time": "2026-10-10T20:32:37.821Z",
        "metadata": json.dumps({"subject": "math", "language": "en", "grade": "7", "qid": 25, "move": "focus"}),
        "level": "DEFAULT",
        "status_message": None,
        "input": json.dumps([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "2+2?"}]),
        "output": json.dumps({"role": "assistant", "content": "4"}),
        "provided_model_name": "m1",
        "latency": 0.809,
        "time_to_first_token": 0.1,
        "user_id": "student-132@example.org",
        "session_id": "s1",
    }
    return result | changes


def score(**changes):
    result = {
        "id": "s",
        "trace_id": None,
        "observation_id": None,
        "session_id": None,
        "timestamp": "2026-10-11T00:00:00Z",
        "name": "rating",
        "value": 4.0,
        "data_type": "NUMERIC",
        "string_value": None,
        "comment": None,
    }
    return result | changes


def told(rows):
    found = detect_format(rows)
    return found and found.format


@pytest.mark.parametrize("write", [jsonl, as_parquet], ids=["jsonl", "parquet"])
def test_a_langfuse_observation_is_an_interaction(tmp_path, write):
    lake = lake_at(tmp_path / "data")
    report = land(lake, write(tmp_path / f"o.{'jsonl' if write is jsonl else 'parquet'}", [observation()]))
    assert report.format == "langfuse_observations"
    result = build(lake).to_pylist()[0]
    assert result["occurred_at"] == datetime(2026, 10, 10, 20, 32, 37, 12000, UTC)
    wanted = {
        "interaction_id": "o0",
        "question": "2+2?",
        "answer": "4",
        "system_prompt": "Be kind.",
        "history": None,
        "subject": "math",
        "language": "en",
        "grade": "7",
        "question_id": exercise("25"),
        "task": "tutoring",
        "model": "m1",
        "conversation_id": conversation("s1"),
        "response_time_ms": 809.0,
        "time_to_first_token_ms": 100.0,
        "error": None,
    }
    assert {name: result[name] for name in wanted} == wanted
    assert json.loads(result["metadata"])["move"] == "focus"


def test_names_in_camel_case_are_understood(tmp_path):
    lake = lake_at(tmp_path / "data")
    names = {
        "start_time": "startTime",
        "end_time": "endTime",
        "session_id": "sessionId",
        "trace_id": "traceId",
        "user_id": "userId",
    }
    camel = {names.get(key, key): value for key, value in observation(metadata={"language": "en"}).items()}
    land(lake, jsonl(tmp_path / "o.jsonl", [camel]))
    land(
        lake,
        jsonl(
            tmp_path / "s.jsonl",
            [{"name": "rating", "value": 5, "traceId": "t0", "dataType": "NUMERIC", "timestamp": "2026-10-11"}],
        ),
    )
    result = build(lake).to_pylist()[0]
    assert (result["conversation_id"], result["rating"], result["response_time_ms"]) == (conversation("s1"), 5.0, 809.0)


@pytest.mark.parametrize(
    ("changes", "milliseconds"),
    [
        ({"latency": 0.809, "end_time": None}, 809.0),  # after the cutoff: seconds
        ({"latency": 809, "end_time": None, "start_time": "2026-03-31T10:00:00Z"}, 809.0),  # before it: milliseconds
        ({"latency": 809}, 809.0),  # an old integration: the end time tells
        ({"latency": 2.5, "start_time": "2026-03-31T10:00:00Z", "end_time": "2026-03-31T10:00:02.5Z"}, 2500.0),
        ({"latency": None}, 809.0),
        ({"latency": None, "end_time": None}, None),
    ],
)
def test_latency_is_told_in_its_unit(tmp_path, changes, milliseconds):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "o.jsonl", [observation(**changes)]))
    assert build(lake)["response_time_ms"].to_pylist() == [milliseconds]


def test_history_tells_the_turn_and_an_error_has_no_answer(tmp_path):
    lake = lake_at(tmp_path / "data")
    talk = [{"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    rows = [
        observation(1, input=json.dumps({"messages": talk})),
        observation(2, output=None, level="ERROR", status_message="timed out", input="plain question"),
        observation(3, type="SPAN"),
        observation(4, metadata=json.dumps({"subject": "math"})),
        observation(5, start_time=None),
        observation(6, input=None),
    ]
    land(lake, jsonl(tmp_path / "o.jsonl", rows))
    first, second = build(lake).to_pylist()
    assert (first["question"], first["turn"], [m["content"] for m in first["history"]]) == ("c", 1, ["a", "b"])
    assert (second["question"], second["answer"], second["error"]) == ("plain question", None, "timed out")
    assert [item["reason"] for item in rejected(lake)] == [
        "not_a_generation",
        "missing_language",
        "missing_occurred_at",
        "missing_question",
    ]


def test_scores_hang_on_an_observation_a_trace_or_a_session(tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "o.jsonl", [observation(n, session_id=f"s{n}") for n in range(4)]))
    scores = [
        score(observation_id="o0", trace_id="t9", value=5),
        score(trace_id="t1", value=4),
        score(session_id="s2", value=3),
        score(trace_id="t3", name="user-feedback", data_type="BOOLEAN", value=0, comment="too long"),
        score(trace_id="t2", name="user-feedback", data_type="BOOLEAN", value=True),
        score(trace_id="t0", name="complaint", data_type="CATEGORICAL", value=None, string_value="rude"),
    ]
    report = land(lake, jsonl(tmp_path / "s.jsonl", scores))
    assert (report.format, report.feedback_applied) == ("langfuse_scores", 6)
    zero, one, two, three = build(lake).to_pylist()
    assert (zero["rating"], zero["complaint_category"]) == (5.0, "rude")
    assert (one["rating"], two["rating"], two["thumbs"]) == (4.0, 3.0, 1)
    assert (three["thumbs"], three["complaint_text"], three["rating"]) == (-1, "too long", None)


def test_a_boolean_score_is_never_a_rating(tmp_path):
    lake = lake_at(tmp_path / "data")
    scores = [
        score(trace_id="t", value=1, data_type="BOOLEAN"),
        score(trace_id="t", value=True),
        score(trace_id="t", name="solved", data_type="BOOLEAN", value=1),
        score(trace_id="t", value=9.0),
        score(value=3.0),
    ]
    report = land(lake, jsonl(tmp_path / "s.jsonl", scores))
    assert report.accepted == 0
    reasons = [item["reason"] for item in rejected(lake)]
    assert reasons == [
        "boolean_score",
        "boolean_score",
        "score_not_configured",
        "rating_scale_unknown",
        "missing_target",
    ]


def test_names_of_scores_are_configurable(tmp_path):
    lake = lake_at(tmp_path / "data")
    langfuse = CONFIG.langfuse.model_copy(update={"scores": {"solved": ScoreConfig(field="thumbs")}})
    config = CONFIG.model_copy(update={"langfuse": langfuse})
    rows = [score(trace_id="t", name="solved", data_type="BOOLEAN", value=1), score(trace_id="t")]
    assert land(lake, jsonl(tmp_path / "s.jsonl", rows), config=config).rejected_by_reason == {
        "score_not_configured": 1
    }


def test_openai_messages_become_the_last_question_and_answer(tmp_path):
    lake = lake_at(tmp_path / "data")
    talk = [{"role": r, "content": c} for r, c in (("system", "S"), ("user", "a"), ("assistant", "b"), ("user", "c"))]
    parts = [{"type": "text", "text": "d"}, {"type": "image_url", "image_url": {"url": "x"}}]
    rows = [
        {
            "id": "m1",
            "messages": [*talk, {"role": "assistant", "content": parts}],
            "created": 1791664357,
            "subject": "math",
        },
        {
            "messages": talk,
            "metadata": {"language": "hi", "user_id": "bob@example.org", "note": 1},
            "task": "programming",
        },
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": ["hello"]},
    ]
    report = land(lake, jsonl(tmp_path / "m.jsonl", rows))
    assert (report.format, report.accepted) == ("openai_messages", 2)
    first, second = sorted(build(lake).to_pylist(), key=lambda item: item["interaction_id"])
    assert (first["question"], first["answer"], first["system_prompt"], first["turn"]) == ("c", "d", "S", 1)
    assert [m["content"] for m in first["history"]] == ["a", "b"]
    assert (first["task"], first["language"], first["subject"]) == ("tutoring", "en", "math")
    assert first["occurred_at"] == datetime.fromtimestamp(1791664357, UTC)
    assert (second["question"], second["answer"]) == ("a", "b"), "nobody answered c"
    assert (second["language"], second["task"]) == ("hi", "programming")
    assert second["user_pseudonym"].startswith("u_")
    assert [item["reason"] for item in rejected(lake)] == ["bad_messages", "missing_question", "bad_messages"]


def test_openai_messages_without_a_time_are_rejected_when_the_configuration_says_so(tmp_path):
    openai = CONFIG.openai_messages.model_copy(update={"time_from_file": False})
    config = CONFIG.model_copy(update={"openai_messages": openai})
    path = jsonl(tmp_path / "m.jsonl", [{"messages": [{"role": "user", "content": "q"}]}])
    report = land(lake_at(tmp_path / "data"), path, config=config)
    assert report.rejected_by_reason == {"missing_occurred_at": 1}


def test_formats_are_told_apart():
    assert told([row(0)]) == "canonical"
    assert told([observation()]) == "langfuse_observations"
    assert told([score()]) == "langfuse_scores"
    assert told([{"messages": []}]) == "openai_messages"
    assert told([{"conversation_id": "c", "thumbs": 1}]) == "feedback"
    assert told([{"x": 1}, row(0), row(1), score()]) == "canonical"
    assert detect_format([]) is None


def test_langfuse_as_a_given_format_takes_either_of_its_files(tmp_path):
    lake = lake_at(tmp_path / "data")
    assert land(lake, jsonl(tmp_path / "o.jsonl", [observation()]), format="langfuse").format == "langfuse_observations"
    assert land(lake, jsonl(tmp_path / "a.jsonl", [row(0)]), format="langfuse").unreadable


@pytest.mark.parametrize(
    ("value", "question"),
    [
        ("plain", "plain"),
        ('{"query": "q"}', "q"),
        ({"prompt": "p"}, "p"),
        ({"role": "user", "content": "u"}, "u"),
        (["a", "b"], "a\nb"),
        ({"messages": '[{"role": "user", "content": {"deep": 1}}]'}, '{"deep":1}'),
        (7, "7"),
        (None, None),
    ],
)
def test_inputs_of_many_forms_hold_a_question(value, question):
    assert chat_of(value).question == question


def test_an_input_that_is_no_chat_is_an_error():
    for value in ({"x": 1}, [{"content": "no role"}], [1]):
        with pytest.raises(RowError):
            chat_of(value)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("text", "text"),
        ({"content": "c"}, "c"),
        ('{"role": "assistant", "content": "c"}', "c"),
        ({"choices": [{"message": {"role": "assistant", "content": "m"}}]}, "m"),
        ({"choices": [{"text": "t"}]}, "t"),
        ([{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}], "a"),
        ([{"role": "user", "content": "u"}], None),
        ([{"type": "text", "text": "part"}], "part"),
        ({"role": "assistant", "content": None}, None),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}, '[{"id":1}]'),
        ({"score": 3}, '{"score":3}'),
        ({}, None),
        (5, "5"),
    ],
)
def test_outputs_of_many_forms_hold_an_answer(value, answer):
    assert answer_in(reply_of(value)) == answer
