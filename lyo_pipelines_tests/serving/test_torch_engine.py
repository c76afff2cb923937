"""The embedded engine: everybody is answered as if alone, adapters that are not applied are refused, and nothing grows without end."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, NotAppliedError
from lyo_pipelines.serving.engines.limits import Limits
from lyo_pipelines.training.base_models import MissingBaseModelError
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.serving.proved_adapters import QUESTIONS, adapter_choice, asked, base_choice, proved_adapter

torch = pytest.importorskip("torch")


class World:
    """A tiny base with adapters, and what each answers alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = sample_reports.tiny_base(root / "models" / "tiny")
        self.folders = {
            "a": proved_adapter(root / "a", self.base, seed=3),
            "b": proved_adapter(root / "b", self.base, seed=4, modules=("q_proj", "k_proj", "o_proj", "down_proj")),
        }
        self.choices = {None: base_choice(self.base)} | {
            name: adapter_choice(self.base, folder) for name, folder in self.folders.items()
        }
        self._alone: dict[tuple, GeneratedText] = {}

    def engine(self, **limits):
        from lyo_pipelines.serving.engines.torch_engine import TorchEngine

        return TorchEngine(self.root / "models", str(self.base), device="cpu", dtype="float32", limits=Limits(**limits))

    def alone(self, name: str | None, question: str, **more) -> GeneratedText:
        """By transformers' own generation, one request at a time."""
        from lyo_pipelines.evaluation.engine.model_host import ModelHost
        from lyo_pipelines.serving.engines.embedded.asking import answer_alone

        key = (name, question, tuple(sorted(more.items())))
        if key not in self._alone:
            if not hasattr(self, "_host"):
                self._host = ModelHost(self.root / "models", device="cpu", dtype="float32", attention=None)
            with self._host.using(self.choices[name].spec) as (model, tokenizer):
                request = asked(question, **more)
                self._alone[key] = answer_alone(model, tokenizer, request, lambda _: None, lambda: False)
        return self._alone[key]

    def endless(self):
        """A request whose greedy answer goes round in circles."""
        (question, *_) = [q for q in QUESTIONS if self.alone(None, q, max_tokens=200).finish_reason == "length"]
        return asked(question, max_tokens=1800)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("engine"))


@asynccontextmanager
async def started(engine):
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def whole(engine, choice, request) -> tuple[GeneratedText, str]:
    """The answer, and the sum of its pieces."""
    pieces = [piece async for piece in engine.write(choice, request)]
    assert isinstance(pieces[-1], GeneratedText)
    return pieces[-1], "".join(pieces[:-1])


@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_each_request_alone_whoever_comes_and_goes(world, seed):
    rng = random.Random(seed)
    plans = [
        (rng.choice([None, "a", "b"]), rng.choice(QUESTIONS), rng.choice([1, 5, 24, 40]), rng.random() < 0.25, rng.randrange(6))
        for _ in range(14)
    ]  # fmt: skip

    async def one(engine, name, question, limit, leaves, late):
        for _ in range(late * 20):
            await asyncio.sleep(0)
        request = asked(question, max_tokens=limit)
        if leaves:
            stream = engine.write(world.choices[name], request)
            got = ""
            async for piece in stream:
                got = piece.text if isinstance(piece, GeneratedText) else got + piece
                break
            await stream.aclose()
            assert world.alone(name, question, max_tokens=limit).text.startswith(got)
            return
        found, told = await whole(engine, world.choices[name], request)
        assert found == world.alone(name, question, max_tokens=limit)
        assert told == found.text

    async def run():
        async with started(
            world.engine(rows=4, chunk=rng.choice([3, 16]), chunk_alone=32, cache_bytes=2**20)
        ) as engine:
            await asyncio.gather(*(one(engine, *plan) for plan in plans))

    asyncio.run(run())


