"""`train_split`, `validation_split`, `test_split`: one immutable dataset version per segment."""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA
from lyo_pipelines.dataset.fallback import build_or_fall_back
from lyo_pipelines.dataset.plots import split_plot
from lyo_pipelines.dataset.versions import why_served
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.curation import filtered_examples
from lyo_pipelines.defs.assets.documents import document_chunks
from lyo_pipelines.defs.metadata import Metadata, column_schema, excerpt, metadata_table
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.stale import build_what_is_stale
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.storage.lake import Lake

GROUP = "dataset"
DATASET_CODE_VERSION = "4"
OWNERS = ["team:data"]
SPLITS = {
    "train_split": "The examples that the adapter is trained on (80 %).",
    "validation_split": "The examples used during training for early stopping and to choose the best checkpoint (10 %).",
    "test_split": (
        "The examples used only for evaluation (10 %). An example that is in the test split once stays there in every "
        "later version."
    ),
}


def _spec(key: str, schema: pa.Schema) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[dg.AssetDep(filtered_examples, partition_mapping=dg.AllPartitionMapping()), document_chunks],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "parquet", "huggingface"},
        code_version=DATASET_CODE_VERSION,
        partitions_def=SEGMENTS,
        metadata={"columns": column_schema(schema, EXAMPLE, INTERACTION)},
        description=(
            f"{SPLITS[key]} Splits are made by group: a conversation or an exercise, also in nearly the same words, is never "
            "divided between two splits. A dataset version never changes; its data version is the fingerprint of its content."
        ),
    )


@dg.multi_asset(
    name="dataset_splits",
    specs=[_spec(key, SPLIT_SCHEMA) for key in SPLITS],
    partitions_def=SEGMENTS,
)
def dataset_splits(context: dg.AssetExecutionContext, store: Store):
    """Build (or find again) the segment's dataset version from all curated days, or its parent's where it is too thin.

    Days that are stale (a figure, a rule, a decision or their rows changed) are built first, in this run.
    """
    lake, config, segment = store.lake(), store.load_config(), context.partition_key
    build_what_is_stale(context, store, config, segment)
    version = build_or_fall_back(
        lake, segment, config.dataset, config.curation, now=clock.current_time(), documents=config.documents,
        pseudonyms=store.pseudonyms(), validity=load_curriculum(lake).validity,
    )  # fmt: skip
    manifest = version.manifest
    sizes = {name: manifest.counts[name] for name in ("train", "validation", "test")}
    context.log.info(
        f"{version.segment}: version {version.fingerprint}, {sizes}{' (unchanged)' if version.reused else ''}"
    )
    served = {} if version.segment == segment else {"served_by": version.segment, "why": why_served(lake, segment)}
    if served:
        context.log.warning(
            f"NO DATASET OF ITS OWN was made for {segment}; {version.segment} serves it. Why: {served['why']}"
        )
    composition = picture(context.instance, split_plot(manifest), "split sizes by stratum")
    for key in SPLITS:
        name = key.removesuffix("_split")
        yield dg.MaterializeResult(
            asset_key=key,
            data_version=dg.DataVersion(f"{version.fingerprint}-{name}"),
            metadata={
                **served,
                "sizes": ", ".join(f"{split} {count:,}" for split, count in sizes.items()),
                "composition": composition,
                **_examples(lake, f"{version.path}/{name}.parquet", config.dataset.shown_examples),
                "card": dg.MetadataValue.md(lake.read_text(f"{version.path}/README.md").split("---", 2)[-1]),
                "unchanged": "yes: this version was there before" if version.reused else "no: it is new",
                "fingerprint": version.fingerprint,
                "path": dg.MetadataValue.path(f"{version.path}/{name}.parquet"),
                "dagster/row_count": sizes[name],
            },
        )


def _examples(lake: Lake, path: str, count: int) -> Metadata:
    """The first examples of a split as they are learnt: cleaned and redacted. None of them where `count` is 0."""
    if not count:
        return {}
    table = lake.read_table(path, ["messages", "grade", "topic", "language"]).slice(0, count)
    rows = [
        {
            "question": excerpt(_last(row["messages"], "user")),
            "answer": excerpt(_last(row["messages"], "assistant")),
            "about": _about(row),
        }
        for row in table.to_pylist()
    ]
    return {"examples": metadata_table(rows, ["question", "answer", "about"])}


def _about(row: Mapping[str, str | None]) -> str:
    """Grade, topic and language, as far as they are known, in words that a narrow column can break."""
    told = [
        f"grade {row['grade']}" if row["grade"] else "",
        (row["topic"] or "").replace("_", " "),
        row["language"] or "",
    ]
    return ", ".join(part for part in told if part)


def _last(messages: list[dict[str, str]], role: str) -> str:
    return next((one["content"] for one in reversed(messages) if one["role"] == role), "")
