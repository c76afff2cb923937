"""manifest.json: everything a program needs to know about a version without opening its files. The card is for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lyo_pipelines.config.dataset import DatasetFigures
from lyo_pipelines.curation.pool import POOL_RULES
from lyo_pipelines.curation.rules import RULES_VERSION
from lyo_pipelines.dataset.benchmarks import Benchmark
from lyo_pipelines.dataset.checks import CheckOutcome
from lyo_pipelines.dataset.contract import RULE_BENCHMARK, RULE_MERGED, RULE_REPEATED
from lyo_pipelines.dataset.measures import Measures
from lyo_pipelines.dataset.plan import Plan
from lyo_pipelines.tasks.base import TaskFormat

MANIFEST_VERSION = 1


def make_manifest(
    *,
    segment: str,
    fingerprint: str,
    formats: Mapping[str, TaskFormat],
    plan: Plan,
    measures: Measures,
    checks: Sequence[CheckOutcome],
    benchmarks: Sequence[Benchmark],
    parent: str | None,
    covered: Sequence[str],
    figures: DatasetFigures,
    now: datetime,
) -> dict[str, Any]:
    """Return the manifest. Apart from `created_at` it depends on examples, figures and earlier versions alone."""
    counted = measures.as_manifest()
    return {
        "manifest_version": MANIFEST_VERSION,
        "segment": segment,
        "fingerprint": fingerprint,
        "created_at": now.isoformat(),
        "segments": {key: count.kept for key, count in sorted(plan.rows.scope.counts.items())},
        "task_format": {
            "task": "+".join(formats),
            "version": "+".join(task.version for task in formats.values()),
        },
        "parent": parent,
        "remembers": list(covered),
        **counted,
        "groups": plan.groups,
        "near_duplicates": plan.near,
        "source_days": [part.name for part in plan.rows.parts if not part.documents],
        "document_sets": [part.name for part in plan.rows.parts if part.documents],
        "interactions_read": plan.rows.scope.interactions,
        "funnel": funnel(plan),
        "removed_by_rule": plan.removed_by_rule(),
        "leakage": [check.as_dict() for check in checks],
        "benchmarks": [
            {"name": benchmark.name, "items": benchmark.table.num_rows, "on_overlap": benchmark.on_overlap}
            for benchmark in benchmarks
        ],
        "rule_versions": {"curation": RULES_VERSION, "pool": [rule.name for rule in POOL_RULES]},
        "figures": figures.model_dump(),
    }


def funnel(plan: Plan) -> list[dict[str, Any]]:
    """Return one step per rule, in the order of the rules: what it removed and what remained."""
    removed = plan.removed_by_rule()
    order = [RULE_REPEATED, *(rule.name for rule in POOL_RULES), RULE_BENCHMARK, RULE_MERGED]
    remaining, steps = len(plan.rows.example_id), []
    for rule in dict.fromkeys([*order, *removed]):
        remaining -= removed.get(rule, 0)
        steps.append({"rule": rule, "removed": removed.get(rule, 0), "remaining": remaining})
    return steps
