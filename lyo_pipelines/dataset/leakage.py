"""Does anything leak between the splits, or from a benchmark? Checks on the written files, one pure function each.

What the builder believed is not consulted: groups, questions and near duplicates are found again from the files.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex
from lyo_pipelines.dataset.benchmarks import Benchmark, registered_benchmarks
from lyo_pipelines.dataset.checks import DatasetCheckResult, Straddling, values_in_two_splits
from lyo_pipelines.dataset.clustering import QuestionClusters
from lyo_pipelines.dataset.contamination import no_benchmark_overlap
from lyo_pipelines.dataset.proportions import split_proportions
from lyo_pipelines.dataset.versions import get_version
from lyo_pipelines.dataset.written_version import WrittenVersion, read_written
from lyo_pipelines.storage.arrow import give_back
from lyo_pipelines.storage.lake import Lake


def leakage_checks(
    lake: Lake, segment: str, fingerprint: str, config: DatasetConfig, curation: CurationConfig
) -> list[DatasetCheckResult]:
    """Run all checks on a finished version, against the benchmarks registered now.

    Raises UnknownVersionError for a version that is not there, BenchmarkError for a benchmark that cannot be read.
    """
    version = get_version(lake, segment, fingerprint)
    return checks_of_folder(lake, version.path, config, QuestionClusters(curation), registered_benchmarks(lake))


def checks_of_folder(
    lake: Lake, folder: str, config: DatasetConfig, clusters: QuestionClusters, benchmarks: list[Benchmark]
) -> list[DatasetCheckResult]:
    """Run all checks on the split files in a folder."""
    written, texts = read_written(lake, folder, config)
    give_back()
    labels = clusters.labels(written.distinct_keys, texts)
    del texts
    return [
        no_shared_group(written, config),
        no_shared_question(written, config),
        no_near_duplicate_question(written, labels, config),
        no_benchmark_overlap(lake, folder, BenchmarkIndex(benchmarks, config), config),
        no_giant_group(written, config),
        split_proportions(written.rows["stratum"], written.rows["group_id"], written.split, config),
    ]


def no_shared_group(written: WrittenVersion, config: DatasetConfig) -> DatasetCheckResult:
    """No group and no conversation stands in two splits."""
    found = {
        name: values_in_two_splits(written.rows[name], written.split, written.rows["example_id"], config.report_items)
        for name in ("group_id", "conversation_id")
    }
    return _outcome("no_shared_group", found, "groups or conversations")


def no_shared_question(written: WrittenVersion, config: DatasetConfig) -> DatasetCheckResult:
    """No source question id and no question text (with enough content) stands in two splits."""
    examples = written.rows["example_id"]
    found = {
        "question_id": values_in_two_splits(written.rows["question_id"], written.split, examples, config.report_items),
        "text": values_in_two_splits(
            pa.array(written.text_key),
            written.split[written.text_row],
            examples.take(pa.array(written.text_row)),
            config.report_items,
        ),
    }
    return _outcome("no_shared_question", found, "questions")


def no_near_duplicate_question(
    written: WrittenVersion, labels: np.ndarray, config: DatasetConfig
) -> DatasetCheckResult:
    """No cluster of near-duplicate question texts stands in two splits.

    labels: cluster label of each of the version's distinct texts.
    """
    of_text = labels[np.searchsorted(written.distinct_keys, written.text_key)]
    found = {
        "cluster": values_in_two_splits(
            pa.array(of_text),
            written.split[written.text_row],
            written.rows["example_id"].take(pa.array(written.text_row)),
            config.report_items,
        )
    }
    return _outcome("no_near_duplicate_question", found, "clusters of near-duplicate questions")


def no_giant_group(written: WrittenVersion, config: DatasetConfig) -> DatasetCheckResult:
    """No group holds more than its allowed share of the data: a giant one means that something ties unrelated examples."""
    total = written.rows.num_rows
    counts = written.rows.group_by("group_id").aggregate([("group_id", "count")])
    counts = counts.sort_by([("group_id_count", "descending"), ("group_id", "ascending")]).slice(0, 5).to_pylist()
    share = counts[0]["group_id_count"] / total if counts else 0.0
    passed = share <= config.largest_group_share
    message = f"the largest group holds {share:.1%} of the examples (allowed: {config.largest_group_share:.0%})"
    if not passed:
        message += f": {counts[0]['group_id']}. Look what its questions have in common; a boilerplate opening is the usual cause."
    largest: list[JsonValue] = [{"group_id": row["group_id"], "examples": row["group_id_count"]} for row in counts]
    details = {"largest": largest, "share": round(share, 6)}
    return DatasetCheckResult("no_giant_group", passed, message, details, blocking=False)  # lopsided, but nothing leaks


def _outcome(name: str, found: dict[str, tuple[int, list[Straddling]]], what: str) -> DatasetCheckResult:
    total = sum(count for count, _ in found.values())
    listed = [(kind, item) for kind, (_, items) in found.items() for item in items]
    if not listed:
        return DatasetCheckResult(name, True, f"no {what} in two splits", {"found": 0})
    kind, first = listed[0]
    examples = ", ".join(example["example_id"] for example in first["examples"])
    message = f"{total} {what} stand in two splits, for instance {kind} {first['value']} (examples {examples})"
    items: list[JsonValue] = [{"kind": kind, **item} for kind, item in listed]  # pyright: ignore[reportAssignmentType]
    return DatasetCheckResult(name, False, message, {"found": total, "items": items})
