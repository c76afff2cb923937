"""The gateway as applications meet it: asked over HTTP, answered in every case, and logged as it was answered."""

from __future__ import annotations

import json
import socket
import time

import httpx
import openai
import pytest

from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.serving.invitations import is_invited
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.serving.live_gateway import SECRET, Gateway, inbox_rows, running

CHANGES = {
    "invited_share": 0.5,
    "queue": 4,
    "largest_body": 4096,
    "seconds": {"headers": 3, "idle": 3},
    "journal": {"inbox_rows": 100_000, "inbox_seconds": 100_000, "reserve_bytes": 4096},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return Lake(str(tmp_path_factory.mktemp("gateway")))


@pytest.fixture(scope="module")
def gateway(lake):
    with running(lake, changes=CHANGES) as gateway:
        yield gateway


def text_of(response: httpx.Response) -> str:
    return response.json()["choices"][0]["message"]["content"]


def test_the_openai_client_works_unchanged_whole_streamed_and_listed(gateway: Gateway):
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0)
    asked = {"model": "auto", "messages": [{"role": "user", "content": "two words"}]}
    whole = client.chat.completions.create(**asked, metadata={"grade": "7"})
    assert whole.choices[0].message.content == "tiny heard: two words"
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(**asked, stream=True)
        if chunk.choices
    ]
    assert "".join(pieces) == "tiny heard: two words"
    assert {model.id for model in client.models.list()} == {"tiny", "auto"}
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.chat.completions.create(model="gpt-9", messages=asked["messages"])


def test_a_stream_is_sent_as_it_is_written_and_ends_with_its_usage(gateway: Gateway):
    body = {"model": "auto", "stream": True, "stream_options": {"include_usage": True}}
    with gateway.client.stream(
        "POST", "/v1/chat/completions", json=body | {"messages": [{"role": "user", "content": "slow one"}]}
    ) as got:
        assert got.headers["x-accel-buffering"] == "no"
        events, times = [], []
        for line in got.iter_lines():
            if line:
                events.append(line.removeprefix("data: "))
                times.append(time.monotonic())
    assert events[-1] == "[DONE]"
    assert json.loads(events[-2])["usage"]["completion_tokens"] == 4
    assert times[-1] - times[0] > 0.05, "words come while others are still to be written"


