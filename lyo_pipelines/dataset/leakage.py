"""Does anything leak between the splits, or from a benchmark? Checks on the written files, one pure function each.

What the builder believed is not consulted: groups, questions and near duplicates are found again from the files.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.config.dataset import DatasetFigures
from lyo_pipelines.dataset.benchmarks import Benchmark, registered_benchmarks
from lyo_pipelines.dataset.checks import CheckOutcome, Straddling, straddling
from lyo_pipelines.dataset.clustering import QuestionClusters
from lyo_pipelines.dataset.contamination import no_benchmark_overlap
from lyo_pipelines.dataset.overlap import BenchmarkIndex
from lyo_pipelines.dataset.proportions import split_proportions
from lyo_pipelines.dataset.versions import get_version
from lyo_pipelines.dataset.written import WrittenVersion, read_written
from lyo_pipelines.storage.arrow import give_back
from lyo_pipelines.storage.lake import Lake


def leakage_checks(
    lake: Lake, segment: str, fingerprint: str, figures: DatasetFigures, curation: CurationFigures
) -> list[CheckOutcome]:
    """Run all checks on a finished version, against the benchmarks registered now.

    Raises UnknownVersionError for a version that is not there, BenchmarkError for a benchmark that cannot be read.
    """
    version = get_version(lake, segment, fingerprint)
    return checks_of_folder(lake, version.path, figures, QuestionClusters(curation), registered_benchmarks(lake))


def checks_of_folder(
    lake: Lake, folder: str, figures: DatasetFigures, clusters: QuestionClusters, benchmarks: list[Benchmark]
) -> list[CheckOutcome]:
    """Run all checks on the split files in a folder."""
    written, texts = read_written(lake, folder, figures)
    give_back()
    labels = clusters.labels(written.distinct_keys, texts)
    del texts
    return [
        no_shared_group(written, figures),
        no_shared_question(written, figures),
        no_near_duplicate_question(written, labels, figures),
        no_benchmark_overlap(lake, folder, BenchmarkIndex(benchmarks, figures), figures),
        no_giant_group(written, figures),
        split_proportions(written.rows["stratum"], written.rows["group_id"], written.split, figures),
    ]


def no_shared_group(written: WrittenVersion, figures: DatasetFigures) -> CheckOutcome:
    """No group and no conversation stands in two splits."""
    found = {
        name: straddling(written.rows[name], written.split, written.rows["example_id"], figures.report_items)
        for name in ("group_id", "conversation_id")
    }
    return _outcome("no_shared_group", found, "groups or conversations")


def no_shared_question(written: WrittenVersion, figures: DatasetFigures) -> CheckOutcome:
    """No source question id and no question text (with enough content) stands in two splits."""
    examples = written.rows["example_id"]
    found = {
        "question_id": straddling(written.rows["question_id"], written.split, examples, figures.report_items),
        "text": straddling(
            pa.array(written.text_key),
            written.split[written.text_row],
            examples.take(pa.array(written.text_row)),
            figures.report_items,
        ),
    }
    return _outcome("no_shared_question", found, "questions")


def no_near_duplicate_question(written: WrittenVersion, labels: np.ndarray, figures: DatasetFigures) -> CheckOutcome:
    """No cluster of near-duplicate question texts stands in two splits.

    labels: cluster label of each of the version's distinct texts.
    """
    of_text = labels[np.searchsorted(written.distinct_keys, written.text_key)]
    found = {
        "cluster": straddling(
            pa.array(of_text),
            written.split[written.text_row],
            written.rows["example_id"].take(pa.array(written.text_row)),
            figures.report_items,
        )
    }
    return _outcome("no_near_duplicate_question", found, "clusters of near-duplicate questions")


def no_giant_group(written: WrittenVersion, figures: DatasetFigures) -> CheckOutcome:
    """No group holds more than its allowed share of the data: a giant one means that something ties unrelated examples."""
    total = written.rows.num_rows
    counts = written.rows.group_by("group_id").aggregate([("group_id", "count")])
    counts = counts.sort_by([("group_id_count", "descending"), ("group_id", "ascending")]).slice(0, 5).to_pylist()
    share = counts[0]["group_id_count"] / total if counts else 0.0
    passed = share <= figures.largest_group_share
    message = f"the largest group holds {share:.1%} of the examples (allowed: {figures.largest_group_share:.0%})"
    if not passed:
        message += f": {counts[0]['group_id']}. Look what its questions have in common; a boilerplate opening is the usual cause."
    largest: list[JsonValue] = [{"group_id": row["group_id"], "examples": row["group_id_count"]} for row in counts]
    details = {"largest": largest, "share": round(share, 6)}
    return CheckOutcome("no_giant_group", passed, message, details, blocking=False)  # lopsided, but nothing leaks


def _outcome(name: str, found: dict[str, tuple[int, list[Straddling]]], what: str) -> CheckOutcome:
    total = sum(count for count, _ in found.values())
    listed = [(kind, item) for kind, (_, items) in found.items() for item in items]
    if not listed:
        return CheckOutcome(name, True, f"no {what} in two splits", {"found": 0})
    kind, first = listed[0]
    examples = ", ".join(example["example_id"] for example in first["examples"])
    message = f"{total} {what} stand in two splits, for instance {kind} {first['value']} (examples {examples})"
    items: list[JsonValue] = [{"kind": kind, **item} for kind, item in listed]  # pyright: ignore[reportAssignmentType]
    return CheckOutcome(name, False, message, {"found": total, "items": items})
