"""The client of endpoints against servers that are busy, broken, slow, choosy or gone: real HTTP, waiting is only counted."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from lyo_pipelines.config.loading import ConfigError
from lyo_pipelines.evaluation.endpoints.client import ChatClient, EndpointError, Reply, key_of
from lyo_pipelines.evaluation.endpoints.section import EndpointUsage, cost
from lyo_pipelines_tests.config.packaged import endpoint_config
from lyo_pipelines_tests.evaluation.scripted_judge import Odd, Rule, ruled

ASKED = [{"role": "user", "content": "2 + 2?"}]


def ask(rule: Rule, *, key: str | None = None, now: float = 0.0, **config) -> tuple[Reply, list[float], list[dict]]:
    waits: list[float] = []
    with ruled(rule) as server:
        remote = endpoint_config(name="hosted", url=server.url, model="m", **config)
        with ChatClient(remote, key, sleep=waits.append, epoch=lambda: now, draw=lambda: 1.0) as client:
            return client.chat(ASKED, max_tokens=9), waits, server.requests


def first_then(*odd: Odd) -> Rule:
    return lambda _, number: odd[number] if number < len(odd) else "4"


def test_an_answer_comes_with_its_tokens_and_is_asked_for_without_chance():
    reply, waits, (request,) = ask(lambda *_: " 4 ")
    assert (reply.text, reply.prompt_tokens, reply.answer_tokens, reply.truncated) == ("4", 100, 10, False)
    assert request == {"model": "m", "messages": ASKED, "max_tokens": 9, "temperature": 0}
    assert waits == []


def test_without_a_limit_the_endpoint_writes_as_long_as_it_allows():
    with (
        ruled(lambda *_: "4") as server,
        ChatClient(endpoint_config(name="hosted", url=server.url, model="m"), None) as client,
    ):
        client.chat(ASKED, max_tokens=None)
        assert server.requests == [{"model": "m", "messages": ASKED, "temperature": 0}]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again_after_a_growing_wait(status):
    reply, waits, requests = ask(first_then(Odd(status, "busy"), Odd(status, "busy"), Odd(status, "busy")))
    assert reply.text == "4"
    assert waits == [1, 2, 4]
    assert len(requests) == 4


@pytest.mark.parametrize(("told", "wait"), [("7", 7), ("0.5", 0.5), ("100000", 60), ("-3", 0), ("soon", 1)])
def test_a_server_that_says_when_is_obeyed_within_reason(told, wait):
    _, waits, _ = ask(first_then(Odd(429, "busy", {"retry-after": told})))
    assert waits == [wait]


@pytest.mark.parametrize(("asked_at", "wait"), [("07:27:30", 30), ("07:29:00", 0), ("06:28:00", 60)])
def test_a_date_to_come_back_at_is_understood(asked_at, wait):
    now = datetime.fromisoformat(f"2015-10-21T{asked_at}+00:00").timestamp()
    _, waits, _ = ask(first_then(Odd(503, "", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})), now=now)
    assert waits == [wait]


@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', '{"choices": [{"message": null}]}', "[]", '"x"'])
def test_an_answer_of_another_shape_is_asked_for_again_and_named_in_the_end(body):
    assert ask(first_then(Odd(200, body)))[0].text == "4"
    with pytest.raises(EndpointError, match="not in the shape of the OpenAI API"):
        ask(lambda *_: Odd(200, body), attempts=2)


@pytest.mark.parametrize(("status", "useless"), [(400, False), (422, False), (401, True), (403, True), (404, True)])
def test_a_request_that_is_wrong_is_not_repeated(status, useless):
    waits: list[float] = []
    with ruled(lambda *_: Odd(status, "no")) as server:
        client = ChatClient(endpoint_config(name="hosted", url=server.url, model="m"), None, sleep=waits.append)
        with client, pytest.raises(EndpointError, match=f"status {status}: no") as caught:
            client.chat(ASKED, max_tokens=9)
        assert len(server.requests) == 1
    assert caught.value.useless is useless


def test_parameters_that_a_newer_model_refuses_are_sent_as_it_wants_them():
    def choosy(asked: dict, _: int) -> str | Odd:
        if "max_tokens" in asked:
            return Odd(400, '{"error": {"message": "use max_completion_tokens instead"}}')
        return Odd(400, '{"error": {"param": "temperature"}}') if "temperature" in asked else "4"

    reply, _, requests = ask(choosy)
    assert reply.text == "4"
    assert requests[-1] == {"model": "m", "messages": ASKED, "max_completion_tokens": 9}


def test_several_who_ask_at_once_all_learn_what_the_endpoint_wants():
    def choosy(asked: dict, _: int) -> str | Odd:
        return Odd(400, "use max_completion_tokens") if "max_tokens" in asked else "4"

    with (
        ruled(choosy) as server,
        ChatClient(endpoint_config(name="hosted", url=server.url, model="m", parallel=6), None) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        replies = list(pool.map(lambda _: client.chat(ASKED, max_tokens=9), range(6)))
    assert [reply.text for reply in replies] == ["4"] * 6


def test_who_waits_for_a_busy_server_gives_up_at_once_when_everything_stops():
    with ruled(lambda *_: Odd(429, "busy", {"retry-after": "60"})) as server:
        client = ChatClient(endpoint_config(name="hosted", url=server.url, model="m"), None)
        with client, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.chat, ASKED, max_tokens=9)
            while not server.requests:
                assert not asked.done()
            client.stop()
            with pytest.raises(EndpointError):
                asked.result(timeout=50)  # less than the wait it was told


def test_an_endpoint_that_is_gone_is_named_with_the_number_of_attempts():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits: list[float] = []
    client = ChatClient(
        endpoint_config(name="hosted", url=f"http://127.0.0.1:{port}/v1", model="m", attempts=3),
        None,
        sleep=waits.append,
    )
    with client, pytest.raises(EndpointError, match=r"ConnectError.*\(3 attempts\)"):
        client.chat(ASKED, max_tokens=9)
    assert len(waits) == 2


def test_an_endpoint_that_does_not_answer_in_time_is_given_up():
    import threading

    hold = threading.Event()

    def slow(*_: object) -> str:
        hold.wait(20)
        return "late"

    try:
        with ruled(slow) as server:
            client = ChatClient(
                endpoint_config(name="hosted", url=server.url, model="m", attempts=1, timeout_seconds=0.2), None
            )
            with client, pytest.raises(EndpointError, match="ReadTimeout"):
                client.chat(ASKED, max_tokens=9)
            hold.set()
    finally:
        hold.set()


def test_the_key_is_sent_and_never_shown():
    with ruled(lambda *_: Odd(401, "wrong key sk-secret")) as server:
        client = ChatClient(endpoint_config(name="hosted", url=server.url, model="m"), "sk-secret")
        with client, pytest.raises(EndpointError) as caught:
            client.chat(ASKED, max_tokens=9)
        assert server.keys == ["Bearer sk-secret"]
    assert "sk-secret" not in str(caught.value)


def test_the_key_comes_from_the_environment_alone():
    remote = endpoint_config(name="hosted", url="http://x", model="m", api_key_env="SOME_KEY")
    assert key_of(remote, {"SOME_KEY": " k "}) == "k"
    assert key_of(endpoint_config(name="hosted", url="http://x", model="m"), {}) is None
    with pytest.raises(EndpointError, match="SOME_KEY is not set"):
        key_of(remote, {"SOME_KEY": ""})


def test_requests_keep_the_pace_that_is_allowed():
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    with ruled(lambda *_: "4") as server:
        remote = endpoint_config(name="hosted", url=server.url, model="m", requests_per_minute=30)
        with ChatClient(remote, None, sleep=sleep, clock=lambda: now[0]) as client:
            for _ in range(3):
                client.chat(ASKED, max_tokens=9)
    assert waits == [0, 2, 2]


@pytest.mark.parametrize(
    ("tokens", "prices", "wanted"),
    [
        ([(1_000_000, 500_000), (0, 0)], (2.0, 4.0), 4.0),
        ([(10, None)], (2.0, 4.0), None),
        ([(10, 10)], (2.0, None), None),
        ([], (2.0, 4.0), 0.0),
    ],
)
def test_cost_is_tokens_at_their_price_or_not_known(tokens, prices, wanted):
    remote = endpoint_config(
        name="hosted", url="http://x", model="m", price_per_million_in=prices[0], price_per_million_out=prices[1]
    )
    assert cost(EndpointUsage.of(tokens, []), remote) == wanted


@pytest.mark.parametrize(
    "config",
    [
        {"name": "base", "url": "http://x", "model": "m"},
        {"name": "A b", "url": "http://x", "model": "m"},
        {"name": "a", "url": "ftp://x", "model": "m"},
        {"name": "a", "url": "http://x", "model": "m", "api_key": "sk-1"},
        {"name": "a", "url": "http://x", "model": "m", "api_key_env": "sk-1"},
    ],
)
def test_an_endpoint_that_makes_no_sense_or_holds_a_key_is_refused(config):
    with pytest.raises(ConfigError, match=r"evaluation\.endpoints"):
        endpoint_config(**config)
