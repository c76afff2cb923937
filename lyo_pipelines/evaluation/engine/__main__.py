"""`python -m lyo_pipelines.evaluation.engine`: evaluate one adapter; the same from a shell and under Dagster Pipes.

Exit codes: 0 done (or the report was there), 1 it cannot be done as asked (the message says what to do), 2 an argument does not fit,
70 a fault of ours, 130 or 143 stopped by SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.loading import ConfigError, lay_over, load_config
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.evaluation.command import default_cache
from lyo_pipelines.evaluation.endpoints.client import check_keys
from lyo_pipelines.evaluation.engine.reporting import report_evaluation
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ParentFallback
from lyo_pipelines.evaluation.planning.assemble import gather_inputs
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.external_process.environment import NO_SPIN, loading
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import working_folder


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    program = Program(
        name="evaluation",
        folder=options.output,
        go_on="run it again, it goes on from there",
        less_memory="Lower generation_batch and loss_batch in the evaluation configuration.",
        kept=lambda: "finished batches are kept, the next run goes on from there.",
        stop_at_once=True,
        offline=True,  # metrics are local, and a base model is a folder
        waiting=NO_SPIN,
    )
    return program.run(lambda report, _: _evaluate(options, report))


def _evaluate(options: argparse.Namespace, report_to: Reporter) -> None:
    config = _config(options.evaluation_config)
    served = ParentFallback(options.served_segment, options.served_because) if options.served_segment else None
    lake = Lake(options.data) if options.data else None
    check_keys(config)
    settings = load_config(options.config)
    inputs = gather_inputs(
        options.dataset, options.adapter, options.champion, config, options.metrics, served,
        lake=lake, curation=settings.curation, start_dir=options.start, provider=settings.hosted,
    )  # fmt: skip
    if _same_report(options.output, inputs.data_version):
        report_to.say(f"{options.output} holds the report of these very inputs: nothing to do")
        report_evaluation(report_to, options.output)
        return
    with loading():  # torch, only when there is work
        from lyo_pipelines.evaluation.engine.evaluate import evaluate

    cache, shared = options.cache or default_cache(options.output), None
    if lake is not None:
        shared = default_cache(working_folder(lake, lake.path("reports", "any")))
    evaluate(inputs, options.output, options.models, cache, report_to.say, shared, clock=lambda: datetime.now(UTC))
    report_evaluation(report_to, options.output)


def _config(path: Path | None) -> EvaluationConfig:
    """The packaged evaluation configuration, with that of a JSON file laid over it: a file that names one key changes that one."""
    if path is None:
        return load_config().evaluation
    try:
        changes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read as JSON ({error}).", hint="Mend it, or leave --evaluation-config out."
        ) from error
    return lay_over({"evaluation": changes}, source=str(path)).evaluation


def _same_report(output: Path, data_version: str) -> bool:
    try:
        return read_report(output).data_version == data_version
    except DocumentError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.evaluation.engine", description=__doc__)
    parser.add_argument(
        "--dataset", type=Path, required=True, help="folder of a dataset version (test.parquet, manifest.json)"
    )
    parser.add_argument("--adapter", type=Path, required=True, help="folder of the candidate adapter")
    parser.add_argument("--champion", type=Path, help="folder of the adapter that serves now")
    parser.add_argument("--start", type=Path, help="folder of the adapter that the candidate was tuned from")
    parser.add_argument("--output", type=Path, required=True, help="folder of the report")
    parser.add_argument("--models", type=Path, required=True, help="folder of base models")
    parser.add_argument(
        "--evaluation-config", type=Path, help="JSON with evaluation settings that differ from the packaged ones"
    )
    parser.add_argument(
        "--cache", type=Path, help="folder of answers kept for the next evaluation (default: beside the reports)"
    )
    parser.add_argument("--served-segment", metavar="SEGMENT", help="a thin segment that the adapter's segment serves")
    parser.add_argument("--served-because", metavar="TEXT", default="", help="why it has no adapter of its own")
    parser.add_argument(
        "--data", help="root of the data directory: ratings, other segments, word lists (default: none of them)"
    )
    parser.add_argument(
        "--config", type=Path, help="YAML with a user's configuration, for its sections on curation and hosted"
    )
    parser.add_argument("--metrics", type=Path, help="folder of a team's own metrics, <name>/<name>.py")
    return parser


if __name__ == "__main__":
    sys.exit(main())
