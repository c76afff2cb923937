"""CPU training of the embedded model: one process with all threads against one-thread processes that share a step (DDP).

    python benchmarks/training_processes.py [--rounds 6] [--models <folder>] [--busy 0] [--layers 30]

The arms take turns at every optimizer step, each time in another order, so that whatever else runs on the machine meets both. A step
is the same micro-batches in both arms. Measured: tokens per second of wall clock, and per CPU second of all the arm's processes
(which counts threads that wait by spinning). --busy starts so many processes that do nothing but count, at normal priority. The
losses of both arms are compared as well. --layers takes only the first blocks of the model: a quick look.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out" / "training_processes.json"
SIZE, ACCUMULATION = 4, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--models", type=Path, default=Path(__file__).parents[1] / "data" / "models")
    parser.add_argument("--layers", type=int, default=30)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    from lyo_pipelines.external_process.environment import prepare_environment

    prepare_environment(offline=True)  # how threads wait is read when torch is loaded
    context = mp.get_context("fork")  # the libraries are imported once
    import lyo_pipelines.training.engine.model_building  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        arms = {
            f"1 process, {cores} threads": start(context, 1, cores, Path(folder) / "one", options),
            f"{cores} processes, 1 thread": start(context, cores, 1, Path(folder) / "many", options),
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
        for number in range(options.rounds + 1):  # the first is a warming up
            order = list(arms) if number % 2 else list(reversed(arms))
            busy = [context.Process(target=count_for_ever, daemon=True) for _ in range(options.busy)]
            for one in busy:
                one.start()
            for name in order:
                if (measured := step(arms[name])) and number:
                    found[name].append(measured)
                print(f"{name:24} {measured['tokens'] / measured['wall']:7.1f} tokens/s "
                      f"{measured['tokens'] / measured['cpu']:7.1f} tokens/CPU-s  loss {measured['loss']:.6f} "
                      f"load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
            for one in busy:
                one.terminate()
        for pipes in arms.values():
            for pipe in pipes:
                pipe.send(False)
    report: dict[str, Any] = {name: summary(rounds) for name, rounds in found.items()}
    report |= {"busy": options.busy, "layers": options.layers}
    first, second = found.values()
    ratios = [(b["tokens"] / b["wall"]) / (a["tokens"] / a["wall"]) for a, b in zip(first, second, strict=True)]
    report["processes over threads, pairs"] = {
        "median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios), "n": len(ratios),
        "loss differs by at most": max(abs(a["loss"] - b["loss"]) for a, b in zip(first, second, strict=True)),
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def summary(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {
        "tokens_per_second": statistics.median(one["tokens"] / one["wall"] for one in rounds),
        "tokens_per_cpu_second": statistics.median(one["tokens"] / one["cpu"] for one in rounds),
        "steps": len(rounds),
    }


def start(context: Any, count: int, threads: int, meeting: Path, options: argparse.Namespace) -> list[Any]:
    """Start an arm's processes; returns a pipe to each."""
    pipes = []
    for rank in range(count):
        ours, theirs = context.Pipe()
        arguments = (
            theirs,
            rank,
            count,
            threads,
            str(meeting),
            str(options.models),
            options.rounds + 1,
            options.layers,
        )
        context.Process(target=work, args=arguments, daemon=True).start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    return pipes


def step(pipes: list[Any]) -> dict[str, float]:
    """One optimizer step of an arm."""
    started = time.perf_counter()
    for pipe in pipes:
        pipe.send(True)
    told = [pipe.recv() for pipe in pipes]
    wall = time.perf_counter() - started
    return {"wall": wall} | {name: sum(one[name] for one in told) for name in ("cpu", "tokens", "loss")}


def count_for_ever() -> None:
    number = 0
    while True:
        number += 1


def work(pipe: Any, rank: int, count: int, threads: int, meeting: str, models: str, steps: int, layers: int) -> None:
    """One process of an arm: a step whenever it is told."""
    import torch
    import torch.distributed as dist

    from lyo_pipelines.training.batches import deal, plan_training
    from lyo_pipelines.training.engine.data import Collator, ExamplesDataset
    from lyo_pipelines.training.engine.loss import plain_model, token_losses

    torch.set_num_threads(threads)
    recipe, data, model, pad = prepared(Path(models), steps)
    del plain_model(model).model.layers[layers:]
    plan = plan_training(data.lengths, recipe.batch, recipe.budget, 7)
    share = deal(plan, count)[rank]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=2e-4)
    if count > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
        model = torch.nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    collate, dataset = Collator(pad), ExamplesDataset(data)
    model.train()
    pipe.send("ready")
    number = 0
    while pipe.recv():
        before = time.process_time()
        together = plan.micro_batches[number * ACCUMULATION : (number + 1) * ACCUMULATION]
        answers = sum(len(data.tokens[one].answer) for batch in together for one in batch)
        told, read = 0.0, 0
        for at, place in enumerate(share.of_step(number)):
            if count > 1:
                model.require_backward_grad_sync = at == share.accumulation - 1
            chosen = plan.micro_batches[place.number]
            losses, _ = token_losses(model, collate([dataset[one] for one in chosen]), encoder_decoder=False)
            (losses.sum() / answers * count).backward()
            told += float(losses.detach().sum() / answers)
            read += sum(len(data.tokens[one]) for one in chosen)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        pipe.send({"cpu": time.process_time() - before, "tokens": read, "loss": told})
        number += 1


def prepared(models: Path, steps: int) -> tuple[Any, Any, Any, int]:
    """The recipe, enough made examples for so many steps, the model with its adapter, and the padding token."""
    import random

    import numpy as np
    from training_cpu import made_conversation

    from lyo_pipelines.training.engine import base
    from lyo_pipelines.training.engine.chat import tokenize
    from lyo_pipelines.training.engine.data import Examples
    from lyo_pipelines.training.engine.model_building import build_model
    from lyo_pipelines.training.recipe_loading import load_recipe

    alone = {
        "batch.size": SIZE,
        "batch.accumulation": ACCUMULATION,
        "budget.tokens": None,
        "devices": 1,
        "sharding": "none",
    }
    recipe = load_recipe("cpu_demo", alone)
    source = base.resolve(recipe.base_model, models)
    tokenizer = base.load_tokenizer(source)
    rng = random.Random(7)
    tokens = tokenize([made_conversation(rng) for _ in range(SIZE * ACCUMULATION * steps)], tokenizer, 512)
    data = Examples(tokens, np.ones(len(tokens), dtype=np.float32), [""] * len(tokens))
    return recipe, data, build_model(recipe, source, "cpu", longest=int(data.lengths.max())), tokenizer.pad_token_id


if __name__ == "__main__":
    main()
