"""`eval_report`: base, candidate and current adapter on the same held-out items."""

import dagster as dg
from pydantic import Field

from lyo_pipelines.dataset.versions import get_version, why_served
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.preferences import preference_adapter
from lyo_pipelines.defs.assets.training import GPU_POOL, adapter
from lyo_pipelines.defs.cost_page import cost_metadata
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.report_page import report_metadata
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.command import (
    EVALUATION_CODE_VERSION,
    REPORT_TAG,
    default_cache,
    evaluation_command,
    write_config,
)
from lyo_pipelines.evaluation.planning.champion import UnusableBaselineError, baselines
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.hosted.endpoints import with_hosted_models
from lyo_pipelines.registry.log import RegistryDamagedError
from lyo_pipelines.retraining.history import record_report
from lyo_pipelines.storage.local_copies import fetched, fetched_files, publish_folder, working_folder
from lyo_pipelines.training.versions import chosen_adapter

GROUP = "evaluation"


class EvaluationRunConfig(dg.Config):
    """Options of an evaluation run."""

    max_items: int | None = Field(
        None, ge=1, description="How many test items to evaluate; by default the number in evaluation.yaml."
    )
    version: str = Field(
        "",
        description="The version to report on; by default the segment's newest adapter. A hosted model has to be named.",
    )


@dg.asset(
    partitions_def=SEGMENTS,
    group_name=GROUP,
    owners=["team:evaluation"],
    kinds={"pytorch", "markdown"},
    deps=[adapter, preference_adapter, "test_split"],
    pool=GPU_POOL,
    code_version=EVALUATION_CODE_VERSION,
    description=(
        "Compares the base model, the new adapter and, if there is one, the adapter that serves now on the same test items. Each "
        "difference has a confidence interval (paired bootstrap over groups, corrected for multiple comparisons) and a verdict: "
        "better, worse or cannot tell. The first check, `may_be_released`, says what follows and why."
    ),
)
def eval_report(
    context: dg.AssetExecutionContext, config: EvaluationRunConfig, store: Store, pipes: dg.PipesSubprocessClient
):
    """Start the evaluation process and pass on what it reports."""
    lake, segment, evaluation_config = store.lake(), context.partition_key, store.load_config().evaluation
    if config.max_items is not None:
        evaluation_config = evaluation_config.model_copy(update={"max_items": config.max_items})
    candidate = chosen_adapter(lake, segment, config.version)
    served = None if candidate.segment == segment else (segment, why_served(lake, segment))
    try:
        compared = baselines(lake, segment, candidate=candidate)
    except (UnusableBaselineError, RegistryDamagedError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    dataset = get_version(lake, candidate.segment, candidate.dataset_fingerprint)
    if not candidate.manifest.is_hosted:  # it is asked as the candidate then
        evaluation_config = with_hosted_models(
            evaluation_config, store.load_config().hosted, lake, dataset.segment, dataset.fingerprint
        )
    place = lake.report_dir(segment, candidate.version)
    output = fetched(lake, place)
    command = evaluation_command(
        fetched_files(lake, dataset.path),
        candidate.path,
        output,
        store.models_dir(),
        evaluation_config_path=write_config(evaluation_config, output),
        champion_dir=compared.champion.path if compared.champion else None,
        start_dir=compared.start.path if compared.start else None,
        metrics_dir=fetched_files(lake, lake.side("metrics")),
        # a parent's answers are asked for once, whichever of its thin children is reported on
        cache_dir=default_cache(working_folder(lake, lake.report_dir(candidate.segment, candidate.version))),
        served=served,
        data_dir=lake.root,
        config_path=store.settings().config_path,
    )
    context.instance.add_run_tags(context.run.run_id, {REPORT_TAG: candidate.version})
    pipes.run(context=context, command=command)
    publish_folder(lake, place)
    report = read_report(output)
    if not candidate.manifest.is_hosted:  # triggers ask what is trained here
        record_report(lake, segment, candidate.version, report)
    shown = store.load_config().dataset.shown_examples
    metadata = {
        **report_metadata(context.instance, lake, report, shown_answers=shown),
        **cost_metadata(context.instance, lake, store.load_config().costs, clock.current_time(), segment),
    }
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(report.data_version))
