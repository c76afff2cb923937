"""`python -m lyo_pipelines.evaluation.engine`: evaluate one adapter; the same from a shell and under Dagster Pipes.

Exit codes: 0 done (or the report was there), 1 it cannot be done as asked (the message says what to do), 2 an argument does not fit,
70 a fault of ours, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

from lyo_pipelines.config.evaluation import EvaluationFigures
from lyo_pipelines.config.figures import FiguresError, lay_over, load_figures
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import default_cache
from lyo_pipelines.evaluation.endpoints.client import check_keys
from lyo_pipelines.evaluation.engine.reporting import Reporter, reporter
from lyo_pipelines.evaluation.inputs.evaluation_inputs import Served
from lyo_pipelines.evaluation.planning.assemble import gather_inputs
from lyo_pipelines.evaluation.report.build import MissingReportError, read_report
from lyo_pipelines.faults import EXIT_CODE, fault_report
from lyo_pipelines.machine import machine_explained
from lyo_pipelines.storage.lake import Lake


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    _prepare_libraries()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with reporter() as report_to:
        try:
            return _evaluate(options, report_to)
        except KeyboardInterrupt:
            report_to.say("interrupted: finished batches are kept, the next run goes on from there")
            return 130
        except LyoError as error:
            report_to.fail(str(error))
            if os.environ.get("LYO_TRACEBACK"):
                raise
            return 1
        except Exception as error:
            report_to.fail(fault_report(error))
            return EXIT_CODE


def _evaluate(options: argparse.Namespace, report_to: Reporter) -> int:
    figures = _figures(options.figures)
    served = Served(options.served_segment, options.served_because) if options.served_segment else None
    lake = Lake(options.data) if options.data else None
    check_keys(figures)
    inputs = gather_inputs(
        options.dataset, options.adapter, options.champion, figures, options.metrics, served,
        lake=lake, curation=load_figures(options.config).curation, start_dir=options.start,
    )  # fmt: skip
    if _same_report(options.output, inputs.data_version):
        report_to.say(f"{options.output} holds the report of these very inputs: nothing to do")
        report_to.materialize(options.output)
        return 0
    from lyo_pipelines.evaluation.engine.evaluate import evaluate  # torch is loaded only when there is work

    cache, shared = options.cache or default_cache(options.output), None
    if lake is not None:
        shared = default_cache(lake.local(lake.path("reports", "any")))
    with machine_explained(options.output, go_on="run it again, it goes on from there"):
        evaluate(inputs, options.output, options.models, cache, report_to.say, shared)
    report_to.materialize(options.output)
    return 0


def _prepare_libraries() -> None:
    os.environ.setdefault(
        "HF_HUB_OFFLINE", "1"
    )  # metrics are local, and a base model is a folder: nothing may call out
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # torch's threads spin while they wait for each other: beside any other busy process that costs 20x (measured); set it
    # before torch is loaded
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.filterwarnings("ignore", category=FutureWarning)  # of libraries about each other
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of a kernel that is not used here


def _figures(path: Path | None) -> EvaluationFigures:
    """The packaged evaluation figures, with those of a JSON file laid over them: a file that names one key changes that one."""
    if path is None:
        return load_figures().evaluation
    try:
        changes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FiguresError(
            f"{path}: cannot be read as JSON ({error}).", hint="Mend it, or leave --figures out."
        ) from error
    return lay_over({"evaluation": changes}, source=str(path)).evaluation


def _same_report(output: Path, data_version: str) -> bool:
    try:
        return read_report(output).get("data_version") == data_version
    except (MissingReportError, json.JSONDecodeError):
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
    parser.add_argument("--figures", type=Path, help="JSON with evaluation figures that differ from the packaged ones")
    parser.add_argument(
        "--cache", type=Path, help="folder of answers kept for the next evaluation (default: beside the reports)"
    )
    parser.add_argument("--served-segment", metavar="SEGMENT", help="a thin segment that the adapter's segment serves")
    parser.add_argument("--served-because", metavar="TEXT", default="", help="why it has no adapter of its own")
    parser.add_argument(
        "--data", help="root of the data directory: ratings, other segments, word lists (default: none of them)"
    )
    parser.add_argument("--config", type=Path, help="YAML with a user's figures, for those of curation")
    parser.add_argument("--metrics", type=Path, help="folder of a team's own metrics, <name>/<name>.py")
    return parser


if __name__ == "__main__":
    sys.exit(main())
