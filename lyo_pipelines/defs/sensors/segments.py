"""Adds a partition for every segment that the curated days bring."""

import dagster as dg

from lyo_pipelines.curation.segments import examples_signature, segment_counts
from lyo_pipelines.dataset.scope import DOCUMENTS
from lyo_pipelines.defs.partitions import new_segments
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.retraining.new_names import unknown_in
from lyo_pipelines.segments import parse_parent


@dg.sensor(
    target=["train_split", "validation_split", "test_split"],
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Adds a partition for each new segment that has enough interactions (100 by default). A segment of documents is added once "
        "there are enough groups to split it."
    ),
)
def segments_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Add the segments that reached the minimum and are not yet partitions."""
    lake = store.lake()
    signature = examples_signature(lake)
    if signature == context.cursor:
        return dg.SkipReason("no curated day changed")
    config = store.load_config()
    minimum, groups = config.curation.segment_minimum_interactions, config.dataset.minimum_groups
    counts = segment_counts(lake)
    reached = [
        key
        for key, count in counts.items()
        if count.read >= (groups if parse_parent(key).task == DOCUMENTS else minimum) and count.kept
    ]
    added = new_segments(context.instance, reached)
    if not added:
        context.update_cursor(signature)
        return dg.SkipReason(f"{len(counts)} segments seen, none new with {minimum} interactions")
    keys = [key for request in added for key in request.partition_keys]
    context.log.info(f"new segments: {', '.join(keys)}")
    for name in unknown_in(lake, keys):
        context.log.warning(f"{name.says}: a slip? A mapping gives it its name, or data/curriculum.yaml names it.")
    return dg.SensorResult(dynamic_partitions_requests=added, cursor=signature)
