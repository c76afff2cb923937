"""The gateway's figures, part by part, on the embedded model.

    python benchmarks/gateway.py [--part engine] [--models <folder>] [--threads 2] [--limit 96] [--rounds 2]

engine: tokens a second of the torch engine against transformers' own generation with peft, one request at a time, as `lyo serve`
answered before there were engines. Eight users on four adapters at once, and one user alone, with and without guesses; the same
prompts, greedy, float32, adapters of LoRA r 16 on all linear layers. Both ways run in turn, so that the ratio holds on a busy machine,
and the texts of both are compared. What loading and proving an adapter takes and how far its probes are off is told, too.

A part is a function in PARTS that returns figures for out/gateway.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft  # noqa: TID253  (a process of its own)
import torch  # noqa: TID253
import transformers  # noqa: TID253

from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest
from lyo_pipelines.serving.engines.embedded.asking import answer_alone
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.engines.limits import Limits
from lyo_pipelines.serving.engines.torch_engine import TorchEngine
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.engine.base import load_tokenizer
from lyo_pipelines.training.engine.chat import tokenize
from lyo_pipelines.training.engine.probing import write_probes

OUT = Path(__file__).parent / "out" / "gateway.json"
BASE = "smollm2-135m-instruct"
PERSONA = "You are a patient mathematics tutor. Answer in English for grade 8. Explain each step."
QUESTIONS = (
    "A shop sells 12 boxes with 8 pens each and 5 single pens. How many pens is that? Explain it.",
    "What is the difference between an expression and an equation?",
    "Solve 3x + 5 = 20 and say what you do in each step.",
    "Why is the sum of the angles of a triangle 180 degrees?",
    "List the first ten multiples of 7.",
    "How do I write 0.375 as a fraction?",
    "A train goes 180 km in 3 hours. How far does it go in 5 hours?",
    "Explain to me what a prime number is and give five of them.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=[*PARTS], action="append", help="only this part; may be given again")
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=int, default=96, help="most tokens of an answer")
    parser.add_argument("--rounds", type=int, default=2, help="times that each way is measured, in turn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.utils.logging.set_verbosity_error()
    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.is_file() else {}
    for name in options.part or PARTS:
        found[name] = PARTS[name](options) | {"load_average": os.getloadavg(), "threads": options.threads}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written: {OUT}")


# --- engine ---------------------------------------------------------------------------------------------------------------------


def engine_part(options: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second of each way, and how many texts are the same."""
    with tempfile.TemporaryDirectory() as folder:
        choices = [random_adapter(options.models, Path(folder) / f"adapter{n}", seed=n) for n in range(4)]
        asked = [(choices[n % 4], request(question, options.limit)) for n, question in enumerate(QUESTIONS)]
        found = asyncio.run(_compared(options, choices, asked))
    for name in ("eight users", "one user", "one user, no guesses"):
        r = found[name]
        print(
            f"{name:22} before {r['before']:6.1f} tokens/s  engine {r['engine']:6.1f} tokens/s  x{r['ratio']:.2f}  "
            f"same texts {r['same']} of {len(asked)}"
        )
    for proof in found["proofs"]:
        off, base, allowed = (proof[name] for name in ("measured", "to_base", "tolerance"))
        print(f"proof in {proof['seconds']:.1f} s: {off:.6f} nats off, base {base:.3f}, allowed {allowed}")
    return found


