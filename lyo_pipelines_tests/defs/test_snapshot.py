"""Asset keys, groups, owners and checks as others know them: a change here is a change of contract."""

from __future__ import annotations

import dagster as dg
import pytest

from lyo_pipelines.defs.build import build_defs

EXPECTED = {
    "inbox": ("interactions", "team:data", None),
    "tables": ("interactions", "team:data", None),
    "landed_files": ("interactions", "team:data", None),
    "raw_interactions": ("interactions", "team:data", "days"),
    "filtered_examples": ("curation", "team:data", "days"),
    "documents": ("documents", "team:data", None),
    "document_chunks": ("documents", "team:data", None),
    "segment_health": ("monitoring", "team:data", "days"),
    "retraining_signals": ("monitoring", "team:data", None),
    "train_split": ("dataset", "team:data", "segments"),
    "validation_split": ("dataset", "team:data", "segments"),
    "test_split": ("dataset", "team:data", "segments"),
    "adapter": ("training", "team:training", "segments"),
    "preference_data": ("dataset", "team:data", "segments"),
    "preference_adapter": ("training", "team:training", "segments"),
    "eval_report": ("evaluation", "team:evaluation", "segments"),
    "release": ("release", "team:release", "segments"),
}


@pytest.fixture(scope="module")
def nodes() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in build_defs().resolve_all_asset_specs()}


def _partitions(spec: dg.AssetSpec) -> str | None:
    return {"DailyPartitionsDefinition": "days", "DynamicPartitionsDefinition": "segments"}.get(
        type(spec.partitions_def).__name__
    )


def test_asset_keys_groups_owners_and_partitions(nodes: dict[str, dg.AssetSpec]) -> None:
    assert {key: (spec.group_name, *spec.owners, _partitions(spec)) for key, spec in nodes.items()} == EXPECTED


def test_every_asset_says_what_it_is(nodes: dict[str, dg.AssetSpec]) -> None:
    for key, spec in nodes.items():
        assert spec.description and len(spec.description) > 60, key
        assert spec.kinds, key
        if key not in ("inbox", "tables"):
            assert spec.code_version, key


def test_tables_show_their_columns(nodes: dict[str, dg.AssetSpec]) -> None:
    for key in (
        "raw_interactions",
        "filtered_examples",
        "document_chunks",
        "segment_health",
        "train_split",
        "validation_split",
        "test_split",
    ):
        assert nodes[key].metadata["dagster/column_schema"].columns, key


def test_leakage_stops_everything_downstream() -> None:
    checks = {spec.name: spec for definition in build_defs().asset_checks or [] for spec in definition.check_specs}
    for name in ("no_shared_group", "no_shared_question", "no_near_duplicate_question", "no_benchmark_overlap"):
        assert checks[name].blocking, name
