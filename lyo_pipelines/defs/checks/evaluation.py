"""What a report says of a release, as checks of `eval_report`: one answer, and behind it the gates by the question that they ask.

A check is about gates that were judged. One whose gates do not apply to the segment, have nothing to be compared with or too little to
judge by has no result: the page shows it as skipped, neither green nor red, and `may_be_released` says why.
"""

from collections.abc import Iterator, Sequence
from typing import get_args

import dagster as dg

from lyo_pipelines.config.evaluation import CheckName, EvaluationConfig
from lyo_pipelines.contracts.report_values import Gate
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.report_page import gates_metadata
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.command import REPORT_TAG
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import describe, evaluate_gates, release_answer, release_sentence
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.versions import latest_adapter

ASSET = "eval_report"
MAY_BE_RELEASED = "may_be_released"
QUESTIONS: dict[CheckName, str] = {
    "memorises_little": "It is not shown to remember what only a few rows of its data say.",
    "outdoes_base": "The adapter is shown to be better than the model without it.",
    "outdoes_current": "The adapter is shown to be better than the one that serves now.",
    "stays_correct": "Its answers are not shown to be wrong, or to miss the form that the task asks for, more often.",
    "stays_good_elsewhere": "It is not shown to be worse in any part of the test set, for other segments or for general questions.",
    "stays_in_language_and_culture": "It answers in the language of the question and is not shown to offend more often.",
    "stays_well_written": "Its answers are not shown to be more broken, repetitive, too short or too long.",
    "your_own_gates": "Gates of your own configuration that name no check.",
}
"""Name of a check -> what it holds, as its page says it."""


def _specs() -> list[dg.AssetCheckSpec]:
    told = {
        MAY_BE_RELEASED: (
            "Whether the adapter may be released by the gates of your configuration, and why. A warning where that cannot be judged."
        ),
        **QUESTIONS,
    }
    skipped = "Skipped where it does not apply, or cannot be judged yet: `may_be_released` says why."
    return [
        dg.AssetCheckSpec(
            name,
            asset=ASSET,
            description=text if name == MAY_BE_RELEASED else f"{text} {skipped}",
            partitions_def=SEGMENTS,
        )
        for name, text in told.items()
    ]


@dg.multi_asset_check(name="release_gates", specs=_specs(), can_subset=True)
def release_gates(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Judge the report that this run made once, as a release would now; the newest adapter's in a run that made none."""
    lake, segment = store.lake(), context.op_execution_context.partition_key
    run = context.instance.get_run_by_id(context.op_execution_context.run_id)
    version = (run.tags.get(REPORT_TAG) if run else None) or latest_adapter(lake, segment).version
    report = read_report(fetched(lake, lake.report_dir(segment, version)))
    config = store.load_config().evaluation
    wanted = {key.name for key in context.op_execution_context.selected_asset_check_keys}
    yield from (one for one in gate_results(evaluate_gates(report, config), config) if one.check_name in wanted)


def gate_results(outcomes: Sequence[Gate], config: EvaluationConfig) -> Iterator[dg.AssetCheckResult]:
    """The checks that were judged, the answer first. outcomes: of the gates of `config`, in their order."""
    answer, demands = release_answer(outcomes), describe(config)
    yield dg.AssetCheckResult(
        check_name=MAY_BE_RELEASED,
        passed=answer == "yes",
        severity=dg.AssetCheckSeverity.ERROR if answer == "no" else dg.AssetCheckSeverity.WARN,
        description=release_sentence(outcomes),
        metadata=gates_metadata([gate for gate in outcomes if gate.applies], demands),
    )
    checks = {gate.name: gate.check for gate in config.gates}
    for name in get_args(CheckName):
        mine = [gate for gate in outcomes if checks.get(gate.name, "your_own_gates") == name]
        judged = [gate for gate in mine if gate.state in ("passed", "failed")]
        if not judged or not config.gates:
            continue
        failed = [gate for gate in judged if gate.state == "failed"]
        blocks = any(gate.blocking for gate in failed)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description="; ".join(gate.message for gate in failed or judged),
            metadata=gates_metadata([gate for gate in mine if gate.applies], demands),
        )
