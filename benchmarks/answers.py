"""Answers a second of an evaluation report: the lean forward pass against transformers' generation in fixed batches.

    python benchmarks/answers.py [--models <folder>] [--items 64] [--rows 32] [--limit 192] [--references <jsonl>]

Embedded model, float32 unless --dtype says otherwise, the same prompts for the base and for an adapter (LoRA r 16 on all linear
layers, random weights). The base runs on to the limit, as an untrained one mostly does; the adapter's answers end where the
reference does (lines of {"question", "answer"}; without a file they are made), which both ways are told by a rule for each row.
Counted are the tokens of answers. The texts of both ways are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  (a process of its own)
import transformers  # noqa: TID253

from lyo_pipelines.evaluation.engine import generate
from lyo_pipelines.evaluation.engine.encoding import Encoded, encode_items
from lyo_pipelines.evaluation.engine.model_host import ModelHost
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.inference.greedy import Prompt, write_greedily
from lyo_pipelines.training.engine.decoding import generate_ids, padding_id

OUT = Path(__file__).parent / "out" / "answers.json"
PERSONA = "You are a patient mathematics tutor. Answer in English for grade 8. Explain each step."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--rows", type=int, default=32, help="prompts answered at once")
    parser.add_argument("--limit", type=int, default=192, help="most tokens of an answer")
    parser.add_argument("--references", type=Path)
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    transformers.utils.logging.set_verbosity_error()
    host = ModelHost(options.models, device="cpu", dtype=options.dtype, attention=None)
    items = [
        Item(str(n), str(n), (("system", PERSONA), ("user", question)), answer, "en")
        for n, (question, answer) in enumerate(rows_of(options.references, options.items))
    ]
    base = ModelSpec("base", "smollm2-135m-instruct", None, "", "")
    found: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "items": len(items),
        "rows": options.rows,
        "limit": options.limit,
    }
    with host.using(base) as (model, tokenizer):
        encoded = encode_items(tokenizer, items, max_length=1024)
        whole = dict.fromkeys((e.item_id for e in encoded), options.limit)
        found["base"] = compare(model, tokenizer, host, base, encoded, whole, options.rows)
    candidate = ModelSpec("candidate", "smollm2-135m-instruct", random_adapter(model, options.models), "", "")
    with host.using(candidate) as (model, tokenizer):
        limits = {e.item_id: min(options.limit, len(e.reference)) for e in encoded}
        found["adapter"] = compare(model, tokenizer, host, candidate, encoded, limits, options.rows)
    seconds = {way: sum(found[model][f"{way}_seconds"] for model in ("base", "adapter")) for way in ("fixed", "lean")}
    found["ratio"] = seconds["fixed"] / seconds["lean"]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    for name in ("base", "adapter"):
        r = found[name]
        print(
            f"{name:8} {r['tokens']:6} tokens  fixed batches {r['tokens'] / r['fixed_seconds']:6.1f} tokens/s  lean "
            f"{r['tokens'] / r['lean_seconds']:6.1f} tokens/s  x{r['fixed_seconds'] / r['lean_seconds']:.2f}  "
            f"same texts {r['same']} of {len(items)}"
        )
    print(f"all answers of a report: x{found['ratio']:.2f}; written: {OUT}")


def compare(
    model: Any,
    tokenizer: Any,
    host: ModelHost,
    spec: ModelSpec,
    encoded: list[Encoded],
    limits: dict[str, int],
    rows: int,
) -> dict[str, Any]:
    """Seconds of both ways over the same prompts, and how many texts are the same."""
    lean = host.lean(spec)
    if lean is None:
        raise SystemExit("the lean forward pass does not know this model")
    started = time.perf_counter()
    prompts = [Prompt(e.item_id, e.prompt, limits[e.item_id], lean.adapter) for e in encoded]
    ours = {one.key: one.tokens for some in write_greedily(lean.model, prompts, stops=(), rows=rows) for one in some}
    seconds = time.perf_counter() - started
    started, theirs = time.perf_counter(), {}
    for batch in generate.batches_by_length(encoded, rows, whole=False):
        theirs |= fixed(model, tokenizer, batch, limits)
    return {
        "tokens": sum(map(len, ours.values())), "lean_seconds": seconds, "fixed_seconds": time.perf_counter() - started,
        "same": sum(ours[key] == theirs[key] for key in ours),
    }  # fmt: skip


def fixed(model: Any, tokenizer: Any, batch: list[Encoded], limits: dict[str, int]) -> dict[str, list[int]]:
    """One batch until its longest answer has ended, as transformers does it."""
    longest = max(len(e.prompt) for e in batch)
    ids = torch.full((len(batch), longest), padding_id(tokenizer))
    mask = torch.zeros_like(ids)
    for row, e in enumerate(batch):
        ids[row, longest - len(e.prompt) :] = torch.tensor(e.prompt)
        mask[row, longest - len(e.prompt) :] = 1
    room = torch.tensor([limits[e.item_id] for e in batch])

    class Limits(transformers.StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
            return input_ids.shape[1] - longest >= room

    written = generate_ids(model, tokenizer, ids, mask, stops=(), longest=int(room.max()), criteria=[Limits()])
    return {e.item_id: tokens[: limits[e.item_id]] for e, tokens in zip(batch, written, strict=True)}


def random_adapter(model: Any, models: Path) -> Path:
    import tempfile

    import peft

    folder = Path(tempfile.mkdtemp()) / "adapter"
    torch.manual_seed(7)
    with torch.inference_mode(False):
        config = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            models / "smollm2-135m-instruct", dtype=torch.float32
        )
        adapted = peft.get_peft_model(loaded, config)
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.002)
        adapted.save_pretrained(folder)
    return folder


def rows_of(path: Path | None, count: int) -> list[tuple[str, str]]:
    """(question, answer); the made answers are as long as those of a tutor: 20 to 150 words, many short ones."""
    if path is not None:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [(line["question"], line["answer"]) for line in lines[:count]]
    rng = random.Random(7)
    rows = []
    for _ in range(count):
        a, b, c = rng.randint(2, 40), rng.randint(2, 40), rng.randint(2, 12)
        question = f"A shop sells {a} boxes with {b} pens each and {c} single pens. How many pens is that? Explain it."
        steps = [
            f"Step {n}: count {a * n} and {b + n}, which makes {a * n + b + n}."
            for n in range(1, 2 + int(rng.expovariate(0.35)))
        ]
        rows.append((question, " ".join([*steps, f"The answer is {a * b + c}."])))
    return rows


if __name__ == "__main__":
    main()
