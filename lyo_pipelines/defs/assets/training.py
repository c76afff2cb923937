"""`adapter`: a LoRA adapter per segment, trained in a process of its own."""

import dagster as dg
from pydantic import Field

from lyo_pipelines.dataset.versions import Version, why_served
from lyo_pipelines.defs.adapter_page import adapter_metadata
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store, current_dataset, refuse_repetition, refuse_stale
from lyo_pipelines.defs.training_place import run_training
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.retraining.history import record_training
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched, fetched_files, publish_folder
from lyo_pipelines.training.plan import ADAPTER_TAG, TRAINING_VERSION, adapter_version, read_adapter, training_command
from lyo_pipelines.training.preflight import UnfitRecipeError, require_seen
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe, write_recipe
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter, point_to

GROUP = "training"
GPU_POOL = "gpu"


class TrainingRunConfig(dg.Config):
    """Options of a training run."""

    recipe: str = Field(
        "cpu_demo", description="Name of a packaged recipe (owner, cpu_demo, gemma_2_2b, …) or the path of a YAML file."
    )
    overrides: ConfigTree = Field({}, description="Recipe keys to change for this run, for example {lora: {r: 8}}.")


@dg.asset(
    partitions_def=SEGMENTS,
    group_name=GROUP,
    owners=["team:training"],
    kinds={"pytorch", "huggingface"},
    deps=["train_split", "validation_split"],
    pool=GPU_POOL,
    code_version=str(TRAINING_VERSION),
    description=(
        "A LoRA adapter in PEFT format, trained on the segment's current dataset version. The loss is computed on answer tokens only, "
        "and the checkpoint with the lowest validation loss is kept. An interrupted run resumes from its newest complete checkpoint."
    ),
)
def adapter(
    context: dg.AssetExecutionContext, config: TrainingRunConfig, store: Store, pipes: dg.PipesSubprocessClient
):
    """Start the training process and pass on what it reports."""
    lake = store.lake()
    try:
        recipe = load_recipe(config.recipe, config.overrides)
    except RecipeError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    dataset = current_dataset(lake, context.partition_key)
    if dataset.segment != context.partition_key:
        return _served(context, lake, dataset)
    refuse_stale(lake, store.load_config(), dataset.manifest)
    try:
        require_seen(recipe, dataset.manifest.images, dataset.segment)
    except UnfitRecipeError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    version = adapter_version(dataset.fingerprint, recipe)
    place = lake.adapter_dir(context.partition_key, version)
    output = fetched(lake, place)
    output.mkdir(parents=True, exist_ok=True)
    refuse_repetition(output)
    recipe_path = output / "recipe.yaml"
    write_recipe(recipe, recipe_path)
    context.instance.add_run_tags(context.run.run_id, {ADAPTER_TAG: version})
    context.log.info(
        f"training {context.partition_key} {version} with recipe {config.recipe} on dataset {dataset.fingerprint}"
    )
    command = training_command(recipe_path, fetched_files(lake, dataset.path), output, store.models_dir())
    run_training(context, pipes, store, command, version)
    publish_folder(lake, place)
    point_to(lake, context.partition_key, version)
    result = read_adapter(output)
    record_training(lake, result, dataset)
    metadata = adapter_metadata(context.instance, result)
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version))


def _served(context: dg.AssetExecutionContext, lake: Lake, dataset: Version) -> dg.MaterializeResult:
    """Point a segment that is too thin to train at its parent's adapter; without one the run fails with what to do."""
    segment, parent = context.partition_key, dataset.segment
    try:
        found = latest_adapter(lake, parent)
    except NoAdapterError as error:
        raise dg.Failure(
            f"{segment} is too thin to train and {parent} serves it, which has no adapter yet: `lyo train {parent}` first.",
            allow_retries=False,
        ) from error
    point_to(lake, segment, found.version, served_by=parent)
    context.log.info(f"{segment}: nothing is trained, {parent} {found.version} serves it")
    return dg.MaterializeResult(
        metadata={
            "served_by": parent,
            "why": why_served(lake, segment),
            "version": found.version,
            **adapter_metadata(context.instance, found),
        },
        data_version=dg.DataVersion(f"{parent}/{found.version}"),
    )
