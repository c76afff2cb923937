"""Training, evaluation and serving of one base model: the same token ids, the same ends, the same numbers, the same limits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.encoding import Encoded, encode_items, encode_to_ask
from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.engines.torch_engine import TorchEngine
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.chat import Tokens, tokenize
from lyo_pipelines.training.engine.data import Collator
from lyo_pipelines.training.engine.decoding import positions_of, stop_ids
from lyo_pipelines.training.engine.fused_lora import fuse_lora
from lyo_pipelines.training.engine.lora import add_lora
from lyo_pipelines.training.engine.loss import token_losses
from lyo_pipelines.training.recipes import Lora
from lyo_pipelines_tests.training.chat_families import FAMILIES, family_model

torch = pytest.importorskip("torch")

SYSTEM = {"role": "system", "content": "you are a tutor"}
ASKED = [SYSTEM, {"role": "user", "content": "four apples"}, {"role": "assistant", "content": "the number four"},
         {"role": "user", "content": "five apples so we add"}]  # fmt: skip
ANSWER = "the result is five so we get the answer"
EXAMPLE = [*ASKED, {"role": "assistant", "content": ANSWER}]
OWN_SETTINGS = {
    "do_sample": True, "temperature": 1.7, "repetition_penalty": 1.5, "no_repeat_ngram_size": 2, "num_beams": 3, "top_k": 5,
    "bad_words_ids": [[10]], "suppress_tokens": [11], "min_length": 60, "begin_suppress_tokens": [12], "max_length": 7,
    "eos_token_id": 3, "forced_eos_token_id": 3,
}  # fmt: skip
"""What a base's generation_config might ask for; none of it is greedy, and its end mark is not the one that was taught."""


@dataclass(frozen=True)
class Taught:
    """A family's model that has learnt one answer by heart, on disk, with a LoRA adapter that changes its numbers."""

    name: str
    folder: Path
    adapter: Path
    example: Tokens

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec("base", str(self.folder), None, "base", "base")


def learn_by_heart(model: Any, tokenizer: Any, example: Tokens) -> None:
    """Minimise training's own loss on one example, all weights free, until it is written without a mistake."""
    encoder_decoder = bool(model.config.is_encoder_decoder)
    batch = Collator(tokenizer.pad_token_id, encoder_decoder=encoder_decoder)([{"tokens": example, "weight": 1.0}])
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _ in range(250):
        losses, _ = token_losses(model, batch, encoder_decoder=encoder_decoder)
        if float(losses.detach().max()) < 0.05:
            return
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    raise AssertionError(f"it did not learn one answer: {losses.detach().tolist()}")


def add_adapter(folder: Path, model: Any) -> None:
    """Save a LoRA adapter whose B is not zero."""
    adapted = add_lora(model, Lora(r=4, alpha=8, dropout=0.0), seed=1)
    generator = torch.Generator().manual_seed(5)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            weights.data = torch.randn(weights.shape, generator=generator) * 0.02
    adapted.save_pretrained(folder)


@pytest.fixture(scope="module", params=FAMILIES)
def taught(request, tmp_path_factory) -> Taught:
    root = tmp_path_factory.mktemp(request.param)
    folder = family_model(root / "model", request.param)
    tokenizer = base.load_tokenizer(str(folder))
    (example,) = tokenize([EXAMPLE], tokenizer, 256)
    model = base.load_model(str(folder), dtype=torch.float32)
    learn_by_heart(model, tokenizer, example)
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(OWN_SETTINGS))
    add_adapter(root / "adapter", model)
    return Taught(request.param, folder, root / "adapter", example)


def hosted(taught: Taught, dtype: str = "float32") -> ModelHost:
    return ModelHost(taught.folder.parent, device="cpu", dtype=dtype, attention=None)


def item(answer: str = ANSWER, turns: list[dict[str, str]] | None = None) -> Item:
    return Item("one", "one", tuple((turn["role"], turn["content"]) for turn in turns or ASKED), answer, "en")


def served(taught: Taught, turns: list[dict[str, str]], **wanted: Any) -> tuple[GeneratedText, str]:
    """What `lyo serve` answers, whole and as the sum of the pieces that a stream tells."""
    request = ChatRequest(model="base", messages=tuple(ChatMessage(**turn) for turn in turns), **wanted)

    async def answer() -> list[str | GeneratedText]:
        engine = TorchEngine(taught.folder.parent, str(taught.folder), device="cpu", dtype="float32")
        try:
            return [piece async for piece in engine.write(ModelChoice("base", taught.spec, "base"), request)]
        finally:
            await engine.close()

    *pieces, written = asyncio.run(answer())
    assert isinstance(written, GeneratedText)
    return written, "".join(map(str, pieces))


