"""Memory of each process under FSDP and DDP: what it holds of weights, gradients and optimizer state, and what it takes in all.

    python benchmarks/training_sharded.py [--hidden 512] [--layers 12] [--steps 2]

A random Llama with LoRA r 16, float32, gloo on CPUs, 1, 2 and 4 processes. The parts are counted from the tensors themselves;
`private` is the process's own memory (USS) at the end of a step, everything included, less what it was before the model was there.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing as mp
import os
import tempfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out" / "training_sharded.json"
VOCABULARY = 16_384
PARTS = ("base", "adapter", "gradients", "optimizer", "private")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    report = {}
    print(f"{'MB in a process':18}" + "".join(f"{name:>11}" for name in PARTS))
    for sharding, count in (("none", 1), ("ddp", 2), ("fsdp", 2), ("fsdp", 4)):
        found = measure(sharding, count, options)
        report[f"{sharding} {count}"] = found
        print(
            f"{sharding + ' x ' + str(count):18}" + "".join(f"{found[name] / 1e6:11.1f}" for name in PARTS), flush=True
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(report, indent=2) + "\n")


def measure(sharding: str, count: int, options: argparse.Namespace) -> dict[str, float]:
    """The largest of the processes, by part."""
    import torch.distributed.fsdp  # noqa: F401 - once, before the processes are forked
    import transformers.models.llama.modeling_llama  # noqa: F401

    import lyo_pipelines.training.engine.lora  # noqa: F401

    context = mp.get_context("fork")
    told: Any = context.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (sharding, count, f"{folder}/meeting", options, told)
        workers = [context.Process(target=work, args=(rank, *arguments)) for rank in range(count)]
        for worker in workers:
            worker.start()
        found = [told.get() for _ in workers]
        for worker in workers:
            worker.join()
    return {name: max(one[name] for one in found) for name in found[0]}


def work(rank: int, sharding: str, count: int, meeting: str, options: argparse.Namespace, told: Any) -> None:
    import psutil
    import torch
    import torch.distributed as dist
    import transformers

    from lyo_pipelines.training.engine.lora import add_lora
    from lyo_pipelines.training.engine.sharded import shard_model
    from lyo_pipelines.training.recipes import Lora

    torch.set_num_threads(1)
    before = psutil.Process().memory_full_info().uss
    config = transformers.LlamaConfig(
        hidden_size=options.hidden, intermediate_size=options.hidden * 3, num_hidden_layers=options.layers, vocab_size=VOCABULARY,
        num_attention_heads=8, num_key_value_heads=8, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = add_lora(transformers.AutoModelForCausalLM.from_config(config), Lora(), 7)
    if count > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    wrapped = torch.nn.parallel.DistributedDataParallel(model) if sharding == "ddp" else model
    if sharding == "fsdp":
        shard_model(model, "cpu")
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learnt)
    for _ in range(options.steps):
        ids = torch.randint(0, VOCABULARY, (1, 32))
        wrapped(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        optimizer.step()
        gradients = sum(size(weight.grad) for weight in learnt)
        optimizer.zero_grad()
    ctypes.CDLL(None).malloc_trim(0)  # what is free already, and only kept for later, is not counted
    told.put({
        "base": sum(size(weight) for weight in model.parameters() if not weight.requires_grad),
        "adapter": sum(map(size, learnt)),
        "gradients": gradients,
        "optimizer": sum(size(value) for values in optimizer.state.values() for value in values.values()),
        "private": psutil.Process().memory_full_info().uss - before,
    })  # fmt: skip
    os._exit(0)


def size(tensor: Any) -> int:
    """Bytes of a tensor in this process."""
    here = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return here.numel() * here.element_size()


if __name__ == "__main__":
    main()
