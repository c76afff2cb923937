"""`preference_data` and `preference_adapter`: what ratings and edits prefer, and the adapter tuned to it, or by rewards."""

from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from lyo_pipelines.config.dataset import PreferenceConfig
from lyo_pipelines.dataset.preferences.build import FORMAT_VERSION, build_preferences
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion, latest_preferences
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.adapter_page import adapter_metadata
from lyo_pipelines.defs.assets.curation import filtered_examples
from lyo_pipelines.defs.assets.training import GPU_POOL, adapter
from lyo_pipelines.defs.metadata import metadata_table
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store, current_dataset, refuse_repetition, refuse_stale
from lyo_pipelines.defs.stale import build_what_is_stale
from lyo_pipelines.defs.training_place import run_training
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.storage.local_copies import fetched, fetched_files, publish_folder
from lyo_pipelines.training.plan import (
    ADAPTER_TAG,
    TRAINING_VERSION,
    TrainingResult,
    adapter_version,
    data_fingerprint,
    read_adapter,
    training_command,
)
from lyo_pipelines.training.recipe_loading import RecipeError, load_recipe, write_recipe
from lyo_pipelines.training.recipes import PREFERENCE_METHODS, TUNING_METHODS, Recipe
from lyo_pipelines.training.versions import NoAdapterError, point_to, supervised_adapter


@dg.asset(
    partitions_def=SEGMENTS,
    group_name="dataset",
    owners=["team:data"],
    kinds={"python", "parquet"},
    deps=[dg.AssetDep(filtered_examples, partition_mapping=dg.AllPartitionMapping())],
    code_version=FORMAT_VERSION,
    description=(
        "For KTO: equally many good answers (rated 4 or higher) and bad ones (rated 2 or lower). For DPO: pairs of a "
        "better and a worse answer to the same question, and pairs of a corrected answer and its original. It uses the "
        "groups of the dataset, so that nothing from the test split is in it."
    ),
)
def preference_data(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult:
    """Build (or find again) the segment's preference data from all curated days."""
    lake, preference_config, segment = store.lake(), store.load_config(), context.partition_key
    build_what_is_stale(context, store, preference_config, segment)
    found = build_preferences(
        lake,
        segment,
        preference_config.dataset,
        preference_config.curation,
        now=clock.current_time(),
        validity=load_curriculum(lake).validity,
    )
    manifest = found.manifest
    rows = [
        {"method": method, "split": split, "what": kind, "n": n}
        for method in PREFERENCE_METHODS
        for split, kinds in manifest.by_method[method].items()
        for kind, n in kinds.items()
    ]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(found.fingerprint),
        metadata={
            "sizes": metadata_table(rows, ["method", "split", "what", "n"]),
            "answers_read": manifest.answers,
            "held_out": manifest.held_out,
            "expired": manifest.expired,
            "fingerprint": found.fingerprint,
            "path": found.path,
        },
    )


class PreferenceRunConfig(dg.Config):
    """Options of a preference tuning run."""

    recipe: str = Field(
        "kto", description="kto, dpo, grpo, or the path of a YAML recipe that uses one of these methods."
    )
    overrides: ConfigTree = Field(
        {}, description="Recipe keys to change for this run, for example {preference: {beta: 0.2}}."
    )