@pytest.mark.parametrize(("given", "header"), [({"user": "student-4711"}, {}), ({}, {"x-lyo-user": "student-4711"})])
def test_a_row_says_what_the_request_said_and_no_raw_user_id(gateway: Gateway, given, header):
    headers = {
        "x-lyo-language": "hi",
        "x-lyo-subject": "%E0%A4%97%E0%A4%A3%E0%A4%BF%E0%A4%A4",
        "x-lyo-grade": "7",
    } | header
    turns = [
        {"role": "system", "content": "Be kind to student-4711."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello student-4711"},
        {"role": "user", "content": "I am student-4711"},
    ]
    metadata = {
        "task": "quiz",
        "topic": "sums",
        "conversation_id": "c1",
        "turn": "2",
        "app": "web",
        "email": "a@example.org",
    }
    body = {"model": "auto", "messages": turns, "metadata": metadata} | given
    answer = gateway.client.post("/v1/chat/completions", json=body, headers=headers)
    assert "student-4711" in text_of(answer), "only what is logged is without the id"
    gateway_row = row_of(gateway, answer)
    pseudonym = Pseudonyms(SECRET).of("student-4711")
    assert gateway_row["user_pseudonym"] == pseudonym
    assert "4711" not in json.dumps(gateway_row)
    assert gateway_row["question"] == f"I am {pseudonym}"
    assert gateway_row["history"][1] == {"role": "assistant", "content": f"hello {pseudonym}"}
    facts = {
        name: gateway_row[name] for name in ("task", "language", "subject", "grade", "topic", "conversation_id", "turn")
    }
    assert facts == {
        "task": "quiz", "language": "hi", "subject": "गणित", "grade": "7", "topic": "sums", "conversation_id": "c1", "turn": "2",
    }  # fmt: skip
    assert gateway_row["metadata"]["app"] == "web"
    assert "example.org" not in gateway_row["metadata"]["email"]


def row_of(gateway: Gateway, answer: httpx.Response) -> dict:
    """The row of an answer, out of the journal that is still written."""
    return row_named(gateway, answer.headers["x-lyo-interaction-id"])


def row_named(gateway: Gateway, interaction: str) -> dict:
    found: dict = {}
    for file in sorted((gateway.lake.local(gateway.lake.side("gateway", "journal"))).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if interaction in (record.get("begin"), record.get("end")):
                found |= record["row"]
    return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("question", "status", "error", "told"),
    [
        ("die here please", 500, "EngineDied", "tiny heard:"),
        ("long", 400, "the prompt is too long", None),
    ],
)
def test_an_answer_that_fails_is_logged_with_its_error_and_what_was_told(
    gateway: Gateway, question, status, error, told, stream
):
    answer = gateway.ask(question, stream=stream)
    if stream and told:  # it had begun, so the error comes as the last event
        assert answer.status_code == 200
        assert "error" in json.loads(answer.text.strip().rsplit("data: ", 1)[1])
    else:
        assert answer.status_code == status
    row = row_of(gateway, answer)
    assert (row["error"], row.get("answer")) == (error, told)
    assert row["response_time_ms"] > 0


def test_an_answer_that_takes_too_long_is_cut_and_logged_with_what_was_told(tmp_path):
    lake = Lake(str(tmp_path))
    with running(lake, changes={"seconds": {"answer": 1}}) as gateway:
        whole, streamed = (gateway.ask("hang on please", stream=stream) for stream in (False, True))
    assert (whole.status_code, whole.json()["error"]["code"]) == (504, "timeout")
    last = json.loads(streamed.text.strip().rsplit("data: ", 1)[1])
    assert last["error"]["code"] == "timeout"
    for row in inbox_rows(lake):
        assert (row["answer"], row["finish_reason"]) == ("tiny heard:", "timeout")
        assert row["error"] == "the answer took too long and was cut"


@pytest.mark.parametrize("stream", [False, True])
def test_who_goes_away_ends_the_work_and_is_logged_with_what_was_told(gateway: Gateway, stream):
    question = f"hang until nobody waits {stream}"
    body = json.dumps({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": question}]}).encode()
    with socket.create_connection(("127.0.0.1", httpx.URL(gateway.url).port)) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        wait_until(lambda: question in gateway.engine.paused)
    wait_until(lambda: question in gateway.engine.ended)
    wait_until(lambda: "error" in row_asked(gateway, question))
    row = row_asked(gateway, question)
    assert (row["error"], row["answer"]) == ("the client went away before the answer ended", "tiny heard:")
    assert row["response_time_ms"] < 60_000, "long before the answer's own limit"


def wait_until(is_so) -> None:
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def row_asked(gateway: Gateway, question: str) -> dict:
    journal = gateway.lake.local(gateway.lake.side("gateway", "journal"))
    lines = [line for file in journal.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    begun = next(json.loads(line) for line in lines if question in line)
    return row_named(gateway, begun["begin"])


def test_more_requests_than_the_queue_holds_are_told_when_to_come_again(gateway: Gateway):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: httpx.post(f"{gateway.url}/v1/chat/completions", json=slow(n), timeout=200), range(8))
        )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(200) >= 4
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) + statuses.count(200) == 8
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def slow(number: int) -> dict:
    return {"model": "auto", "messages": [{"role": "user", "content": f"slow one two three {number}"}]}


def test_an_engine_without_room_is_429_and_leaves_no_row(gateway: Gateway):
    answer = gateway.ask("busy today")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_an_invitation_is_a_hash_of_the_interaction_and_stands_in_the_row(gateway: Gateway):
    answers = [gateway.ask(f"number {n}") for n in range(12)]
    for answer in answers:
        invited = is_invited(answer.headers["x-lyo-interaction-id"], 0.5)
        assert (answer.headers.get("x-lyo-invite-rating") == "1") == invited
        assert row_of(gateway, answer)["rating_invited"] is invited


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_invited_are_the_share_that_was_asked_for(share):
    n = 20_000
    found = sum(is_invited(f"chatcmpl-{number}", share) for number in range(n)) / n
    assert abs(found - share) <= 5 * (share * (1 - share) / n) ** 0.5


def test_tools_are_refused_by_an_engine_that_knows_none_and_passed_to_one_that_does(gateway: Gateway):
    tools = [{"type": "function", "function": {"name": "add"}}]
    answer = gateway.ask("add", tools=tools)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools")
    gateway.engine.understands = frozenset({"tools"})
    try:
        client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0)
        asked = {"model": "auto", "messages": [{"role": "user", "content": "add"}], "tools": tools}
        choice = client.chat.completions.create(**asked).choices[0]
        assert (choice.finish_reason, choice.message.tool_calls[0].function.name) == ("tool_calls", "add")
        streamed = [chunk.choices[0].delta.tool_calls for chunk in client.chat.completions.create(**asked, stream=True)]
        assert [calls[0].function.arguments for calls in streamed if calls] == ['{"a": 2}']
        result = {"role": "tool", "tool_call_id": "call_1", "content": "4"}
        called = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function"}]}
        more = [{"role": "user", "content": "add"}, called, result]
        assert gateway.ask("", messages=more).status_code == 200
    finally:
        gateway.engine.understands = frozenset()


