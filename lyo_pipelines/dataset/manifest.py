"""Filling in the manifest of a version from what its build decided and counted. Its form and its reader are contracts/dataset.py's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.contracts.dataset import (
    BenchmarkRecord,
    CheckRecord,
    DatasetManifest,
    DatasetSettings,
    FileRecord,
    FunnelStep,
    RuleVersions,
    TaskFormatRecord,
)
from lyo_pipelines.curation.pool import POOL_RULES
from lyo_pipelines.curation.rules import RULES_VERSION
from lyo_pipelines.dataset.benchmarks import Benchmark
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.contract import RULE_BENCHMARK, RULE_MERGED, RULE_REPEATED, STRATUM
from lyo_pipelines.dataset.plan import Plan
from lyo_pipelines.dataset.split_statistics import SplitStatistics
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.tasks.base import TaskFormat


def make_manifest(
    *,
    segment: str,
    fingerprint: str,
    formats: Mapping[str, TaskFormat],
    plan: Plan,
    measures: SplitStatistics,
    checks: Sequence[DatasetCheckResult],
    benchmarks: Sequence[Benchmark],
    parent: str | None,
    covered: Sequence[str],
    files: Mapping[str, FileRecord],
    config: DatasetConfig,
    figures: JsonObject,
    now: datetime,
) -> DatasetManifest:
    """Return the manifest. Apart from `created_at` it depends on examples, configuration and earlier versions alone."""
    counted = measures.counts()
    return DatasetManifest(
        segment=segment,
        fingerprint=fingerprint,
        created_at=now,
        segments=plan.segments,
        remembers=tuple(covered),
        files=dict(files),
        task_format=TaskFormatRecord(
            task="+".join(formats), version="+".join(task.version for task in formats.values())
        ),
        parent=parent,
        counts=counted.rows,
        strata_by=STRATUM,
        strata=counted.strata,
        strata_not_listed=counted.strata_not_listed,
        examples_by_day=counted.days,
        lengths=counted.lengths,
        groups=plan.groups,
        near_duplicates=plan.near,
        source_days=tuple(part.name for part in plan.rows.parts if not part.documents),
        document_sets=tuple(part.name for part in plan.rows.parts if part.documents),
        interactions_read=plan.rows.scope.interactions,
        examples_read_by_day=_read_by_day(plan),
        funnel=manifest_funnel(plan),
        removed_by_rule=plan.removed_by_rule(),
        leakage=tuple(CheckRecord.model_validate(asdict(check)) for check in checks),
        benchmarks=tuple(
            BenchmarkRecord(name=benchmark.name, items=benchmark.table.num_rows, on_overlap=benchmark.on_overlap)
            for benchmark in benchmarks
        ),
        rule_versions=RuleVersions(curation=RULES_VERSION, pool=tuple(rule.name for rule in POOL_RULES)),
        figures=DatasetSettings.model_validate(config.model_dump(mode="json")),
        row_figures=figures,
        validity=counted.validity,
        expires=counted.expires,
        images=counted.images,
    )


def _read_by_day(plan: Plan) -> dict[str, int]:
    """Examples of each day before any rule removed one: what a later count by day is compared with to find the new ones."""
    ends = zip(plan.rows.parts, plan.rows.borders, plan.rows.borders[1:], strict=False)
    return {part.name: end - start for part, start, end in ends if not part.documents}


def manifest_funnel(plan: Plan) -> tuple[FunnelStep, ...]:
    """Return one step per rule, in the order of the rules: what it removed and what remained."""
    removed = plan.removed_by_rule()
    order = [RULE_REPEATED, *(rule.name for rule in POOL_RULES), RULE_BENCHMARK, RULE_MERGED]
    remaining, steps = len(plan.rows.example_id), list[FunnelStep]()
    for rule in dict.fromkeys([*order, *removed]):
        remaining -= removed.get(rule, 0)
        steps.append(FunnelStep(rule=rule, removed=removed.get(rule, 0), remaining=remaining))
    return tuple(steps)
