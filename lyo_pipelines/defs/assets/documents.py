"""`document_chunks`: documents as a second source, chunk by chunk.

One asset without partitions: a set is small beside the logs, its documents are read again only when they changed, and near duplicates
are looked for in the whole set. What is partitioned are the segments that come out of it (`documents.<language>.<set>`).
"""

from typing import Any

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.metadata import (
    Metadata,
    TableOrWord,
    automation,
    column_schema,
    counts_table,
    excerpt,
    metadata_table,
)
from lyo_pipelines.defs.partitions import digest_version
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.documents.contract import CHUNK, DOCUMENTS_VERSION, SetReport
from lyo_pipelines.documents.inputs import built_from, stale_sets
from lyo_pipelines.documents.plots import chunk_lengths_plot
from lyo_pipelines.errors import LyoError
from lyo_pipelines.faults import fault_report
from lyo_pipelines.storage.lake import Lake

GROUP = "documents"
OWNERS = ["team:data"]
_SAMPLES = 3
_REJECTED_SHOWN = 50

documents = dg.AssetSpec(
    "documents",
    group_name=GROUP,
    owners=OWNERS,
    kinds={"markdown", "pdf"},
    code_version="1",
    description=(
        "Markdown, text, HTML and PDF files in `data/documents/<set>/`, with optional metadata in `set.yaml` and "
        "`<file>.meta.yaml`. `documents_sensor` watches the folder."
    ),
    metadata=automation("documents_sensor"),
)


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    deps=[documents],
    code_version=str(DOCUMENTS_VERSION),
    metadata={"columns": column_schema(CHUNK)},
    description=(
        "Documents, cleaned, with personal data replaced, and split at headings, paragraphs and sentences into chunks of limited "
        "length (in tokens). Also holds the training examples made from them: chunks as plain text, and question/answer pairs found "
        "in the documents. A document that cannot be read is rejected with a reason and does not stop the others. Stored in "
        "`lake/documents/<set>/`."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "documents_conserved",
            asset="document_chunks",
            description="In every set, accepted and rejected documents add up to the documents found.",
        ),
        dg.AssetCheckSpec(
            "documents_readable",
            asset="document_chunks",
            description="Every document could be read; none was rejected.",
        ),
    ],
)
def document_chunks(context: dg.AssetExecutionContext, store: Store):
    """Read the sets whose files, configuration or rules changed. A set that cannot be read fails the run after all others are read."""
    lake, config = store.lake(), store.load_config()
    stale = stale_sets(lake, config.documents, config.curation)
    reports, failed = [], []
    for name in stale:
        try:
            report = build_set(lake, name, config.documents, config.curation, now=clock.current_time())
        except OSError:  # the lake's own disk
            raise
        except LyoError as error:
            failed.append(f"{name}: {error}")
            context.log.warning(failed[-1])
            continue
        except Exception as error:  # whatever is wrong with one set must not keep the others from being read
            failed.append(f"{name}: {type(error).__name__}, which nobody foresaw (the traceback is in the log)")
            context.log.error(f"{name}: {fault_report(error)}")  # noqa: TRY400 - the report holds the traceback
            continue
        reports.append(report)
        context.log.info(
            f"{name}: {report.read} documents, {report.reused} unchanged, {len(report.rejected)} rejected, {report.chunks} chunks"
        )
    rejected = [(report.name, one) for report in reports for one in report.rejected]
    lost = [report.name for report in reports if not report.conserved]
    signatures = {name: built_from(lake, name) or "none" for name in lake.document_sets()}
    yield dg.MaterializeResult(
        data_version=digest_version(signatures),
        metadata={
            **_totals(context.instance, lake, config.documents.max_tokens),
            **_of_run(reports),
            "run_rejected": _rejected(rejected),
        },
    )
    yield dg.AssetCheckResult(
        check_name="documents_conserved", passed=not lost, metadata={"sets": len(reports), "lost_in": lost}
    )
    yield dg.AssetCheckResult(
        check_name="documents_readable",
        passed=not rejected,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(rejected)} of {sum(report.read for report in reports)} documents were rejected",
        metadata={"rejected": _rejected(rejected)},
    )
    if failed:
        raise dg.Failure("; ".join(failed) + " (all other sets were read)", allow_retries=False)


def _rejected(rejected: list[tuple[str, Any]]) -> TableOrWord:
    rows = [{"set": name, "document": one.path, "why": one.says} for name, one in rejected[:_REJECTED_SHOWN]]
    return metadata_table(rows, ["set", "document", "why"])


def _of_run(reports: list[SetReport]) -> Metadata:
    """What this run read, set by set."""
    rows = [
        {
            "set": r.name,
            "documents": r.read,
            "unchanged": r.reused,
            "accepted": r.accepted,
            "rejected": len(r.rejected),
            "chunks": r.chunks,
            "pairs": r.pairs,
            "near duplicates": r.near_duplicates,
            "languages": ", ".join(f"{language} {n}" for language, n in r.languages.items()),
        }
        for r in reports
    ]
    redacted: dict[str, int] = {}
    for report in reports:
        for kind, number in report.redacted.items():
            redacted[kind] = redacted.get(kind, 0) + number
    return {
        "run_sets": metadata_table(rows, list(rows[0]) if rows else ["set"]),
        "run_personal_data_replaced": counts_table("type", redacted),
    }


def _totals(instance: dg.DagsterInstance, lake: Lake, maximum: int) -> Metadata:
    """What all sets hold now."""
    tokens: dict[str, list[int]] = {}
    examples: dict[str, int] = {}
    samples: list[dict[str, str]] = []
    for name in lake.document_sets():
        chunks = lake.read_table(lake.documents(name, "chunks"), ["language", "tokens", "source_file", "training_text"])
        for language, number in zip(chunks["language"].to_pylist(), chunks["tokens"].to_pylist(), strict=True):
            tokens.setdefault(language, []).append(number)
        for segment in lake.read_table(lake.documents(name), ["segment"])["segment"].to_pylist():
            examples[segment] = examples.get(segment, 0) + 1
        samples += [
            {"set": name, "document": row["source_file"], "chunk": excerpt(row["training_text"])}
            for row in chunks.slice(0, _SAMPLES).to_pylist()
        ]
    return {
        "dagster/row_count": sum(map(len, tokens.values())),
        "tokens": picture(instance, chunk_lengths_plot(tokens, maximum), "tokens of the chunks by language"),
        "examples": counts_table("segment", examples),
        "samples": metadata_table(samples, ["set", "document", "chunk"]),
        "path": lake.path("documents"),
    }
