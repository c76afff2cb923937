"""Which adapter a candidate has to beat: the newest other one whose report passed every blocking gate."""

from __future__ import annotations

from lyo_pipelines.config.evaluation import EvaluationFigures
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.gates import gates, may_be_released
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import TrainingResult, read_adapter
from lyo_pipelines.training.versions import list_adapters


def current_adapter(
    lake: Lake, segment: str, figures: EvaluationFigures, *, candidate: TrainingResult
) -> TrainingResult | None:
    """The segment's current adapter, or None while none was found fit; an adapter is never compared with itself.

    One that was tuned further is compared with the adapter that it started from, whether that one was found fit or not. Else only
    adapters of the same base model count: two bases would be a comparison of bases.
    """
    if start := candidate.manifest.get("start_from"):
        return read_adapter(lake.local(lake.adapter_dir(segment, start)))
    fit: list[tuple[float, TrainingResult]] = []
    for adapter in list_adapters(lake, segment):
        folder = lake.local(lake.report_dir(segment, adapter.version))
        if (
            adapter.version == candidate.version
            or adapter.base_model != candidate.base_model
            or not is_complete(folder)
        ):
            continue
        if may_be_released(gates(read_report(folder), figures)):
            fit.append(((folder / "report.json").stat().st_mtime, adapter))
    return max(fit, key=lambda entry: entry[0])[1] if fit else None
