"""The engine's numbers against the slow, plain way of getting them, on a tiny random Llama with a LoRA adapter."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253  (these tests run models)

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.encoding import Encoded, answer_limit, encode_items
from lyo_pipelines.evaluation.engine.model_host import ModelHost, resolve_device, resolve_dtype
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.planning.assemble import gather_inputs
from lyo_pipelines.training.engine.decoding import stop_ids
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.training.tiny import make_model


@pytest.fixture(scope="module")
def host(world) -> ModelHost:
    return ModelHost(world.root / "models", device="cpu", dtype="float32", attention=None)


@pytest.fixture(scope="module")
def specs(world) -> dict[str, ModelSpec]:
    inputs = gather_inputs(
        world.dataset, world.candidate, world.champion, world.config, curation=sample_reports.CURATION
    )
    return {spec.role: spec for spec in inputs.models}


@pytest.fixture(scope="module")
def items(world) -> tuple[Item, ...]:
    return gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION).items


def naive_loss(model, e: Encoded) -> float:
    """One sequence, no padding, all logits, one log-softmax."""
    ids = torch.tensor([e.prompt + e.reference])
    scores = model(input_ids=ids).logits[0].log_softmax(-1)
    first = len(e.prompt)
    return -sum(float(scores[at - 1, ids[0, at]]) for at in range(first, ids.shape[1]))


@pytest.mark.parametrize("role", ["base", "candidate"])
def test_batched_loss_is_the_loss_of_each_answer_alone(host, specs, items, role):
    with host.using(specs[role]) as (model, tokenizer):
        encoded = encode_items(tokenizer, items, max_length=1024)
        for batch in generate.batches_by_length(encoded, 5, whole=True):
            found = generate.likelihood(model, tokenizer, batch)
            for e, total, tokens in zip(batch, found["nll_sums"], found["nll_tokens"], strict=True):
                assert total == pytest.approx(naive_loss(model, e), rel=1e-4)
                assert tokens == len(e.reference)


@pytest.mark.parametrize("role", ["base", "candidate"])
def test_batched_answers_are_the_answers_of_each_question_alone(host, specs, items, role):
    with host.using(specs[role]) as (model, tokenizer):
        encoded = encode_items(tokenizer, items, max_length=1024)
        together = {
            item_id: text
            for batch in generate.batches_by_length(encoded, 7, whole=False)
            for item_id, text in zip(
                *(generate.answers(model, tokenizer, batch, max_new_tokens=16)[key] for key in ("ids", "texts")),
                strict=True,
            )
        }
        for e in encoded:
            alone = generate.answers(model, tokenizer, [e], max_new_tokens=16)
            assert alone["texts"] == [together[e.item_id]]


@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_other_architectures_are_asked_rightly_too(world, items, family):
    """Positions counted from the padding (GPT-2) or a sliding window (Gemma 2) would show here."""
    sample_reports.tiny_base(world.root / "models" / family, family)
    host = ModelHost(world.root / "models", device="cpu", dtype="float32", attention=None)
    with host.using(ModelSpec("base", family, None, family, family)) as (model, tokenizer):
        encoded = encode_items(tokenizer, items[:6], max_length=1024)
        found = generate.likelihood(model, tokenizer, encoded)
        together = generate.answers(model, tokenizer, encoded, max_new_tokens=8)
        for e, total, text in zip(encoded, found["nll_sums"], together["texts"], strict=True):
            assert total == pytest.approx(naive_loss(model, e), rel=1e-4)
            assert generate.answers(model, tokenizer, [e], max_new_tokens=8)["texts"] == [text]


def test_an_encoder_decoder_is_asked_rightly_too(world, items):
    make_model(world.root / "models" / "t5", "t5", hidden=64)
    host = ModelHost(world.root / "models", device="cpu", dtype="float32", attention=None)
    with host.using(ModelSpec("base", "t5", None, "t5", "t5")) as (model, tokenizer):
        encoded = encode_items(tokenizer, items[:5], max_length=1024)
        found = generate.likelihood(model, tokenizer, encoded)
        together = generate.answers(model, tokenizer, encoded, max_new_tokens=8)
        for e, total, tokens, text in zip(
            encoded, found["nll_sums"], found["nll_tokens"], together["texts"], strict=True
        ):
            own = model(input_ids=torch.tensor([e.prompt]), labels=torch.tensor([e.reference])).loss
            assert total / tokens == pytest.approx(float(own), rel=1e-4)
            assert generate.answers(model, tokenizer, [e], max_new_tokens=8)["texts"] == [text]
        assert max(together["answer_tokens"]) <= 8
        times = list(generate.waiting_times(model, tokenizer, encoded[:1], new_tokens=4, synchronize=host.synchronize))
        assert [t["tokens"] for t in times] == [4]


def test_of_a_plain_text_every_token_but_the_first_is_scored(host, specs):
    text = Item("p", "g", (), "Water boils at 100 degrees.", "en")
    with host.using(specs["base"]) as (model, tokenizer):
        (e,) = encode_items(tokenizer, [text], max_length=1024)
        ids = tokenizer(text.reference, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        assert e.plain
        assert list(e.prompt + e.reference) == ids
        found = generate.likelihood(model, tokenizer, [e])
        own = model(input_ids=torch.tensor([ids]), labels=torch.tensor([ids])).loss
        assert found["nll_tokens"] == [len(ids) - 1]
        assert found["nll_sums"][0] / found["nll_tokens"][0] == pytest.approx(float(own), rel=1e-4)


def test_the_adapter_changes_the_model_and_can_be_switched_off_again(host, specs, items):
    def loss(role: str) -> float:
        with host.using(specs[role]) as (model, tokenizer):
            batch = encode_items(tokenizer, items[:4], max_length=1024)
            return sum(generate.likelihood(model, tokenizer, batch)["nll_sums"])

    before, candidate, champion = loss("base"), loss("candidate"), loss("champion")
    assert len({round(before, 2), round(candidate, 2), round(champion, 2)}) == 3
    assert (loss("candidate"), loss("base")) == pytest.approx((candidate, before))


def test_an_answer_ends_at_the_stop_token(host, specs, items):
    """The token that the model writes third is made its stop token: two tokens must remain."""
    with host.using(specs["base"]) as (model, tokenizer):
        e = encode_items(tokenizer, items[:1], max_length=1024)[0]
        ids = torch.tensor([e.prompt])
        free = model.generate(input_ids=ids, max_new_tokens=8, do_sample=False, eos_token_id=None)[
            0, ids.shape[1] :
        ].tolist()
        third = next(at for at in range(2, 8) if free[at] not in free[:at])
        kept = model.generation_config.eos_token_id
        model.generation_config.eos_token_id = [free[third]]
        try:
            assert free[third] in stop_ids(tokenizer, model)
            found = generate.answers(model, tokenizer, [e], max_new_tokens=8)
        finally:
            model.generation_config.eos_token_id = kept
        assert (found["answer_tokens"], found["truncated"]) == ([third], [False])
        assert generate.answers(model, tokenizer, [e], max_new_tokens=2)["truncated"] == [True]


def test_a_reference_ends_with_the_end_of_turn(host, specs, items):
    with host.using(specs["base"]) as (_, tokenizer):
        e = encode_items(tokenizer, items[:1], max_length=1024)[0]
        assert e.reference[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(e.reference[:-1]) == items[0].reference
        assert tokenizer.decode(e.prompt).endswith("<|assistant|>")


@pytest.mark.parametrize(("longest", "limit"), [(1, 16), (80, 96), (127, 144), (301, 336), (900, 512)])
def test_answers_get_the_room_that_the_longest_reference_needs(longest, limit):
    encoded = [Encoded("a", (1,), (1,), ""), Encoded("b", (1,), (1,) * longest, "")]
    assert answer_limit(encoded) == limit


def test_a_prompt_that_is_too_long_is_cut_and_counted(host, specs, items):
    with host.using(specs["base"]) as (_, tokenizer):
        e = encode_items(tokenizer, items[:1], max_length=160)[0]
        assert len(e.prompt) + len(e.reference) <= 160
        assert e.cut


def test_waiting_times_are_of_single_questions_with_the_same_number_of_tokens(host, specs, items):
    with host.using(specs["base"]) as (model, tokenizer):
        encoded = encode_items(tokenizer, items[:3], max_length=1024)
        times = list(generate.waiting_times(model, tokenizer, encoded, new_tokens=5, synchronize=host.synchronize))
        assert [t["tokens"] for t in times] == [5, 5, 5]
        assert all(0 < t["first"] < t["total"] for t in times)
        assert list(generate.waiting_times(model, tokenizer, [], new_tokens=5, synchronize=host.synchronize)) == []


@pytest.mark.parametrize("role", ["base", "candidate"])
def test_they_are_of_the_forward_pass_that_answers_users_where_it_knows_the_model(host, specs, items, role):
    with host.using(specs[role]) as (_, tokenizer):
        encoded, lean = encode_items(tokenizer, items[:3], max_length=1024), host.lean(specs[role])
        assert lean is not None
        assert (lean.adapter is None) == (role == "base")
        wait = {"new_tokens": 5, "synchronize": host.synchronize}
        times = list(generate.lean_waiting_times(lean, encoded, **wait))
        assert [t["tokens"] for t in times] == [5] * 3
        assert all(0 < t["first"] < t["total"] for t in times)
        assert list(generate.lean_waiting_times(lean, [], **wait)) == []


def test_batches_hold_everything_once_longest_first():
    encoded = [Encoded(str(i), tuple(range(i % 7 + 1)), (1,), "") for i in range(23)]
    batches = generate.batches_by_length(encoded, 5, whole=False)
    flat = [e for batch in batches for e in batch]
    assert sorted(e.item_id for e in flat) == sorted(e.item_id for e in encoded)
    assert [len(e.prompt) for e in flat] == sorted((len(e.prompt) for e in encoded), reverse=True)


def test_the_number_format_follows_the_hardware():
    assert resolve_device("cpu") == "cpu"
    assert resolve_dtype("float32", "cpu") is torch.float32
    assert resolve_dtype("auto", "cpu") in {torch.float32, torch.bfloat16}
    assert resolve_device("auto") in {"cpu", "cuda"}
