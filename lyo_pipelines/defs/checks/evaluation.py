"""The gates of a report as asset checks: failed gates keep an adapter from being released."""

import dagster as dg

from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import GATES, evaluate_gates
from lyo_pipelines.training.versions import latest_adapter


def _check(name: str, description: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="eval_report", name=name, description=description, partitions_def=SEGMENTS)
    def check(context: dg.AssetCheckExecutionContext, store: Store) -> dg.AssetCheckResult:
        lake, segment = store.lake(), context.op_execution_context.partition_key
        report = read_report(lake.local(lake.report_dir(segment, latest_adapter(lake, segment).version)))
        gate = next((g for g in evaluate_gates(report, store.load_config().evaluation) if g.name == name), None)
        if gate is None:  # taken out of the configuration by the user
            return dg.AssetCheckResult(
                passed=True, description="this gate is not among your configuration: nothing was judged"
            )
        # None: too little evidence to judge: shown as a warning, never as passed
        severity = dg.AssetCheckSeverity.ERROR if gate.blocking and gate.passed is False else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(passed=gate.passed is True, severity=severity, description=gate.message)

    return check


evaluation_checks = [_check(name, description) for name, description in GATES.items()]
