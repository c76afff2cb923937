"""The memory estimate of training/memory.py against what real trainings used, on this machine's CPU.

    python benchmarks/training_memory.py [--only NAME …]

Each training runs in a process of its own: a random model of some 60 to 70 million weights, two optimizer steps through the
real engine. Measured is the process's peak of resident memory; the estimate is made from the model's config.json, the recipe
and the largest micro-batch, as the training process makes it before it starts. With models this small Python and the
libraries are a fifth to a third of it; `model` compares what is above them. The last three were not looked at when the
estimate's figures were chosen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from model_factory import make_rows

OUT = Path(__file__).parent / "out" / "training_memory.json"
LLAMA = {
    "vocab_size": 16000, "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 8, "num_attention_heads": 12,
    "num_key_value_heads": 4, "max_position_embeddings": 2048, "tie_word_embeddings": True,
}  # fmt: skip
GEMMA = {**LLAMA, "head_dim": 64, "query_pre_attn_scalar": 64, "sliding_window": 512}
GPT2 = {"vocab_size": 16000, "n_embd": 768, "n_layer": 8, "n_head": 12, "n_positions": 1024}
T5 = {
    "vocab_size": 16000,
    "d_model": 768,
    "d_ff": 2048,
    "d_kv": 64,
    "num_layers": 6,
    "num_heads": 12,
    "feed_forward_proj": "gated-gelu",
}
ARMS = {
    "lora bf16": ("llama", LLAMA, {}),
    "lora f32": ("llama", LLAMA, {"dtype": "float32"}),
    "lora bf16, 4 x longer rows": ("llama", LLAMA, {"batch.size": 1, "batch.max_length": 1536}),
    "lora bf16, peft's forward": ("llama", LLAMA, {"speed.fused_lora": False}),
    "lora bf16, checkpointing": ("llama", LLAMA, {"speed.gradient_checkpointing": True}),
    "qlora bf16": ("llama", LLAMA, {"method": "qlora"}),
    "full bf16": ("llama", LLAMA, {"method": "full"}),
    "full f32": ("llama", LLAMA, {"method": "full", "dtype": "float32"}),
    "gemma2 lora bf16": ("gemma2", GEMMA, {}),
    "gpt2 lora bf16": ("gpt2", GPT2, {}),
    "t5 lora bf16": ("t5", T5, {}),
    "gemma2 full bf16, 2 x 512": ("gemma2", GEMMA, {"method": "full", "batch.size": 2, "batch.max_length": 512}),
    "gpt2 lora f32, 8 x 192": ("gpt2", GPT2, {"dtype": "float32", "batch.size": 8, "batch.max_length": 192}),
    "llama qlora f32, 2 x 640": ("llama", LLAMA, {"method": "qlora", "dtype": "float32", "batch.size": 2, "batch.max_length": 640}),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of arms")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(measure(options.arm)))
        return
    print(f"{'':30}{'measured':>10}{'estimate':>10}{'ratio':>7}{'model':>7}   parts (GB)")
    results = {}
    for name in options.only or ARMS:
        r = results[name] = in_process(name)
        parts = ", ".join(f"{part} {size / 1e9:.2f}" for part, size in r["parts"].items() if size)
        measured, estimated = f"{r['measured'] / 1e9:.2f}GB", f"{r['estimate'] / 1e9:.2f}GB"
        print(f"{name:30}{measured:>10}{estimated:>10}{r['ratio']:7.2f}{r['model']:7.2f}   {parts}", flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten: {OUT}")


def in_process(name: str) -> dict:
    done = subprocess.run([sys.executable, __file__, "--arm", name], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(name: str) -> dict:
    os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    family, values, changes = ARMS[name]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # made in a process of its own, so that its memory is not in this one's peak
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from pathlib import Path; "
             f"from model_factory import make_model; make_model(Path({str(root / 'model')!r}), {family!r}, {values!r})"],
            check=True, capture_output=True,
        )  # fmt: skip
        return trained(root, changes)


def trained(root: Path, changes: dict) -> dict:
    import resource

    from lyo_pipelines.external_process.reporter import Reporter
    from lyo_pipelines.external_process.stopping import StopRequest
    from lyo_pipelines.training.batches import plan_training
    from lyo_pipelines.training.dimensions import dimensions_of
    from lyo_pipelines.training.dtypes import training_dtype
    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.data import read_split
    from lyo_pipelines.training.engine.model_building import largest_batch
    from lyo_pipelines.training.engine.run import train_adapter
    from lyo_pipelines.training.memory import estimate_memory
    from lyo_pipelines.training.recipe_loading import load_recipe

    fixed = {
        "base_model": str(root / "model"), "dtype": "bfloat16", "device": "cpu", "batch.size": 4, "batch.accumulation": 1,
        "batch.max_length": 384, "budget.steps": 2, "logging.tracking": "none", "validation.interval": 10**6,
    }  # fmt: skip
    recipe = load_recipe("owner", fixed | changes)
    length = recipe.batch.max_length_of("tutoring")
    dataset = make_rows(root / "rows", recipe.batch.size * 4, length)
    dimensions = dimensions_of(recipe.base_model, None) or dimensions_of(recipe.base_model, root / "model")
    assert dimensions is not None
    data = read_split(dataset, "train", base.load_tokenizer(str(root / "model")), length)
    plan = plan_training(data.lengths, recipe.batch, recipe.budget, recipe.seed)
    batch = largest_batch(plan, data.tokens, recipe, encoder_decoder=dimensions.decoder_layers > 0)
    expected = estimate_memory(dimensions, recipe, batch, "cpu", dtype=training_dtype(recipe, "cpu"))
    train_adapter(
        recipe, dataset, root / "adapter", root / "models", device="cpu", reporter=Reporter(), stop=StopRequest()
    )
    measured = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    overhead = expected.parts["overhead"]
    return {
        "measured": measured,
        "estimate": expected.total,
        "ratio": expected.total / measured,
        "model": (expected.total - overhead) / max(1, measured - overhead),
        "parts": expected.parts,
        "batch": vars(batch),
    }


if __name__ == "__main__":
    main()
