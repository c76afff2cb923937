"""`python -m lyo_pipelines.privacy_audit.scoring`: how likely one model finds each candidate as the answer to its canary's question.

Reads JSON [{name, messages, candidates}] and writes {name: [nats of each candidate]}: negative log-likelihoods summed over the
answer's tokens. Exit codes: 0 done, 1 it cannot be done as asked, 70 a fault of ours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyo_pipelines.external_process.environment import NO_SPIN
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.storage.whole_files import write_whole

_SAID_EVERY = 20
"""Canaries between two lines of progress."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    program = Program(
        name="scoring",
        folder=options.output.parent,
        go_on="audit again",
        less_memory="Lower scoring_batch under `privacy:` in the configuration.",
        kept=lambda: "nothing was kept.",
        stop_at_once=True,
        stop_with_parent=True,
        offline=True,
        waiting=NO_SPIN,
    )
    return program.run(lambda report, _: _score(options, report))


def _score(options: argparse.Namespace, report: Reporter) -> None:
    from lyo_pipelines.evaluation.engine.model_host import ModelHost, quiet_libraries
    from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
    from lyo_pipelines.evaluation.planning.assemble import adapter_spec

    quiet_libraries()
    questions: list[dict[str, Any]] = json.loads(options.questions.read_text(encoding="utf-8"))
    spec = (
        adapter_spec("candidate", options.adapter)
        if options.adapter
        else ModelSpec("base", options.base, None, "", "", four_bit=options.four_bit)
    )
    host = ModelHost(options.models, device="auto", dtype=options.dtype, attention=None)
    found = dict[str, list[float]]()
    with host.using(spec) as (model, tokenizer):
        for number, question in enumerate(questions, start=1):
            found[question["name"]] = answer_costs(
                model,
                tokenizer,
                question["messages"],
                question["candidates"],
                max_length=options.max_length,
                batch=options.batch,
            )
            if number % _SAID_EVERY == 0 or number == len(questions):
                report.say(f"{spec.role}: {number} of {len(questions)} canaries")
    write_whole(options.output, json.dumps(found).encode())


def answer_costs(
    model: Any,
    tokenizer: Any,
    messages: Sequence[dict[str, str]],
    candidates: Sequence[str],
    *,
    max_length: int,
    batch: int,
) -> list[float]:
    """Nats that each candidate costs as the answer to one chat, in their order; the chat is read once for many of them."""
    from lyo_pipelines.training.engine.chat import tokenize

    rows = [[*messages, {"role": "assistant", "content": candidate}] for candidate in candidates]
    tokens = tokenize(rows, tokenizer, max_length)
    shared = len({tuple(one.prompt) for one in tokens}) == 1 and not model.config.is_encoder_decoder
    ways = _after_prompt if shared else _each_whole
    return [
        cost for start in range(0, len(tokens), batch) for cost in ways(model, tokenizer, tokens[start : start + batch])
    ]


def _after_prompt(model: Any, tokenizer: Any, tokens: Sequence[Any]) -> list[float]:
    """Costs of answers to one prompt, which is read once: its keys and values are repeated for each answer."""
    import torch
    from transformers import DynamicCache

    prompt = torch.tensor([tokens[0].prompt], device=model.device)
    read = model(input_ids=prompt, past_key_values=DynamicCache(config=model.config), use_cache=True, logits_to_keep=1)
    cache = read.past_key_values
    cache.batch_repeat_interleave(len(tokens))
    longest = max(len(one.answer) for one in tokens)
    filling = tokenizer.pad_token_id or 0  # after the answer: nothing before it sees that
    answers = torch.tensor(
        [[*one.answer, *[filling] * (longest - len(one.answer))] for one in tokens], device=model.device
    )
    first = read.logits[:, -1:].expand(len(tokens), -1, -1)
    logits = first
    if longest > 1:
        places = torch.arange(prompt.shape[1], prompt.shape[1] + longest - 1, device=model.device)
        after = model(
            input_ids=answers[:, :-1],
            past_key_values=cache,
            position_ids=places.expand(len(tokens), -1),
            use_cache=True,
        )
        logits = torch.cat([first, after.logits], dim=1)
    costs = -torch.log_softmax(logits.float(), dim=-1).gather(2, answers.unsqueeze(2)).squeeze(2)
    return [float(row[: len(one.answer)].sum()) for row, one in zip(costs, tokens, strict=True)]


def _each_whole(model: Any, tokenizer: Any, tokens: Sequence[Any]) -> list[float]:
    """The same for models that read a prompt in another way, and for prompts that were cut to fit: each row is read whole."""
    from lyo_pipelines.evaluation.engine.encoding import Encoded
    from lyo_pipelines.evaluation.engine.generate import likelihood

    encoded = [Encoded(str(number), tuple(one.prompt), tuple(one.answer), one.cut) for number, one in enumerate(tokens)]
    return likelihood(model, tokenizer, encoded)["nll_sums"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.privacy_audit.scoring", description=__doc__)
    parser.add_argument("--base", required=True, help="name of the base model, or its folder")
    parser.add_argument("--adapter", type=Path, help="folder of the adapter; without it the base alone is asked")
    parser.add_argument("--models", type=Path, required=True, help="folder of base models")
    parser.add_argument("--questions", type=Path, required=True, help="JSON with canaries and their candidates")
    parser.add_argument("--output", type=Path, required=True, help="JSON that is written")
    parser.add_argument("--max-length", type=int, required=True, help="tokens of prompt and answer, as in training")
    parser.add_argument("--batch", type=int, default=128, help="candidates that are read at once")
    parser.add_argument("--dtype", default="auto", help="number format of the weights: auto, float32, bfloat16")
    parser.add_argument("--four-bit", action="store_true", help="hold the base in 4 bits, as its adapter was trained")
    return parser


if __name__ == "__main__":
    sys.exit(main())
