"""LoRA on one GPU: plain TRL first, ours second, on the same random model and the same rows, in one run.

    python benchmarks/training_gpu.py [--models gemma-2-2b mistral-7b] [--lengths 1024 2048 4096] [--steps 12] [--quick]

Gemma-2-2b and a 7B Mistral shape with random weights are made on the spot, so nothing is downloaded (20 GB of disk). LoRA r 16,
alpha 32, dropout 0.1 on all linear layers, bf16 base weights in ours, TRL's defaults for everything else in theirs (SFTTrainer
on prompt/completion rows; only the longest row is set). Rows are between half and all of the given length, half of each in the
loss; tokens are non-padding tokens, prompts included. The first steps (compiling, allocating) are not counted.

Aim: >= 33,000 tokens/s for Gemma-2-2b at length 1k on an H200, and >= 2x plain TRL.

Share: FLOPs that the mathematics needs (`flops_per_token`; no dropout, no recomputing) over the measured rate of bf16 matrix
products. The table of settings takes each out of ours alone; its share of the gain is log(factor) / log(ours / plain).

Without a GPU this says so, and checks its own arithmetic on a tiny model on the CPU: FLOPs against PyTorch's counter, rates,
shares and the table, with both trainers for a few steps.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from model_factory import GEMMA_2_2B, MISTRAL_7B, make_model, make_rows

from lyo_pipelines.training.dimensions import ModelDimensions, dimensions_of_config

OUT = Path(__file__).parent / "out" / "training_gpu.json"
TINY = {
    "vocab_size": 4096, "hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 6, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 4096, "max_position_embeddings": 4096,
}  # fmt: skip
MODELS = {
    "gemma-2-2b": ("gemma2", GEMMA_2_2B, "gemma_2_2b"),
    "mistral-7b": ("mistral", MISTRAL_7B, "mistral_7b"),
    "tiny": ("gemma2", TINY, "gemma_2_2b"),
}
"""name: family, configuration, recipe."""
ABLATIONS = {
    "all positions through the head, at once": ["speed.loss_positions_only=false"],
    "peft's LoRA forward": ["speed.fused_lora=false"],
    "blocks not compiled": ["speed.compile=false"],
    "padded rows, by length": ["batch.padding_free=false", "batch.group_by_length=true"],
    "padded rows, model's own attention": [
        "batch.padding_free=false", "batch.group_by_length=true", "speed.attention=auto",
    ],
    "activations made anew (checkpointing)": ["speed.gradient_checkpointing=true"],
    "rows of half as many examples": ["batch.size=4", "batch.accumulation=4"],
}  # fmt: skip
ON_THE_CPU = ["device=cpu", "speed.attention=auto", "speed.compile=false", "speed.threads=1"]
SPREAD, ANSWER, PER_STEP, UNCOUNTED = 0.5, 0.5, 16, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", choices=["gemma-2-2b", "mistral-7b"], default=["gemma-2-2b", "mistral-7b"]
    )
    parser.add_argument("--lengths", nargs="+", type=int, default=[1024, 2048, 4096])
    parser.add_argument("--steps", type=int, default=12, help="optimizer steps of 16 examples, the first 4 not counted")
    parser.add_argument("--quick", action="store_true", help="no table of single settings")
    parser.add_argument("--arm", choices=sorted(ARMS), help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--length", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(ARMS[options.arm](options)))
        return
    import torch

    with tempfile.TemporaryDirectory() as folder:
        options.work = Path(folder)
        if torch.cuda.is_available():
            report = {"device": torch.cuda.get_device_name(0), "runs": compare(options)}
            OUT.parent.mkdir(exist_ok=True)
            OUT.write_text(json.dumps(report, indent=2) + "\n")
            print(f"\nwritten: {OUT}")
        else:
            print("No GPU here: nothing is measured. Checking the arithmetic on a tiny model on the CPU instead.")
            check(options)


# -- what is compared ----------------------------------------------------------------------------------------------
def compare(options: argparse.Namespace, ablations: dict[str, list[str]] | None = None, *fixed: str) -> list[dict]:
    """Every model and length: plain TRL, then ours, then (at the first length of the first model) ours without each setting."""
    ablations = ABLATIONS if ablations is None else ablations
    runs = []
    for number, name in enumerate(options.models):
        family, values, _ = MODELS[name]
        dimensions = dimensions_of_config({"model_type": family, **values})
        assert dimensions is not None
        arm("make", options, name, 0)
        for length in options.lengths:
            rows = make_rows(
                options.work / f"rows-{name}-{length}", options.steps * PER_STEP, length, spread=SPREAD, answer=ANSWER
            )
            needed = flops_per_token(dimensions, *row_facts(rows))
            rates = [arm("matmul", options, name, 0)["flops"]]
            plain = arm("plain", options, name, length)
            ours = arm("ours", options, name, length, *fixed)
            rates.append(arm("matmul", options, name, 0)["flops"])
            run = summed_up(name, length, plain, ours, needed, max(rates))
            show(run)
            if number == 0 and length == options.lengths[0] and not options.quick:
                alone = {
                    title: arm("ours", options, name, length, *fixed, *changes) for title, changes in ablations.items()
                }
                run["settings"] = settings_table(plain, ours, alone)
                show_settings(run["settings"])
            runs.append(run)
    return runs


def summed_up(name: str, length: int, plain: dict, ours: dict, needed: float, rate: float) -> dict:
    """One line of the report: tokens/s, share of the matrix rate, memory, and ours over plain."""
    for result in (plain, ours):
        if "tokens_per_second" in result:
            result["share_of_matmul"] = result["tokens_per_second"] * needed / rate
    both = "tokens_per_second" in plain and "tokens_per_second" in ours
    return {
        "model": name, "length": length, "flops_per_token": needed, "matmul_flops": rate, "plain_trl": plain, "ours": ours,
        "ratio": ours["tokens_per_second"] / plain["tokens_per_second"] if both else None,
    }  # fmt: skip


def settings_table(plain: dict, ours: dict, alone: dict[str, dict]) -> list[dict]:
    """Ours without one setting: the factor that the setting is worth, and its share of the whole gain over plain TRL."""
    gain = math.log(ours["tokens_per_second"] / plain["tokens_per_second"]) if "tokens_per_second" in plain else None
    table = []
    for title, result in alone.items():
        row: dict = {"without": title, **result}
        if "tokens_per_second" in result:
            row["factor"] = ours["tokens_per_second"] / result["tokens_per_second"]
            row["share_of_gain"] = math.log(row["factor"]) / gain if gain else None
        table.append(row)
    return table


def flops_per_token(
    dimensions: ModelDimensions, in_loss: float, width: float, *, r: int = 16, causal: bool = True
) -> float:
    """FLOPs that one token of LoRA training needs: 2 forward and 2 back for each frozen weight (its own gradient is not needed),
    6 for each weight of the adapter, 4 for each of the head where a position is in the loss, and attention's 4 and 8 for each
    key that is seen: half of the row's mean width, unless `causal` is off (then all of it, as a plain kernel computes).
    """
    seen = width / 2 if causal else width
    attention = 12 * seen * dimensions.queries * dimensions.layers
    return 4 * dimensions.linear + 6 * dimensions.lora(r) + 4 * dimensions.head * in_loss + attention


def row_facts(dataset: Path) -> tuple[float, float]:
    """(share of tokens in the loss, mean row length as a token sees it) of a dataset that model_factory made."""
    import pyarrow.parquet as pq

    lengths, answers = [], []
    for question, answer in pq.read_table(dataset / "train.parquet")["messages"].to_pylist():
        answers.append(len(answer["content"].split()) + 1)
        lengths.append(len(question["content"].split()) + 5 + answers[-1])
    return sum(answers) / sum(lengths), sum(n * n for n in lengths) / sum(lengths)


# -- the arms, each in a process of its own ------------------------------------------------------------------------
def arm(kind: str, options: argparse.Namespace, model: str, length: int, *changes: str) -> dict:
    command = [sys.executable, __file__, "--arm", kind, "--work", str(options.work), "--model", model, "--length", str(length),
               "--steps", str(options.steps), *(f"--set={change}" for change in changes)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.strip().splitlines()[-1])
    if "out of memory" in done.stderr.lower():
        return {"failed": "out of memory"}
    sys.exit(f"{kind} {model} {length} {' '.join(changes)} failed:\n{done.stderr[-3000:]}")


def arm_make(options: argparse.Namespace) -> dict:
    family, values, _ = MODELS[options.model]
    make_model(options.work / options.model, family, values, device=_device())
    return {}


def arm_matmul(options: argparse.Namespace) -> dict:
    import torch

    device, best = _device(), 0.0
    shapes = ((8192, 2304, 9216), (8192, 4096, 14336), (8192, 8192, 8192)) if device == "cuda" else ((1024, 128, 512),)
    for rows, inner, outer in shapes:
        a = torch.randn(rows, inner, dtype=torch.bfloat16, device=device)
        b = torch.randn(outer, inner, dtype=torch.bfloat16, device=device)
        for _ in range(5):
            torch.nn.functional.linear(a, b)
        for _ in range(10):
            _wait(device)
            started = time.perf_counter()
            for _ in range(10):
                torch.nn.functional.linear(a, b)
            _wait(device)
            best = max(best, 20 * rows * inner * outer / (time.perf_counter() - started))
    return {"flops": best}


def arm_ours(options: argparse.Namespace) -> dict:
    import yaml

    from lyo_pipelines.external_process.reporter import Reporter
    from lyo_pipelines.external_process.stopping import StopRequest
    from lyo_pipelines.training.engine.devices import choose_device
    from lyo_pipelines.training.engine.run import train_adapter
    from lyo_pipelines.training.metrics_log import read_metrics
    from lyo_pipelines.training.recipe_loading import load_recipe

    changes = {key: yaml.safe_load(value) for key, _, value in (item.partition("=") for item in options.set)}
    fixed = {
        "base_model": str(options.work / options.model), "batch.max_length": options.length, "budget.epochs": 1,
        "validation.interval": 10**6, "checkpoints.interval": None, "logging.tracking": "none",
    }  # fmt: skip
    recipe = load_recipe(MODELS[options.model][2], fixed | changes)
    output = Path(tempfile.mkdtemp(dir=options.work)) / "adapter"
    rows = options.work / f"rows-{options.model}-{options.length}"
    result = train_adapter(
        recipe, rows, output, options.work, device=choose_device(recipe)[0], reporter=Reporter(), stop=StopRequest()
    )
    steps = [row for row in read_metrics(output / "metrics.jsonl") if row["stage"] == "training" and "loss" in row]
    first, last = steps[_uncounted(len(steps)) - 1], steps[-1]
    return {
        "tokens_per_second": (last["tokens"] - first["tokens"]) / (last["seconds"] - first["seconds"]),
        "peak_memory_bytes": result.metrics.peak_memory_bytes, "steps": result.metrics.steps, "loss": last["loss"],
    }  # fmt: skip


def arm_plain(options: argparse.Namespace) -> dict:
    """What a reader of TRL's documentation would write."""
    import peft
    import pyarrow.parquet as pq
    import transformers
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer  # pyright: ignore[reportPrivateImportUsage]

    from lyo_pipelines.training.engine.progress import peak_memory_bytes

    device = _device()
    table = pq.read_table(options.work / f"rows-{options.model}-{options.length}" / "train.parquet")
    rows = [{"prompt": m[:-1], "completion": m[-1:]} for m in table["messages"].to_pylist()]
    config = SFTConfig(
        output_dir=str(options.work / "plain"), num_train_epochs=1, learning_rate=2e-4, gradient_accumulation_steps=PER_STEP // 8,
        max_length=options.length, report_to="none", disable_tqdm=True, save_strategy="no", use_cpu=device == "cpu",
        include_num_input_tokens_seen="non_padding",
    )  # fmt: skip
    lora = peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=0.1, target_modules="all-linear", task_type="CAUSAL_LM")
    ticks: list[tuple[float, float]] = []

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            _wait(device)
            ticks.append((time.perf_counter(), float(state.num_input_tokens_seen)))

    trainer = SFTTrainer(
        model=str(options.work / options.model), args=config, train_dataset=Dataset.from_list(rows), peft_config=lora,
        callbacks=[Clock()],
    )  # fmt: skip
    trainer.train()
    (began, before), (ended, after) = ticks[_uncounted(len(ticks)) - 1], ticks[-1]
    return {
        "tokens_per_second": (after - before) / (ended - began), "peak_memory_bytes": peak_memory_bytes(),
        "steps": len(ticks), "bf16": trainer.args.bf16,
    }  # fmt: skip


