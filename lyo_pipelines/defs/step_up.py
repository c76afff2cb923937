"""`step_up`: the run that raises a release by one stage, after what users would fall back to was loaded and has answered."""

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.release import RELEASE, event_metadata
from lyo_pipelines.defs.assets.training import GPU_POOL
from lyo_pipelines.defs.metadata import Metadata
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import read_history
from lyo_pipelines.rollout.monitor import step_up_after_rehearsal
from lyo_pipelines.rollout.rehearsal import RehearsalError, rehearse_fallback

JOB = "step_up"


@dg.op(
    name="rehearse_and_step_up",
    pool=GPU_POOL,
    description=(
        "Decides again on the newest evidence, rehearses the fallback, then raises the release by one stage. If the "
        "release fell back in the meantime, nothing is changed."
    ),
)
def rehearse_and_step_up(context: dg.OpExecutionContext, store: Store) -> None:
    """Take the step if it is still due; a fallback that cannot serve fails the run and holds the release."""
    lake, config, segment = store.lake(), store.load_config(), context.partition_key
    models = store.models_dir()
    try:
        climbed = step_up_after_rehearsal(
            lake,
            segment,
            config.rollout,
            lambda target, base: rehearse_fallback(lake, target, base, models, config),
            clock=clock.current_time,
            who=Who(f"{JOB} run"),
        )
    except RehearsalError as error:
        description = f"{segment} holds its stage: the rehearsal of the fallback failed: {error} Fix this, then re-execute the run."
        raise dg.Failure(description=description, allow_retries=False) from error
    context.log.info(climbed.summary)
    if not climbed.stepped or climbed.rehearsal is None:
        return
    history = read_history(lake, segment)
    told: Metadata = event_metadata(context.instance, history.events[-1], history, config, clock.current_time())
    answered = f"{climbed.rehearsal.target}: {climbed.rehearsal.answer}"
    context.log_event(
        dg.AssetMaterialization(RELEASE, partition=segment, metadata={**told, "rehearsed_fallback": answered})
    )


@dg.job(
    name=JOB,
    partitions_def=SEGMENTS,
    executor_def=dg.in_process_executor,
    description="Raise a release by one stage: check the evidence again, rehearse the fallback, then serve more users.",
)
def step_up_job() -> None:
    """One op."""
    rehearse_and_step_up()
