"""The server as its users meet it: a real process, asked over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from lyo_pipelines.serving.server import listening_on
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.serving.live_server import SEGMENT, published, served

ASKED = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What is 2 + 2?"}]


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("served")
    base = sample_reports.tiny_base(root / "models" / "tiny")
    published(root, base, "v1", seed=3)
    published(root, base, "v2", seed=4)
    return root


@pytest.fixture(scope="module")
def client(lake):
    with served(lake, "--segment", SEGMENT) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def ask(client: httpx.Client, **more) -> httpx.Response:
    body = {"model": SEGMENT, "messages": ASKED, "max_tokens": 12} | more
    return client.post("/chat/completions", json=body)


def test_the_models_are_listed_by_the_names_that_requests_use(client):
    listed = client.get("/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [SEGMENT, "tiny"]


def test_an_answer_has_the_shape_of_the_openai_api_and_counts_its_tokens(client):
    response = ask(client)
    answer = response.json()
    assert (response.status_code, answer["object"], answer["model"]) == (200, "chat.completion", SEGMENT)
    (choice,) = answer["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] in {"stop", "length"}
    told = answer["usage"]
    assert told["total_tokens"] == told["prompt_tokens"] + told["completion_tokens"]
    assert 0 < told["completion_tokens"] <= 12
    assert told["prompt_tokens"] > len("What is 2 + 2?"), "a byte-level tokenizer: each letter is a token"


def test_the_newest_adapter_answers_for_a_segment_and_a_version_can_be_named(client):
    newest, second, first, base = (
        ask(client, model=model) for model in (SEGMENT, f"{SEGMENT}@v2", f"{SEGMENT}@v1", "tiny")
    )
    assert newest.headers["x-lyo-adapter-version"] == newest.json()["system_fingerprint"] == "v2"
    texts = [answer.json()["choices"][0]["message"]["content"] for answer in (newest, second, first, base)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3, "two adapters and the base write three answers"


def test_without_a_temperature_the_same_question_has_the_same_answer_and_a_seed_makes_chance_repeatable(client):
    def text(**more) -> str:
        return ask(client, **more).json()["choices"][0]["message"]["content"]

    assert text() == text() == text(temperature=0)
    assert text(temperature=2, seed=5) == text(temperature=2, seed=5)
    assert len({text(temperature=2, seed=seed) for seed in range(4)}) > 1


@pytest.mark.parametrize("temperature", [0, 2])
def test_a_stream_tells_the_same_as_a_whole_answer(client, temperature):
    asked = {"temperature": temperature, "seed": 3, "max_tokens": 40}
    whole = ask(client, **asked).json()
    events = []
    body = {"model": SEGMENT, "messages": ASKED, "stream": True, "stream_options": {"include_usage": True}, **asked}
    with client.stream("POST", "/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    pieces = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"]]
    assert "".join(pieces) == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert chunks[-1]["usage"] == whole["usage"]


def test_a_stop_text_ends_the_answer_before_it(client):
    whole = ask(client, max_tokens=40).json()["choices"][0]["message"]["content"]
    stop = whole[len(whole) // 2 :][:2]
    answer = ask(client, max_tokens=40, stop=stop).json()["choices"][0]
    assert answer["finish_reason"] == "stop"
    assert answer["message"]["content"] == whole[: whole.index(stop)].rstrip()


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"model": "gpt-9"}, 404, "there are"),
        ({"model": f"{SEGMENT}@v7"}, 404, "no finished adapter"),
        ({"model": f"{SEGMENT}@../v1"}, 404, "no finished adapter"),
        ({"model": "tutoring.en.physics"}, 404, "no model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, "role"),
        ({"temperature": 9}, 400, "temperature"),
        ({"n": 2}, 400, "not supported by this server: n"),
        ({"tools": [{"type": "function"}]}, 400, "tools"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, 400, "positions"),
        ({"messages": [{"role": "user", "content": "x" * 3000}], "stream": True}, 400, "positions"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(client, change, status, told):
    response = ask(client, **change)
    assert response.status_code == status
    assert told in response.json()["error"]["message"]


def test_a_body_that_is_no_json_is_refused(client):
    assert client.post("/chat/completions", content=b"{").status_code == 400


def test_questions_at_the_same_time_are_all_answered(client):
    from concurrent.futures import ThreadPoolExecutor

    alone = ask(client).json()["choices"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(client).json()["choices"], range(6)))
    assert answers == [alone] * 6


def test_who_reads_no_further_holds_nobody_up(client):
    body = {"model": SEGMENT, "messages": ASKED, "stream": True, "max_tokens": 1500, "temperature": 1.9, "seed": 1}
    with client.stream("POST", "/chat/completions", json=body) as response:
        next(response.iter_lines())
    assert ask(client, max_tokens=2).status_code == 200


def test_a_damaged_adapter_is_not_served(lake, client):
    folder = published(lake, lake / "models" / "tiny", "v0", seed=9)
    (folder.parent / "latest.json").write_text('{"version": "v2"}')
    path = folder / "adapter_config.json"
    path.write_text(path.read_text() + " ")
    response = ask(client, model=f"{SEGMENT}@v0")
    assert response.status_code == 500
    assert "differs from what was published" in response.json()["error"]["message"]
    assert ask(client).status_code == 200


def refused(*options: str, data_dir: Path) -> str:
    command = [sys.executable, "-m", "lyo_pipelines.cli", "serve", *options]
    environment = {**os.environ, "LYO_DATA_DIR": str(data_dir)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1
    return " ".join(done.stderr.split())


def test_what_cannot_be_served_is_one_line_that_says_what_to_do(lake, tmp_path):
    assert "lyo train tutoring.ta.math" in refused("--segment", "tutoring.ta.math", data_dir=tmp_path)
    assert "is not a segment" in refused("--segment", "No Such", data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "in use" in refused("--segment", SEGMENT, "--port", port, data_dir=lake)


def test_what_is_accepted_sends_at_once_and_does_not_wait_for_the_client():
    with (
        listening_on("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