def test_the_end_that_the_template_teaches_is_learnt_once_and_stopped_at(taught):
    family, tokenizer = FAMILIES[taught.name], base.load_tokenizer(str(taught.folder))
    answer = taught.example.answer
    assert tokenizer.convert_ids_to_tokens(answer[-1]) == family.end
    with hosted(taught).using(taught.spec) as (model, _):
        stops = stop_ids(tokenizer, model)
    assert answer[-1] in stops
    assert not set(answer[:-1]) & set(stops), "nothing is learnt after the first end mark"
    assert tokenizer.decode(answer[:-1]).strip() == ANSWER, "no empty thoughts and no frame within the answer"


def test_all_three_ask_with_the_same_token_ids(taught):
    from lyo_pipelines.training.engine.prompt_cut import prompt_ids

    tokenizer = base.load_tokenizer(str(taught.folder))
    (encoded,) = encode_items(tokenizer, [item()], max_length=256)
    assert list(encoded.prompt) == taught.example.prompt == prompt_ids(ASKED, tokenizer)
    assert list(encoded.reference) == taught.example.answer
    written, _ = served(taught, ASKED, max_tokens=1)
    assert written.prompt_tokens == len(encoded.prompt)
    family = FAMILIES[taught.name]
    if family.adds_bos and (family.template is None or "bos_token" in family.template):
        assert encoded.prompt[0] == tokenizer.bos_token_id