def test_a_stop_text_ends_an_answer_as_it_does_alone(world):
    question = max(QUESTIONS, key=lambda one: len(world.alone("a", one).text))
    text = world.alone("a", question).text
    stop = (text[len(text) // 2 : len(text) // 2 + 2],)

    async def run():
        async with started(world.engine()) as engine:
            return await whole(engine, world.choices["a"], asked(question, stop=stop))

    found, told = asyncio.run(run())
    assert found == world.alone("a", question, stop=stop)
    assert (found.finish_reason, stop[0] in told, told) == ("stop", False, found.text)


def test_a_seed_makes_chance_the_rows_own(world):
    async def texts(others: int) -> str:
        async with started(world.engine()) as engine:
            wanted = engine_text(engine, "a", temperature=1.3, top_p=0.9, seed=11)
            beside = [engine_text(engine, name, temperature=1.0) for name in (None, "a", "b")][:others]
            return (await asyncio.gather(wanted, *beside))[0]

    async def engine_text(engine, name, **more) -> str:
        return (await whole(engine, world.choices[name], asked(QUESTIONS[0], **more)))[0].text

    assert asyncio.run(texts(0)) == asyncio.run(texts(3))

    async def different():
        async with started(world.engine()) as engine:
            return {await engine_text(engine, "a", temperature=2, seed=seed) for seed in range(4)}

    assert len(asyncio.run(different())) > 1


def test_who_leaves_makes_room_and_a_full_queue_says_when_to_come_again(world):
    async def run():
        async with started(world.engine(rows=1, waiting=2, retry_after=7.0)) as engine:
            first = engine.write(world.choices[None], world.endless())
            await anext(first)
            others = [asyncio.create_task(whole(engine, world.choices["a"], asked(q))) for q in QUESTIONS[:2]]
            await asyncio.sleep(0.05)
            with pytest.raises(EngineBusyError) as busy:
                await anext(engine.write(world.choices["a"], asked("a third")))
            assert busy.value.retry_after == 7.0
            assert not any(task.done() for task in others), "one row: they wait for the first"
            await first.aclose()
            return await asyncio.gather(*others)

    for (found, _), question in zip(asyncio.run(run()), QUESTIONS, strict=False):
        assert found == world.alone("a", question)


def test_who_waits_and_leaves_is_never_answered_and_frees_the_queue(world):
    async def run():
        async with started(world.engine(rows=1, waiting=1)) as engine:
            first = engine.write(world.choices[None], world.endless())
            await anext(first)
            gone = asyncio.create_task(whole(engine, world.choices["a"], asked(QUESTIONS[1])))
            await asyncio.sleep(0.05)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            for _ in range(200):
                with suppress(EngineBusyError):
                    waiting = asyncio.create_task(whole(engine, world.choices["b"], asked(QUESTIONS[1])))
                    await asyncio.sleep(0.02)
                    if not waiting.done():
                        break
                    waiting.result()
            await first.aclose()
            return (await waiting)[0]

    assert asyncio.run(run()) == world.alone("b", QUESTIONS[1])


def test_memory_of_keys_and_values_stays_within_its_bounds(world):
    bounds = {"cache_bytes": 400_000, "prefix_bytes": 100_000}

    async def run():
        engine = world.engine(rows=8, **bounds)
        seen = 0
        async with started(engine):
            for part in range(4):
                asks = [
                    whole(engine, world.choices[name], asked(f"{question} {part} {name}", max_tokens=20))
                    for name in (None, "a", "b")
                    for question in QUESTIONS[:3]
                ]
                for done in asyncio.as_completed(asks):
                    await done
                    seen = max(seen, engine._worker.nbytes)
            return seen

    seen = asyncio.run(run())
    assert 100_000 < seen <= sum(bounds.values())


def test_a_prompt_that_leaves_no_room_is_refused_and_the_answer_keeps_to_the_positions(world):
    async def run():
        async with started(world.engine()) as engine:
            with pytest.raises(RefusedError, match="positions"):
                await whole(engine, world.choices["a"], asked("x" * 2100))
            found, _ = await whole(engine, world.choices["a"], asked("x" * 1900, max_tokens=4000))
            return found

    found = asyncio.run(run())
    assert found.prompt_tokens + found.answer_tokens <= 2048


# --- proofs -----------------------------------------------------------------------------------------------------------------------


def test_a_whole_adapter_is_proved_on_the_serving_path_and_a_base_needs_no_proof(world):
    async def run():
        async with started(world.engine()) as engine:
            return await engine.prove(world.choices["a"]), await engine.prove(world.choices[None])

    proof, none = asyncio.run(run())
    assert none is None
    assert proof.measured < 1e-4
    assert proof.to_base > 0.1


def zero(adapter, _):
    for _, up in adapter.deltas.values():
        up.zero_()


def another(adapter, other):
    for key, (down, up) in adapter.deltas.items():
        if key in other.deltas and other.deltas[key][1].shape == up.shape:
            down.copy_(other.deltas[key][0])
            up.copy_(other.deltas[key][1])


def swapped_layers(adapter, _):
    first, second = adapter.deltas[0, "qkv"], adapter.deltas[1, "qkv"]
    for one, two in zip(first, second, strict=True):
        kept = one.clone()
        one.copy_(two)
        two.copy_(kept)


def without_scale(adapter, _):
    for _, up in adapter.deltas.values():
        up.div_(2)  # alpha / r of these adapters


@pytest.mark.parametrize("spoil", [zero, another, swapped_layers, without_scale])
def test_an_adapter_that_is_not_applied_as_it_was_trained_is_refused_and_the_others_are_not(
    world, tmp_path, spoil, monkeypatch
):
    from lyo_pipelines.evaluation.engine.model_host import ModelHost

    twin = proved_adapter(tmp_path / "twin", world.base, seed=9)
    whole_lean, loaded = ModelHost.lean, {}

    def lean(host, spec):
        rows = whole_lean(host, spec)
        if spec.role == "served_a":
            spoil(rows.adapter, loaded["served_twin"])
        if rows is not None:
            loaded[spec.role] = rows.adapter
        return rows

    monkeypatch.setattr(ModelHost, "lean", lean)

    async def run():
        async with started(world.engine()) as engine:
            assert (await engine.prove(adapter_choice(world.base, twin))).measured < 1e-4
            for _ in range(2):
                with pytest.raises(NotAppliedError):
                    await engine.prove(world.choices["a"])
            with pytest.raises(NotAppliedError):
                await whole(engine, world.choices["a"], asked(QUESTIONS[0]))
            return (await whole(engine, world.choices["b"], asked(QUESTIONS[0])))[0]

    assert asyncio.run(run()) == world.alone("b", QUESTIONS[0])


def test_an_adapter_without_probes_answers_and_it_is_said_once(world, tmp_path, caplog):
    folder = tmp_path / "old"
    shutil.copytree(world.folders["a"], folder, ignore=shutil.ignore_patterns("probes.json"))
    choice = adapter_choice(world.base, folder)

    async def run():
        async with started(world.engine()) as engine:
            assert await engine.prove(choice) is None
            assert await engine.prove(choice) is None
            return (await whole(engine, choice, asked(QUESTIONS[0])))[0]

    assert asyncio.run(run()) == world.alone("a", QUESTIONS[0])
    assert len([record for record in caplog.records if "no probes" in record.getMessage()]) == 1


def test_probes_of_another_adapter_refuse_this_one(world, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(world.folders["a"], folder)
    shutil.copyfile(world.folders["b"] / "probes.json", folder / "probes.json")

    async def run():
        async with started(world.engine()) as engine:
            await engine.prove(adapter_choice(world.base, folder))

    with pytest.raises(NotAppliedError, match="not applied as it was trained"):
        asyncio.run(run())


def test_an_adapter_of_another_shape_is_damaged_and_the_engine_goes_on(world, tmp_path):
    folder = tmp_path / "wide"
    shutil.copytree(world.folders["a"], folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"r": 9}))

    async def run():
        async with started(world.engine()) as engine:
            with pytest.raises(DamagedAdapterError, match="cannot be loaded"):
                await engine.prove(adapter_choice(world.base, folder))
            return (await whole(engine, world.choices["a"], asked(QUESTIONS[2])))[0]

    assert asyncio.run(run()) == world.alone("a", QUESTIONS[2])


def test_going_back_to_the_base_leaves_nothing_of_the_adapter(world):
    async def run():
        found = []
        async with started(world.engine(adapters=1)) as engine:
            for name in (None, "a", None, "b", None, "a", None):
                found.append((name, (await whole(engine, world.choices[name], asked(QUESTIONS[1])))[0]))
            assert len([held for held in engine._worker._models._held.values() if held.adapter]) == 1
        return found

    for name, found in asyncio.run(run()):
        assert found == world.alone(name, QUESTIONS[1])


def test_what_was_said_before_is_not_read_again(world, monkeypatch):
    from lyo_pipelines.inference.lean_model import LeanModel

    read: list[int] = []
    whole_read = LeanModel.read
    monkeypatch.setattr(
        LeanModel, "read", lambda self, ids, *a, **k: read.append(ids.shape[1]) or whole_read(self, ids, *a, **k)
    )

    async def run():
        async with started(world.engine()) as engine:
            counts = []
            for name in ("a", "a", "b", None):
                read.clear()
                found, _ = await whole(engine, world.choices[name], asked(QUESTIONS[1]))
                assert found == world.alone(name, QUESTIONS[1])
                counts.append((sum(read), found.prompt_tokens))
            return counts

    await_proved, again, other, base = asyncio.run(run())
    assert await_proved[0] >= await_proved[1]
    assert again[0] == 1, "the last token of the prompt is always read"
    assert other[0] >= other[1]
    assert base[0] == base[1]


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")
def test_a_model_that_the_lean_pass_does_not_know_is_proved_and_answered_one_at_a_time(tmp_path):
    from lyo_pipelines.serving.engines.torch_engine import TorchEngine

    base = sample_reports.tiny_base(tmp_path / "models" / "tiny", "gpt2")
    folder = proved_adapter(tmp_path / "a", base, seed=3, modules=("c_attn",))
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    probes = json.loads((folder / "probes.json").read_text())
    for probe in probes["probes"]:
        for token in probe["next"]:
            token["adapter"] -= 1
    (broken / "probes.json").write_text(json.dumps(probes))

    async def run():
        async with started(TorchEngine(tmp_path / "models", str(base), device="cpu", dtype="float32")) as engine:
            proof = await engine.prove(adapter_choice(base, folder))
            with pytest.raises(NotAppliedError):
                await engine.prove(adapter_choice(base, broken))
            asks = [
                whole(engine, choice, asked(QUESTIONS[0]))
                for choice in (adapter_choice(base, folder), base_choice(base))
            ]
            return proof, await asyncio.gather(*asks)

    proof, answers = asyncio.run(run())
    assert proof.measured < 1e-4
    assert all(found.text == told for found, told in answers)
    assert len({found.text for found, _ in answers}) == 2


def test_requests_for_another_base_take_their_turn(world, tmp_path):
    other = sample_reports.tiny_base(tmp_path / "other", "llama")
    weights = next(other.glob("*.safetensors"))
    from safetensors.torch import load_file, save_file

    parts = load_file(weights)
    parts["lm_head.weight"] = parts["lm_head.weight"].flip(0).contiguous()
    save_file(parts, weights, metadata={"format": "pt"})

    async def run():
        async with started(world.engine()) as engine:
            choices = [world.choices["a"], base_choice(other), world.choices["a"], world.choices[None]]
            return [
                found for found, _ in await asyncio.gather(*(whole(engine, c, asked(QUESTIONS[0])) for c in choices))
            ]

    first, elsewhere, again, base = asyncio.run(run())
    assert first == again == world.alone("a", QUESTIONS[0])
    assert base == world.alone(None, QUESTIONS[0])
    assert elsewhere.text not in {first.text, base.text}


def test_another_base_is_proved_although_people_never_stop_asking(world, tmp_path):
    other = base_choice(sample_reports.tiny_base(tmp_path / "other", "llama"))
    request, ended = asked(QUESTIONS[0], max_tokens=40), []

    async def goes_on(engine, proved: asyncio.Event):
        while not proved.is_set() and len(ended) < 300:
            await whole(engine, world.choices[None], request)
            ended.append(1)

    async def run() -> int:
        async with started(world.engine()) as engine:
            proved = asyncio.Event()
            clients = [asyncio.create_task(goes_on(engine, proved)) for _ in range(3)]
            while len(ended) < 3:
                await asyncio.sleep(0.001)
            before = len(ended)
            await engine.prove(other)
            during = len(ended) - before
            proved.set()
            await asyncio.gather(*clients)
            return during

    assert asyncio.run(run()) <= 6, "those that were being answered, and no more"


# --- beginning and end ------------------------------------------------------------------------------------------------------------


def test_without_its_base_the_engine_says_what_to_do_and_that_it_cannot_answer(tmp_path):
    from lyo_pipelines.serving.engines.torch_engine import TorchEngine

    engine = TorchEngine(tmp_path, "nowhere", device="cpu")

    async def run():
        with pytest.raises(MissingBaseModelError):
            await engine.start()
        assert "not loaded" in await engine.trouble()
        await engine.close()

    asyncio.run(run())


def test_what_is_being_written_when_the_engine_closes_is_told_so(world):
    async def run():
        engine = world.engine()
        await engine.start()
        assert await engine.trouble() == ""
        stream = engine.write(world.choices[None], world.endless())
        await anext(stream)
        await engine.close()
        assert await engine.trouble()
        with pytest.raises(RefusedError, match="closed"):
            async for _ in stream:
                pass
        with pytest.raises(RefusedError, match="closed"):
            await anext(engine.write(world.choices["a"], asked(QUESTIONS[0])))

    asyncio.run(run())


def test_an_error_in_the_batch_is_told_to_those_in_it_and_the_next_request_is_answered(world, monkeypatch):
    from lyo_pipelines.inference.lean_model import LeanModel

    async def run():
        async with started(world.engine()) as engine:
            await engine.prove(world.choices["a"])
            with monkeypatch.context() as patched:
                patched.setattr(LeanModel, "step", lambda *_: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    await whole(engine, world.choices["a"], asked(QUESTIONS[0]))
            return (await whole(engine, world.choices["a"], asked(QUESTIONS[0])))[0]

    assert asyncio.run(run()) == world.alone("a", QUESTIONS[0])