@dg.asset(
    partitions_def=SEGMENTS,
    group_name="training",
    owners=["team:training"],
    kinds={"pytorch", "huggingface"},
    deps=[preference_data, adapter],
    pool=GPU_POOL,
    code_version=str(TRAINING_VERSION),
    description=(
        "The segment's adapter, tuned further on user preferences (KTO or DPO with TRL) or, where its run asks for it, by rewards "
        "for its own answers (GRPO: right results, predicted ratings). It starts from the newest supervised adapter and is kept "
        "close to it. Its report compares the two on the same test items."
    ),
)
def preference_adapter(
    context: dg.AssetExecutionContext, config: PreferenceRunConfig, store: Store, pipes: dg.PipesSubprocessClient
):
    """Start the training process on top of the adapter and pass on what it reports."""
    lake, config_now, segment = store.lake(), store.load_config(), context.partition_key
    try:
        start = supervised_adapter(lake, segment)
    except NoAdapterError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    recipe = _recipe(config, start)
    data = latest_preferences(lake, segment)
    refuse_stale(lake, config_now, data.manifest)
    if recipe.method in PREFERENCE_METHODS:
        _refuse_few(data, recipe.method, config_now.dataset.preferences)
    learnt = _learnt_from(store, recipe, start, data)
    version = adapter_version(learnt.fingerprint, recipe, start.version)
    place = lake.adapter_dir(segment, version)
    output = fetched(lake, place)
    refuse_repetition(output)
    recipe_path = output / "recipe.yaml"
    write_recipe(recipe, recipe_path)
    context.instance.add_run_tags(context.run.run_id, {ADAPTER_TAG: version})
    context.log.info(f"{segment}: {recipe.method} from {start.version} with {learnt.fingerprint}")
    command = training_command(
        recipe_path,
        fetched_files(lake, learnt.path),
        output,
        store.models_dir(),
        start_from=start.path,
        ratings=fetched_files(lake, learnt.ratings) if learnt.ratings else None,
        module=learnt.module,
    )
    run_training(context, pipes, store, command, version)
    publish_folder(lake, place)
    point_to(lake, segment, version)
    metadata = adapter_metadata(context.instance, read_adapter(output))
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version))


def _recipe(config: PreferenceRunConfig, start: TrainingResult) -> Recipe:
    """The recipe with the base model of the adapter that it tunes."""
    try:
        recipe = load_recipe(config.recipe, {"base_model": start.base_model, **config.overrides})
    except RecipeError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    if recipe.method not in TUNING_METHODS:
        raise dg.Failure(
            description=f"recipe {recipe.name} has method {recipe.method}: an adapter is tuned with kto, dpo or grpo.",
            allow_retries=False,
        )
    return recipe


@dataclass(frozen=True)
class _Learnt:
    """What a tuning learns from: a folder, the preference data whose ratings are rewarded, and whose process it is."""

    path: str
    fingerprint: str
    ratings: str | None = None
    module: str = "lyo_pipelines.training.engine"


def _learnt_from(store: Store, recipe: Recipe, start: TrainingResult, data: PreferenceVersion) -> _Learnt:
    """Preferences; for rewards the questions of the newest dataset version, and the ratings, if wanted.

    What one version holds out no later one trains on, so the newest may be another than the adapter's.
    """
    if recipe.method in PREFERENCE_METHODS:
        return _Learnt(data.path, data.fingerprint)
    dataset = current_dataset(store.lake(), start.segment)
    refuse_stale(store.lake(), store.load_config(), dataset.manifest)
    rated = bool(recipe.reinforcement.rewards.get("predicted_rating"))
    learnt = data_fingerprint(dataset.fingerprint, data.fingerprint if rated else None)
    return _Learnt(dataset.path, learnt, data.path if rated else None, "lyo_pipelines.reinforcement")


def _refuse_few(data: PreferenceVersion, method: str, wanted_of: PreferenceConfig) -> None:
    """Fail with what to do when there is too little to learn from."""
    wanted = wanted_of.minimum_labels if method == "kto" else wanted_of.minimum_pairs
    found, what = data.size(method, "train"), {"kto": "labelled answers", "dpo": "pairs"}[method]
    other = "dpo" if method == "kto" else "kto"
    if found < wanted:
        raise dg.Failure(
            description=(
                f"{data.segment} has {found} {what} to learn from and {wanted} are needed: collect more ratings, try "
                f"{other} ({data.size(other, 'train')}), or lower dataset.preferences in config.yaml."
            ),
            allow_retries=False,
        )
