"""CPU training of the embedded model: ours against a plain TRL SFTTrainer script, on the same rows.

    python benchmarks/training_cpu.py [--dataset <version folder>] [--models <folder>] [--examples 96] [--quick]

Same adapter (LoRA r 16, alpha 32, dropout 0.1 on all linear layers), same learning rate, same examples, same number of
optimizer steps for both; TRL keeps its defaults for everything else. Each arm runs in a process of its own. Tokens are
non-padding tokens, prompts included; the time is that of the training steps. Validation loss is measured after both, by the
same code, in float32, on the same rows.

FLOPs per token: 4 x (weights of the linear layers), 2 forward and 2 for the gradient of the activations; the third pair of
the usual 6N, weight gradients of the frozen base model, is not computed in LoRA. To that come 6 x LoRA weights and 4 x head
weights for positions in the loss.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OUT = Path(__file__).parent / "out" / "training_cpu.json"
ABLATIONS = {
    "float32 base model": ["dtype=float32"],
    "all positions through the head": ["speed.loss_positions_only=false"],
    "peft's LoRA forward": ["speed.fused_lora=false"],
    "PyTorch's fused attention": ["speed.attention=sdpa"],
    "random batches (no length groups)": ["batch.group_by_length=false"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, help="a dataset version; without it rows are made")
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--examples", type=int, default=96)
    parser.add_argument("--validation", type=int, default=48)
    parser.add_argument("--quick", action="store_true", help="no table of single settings")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        ARMS[options.arm](options)
        return
    with tempfile.TemporaryDirectory() as folder:
        options.work = Path(folder)
        compare(options)


def compare(options: argparse.Namespace) -> None:
    source = options.dataset or make_rows(options.work / "made")
    dataset = take(source, options.work / "dataset", options.examples, options.validation)
    options.dataset = dataset
    rates = [arm("matmul", options)["gflops"]]
    ours = arm("ours", options)
    plain = arm("plain", options)
    rates.append(arm("matmul", options)["gflops"])
    rate = max(rates)
    for name, result in (("ours", ours), ("plain", plain)):
        result["eval_loss"] = arm("evaluate", options, f"adapter={result['adapter']}")["eval_loss"]
        result["gflops"] = result["tokens_per_second"] * ours["flops_per_token"] / 1e9
        result["share_of_matmul"] = result["gflops"] / rate
        print(f"{name}: {result['tokens_per_second']:.0f} tokens/s", flush=True)
    small = argparse.Namespace(
        **{**vars(options), "dataset": take(source, options.work / "small", max(32, options.examples // 3), 4)}
    )
    singles = {}
    if not options.quick:
        reference = arm("ours", small)["tokens_per_second"]
        singles = {"everything on": {"tokens_per_second": reference, "factor": 1.0}}
        for name, changes in ABLATIONS.items():
            value = arm("ours", small, *changes)["tokens_per_second"]
            singles[f"without: {name}"] = {"tokens_per_second": value, "factor": reference / value}
    report = {
        "threads": len(os.sched_getaffinity(0)), "load_average": os.getloadavg()[0], "examples": options.examples,
        "matmul_bf16_gflops": rates, "ratio": ours["tokens_per_second"] / plain["tokens_per_second"],
        "ours": ours, "plain_trl": plain, "settings": singles,
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    show(report)


def arm(name: str, options: argparse.Namespace, *changes: str) -> dict:
    command = [sys.executable, __file__, "--arm", name, "--dataset", str(options.dataset), "--models", str(options.models),
               "--work", str(options.work), *(f"--set={change}" for change in changes)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


# -- the arms, each in a process of its own ----------------------------------------------------------------------
def arm_matmul(_: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    best = 0.0
    for rows, inner, outer in ((1024, 576, 1536), (1024, 576, 576), (2048, 2048, 2048)):
        a, b = torch.randn(rows, inner, dtype=torch.bfloat16), torch.randn(outer, inner, dtype=torch.bfloat16)
        end = time.perf_counter() + 1.5
        while time.perf_counter() < end:
            started = time.perf_counter()
            for _ in range(10):
                torch.nn.functional.linear(a, b)
            best = max(best, 20 * rows * inner * outer / (time.perf_counter() - started) / 1e9)
    print(json.dumps({"gflops": best}))


def arm_ours(options: argparse.Namespace) -> None:
    import yaml

    from lyo_pipelines.external_process.reporter import Reporter
    from lyo_pipelines.external_process.stopping import StopRequest
    from lyo_pipelines.training.engine.run import train_adapter
    from lyo_pipelines.training.recipe_loading import load_recipe

    changes = {key: yaml.safe_load(value) for key, _, value in (item.partition("=") for item in options.set)}
    fixed = {
        "budget.tokens": None,
        "budget.epochs": 1,
        "validation.interval": 10**6,
        "validation.max_examples": 2,
        "logging.tracking": "none",
    }
    recipe = load_recipe("cpu_demo", fixed | changes)
    output = Path(tempfile.mkdtemp(dir=options.work)) / "adapter"
    result = train_adapter(
        recipe, options.dataset, output, options.models, device="cpu", reporter=Reporter(), stop=StopRequest()
    )
    metrics = result.metrics
    kept = ("tokens_per_second", "tokens", "steps", "peak_memory_bytes")
    found = {name: getattr(metrics, name) for name in kept} | {"flops_per_token": flops_per_token(options)}
    print(json.dumps({"adapter": str(output)} | found))


def arm_plain(options: argparse.Namespace) -> None:
    """What a reader of TRL's documentation would write."""
    import resource

    import peft
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from lyo_pipelines.training.engine import base

    source = base.resolve("smollm2-135m-instruct", options.models)
    rows = [{"prompt": m[:-1], "completion": m[-1:]} for m in messages(options.dataset, "train")]
    config = SFTConfig(
        output_dir=str(options.work / "plain"),
        num_train_epochs=1,
        learning_rate=2e-4,
        gradient_accumulation_steps=2,  # 8 x 2 = 16 examples per step, as ours
        warmup_steps=0.03,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        seed=7,
        include_num_input_tokens_seen="non_padding",
    )
    lora = peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(model=source, args=config, train_dataset=Dataset.from_list(rows), peft_config=lora)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    trainer.save_model(str(options.work / "plain" / "adapter"))
    print(json.dumps({
        "adapter": str(options.work / "plain" / "adapter"), "tokens_per_second": trainer.state.num_input_tokens_seen / seconds,
        "tokens": trainer.state.num_input_tokens_seen, "steps": trainer.state.global_step, "bf16": trainer.args.bf16,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))  # fmt: skip


def arm_evaluate(options: argparse.Namespace) -> None:
    import peft
    import torch

    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.data import Collator, ExamplesDataset, read_split
    from lyo_pipelines.training.engine.loss import token_losses

    source = base.resolve("smollm2-135m-instruct", options.models)
    tokenizer = base.load_tokenizer(source)
    model = base.load_model(source, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(model, options.set[0].partition("=")[2]).eval()
    data = ExamplesDataset(read_split(options.dataset, "validation", tokenizer, 512))
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(data), 8):
            batch = Collator(tokenizer.pad_token_id)([data[i] for i in range(start, min(start + 8, len(data)))])
            losses, _ = token_losses(model, batch, encoder_decoder=False)
            total, count = total + losses.sum().item(), count + losses.numel()
    print(json.dumps({"eval_loss": total / count}))


ARMS = {"matmul": arm_matmul, "ours": arm_ours, "plain": arm_plain, "evaluate": arm_evaluate}


# -- rows and figures ----------------------------------------------------------------------------------------------
def flops_per_token(options: argparse.Namespace) -> float:
    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.data import read_split

    tokenizer = base.load_tokenizer(base.resolve("smollm2-135m-instruct", options.models))
    tokens = read_split(options.dataset, "train", tokenizer, 512).tokens
    in_loss = sum(len(t.answer) for t in tokens) / sum(len(t) for t in tokens)
    layers, head, lora = 30 * 3_538_944, 49152 * 576, 4_884_480
    return 4 * layers + 6 * lora + 4 * head * in_loss


def messages(dataset: Path, split: str) -> list[list[dict[str, str]]]:
    import pyarrow.parquet as pq

    return pq.read_table(dataset / f"{split}.parquet", columns=["messages"])["messages"].to_pylist()


def take(source: Path, target: Path, train: int, validation: int) -> Path:
    import pyarrow.parquet as pq

    target.mkdir(parents=True)
    for split, count in (("train", train), ("validation", validation)):
        table = pq.read_table(source / f"{split}.parquet", columns=["example_id", "messages"])
        pq.write_table(table.slice(0, count), target / f"{split}.parquet")
    (target / "manifest.json").write_text((source / "manifest.json").read_text())
    return target


def make_rows(folder: Path, count: int = 600) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(7)
    rows = [{"example_id": f"made{index}", "messages": made_conversation(rng)} for index in range(count)]
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:500]), folder / "train.parquet")
    pq.write_table(pa.Table.from_pylist(rows[500:]), folder / "validation.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": "tutoring.en.math", "fingerprint": "made"}))
    return folder