def test_what_was_learnt_is_what_evaluation_and_serving_read(taught):
    host = hosted(taught)
    with host.using(taught.spec) as (model, tokenizer):
        (encoded,) = encode_items(tokenizer, [item()], max_length=256)
        asked = generate.answers(model, tokenizer, [encoded], max_new_tokens=40)
        beside = Encoded("other", encoded.prompt[: len(encoded.prompt) // 2], encoded.reference, "")
        padded = generate.answers(model, tokenizer, [encoded, beside], max_new_tokens=40)
    assert asked["texts"] == [ANSWER], "greedy, whatever the base's own generation_config asks for"
    assert asked["truncated"] == [False]
    assert asked["answer_tokens"] == [len(taught.example.answer) - 1]
    assert padded["texts"][0] == ANSWER
    written, streamed = served(taught, ASKED, max_tokens=40)
    assert (written.text, written.finish_reason, streamed) == (ANSWER, "stop", ANSWER)


def training_numbers(taught: Taught) -> torch.Tensor:
    """Each answer token's loss as training computes it, with the adapter, in float32."""
    import peft

    tokenizer = base.load_tokenizer(str(taught.folder))
    model = base.load_model(str(taught.folder), dtype=torch.float32)
    adapted = peft.PeftModel.from_pretrained(model, str(taught.adapter)).eval()
    fuse_lora(adapted)
    encoder_decoder = bool(model.config.is_encoder_decoder)
    batch = Collator(tokenizer.pad_token_id, encoder_decoder=encoder_decoder)(
        [{"tokens": taught.example, "weight": 1.0}]
    )
    with torch.no_grad():
        losses, _ = token_losses(adapted, batch, encoder_decoder=encoder_decoder)
    return losses


def test_an_adapter_has_the_loss_in_evaluation_that_it_has_in_training(taught):
    ours = training_numbers(taught)
    spec = ModelSpec("candidate", str(taught.folder), taught.adapter, "v", "v")
    with hosted(taught).using(spec) as (model, tokenizer):
        (encoded,) = encode_items(tokenizer, [item()], max_length=256)
        shorter = Encoded("other", encoded.prompt[:3], encoded.reference[:2], "")
        theirs = generate.likelihood(model, tokenizer, [encoded, shorter])
    assert theirs["nll_sums"][0] == pytest.approx(float(ours.sum()), rel=1e-3, abs=1e-3)
    assert theirs["nll_tokens"][0] == len(ours)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_loading_an_adapter_changes_no_number_of_the_base(taught, dtype):
    host = hosted(taught, dtype)
    ids = torch.tensor([[5, 20, 30, 40, 21, 33, 8] * 12])
    more = {"decoder_input_ids": ids[:, :4]} if FAMILIES[taught.name].model_type == "t5" else {}
    candidate = ModelSpec("candidate", str(taught.folder), taught.adapter, "v", "v")

    def logits(spec: ModelSpec) -> torch.Tensor:
        with host.using(spec) as (model, _):
            return model(input_ids=ids, **more).logits.float()

    def buffers() -> dict[str, torch.Tensor]:
        with host.using(taught.spec) as (model, _):
            return {name.removeprefix("base_model.model."): part.clone() for name, part in model.named_buffers()}

    before, kept = logits(taught.spec), buffers()
    adapted = logits(candidate)
    after = buffers()
    assert torch.equal(logits(taught.spec), before)
    assert not torch.allclose(adapted, before, atol=1e-3)
    assert kept.keys() <= after.keys()
    for name, part in kept.items():
        assert after[name].dtype == part.dtype
        assert torch.equal(after[name], part)
    other_way = hosted(taught, dtype)
    with other_way.using(candidate) as (model, _):
        assert torch.equal(model(input_ids=ids, **more).logits.float(), adapted), "whichever is loaded first"


def test_a_prompt_that_is_cut_keeps_its_beginning_its_system_turn_and_its_header(taught):
    tokenizer = base.load_tokenizer(str(taught.folder))
    question = " ".join(["the number four is the number seven so we add"] * 30) + " five apples"
    turns = [SYSTEM, {"role": "user", "content": question}]
    (whole,) = tokenize([[*turns, EXAMPLE[-1]]], tokenizer, 4096)
    (cut,) = tokenize([[*turns, EXAMPLE[-1]]], tokenizer, 150)
    assert (len(cut) <= 150, cut.cut, cut.answer) == (True, "prompt", whole.answer)
    text, full = tokenizer.decode(cut.prompt), tokenizer.decode(whole.prompt)
    start, _, after = full.partition(question)
    header = text.partition("five apples")[2]
    assert text.startswith(start), "what stands before the question, system turn and marks, is whole"
    assert header == after, "and so is what stands after it"
    assert question.endswith(text[len(start) : len(text) - len(after)])
    assert len(cut) > 150 - 24, "no more is cut than must be"


def test_prompt_and_answer_stay_within_the_models_positions_or_it_is_said(taught):
    question = [SYSTEM, {"role": "user", "content": "the number four is " * 80}]
    with hosted(taught).using(taught.spec) as (model, tokenizer):
        known = positions_of(model)
        items = [item("five apples", question), item("so we get the result four " * 60, ASKED)]
        items[1] = Item("two", "two", items[1].prompt, items[1].reference, "en")
        encoded, limit = encode_to_ask(tokenizer, items, max_length=4096, positions=known, max_new_tokens=None)
        assert [e.cut for e in encoded] == (["", ""] if known is None else ["prompt", encoded[1].cut])
        for e in encoded:
            assert known is None or max(len(e.prompt) + limit, len(e.prompt) + len(e.reference)) <= known
        generate.likelihood(model, tokenizer, encoded)
        written = generate.answers(model, tokenizer, encoded, max_new_tokens=limit)
        longer = Encoded("long", encoded[0].prompt, encoded[0].reference, "")
        assert len(generate.answers(model, tokenizer, [longer], max_new_tokens=5000 if known else 20)["texts"]) == 1
    assert len(written["texts"]) == 2
    if known is not None:
        with pytest.raises(RefusedError, match="positions"):
            served(taught, question)
        fitting = [{"role": "user", "content": "the number four is " * 30}]
        answer, _ = served(taught, fitting, max_tokens=4000)
        assert answer.prompt_tokens + answer.answer_tokens <= known


def test_no_prompt_depends_on_the_day():
    from lyo_pipelines.training.engine.rendering import prompt_text
    from lyo_pipelines_tests.training.chat_families import family_tokenizer

    tokenizer = family_tokenizer(FAMILIES["llama3-dated"])
    today = prompt_text(ASKED, tokenizer)
    assert "Today Date: 26 Jul 2024\n" in today
    tokenizer.chat_template = tokenizer.chat_template.replace("'%d %b %Y'", "'%A, %-d %B %y (%j) at %H:%M'")
    assert "Today Date: Friday, 26 July 24 (208) at 00:00\n" in prompt_text(ASKED, tokenizer)