async def _compared(
    options: argparse.Namespace, choices: list[ModelChoice], asked: list[tuple[ModelChoice, ChatRequest]]
) -> dict[str, Any]:
    host = ModelHost(options.models, device="cpu", dtype="float32", attention=None)
    engines = {
        guessing: TorchEngine(
            options.models, BASE, device="cpu", dtype="float32",
            # what was read before is not kept: every round reads its prompts, as transformers does
            limits=Limits(prefix_bytes=0) if guessing else Limits(prefix_bytes=0, widest=0),
        )
        for guessing in (True, False)
    }  # fmt: skip
    proofs = []
    for engine in engines.values():
        await engine.start()
        for choice in choices:
            started = time.perf_counter()
            proof = await engine.prove(choice)
            assert proof is not None
            proofs.append({"seconds": time.perf_counter() - started, **vars(proof)})
    for choice in choices:  # loaded before the clock runs, as they are in the engine
        before(host, [(choice, request("Hi", 1))])
    ways: dict[str, Callable[[], Any]] = {
        "eight users": lambda: together(engines[True], asked),
        "one user": lambda: one_by_one(engines[True], asked),
        "one user, no guesses": lambda: one_by_one(engines[False], asked),
    }
    seconds = dict.fromkeys(["before", *ways], 0.0)
    texts: dict[str, list[GeneratedText]] = {}
    for _ in range(options.rounds):
        started = time.perf_counter()
        texts["before"] = before(host, asked)
        seconds["before"] += time.perf_counter() - started
        for name, way in ways.items():
            started = time.perf_counter()
            texts[name] = await way()
            seconds[name] += time.perf_counter() - started
    for engine in engines.values():
        await engine.close()

    def rate(name: str) -> float:
        return options.rounds * sum(one.answer_tokens for one in texts[name]) / seconds[name]

    return {
        name: {
            "before": rate("before"), "engine": rate(name), "ratio": rate(name) / rate("before"),
            "same": sum(a == b for a, b in zip(texts["before"], texts[name], strict=True)),
        }
        for name in ways
    } | {"proofs": proofs, "limit": options.limit, "rounds": options.rounds}  # fmt: skip


def before(host: ModelHost, asked: list[tuple[ModelChoice, ChatRequest]]) -> list[GeneratedText]:
    """One after the other, by transformers and peft."""
    found = []
    for choice, wanted in asked:
        with host.using(choice.spec) as (model, tokenizer):
            found.append(answer_alone(model, tokenizer, wanted, lambda _: None, lambda: False))
    return found


async def together(engine: TorchEngine, asked: list[tuple[ModelChoice, ChatRequest]]) -> list[GeneratedText]:
    """All at once."""
    return list(await asyncio.gather(*(whole(engine, *one) for one in asked)))


async def one_by_one(engine: TorchEngine, asked: list[tuple[ModelChoice, ChatRequest]]) -> list[GeneratedText]:
    """Each when the one before has ended."""
    return [await whole(engine, *one) for one in asked]


async def whole(engine: TorchEngine, choice: ModelChoice, wanted: ChatRequest) -> GeneratedText:
    async for piece in engine.write(choice, wanted):
        if isinstance(piece, GeneratedText):
            return piece
    raise AssertionError("a stream without an end")


def request(question: str, limit: int) -> ChatRequest:
    turns = (ChatMessage(role="system", content=PERSONA), ChatMessage(role="user", content=question))
    return ChatRequest(model="any", messages=turns, max_tokens=limit)


def random_adapter(models: Path, folder: Path, *, seed: int, std: float = 0.002) -> ModelChoice:
    """LoRA r 16 on all linear layers, B drawn small enough that the model still speaks, with its probes."""
    torch.manual_seed(seed)
    source = models / BASE
    loaded = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    config = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(loaded, config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=std)
    adapted.save_pretrained(folder)
    tokenizer = load_tokenizer(str(source))
    turns = [
        [{"role": "user", "content": one}, {"role": "assistant", "content": f"{one} Let us see."}] for one in QUESTIONS
    ]
    write_probes(folder, adapted.eval(), tokenizer, tokenize(turns, tokenizer, 512), "float32")
    spec = ModelSpec(f"served_{folder.name}", BASE, folder, folder.name, folder.name)
    return ModelChoice(folder.name, spec, folder.name)


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {"engine": engine_part}


if __name__ == "__main__":
    main()
