"""`train_split`, `validation_split`, `test_split`: one immutable dataset version per segment."""

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
from lyo_pipelines.defs.metadata import column_schema, counts_table, image
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.contract import INTERACTION

GROUP = "dataset"
DATASET_CODE_VERSION = "3"
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
        metadata={"dagster/column_schema": column_schema(schema, EXAMPLE, INTERACTION)},
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
    """Build (or find again) the segment's dataset version from all curated days, or its parent's where it is too thin."""
    lake, config, segment = store.lake(), store.load_config(), context.partition_key
    told = {"now": clock.current_time(), "pseudonyms": store.pseudonyms()}
    version = build_or_fall_back(lake, segment, config.dataset, config.curation, **told)
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
    for key in SPLITS:
        name = key.removesuffix("_split")
        yield dg.MaterializeResult(
            asset_key=key,
            data_version=dg.DataVersion(f"{version.fingerprint}-{name}"),
            metadata={
                "dagster/row_count": sizes[name],
                "fingerprint": version.fingerprint,
                "sizes": counts_table("split", sizes),
                "composition": image(split_plot(manifest), "split sizes by stratum"),
                "card": dg.MetadataValue.md(lake.read_text(f"{version.path}/README.md").split("---", 2)[-1]),
                "path": f"{version.path}/{name}.parquet",
                "reused": version.reused,
                **served,
            },
        )
