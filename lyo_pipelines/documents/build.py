"""One document set -> its chunks, examples and funnel in the lake; a document that did not change is not read again."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.curation.contract import EXAMPLE, FUNNEL
from lyo_pipelines.curation.near_duplicates import near_duplicate_clusters
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.documents.contract import CHUNK, DOCUMENT, Rejection, SetReport
from lyo_pipelines.documents.files import set_files
from lyo_pipelines.documents.inputs import rules_signature, set_signature
from lyo_pipelines.documents.rows import RULES
from lyo_pipelines.documents.set_reading import DraftDocument, read_set
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY


def build_set(lake: Lake, name: str, config: DocumentConfig, curation: CurationConfig, *, now: datetime) -> SetReport:
    """Read what is new in a set and write documents, chunks, funnel and examples (`lake/documents/<set>/*.parquet`).

    Running it again on the same files writes the same rows. The examples come last: until they are there, the set is stale.
    """
    lists, files = load_wordlists(lake), set_files(lake, name)
    rules = rules_signature(config, curation, lists)
    signature = set_signature(files, rules, curation)
    before = _PreviousSet(lake, name, rules)
    drafts = read_set(lake, files, before.unchanged, lists, config, curation, rules=rules, now=now)
    found = sorted(drafts, key=lambda draft: draft.row["path"])
    documents = pa.Table.from_pylist([draft.row for draft in found], schema=DOCUMENT)
    chunks, examples = before.with_new(found)
    shared, near = _question_ids(documents, curation)
    asked = pa.array([shared[one] for one in examples["conversation_id"].to_pylist()], pa.string())
    examples = examples.set_column(EXAMPLE.get_field_index("question_id"), EXAMPLE.field("question_id"), asked)
    left_out = _left_out(found)
    funnel = _funnel(examples, left_out)
    lake.write_table(documents, lake.documents(name, "documents"))
    lake.write_table(chunks, lake.documents(name, "chunks"))
    lake.write_table(funnel, lake.documents(name, "funnel"))
    lake.write_table(examples.replace_schema_metadata({INPUTS_KEY: signature}), lake.documents(name))
    return _report(name, found, documents, chunks, examples, left_out, near)


class _PreviousSet:
    """What the last build of the set wrote, as far as it was read by the same rules."""

    def __init__(self, lake: Lake, name: str, rules: str) -> None:
        there = lake.exists(lake.documents(name))
        names = ("documents", "chunks", "examples")
        try:
            found = [lake.read_table(lake.documents(name, file)) if there else None for file in names]
        except DamagedTableError:  # made from the files in the folder, which are read anew
            found = [None] * len(names)
        usable = all(
            table is not None and table.schema.equals(schema)
            for table, schema in zip(found, (DOCUMENT, CHUNK, EXAMPLE), strict=True)
        )
        documents, self._chunks, self._examples = (
            found if usable else [schema.empty_table() for schema in (DOCUMENT, CHUNK, EXAMPLE)]
        )
        assert documents is not None
        rows = documents.to_pylist()
        self.unchanged: dict[tuple[str, str], TableRow] = {
            (row["path"], row["content_hash"]): row for row in rows if row["read_by"] == rules
        }

    def with_new(self, drafts: list[DraftDocument]) -> tuple[pa.Table, pa.Table]:
        """Chunks and examples of all drafts, in the order of the drafts."""
        assert self._chunks is not None and self._examples is not None
        kept = {draft.row["document_id"] for draft in drafts if draft.reused}
        order = {draft.row["document_id"]: place for place, draft in enumerate(drafts)}
        chunks = [row for row in self._chunks.to_pylist() if row["document_id"] in kept]
        examples = [row for row in self._examples.to_pylist() if row["conversation_id"] in kept]
        chunks += [row for draft in drafts for row in draft.chunks]
        examples += [row for draft in drafts for row in draft.examples]
        chunks.sort(key=lambda row: order[row["document_id"]])
        examples.sort(key=lambda row: order[row["conversation_id"]])
        return pa.Table.from_pylist(chunks, schema=CHUNK), pa.Table.from_pylist(examples, schema=EXAMPLE)


def _question_ids(documents: pa.Table, curation: CurationConfig) -> tuple[dict[str, str], int]:
    """Document id -> the id that near-duplicate documents share (made of the text, so that it outlives a new file name)."""
    rows = [row for row in documents.to_pylist() if row["status"] == "accepted"]
    labels = near_duplicate_clusters([row["text"] for row in rows], curation)
    shared = {row["document_id"]: f"doc-{rows[label]['text_hash']}" for row, label in zip(rows, labels, strict=True)}
    return shared, len(rows) - len(set(labels.tolist()))


def _left_out(drafts: list[DraftDocument]) -> dict[str, Counter[str]]:
    """What the rules left out, by segment."""
    result: dict[str, Counter[str]] = {}
    for draft in drafts:
        if draft.segment:
            result.setdefault(draft.segment, Counter()).update(draft.left_out)
    return result


def _funnel(examples: pa.Table, left_out: dict[str, Counter[str]]) -> pa.Table:
    kept = Counter(examples["segment"].to_pylist())
    rows = []
    for segment in sorted(kept.keys() | left_out.keys()):
        gone = left_out.get(segment, Counter())
        remaining = kept[segment] + sum(gone.values())
        for order, rule in enumerate(RULES):
            remaining -= gone[rule]
            rows.append(
                {"segment": segment, "rule": rule, "order": order, "removed": gone[rule], "remaining": remaining}
            )
    return pa.Table.from_pylist(rows, schema=FUNNEL)


def _report(
    name: str,
    drafts: list[DraftDocument],
    documents: pa.Table,
    chunks: pa.Table,
    examples: pa.Table,
    left_out: dict[str, Counter[str]],
    near: int,
) -> SetReport:
    rows = documents.to_pylist()
    redacted, rules = Counter[str](), Counter[str]()
    for draft in drafts:
        redacted.update(draft.redacted)
    for counts in left_out.values():
        rules.update(counts)
    return SetReport(
        name=name,
        read=len(rows),
        reused=sum(draft.reused for draft in drafts),
        rejected=tuple(Rejection(r["path"], r["reason"], r["says"]) for r in rows if r["status"] == "rejected"),
        accepted=sum(row["status"] == "accepted" for row in rows),
        chunks=chunks.num_rows,
        pairs=sum(row["pairs"] for row in rows),
        examples=dict(Counter(examples["segment"].to_pylist()).most_common()),
        languages=dict(Counter(row["language"] for row in rows if row["status"] == "accepted").most_common()),
        near_duplicates=near,
        redacted=redacted,
        removed_by_rule={rule: rules[rule] for rule in RULES if rules[rule]},
    )
