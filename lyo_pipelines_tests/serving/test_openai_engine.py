"""The contract with a server elsewhere, over real HTTP: a fake vLLM that behaves well, and in each of the ways that real ones fail."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, NotAppliedError
from lyo_pipelines.serving.engines.openai_answers import ModelServerError
from lyo_pipelines.serving.engines.openai_engine import OpenAIEngine
from lyo_pipelines.serving.engines.openai_settings import MissingKeyError, OpenAISettings
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.probes import read_probes
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines_tests.export.made import SEGMENT, InTorch, base_choice, choice, lora_adapter
from lyo_pipelines_tests.serving.fake_vllm import BASE, FakeVllm, running
from lyo_pipelines_tests.training.chat_families import family_model


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, TrainingResult]:
    root = tmp_path_factory.mktemp("openai")
    base = family_model(root / "base", "llama-chatml")
    adapter = lora_adapter(root / "adapters" / SEGMENT / "owner-1", base)
    InTorch(base, adapter.path).write_probes(adapter.path, ("add four apples", "so we get"))
    return base, adapter


@pytest.fixture
def server(made) -> Iterator[FakeVllm]:
    probes = read_probes(made[1].path)
    assert probes is not None
    with running(FakeVllm(probes)) as fake:
        yield fake


@pytest.fixture
def settings(made, server) -> OpenAISettings:
    return OpenAISettings(
        server.url,
        str(made[0]),
        served_base=BASE,
        quantisation="float32",
        context=256,
        connect=5,
        first_token=5,
        between_tokens=5,
    )


NAME = f"{SEGMENT}@owner-1"


def run(settings: OpenAISettings, use: Callable[[OpenAIEngine], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        engine = OpenAIEngine(settings)
        await engine.start()
        try:
            return await use(engine)
        finally:
            await engine.close()

    return asyncio.run(within())


def asked(question: str = "what is six times seven", **more: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": "m", "messages": [{"role": "user", "content": question}], "max_tokens": 40, **more}
    )


async def told(engine: OpenAIEngine, chosen: ModelChoice, request: ChatRequest) -> tuple[list[str], GeneratedText]:
    pieces = [piece async for piece in engine.write(chosen, request)]
    last = pieces.pop()
    assert isinstance(last, GeneratedText)
    return [str(piece) for piece in pieces], last


def test_an_adapter_is_loaded_under_an_immutable_name_and_proved_over_token_ids(made, server, settings):
    proof = run(settings, lambda engine: engine.prove(choice(made[1])))
    assert proof.measured == 0.0 < proof.to_base
    assert server.loaded == {NAME: str(made[1].path.resolve())}
    server.by_text = True  # loaded already, by the gateway of before; and told by text
    assert run(settings, lambda engine: engine.prove(choice(made[1]))).measured == 0.0


def test_a_container_is_told_where_the_adapter_lies_for_it(made, server, settings):
    settings = dataclasses.replace(settings, lake_adapters=made[1].path.parents[1], adapters_at="/adapters")
    run(settings, lambda engine: engine.prove(choice(made[1])))
    assert server.loaded == {NAME: f"/adapters/{SEGMENT}/owner-1"}


def test_a_server_that_ignores_the_adapter_is_found_out_and_the_adapter_unloaded(made, server, settings):
    server.ignores_adapters = True
    with pytest.raises(NotAppliedError, match="not applied as it was trained"):
        run(settings, lambda engine: engine.prove(choice(made[1])))
    assert not server.loaded


def test_an_adapter_of_a_larger_rank_than_the_servers_is_refused_before_it_is_loaded(made, server, settings):
    with pytest.raises(DamagedAdapterError, match="--max-lora-rank 4 or more"):
        run(dataclasses.replace(settings, max_lora_rank=2), lambda engine: engine.prove(choice(made[1])))
    assert not server.asked


def test_an_answer_comes_piece_by_piece_from_the_prompt_that_training_renders(made, server, settings):
    pieces, last = run(settings, lambda engine: told(engine, base_choice(made[0]), asked(temperature=0.5, seed=3)))
    assert "".join(pieces) == last.text == "six times seven is 42"
    assert len(pieces) > 2
    assert (last.finish_reason, last.prompt_tokens, last.answer_tokens) == ("stop", 11, 5)
    path, body = server.asked[-1]
    assert path == "/v1/completions"
    assert body["prompt"][0] == 4  # <|im_start|>
    assert set(body["stop_token_ids"]) == {2, 5}
    assert (body["model"], body["temperature"], body["seed"], body["max_tokens"]) == (BASE, 0.5, 3, 40)


def test_a_stop_text_ends_the_answer_and_the_request(made, server, settings):
    pieces, last = run(settings, lambda engine: told(engine, base_choice(made[0]), asked(stop=["seven"])))
    assert "".join(pieces) == last.text == "six times"
    assert last.finish_reason == "stop"


def test_tools_and_fields_that_only_the_server_knows_go_through_with_the_messages(made, server, settings):
    server.calls = (
        {"index": 0, "id": "call_1", "function": {"name": "add", "arguments": '{"a":'}},
        {"index": 0, "function": {"arguments": " 2}"}},
    )
    tools = [{"type": "function", "function": {"name": "add", "parameters": {}}}]
    request = asked(tools=tools, tool_choice="auto")
    request = request.model_copy(update={"passed": {"tools": tools, "tool_choice": "auto", "reasoning_effort": "low"}})
    _, last = run(settings, lambda engine: told(engine, base_choice(made[0]), request))
    assert last.finish_reason == "tool_calls"
    assert last.tool_calls == (
        {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}},
    )
    path, body = server.asked[-1]
    assert path == "/v1/chat/completions"
    assert (body["tools"], body["tool_choice"], body["reasoning_effort"]) == (tools, "auto", "low")
    assert body["messages"] == [{"role": "user", "content": "what is six times seven"}]


def test_an_adapter_that_was_evicted_is_loaded_and_proved_again_once(made, server, settings):
    async def use(engine: OpenAIEngine) -> str:
        await engine.prove(choice(made[1]))
        server.evicts.add(NAME)
        return (await told(engine, choice(made[1]), asked()))[1].text

    assert run(settings, use) == "six times seven is 42"
    assert [path for path, _ in server.asked].count("/v1/load_lora_adapter") == 2


def test_an_adapter_that_is_gone_for_good_is_an_error_not_the_base(made, server, settings):
    async def use(engine: OpenAIEngine) -> None:
        await engine.prove(choice(made[1]))
        server.loaded.clear()
        server.loads = False
        await told(engine, choice(made[1]), asked())

    with pytest.raises(ModelServerError, match="loads no adapters") as error:
        run(settings, use)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in error.value.hint


@pytest.mark.parametrize("how", ["drops_after", "stalls_after", "error_event"])
def test_an_answer_that_breaks_off_or_stalls_gives_what_there_was_and_says_so(made, server, settings, how):
    setattr(server, how, 3 if how != "error_event" else True)
    settings = dataclasses.replace(settings, between_tokens=0.3)
    pieces: list[str] = []

    async def use(engine: OpenAIEngine) -> None:
        async for piece in engine.write(base_choice(made[0]), asked()):
            assert isinstance(piece, str)
            pieces.append(piece)

    said = {
        "drops_after": "broke off",
        "stalls_after": "stalled: nothing came for 0.3 s",
        "error_event": "CUDA out of memory",
    }
    with pytest.raises(ModelServerError, match=said[how]):
        run(settings, use)
    assert "".join(pieces).startswith("six times seven")


def test_who_leaves_ends_the_work_there_too(made, server, settings):
    server.words = ("word ",) * 200_000

    async def use(engine: OpenAIEngine) -> None:
        stream = engine.write(base_choice(made[0]), asked())
        await anext(stream)
        await stream.aclose()
        for _ in range(500):
            if server.broken_off:
                return
            await asyncio.sleep(0.01)

    run(settings, use)
    assert server.broken_off == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(429, EngineBusyError), (503, EngineBusyError), (400, RefusedError), (500, ModelServerError)]
)
def test_refusals_keep_their_meaning(made, server, settings, status, kind):
    server.status = status
    with pytest.raises(kind) as error:
        run(settings, lambda engine: told(engine, base_choice(made[0]), asked()))
    if isinstance(error.value, EngineBusyError):
        assert error.value.retry_after == 9
    if isinstance(error.value, RefusedError):
        assert error.value.code == "context_length_exceeded"


def test_more_at_once_than_allowed_are_told_to_come_again(made, server, settings):
    async def use(engine: OpenAIEngine) -> None:
        first = engine.write(base_choice(made[0]), asked())
        await anext(first)
        with pytest.raises(EngineBusyError):
            await anext(engine.write(base_choice(made[0]), asked()))
        await first.aclose()
        assert (await told(engine, base_choice(made[0]), asked()))[1].text

    run(dataclasses.replace(settings, at_once=1), use)


def test_any_other_server_gets_messages_and_must_tell_log_probabilities_or_be_trusted_by_name(made, server, settings):
    plain = dataclasses.replace(settings, kind="plain")
    with pytest.raises(DamagedAdapterError, match="has no model"):
        run(plain, lambda engine: engine.prove(choice(made[1])))
    server.loaded[NAME] = "started with"
    assert run(plain, lambda engine: engine.prove(choice(made[1]))).measured == 0.0
    server.tells = False
    with pytest.raises(NotAppliedError, match="tells no log-probabilities"):
        run(plain, lambda engine: engine.prove(choice(made[1])))
    assert run(dataclasses.replace(plain, unproved=True), lambda engine: engine.prove(choice(made[1]))) is None
    _, last = run(plain, lambda engine: told(engine, choice(made[1]), asked()))
    assert last.text == "six times seven is 42"
    assert server.asked[-1][0] == "/v1/chat/completions"


def test_the_key_comes_from_the_environment_only(made, server, settings, monkeypatch):
    server.key = "sesame"
    with pytest.raises(ModelServerError, match="401"):
        run(settings, lambda engine: engine.trouble())
    wanted = dataclasses.replace(settings, key_variable="LYO_TEST_ENGINE_KEY")
    monkeypatch.delenv("LYO_TEST_ENGINE_KEY", raising=False)
    with pytest.raises(MissingKeyError, match="LYO_TEST_ENGINE_KEY"):
        run(wanted, lambda engine: engine.trouble())
    monkeypatch.setenv("LYO_TEST_ENGINE_KEY", "sesame")
    assert run(wanted, lambda engine: engine.trouble()) == ""


def test_an_adapter_whose_base_is_another_or_that_cannot_be_served_is_refused(made, server, settings):
    chosen = choice(made[1])
    other = dataclasses.replace(chosen, spec=dataclasses.replace(chosen.spec, base_name="gemma-2-2b-it"))
    four_bit = dataclasses.replace(chosen, spec=dataclasses.replace(chosen.spec, four_bit=True))
    for one, said in ((other, "another model"), (four_bit, "4 bits")):
        with pytest.raises(DamagedAdapterError, match=said):
            run(settings, lambda engine, one=one: engine.prove(one))


def test_a_server_that_is_away_is_trouble_and_says_so_at_the_start(made, settings):
    with pytest.raises(ModelServerError, match="does not answer"):
        run(dataclasses.replace(settings, base_url="http://127.0.0.1:9"), lambda engine: engine.trouble())
    with pytest.raises(ModelServerError, match="not gemma"):
        run(dataclasses.replace(settings, served_base="gemma"), lambda engine: engine.trouble())


def test_the_oldest_adapters_are_unloaded_when_there_are_too_many(made, server, settings, tmp_path):
    more = lora_adapter(tmp_path / SEGMENT / "owner-2", made[0], seed=2)

    async def use(engine: OpenAIEngine) -> None:
        await engine.prove(choice(made[1]))
        await engine.prove(choice(more))

    run(dataclasses.replace(settings, adapters=1), use)
    assert list(server.loaded) == [f"{SEGMENT}@owner-2"]
    assert json.dumps(server.asked[-1]) == json.dumps(["/v1/unload_lora_adapter", {"lora_name": NAME}])