def made_conversation(rng: random.Random) -> list[dict[str, str]]:
    a, b, c, kind = rng.randint(2, 40), rng.randint(2, 40), rng.randint(2, 12), rng.randrange(3)
    if kind == 0:
        question = f"Solve {c}x + {a} = {c * b + a} for x and show each step."
        answer = f"Subtract {a} from both sides: {c}x = {c * b}.\nDivide both sides by {c}: x = {b}.\n"
        answer += f"Check: {c} × {b} + {a} = {c * b + a}.\nThe answer is {b}."
    elif kind == 1:
        question = f"A rectangle is {a} cm long and {b} cm wide. Find its perimeter and its area."
        answer = f"Perimeter = 2 × ({a} + {b}) = {2 * (a + b)} cm.\nArea = {a} × {b} = {a * b} square cm.\n"
        answer += f"The answer is {2 * (a + b)} cm and {a * b} cm²."
    else:
        question = f"A shop sells {a} boxes with {b} pens each and {c} single pens. How many pens is that?"
        answer = f"First multiply: {a} × {b} = {a * b}.\nThen add the single pens: {a * b} + {c} = {a * b + c}.\n"
        answer += f"In all the shop sells {a * b + c} pens.\nThe answer is {a * b + c}."
    persona = (
        f"You are a patient mathematics tutor. Answer in English for grade {rng.randint(5, 10)}. Explain each step."
    )
    plea = rng.choice(["", " Please explain slowly.", " I keep getting this wrong, so tell me why."])
    praise = rng.choice(["", " Well done for asking!", " Try the next one on your own and tell me what you find."])
    return [
        {"role": "system", "content": persona},
        {"role": "user", "content": question + plea},
        {"role": "assistant", "content": answer + praise},
    ]


def show(report: dict) -> None:
    rate = max(report["matmul_bf16_gflops"])
    print(f"\n{report['threads']} threads, bf16 matrix products {rate:.0f} GFLOP/s, load {report['load_average']:.1f}")
    print(f"{'':34}{'tokens/s':>10}{'GFLOP/s':>9}{'of bf16':>9}{'val loss':>10}{'memory':>9}")
    for title, key in (("ours (recipe cpu_demo)", "ours"), ("plain TRL SFTTrainer, defaults", "plain_trl")):
        r = report[key]
        print(f"{title:34}{r['tokens_per_second']:10.0f}{r['gflops']:9.0f}{r['share_of_matmul']:9.0%}{r['eval_loss']:10.4f}"
              f"{r['peak_memory_bytes'] / 1e9:7.1f}GB")  # fmt: skip
    print(f"ratio {report['ratio']:.2f}x on {report['ours']['tokens']:,} tokens, {report['ours']['steps']} steps\n")
    for name, r in report["settings"].items():
        print(f"{name:46}{r['tokens_per_second']:8.0f} tokens/s   x{r['factor']:.2f}")
    print(f"\nwritten: {OUT}")


if __name__ == "__main__":
    main()
