"""`python -m lyo_pipelines.evaluation.engine.rehearse`: load one adapter (or a base model) and answer one question, as serving would.

The last line of stdout is JSON: files verified, answer, seconds. Exit code 1: it must not or cannot be loaded, and the last
line of stderr says why; 70: a fault of ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.environment import NO_SPIN
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.verified_loading import load_checked


class NoAnswerError(LyoError):
    """The model answered nothing at all, so nobody may be sent to it."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    program = Program(
        name="",  # whoever rehearses says what failed, and takes the reason from here
        folder=options.models,
        go_on="rehearse again",
        less_memory="Free some memory, or rehearse on another machine.",
        kept=lambda: "nothing was changed.",
        stop_at_once=True,
        offline=True,  # a rehearsal must not depend on a network that may be gone
        waiting=NO_SPIN,
    )
    return program.run(lambda *_: _rehearse(options))


def _rehearse(options: argparse.Namespace) -> None:
    files = json.loads(options.files) if options.files else None
    adapter = load_checked(options.adapter, files) if options.adapter else None
    answered = _ask(adapter, options)
    print(json.dumps({"files": len(files or {}), **answered}))  # noqa: T201  (a command speaks to its caller)


def _ask(adapter: TrainingResult | None, options: argparse.Namespace) -> dict[str, str | float]:
    from lyo_pipelines.evaluation.engine import generate
    from lyo_pipelines.evaluation.engine.encoding import encode_to_ask
    from lyo_pipelines.evaluation.engine.model_host import ModelHost, quiet_libraries
    from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
    from lyo_pipelines.evaluation.inputs.items import Item
    from lyo_pipelines.evaluation.planning.assemble import adapter_spec
    from lyo_pipelines.training.engine.decoding import positions_of

    quiet_libraries()
    started = time.perf_counter()
    spec = adapter_spec("champion", options.adapter) if adapter else ModelSpec("base", options.base, None, "", "")
    if adapter and not adapter.manifest.is_whole_model:  # a base may have moved since
        spec = replace(spec, base_name=options.base)
    host = ModelHost(options.models, device="auto", dtype="auto", attention=None)
    with host.using(spec) as (model, tokenizer):
        loaded = time.perf_counter()
        item = Item("rehearsal", "rehearsal", (("user", options.question),), ".", "en")
        encoded, limit = encode_to_ask(
            tokenizer, [item], max_length=1024, positions=positions_of(model), max_new_tokens=options.max_new_tokens
        )
        written = generate.answers(model, tokenizer, encoded, max_new_tokens=limit)
    if not written["answer_tokens"][0]:
        raise NoAnswerError("it answered nothing")
    return {
        "answer": written["texts"][0],
        "load_seconds": round(loaded - started, 2),
        "answer_seconds": round(time.perf_counter() - loaded, 2),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.evaluation.engine.rehearse", description=__doc__)
    parser.add_argument("--base", required=True, help="name of the base model")
    parser.add_argument("--adapter", type=Path, help="folder of the adapter; without it the base model alone answers")
    parser.add_argument("--files", help="JSON: name -> sha256, as registered (default: as its manifest says)")
    parser.add_argument("--models", type=Path, required=True, help="folder of base models")
    parser.add_argument("--question", required=True)
    parser.add_argument("--max-new-tokens", type=int, default=24)
    return parser


if __name__ == "__main__":
    sys.exit(main())