def _uncounted(steps: int) -> int:
    return max(1, min(UNCOUNTED, steps // 2))


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _wait(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


# -- the check without a GPU ---------------------------------------------------------------------------------------
def check(options: argparse.Namespace) -> None:
    """Everything above on a tiny model on the CPU; fails loudly when a figure does not add up."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options.models, options.lengths, options.steps, options.quick = ["tiny"], [128], 4, False
    ablations = {
        title: ABLATIONS[title] for title in ("all positions through the head, at once", "padded rows, by length")
    }
    (run,) = compare(options, ablations, *ON_THE_CPU)
    counted, expected = arm("flops", options, "tiny", 128).values()
    _expect("FLOPs: PyTorch's counter and the formula", counted, expected, 0.05)
    for name in ("ours", "plain_trl"):
        result = run[name]
        share = result["tokens_per_second"] * run["flops_per_token"] / run["matmul_flops"]
        _expect(f"share of the matrix rate, {name}", result["share_of_matmul"], share, 1e-9)
        _expect(f"steps, {name}", result["steps"], options.steps, 0)
    for row in run["settings"]:
        whole = run["ours"]["tokens_per_second"] / row["factor"]
        _expect(f"rate without: {row['without']}", whole, row["tokens_per_second"], 1e-9)
        _expect("share of the gain", run["ratio"] ** row["share_of_gain"], row["factor"], 1e-9)
    print("The arithmetic holds.")


def arm_flops(options: argparse.Namespace) -> dict:
    """FLOPs of one forward and backward pass by PyTorch's counter, and by our formula."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.data import Collator, ExamplesDataset, read_split
    from lyo_pipelines.training.engine.fused_lora import fuse_lora
    from lyo_pipelines.training.engine.lora import add_lora
    from lyo_pipelines.training.engine.loss import token_losses
    from lyo_pipelines.training.recipes import Lora

    folder = options.work / options.model
    dimensions = dimensions_of_config(json.loads((folder / "config.json").read_text()))
    assert dimensions is not None
    model = add_lora(base.load_model(str(folder), dtype=torch.float32, attention="eager"), Lora(), 0)
    fuse_lora(model)
    tokenizer = base.load_tokenizer(str(folder))
    data = ExamplesDataset(
        read_split(options.work / f"rows-{options.model}-{options.length}", "train", tokenizer, options.length)
    )
    tokens = data[0]["tokens"]  # one row alone: nothing is padded
    batch = Collator(tokenizer.pad_token_id)([data[0]])
    with FlopCounterMode(display=False) as counter:
        losses, weights = token_losses(model, batch, encoder_decoder=False)
        (losses * weights).sum().backward()
    needed = flops_per_token(dimensions, len(tokens.answer) / len(tokens), len(tokens), causal=False)
    return {"counted": counter.get_total_flops(), "expected": needed * len(tokens)}


def _expect(what: str, found: float, wanted: float, tolerance: float) -> None:
    if abs(found - wanted) > tolerance * abs(wanted):
        sys.exit(f"{what}: {found:.6g}, expected {wanted:.6g}")
    print(f"  {what}: {found:.4g} (expected {wanted:.4g})")


ARMS = {
    "make": arm_make, "matmul": arm_matmul, "plain": arm_plain, "ours": arm_ours, "flops": arm_flops,
}  # fmt: skip


# -- the tables ----------------------------------------------------------------------------------------------------
def show(run: dict) -> None:
    print(
        f"\n{run['model']}, rows up to {run['length']:,} tokens, bf16 matrix products {run['matmul_flops'] / 1e12:.1f} TFLOP/s"
    )
    print(f"{'':34}{'tokens/s':>10}{'of matmul':>11}{'memory':>10}")
    for title, key in (
        ("plain TRL SFTTrainer, defaults", "plain_trl"),
        (f"ours (recipe {MODELS[run['model']][2]})", "ours"),
    ):
        print(f"{title:34}{_line(run[key])}")
    if run["ratio"]:
        print(f"ratio {run['ratio']:.2f}x")


def show_settings(table: list[dict]) -> None:
    print(f"\n{'ours with':38}{'tokens/s':>10}{'memory':>10}{'worth':>8}{'share of the gain':>19}")
    for row in table:
        if "failed" in row:
            print(f"{row['without']:38}{row['failed']:>20}")
            continue
        share = "" if row["share_of_gain"] is None else f"{row['share_of_gain']:.0%}"
        memory = f"{row['peak_memory_bytes'] / 1e9:.1f}GB"
        print(f"{row['without']:38}{row['tokens_per_second']:10,.0f}{memory:>10}{row['factor']:7.2f}x{share:>19}")


def _line(result: dict) -> str:
    if "failed" in result:
        return f"{result['failed']:>21}"
    memory = f"{result['peak_memory_bytes'] / 1e9:.1f}GB"
    return f"{result['tokens_per_second']:10,.0f}{result['share_of_matmul']:11.1%}{memory:>10}"


if __name__ == "__main__":
    main()