# -- what a stranger may do --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["text", 1, True, [1], {"a": 1}], ids=["string", "number", "truth", "array", "object"]
)
def test_a_field_of_another_kind_is_refused_by_its_name_and_none_is_a_fault(gateway: Gateway, value):
    names = [
        "response_format", "tools", "functions", "logit_bias", "tool_choice", "parallel_tool_calls", "function_call",
        "frequency_penalty", "reasoning_effort", "seed", "stop", "user", "metadata", "stream_options", "max_tokens", "n", "messages",
    ]  # fmt: skip
    for name in names:
        told = gateway.ask("two words", **{name: value})
        assert told.status_code in (200, 400), (name, told.text)
        if told.status_code == 400:
            message = told.json()["error"]["message"]
            assert name in message or (name, "tools" in message) == ("functions", True), (name, message)


def test_another_host_or_a_page_of_another_origin_is_turned_away(gateway: Gateway):
    for header, status in (
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": gateway.url}, 200),
        ({"host": "localhost:1"}, 200),
    ):
        assert gateway.client.get("/healthz", headers=header).status_code == status, header
    assert not [name for name in gateway.client.get("/healthz").headers if name.startswith("access-control")]


def test_a_body_is_counted_while_it_is_read(gateway: Gateway):
    def endless():
        for _ in range(1000):
            yield b"x" * 1000

    for body in (b"x" * 5000, endless()):
        try:
            answer = httpx.post(f"{gateway.url}/v1/chat/completions", content=body, timeout=10)
        except httpx.WriteError:
            continue  # it was cut off in the middle: as good
        assert answer.status_code == 413


@pytest.mark.parametrize("sent", [b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n", b"G"])
def test_who_never_ends_the_headers_is_cut_off(gateway: Gateway, sent):
    with socket.create_connection(("127.0.0.1", httpx.URL(gateway.url).port)) as connection:
        connection.settimeout(10)
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_who_never_ends_the_body_is_told_so(gateway: Gateway):
    with socket.create_connection(("127.0.0.1", httpx.URL(gateway.url).port)) as connection:
        connection.settimeout(10)
        connection.sendall(b"POST /feedback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in connection.recv(100)


def test_metrics_count_by_segment_arm_and_engine_and_know_no_user_and_no_text(gateway: Gateway):
    gateway.ask("a very secret question", user="student-0815")
    text = gateway.client.get("/metrics").text
    assert 'lyo_requests_total{arm="none",engine="stub",outcome="stop",segment="base"}' in text
    assert 'lyo_tokens_total{arm="none",engine="stub",kind="answer",segment="base"}' in text
    assert "lyo_time_to_first_token_seconds_bucket" in text
    assert 'lyo_turned_away_total{why="host"}' in text
    assert "lyo_queue 0.0" in text
    assert "0815" not in text
    assert "secret" not in text


def test_ready_says_what_the_engine_says(gateway: Gateway):
    assert gateway.client.get("/readyz").status_code == 200
    gateway.engine.sick = "out of memory"
    try:
        answer = gateway.client.get("/readyz")
        assert (answer.status_code, answer.json()["troubles"]) == (503, ["out of memory"])
        assert gateway.client.get("/healthz").status_code == 200
    finally:
        gateway.engine.sick = ""


def test_every_accepted_request_is_in_the_inbox_once_when_the_gateway_was_stopped(tmp_path):
    lake = Lake(str(tmp_path))
    with running(lake) as gateway:
        ids = [gateway.ask(f"number {n}").headers["x-lyo-interaction-id"] for n in range(5)]
    assert [row["interaction_id"] for row in inbox_rows(lake)] == ids
