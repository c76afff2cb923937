"""The engine around a real llama.cpp, with a tiny random base and two adapters; answers are compared with transformers' own."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.export import architectures
from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, NotAppliedError
from lyo_pipelines.serving.engines.llama_cpp_engine import LlamaCppEngine, LlamaCppSettings
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines_tests.export.made import InTorch, base_choice, choice, lora_adapter, writing_base

pytest.importorskip("xllamacpp", reason="the extra llama-cpp is not installed")
QUESTIONS = ("add four apples", "the result is five", "so we get seven", "subtract six")
LONGEST = 24


@dataclasses.dataclass(frozen=True)
class Made:
    root: Path
    base: Path
    adapters: tuple[TrainingResult, ...]
    torch: tuple[InTorch, ...]

    @property
    def settings(self) -> LlamaCppSettings:
        return LlamaCppSettings(str(self.base), self.root / "models", "f32", context=192, slots=2, waiting=4, threads=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    root = tmp_path_factory.mktemp("llama")
    base = writing_base(root / "base")
    adapters = tuple(lora_adapter(root / f"owner-{number}", base, seed=number) for number in (1, 2))
    models = tuple(InTorch(base, adapter.path) for adapter in adapters)
    for adapter, model in zip(adapters, models, strict=True):
        model.write_probes(adapter.path, QUESTIONS[:2])
    return Made(root, base, adapters, models)


def run(settings: LlamaCppSettings, use: Callable[[LlamaCppEngine], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        engine = LlamaCppEngine(settings)
        await engine.start()
        try:
            return await use(engine)
        finally:
            await engine.close()

    return asyncio.run(within())


def asked(question: str, **more: Any) -> ChatRequest:
    return ChatRequest.model_validate(
        {"model": "m", "messages": [{"role": "user", "content": question}], "max_tokens": LONGEST, **more}
    )


async def whole(engine: LlamaCppEngine, chosen: ModelChoice, request: ChatRequest) -> tuple[str, GeneratedText]:
    told = [piece async for piece in engine.write(chosen, request)]
    last = told.pop()
    assert isinstance(last, GeneratedText)
    return "".join(str(piece) for piece in told), last


def test_answers_of_base_and_adapters_at_once_are_those_that_transformers_writes_alone(made: Made):
    chosen = [base_choice(made.base), *(choice(adapter) for adapter in made.adapters)]

    async def use(engine: LlamaCppEngine) -> list[list[tuple[str, GeneratedText]]]:
        for one in chosen:
            await engine.prove(one)
        return [
            await asyncio.gather(*(whole(engine, one, asked(question)) for one in chosen)) for question in QUESTIONS[:3]
        ]

    for question, answers in zip(QUESTIONS, run(made.settings, use), strict=False):
        wanted = [
            made.torch[0].answer(question, LONGEST, adapted=False),
            *(one.answer(question, LONGEST, adapted=True) for one in made.torch),
        ]
        assert [last.text for _, last in answers] == wanted
        assert len(set(wanted)) == 3
        for told, last in answers:
            assert told == last.text
            assert last.prompt_tokens > 5
            assert 0 < last.answer_tokens <= LONGEST


def test_the_base_after_an_adapter_answers_as_if_there_had_been_none(made: Made):
    async def use(engine: LlamaCppEngine) -> tuple[str, ...]:
        question = asked(QUESTIONS[0])
        cold = (await whole(engine, base_choice(made.base), question))[1].text
        texts = [cold]
        for adapter in made.adapters:
            await whole(engine, choice(adapter), question)
            texts.append((await whole(engine, base_choice(made.base), question))[1].text)
        return tuple(texts)

    assert len(set(run(dataclasses.replace(made.settings, slots=1), use))) == 1


def test_an_adapter_is_proved_by_its_probes_and_one_that_was_converted_wrongly_is_refused(made: Made, monkeypatch):
    async def right(engine: LlamaCppEngine) -> Any:
        return await engine.prove(choice(made.adapters[0]))

    proof = run(made.settings, right)
    assert proof.measured < 0.01 < proof.to_base
    other = dataclasses.replace(made.settings, models_dir=made.root / "other")

    async def wrong(engine: LlamaCppEngine) -> str:
        monkeypatch.setattr(architectures, "_PERMUTED", frozenset())
        with pytest.raises(NotAppliedError, match=r"not applied as it was trained|base answers"):
            await engine.prove(choice(made.adapters[0]))
        monkeypatch.undo()
        return (await whole(engine, base_choice(made.base), asked(QUESTIONS[0])))[1].text

    assert run(other, wrong) == made.torch[0].answer(QUESTIONS[0], LONGEST, adapted=False)


def test_a_further_adapter_comes_while_an_answer_is_written_and_both_are_whole(made: Made):
    first, second = (choice(adapter) for adapter in made.adapters)

    async def use(engine: LlamaCppEngine) -> tuple[str, str, str]:
        await engine.prove(first)
        long = asked(QUESTIONS[1], max_tokens=120)
        alone = (await whole(engine, first, long))[1].text
        running = engine.write(first, long)
        begun = [await anext(running)]
        await engine.prove(second)
        later = (await whole(engine, second, asked(QUESTIONS[1])))[1].text
        begun += [piece async for piece in running]
        assert isinstance(begun[-1], GeneratedText)
        return begun[-1].text, alone, later

    text, alone, later = run(made.settings, use)
    assert text == alone
    # so long a text comes to near ties, which two implementations may break differently
    assert text.startswith(made.torch[0].answer(QUESTIONS[1], LONGEST, adapted=True).rstrip()[:20])
    assert later == made.torch[1].answer(QUESTIONS[1], LONGEST, adapted=True)


def test_stop_texts_end_an_answer_and_are_never_told(made: Made):
    plain = made.torch[0].answer(QUESTIONS[2], LONGEST, adapted=False)
    stop = plain[3:5]

    async def use(engine: LlamaCppEngine) -> tuple[str, GeneratedText]:
        return await whole(engine, base_choice(made.base), asked(QUESTIONS[2], stop=[stop]))

    told, last = run(made.settings, use)
    assert last.finish_reason == "stop"
    assert told == last.text == plain[: plain.index(stop)].rstrip()


def test_too_many_at_once_are_told_to_come_again_and_who_leaves_frees_the_place(made: Made):
    async def use(engine: LlamaCppEngine) -> list[str]:
        base, long = base_choice(made.base), asked(QUESTIONS[0], max_tokens=150)
        writing = [asyncio.create_task(whole(engine, base, long)) for _ in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(EngineBusyError) as busy:
            await anext(engine.write(base, long))
        assert busy.value.retry_after == 2
        for task in writing[:3]:
            task.cancel()
        answers = await asyncio.gather(*writing, return_exceptions=True)
        answers.append(await whole(engine, base, long))
        return [answer[1].text for answer in answers if isinstance(answer, tuple)]

    texts = run(made.settings, use)
    assert texts == [made.torch[0].answer(QUESTIONS[0], 150, adapted=False)] * 4


def test_a_prompt_without_room_is_refused_and_answers_end_at_the_context(made: Made):
    async def use(engine: LlamaCppEngine) -> None:
        with pytest.raises(RefusedError) as refused:
            await whole(engine, base_choice(made.base), asked("apples " * 300))
        assert refused.value.code == "context_length_exceeded"
        assert await engine.trouble() == ""

    run(made.settings, use)


def test_what_llama_cpp_cannot_hold_is_refused_and_the_rest_goes_on(made: Made, tmp_path):
    broken = lora_adapter(tmp_path / "owner-3", made.base, seed=3)
    four_bit = choice(made.adapters[1])
    four_bit = dataclasses.replace(four_bit, spec=dataclasses.replace(four_bit.spec, four_bit=True))
    other_base = base_choice(tmp_path / "another")

    async def use(engine: LlamaCppEngine) -> str:
        with pytest.raises(DamagedAdapterError, match="4 bits"):
            await engine.prove(four_bit)
        with pytest.raises(DamagedAdapterError, match="another model than the base"):
            await engine.prove(other_base)
        chosen = choice(broken)
        config = broken.path / "adapter_config.json"
        config.write_text(config.read_text().replace('"use_dora": false', '"use_dora": true'))
        with pytest.raises(DamagedAdapterError, match="use_dora"):
            await engine.prove(chosen)
        return (await whole(engine, choice(made.adapters[0]), asked(QUESTIONS[0])))[1].text

    assert run(made.settings, use) == made.torch[0].answer(QUESTIONS[0], LONGEST, adapted=True)


def test_no_port_is_open_and_signals_stay_ours(made: Made):
    caught: list[int] = []
    handlers = {
        number: signal.signal(number, lambda one, _: caught.append(one)) for number in (signal.SIGINT, signal.SIGTERM)
    }

    async def use(engine: LlamaCppEngine) -> set[str]:
        for number in handlers:
            signal.raise_signal(number)
        return _listening()

    before = _listening()
    try:
        assert run(made.settings, use) <= before
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert caught == [signal.SIGINT, signal.SIGTERM]


def _listening() -> set[str]:
    """TCP sockets of this process that listen, by inode."""
    own = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            own.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    tables = [path.read_text() for name in ("tcp", "tcp6") if (path := Path(f"/proc/self/net/{name}")).is_file()]
    lines = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {parts[9] for parts in lines if parts[3] == "0A" and parts[9] in own}
