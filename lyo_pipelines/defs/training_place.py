"""Where a training runs: in a process of this machine, or in a job of a Ray cluster. What it does belongs to its engine.

Both are Dagster Pipes and the same command. What comes of it is read from the lake, so that nothing is lost with a message.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from lyo_pipelines.cluster.connection import ClusterError, first_line, load_ray
from lyo_pipelines.config.cluster import ClusterConfig
from lyo_pipelines.config.settings import variable
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.plan import ADAPTER_TAG

if TYPE_CHECKING:
    from dagster_ray import PipesRayJobClient  # pyright: ignore[reportMissingImports] - an extra

SENT = ("shared_with", "training_wait_seconds", "traceback")
"""Settings that a job is sent. All else, secrets above all, stays here: a job's environment is shown to whoever asks for the job."""


def run_training(
    context: dg.AssetExecutionContext,
    pipes: dg.PipesSubprocessClient,
    store: Store,
    command: Sequence[str],
    version: str,
) -> None:
    """Run a training's command to its end. version: of the adapter that it trains.

    Raises dg.Failure, not to be retried, where the cluster cannot take it, or trains this version already.
    """
    cluster = store.load_config().cluster
    if not cluster.training:
        pipes.run(context=context, command=list(command))
        return
    try:
        store.lake().require_local("Training on a Ray cluster")
        ray = load_ray()
        from dagster_ray import PipesRayJobClient  # pyright: ignore[reportMissingImports] - an extra

        client = PipesRayJobClient(address=store.settings().ray_jobs_address)
        _require_alone(client, version, unanswered=(RuntimeError, OSError, ray.exceptions.RayError))
    except LyoError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    client.run(context=context, submit_job_params=job_parameters(command, cluster, version))


def job_parameters(command: Sequence[str], cluster: ClusterConfig, version: str) -> Any:
    """What Ray is asked to run: the command with the nodes' own Python, with what it reserves."""
    sent = {variable(name): os.environ[variable(name)] for name in SENT if variable(name) in os.environ}
    if "HF_HUB_OFFLINE" in os.environ:
        sent["HF_HUB_OFFLINE"] = os.environ["HF_HUB_OFFLINE"]
    return {
        "entrypoint": shlex.join([cluster.training_python, *command[1:]]),
        "runtime_env": {"env_vars": {**sent, "RAY_JOB_STOP_WAIT_TIME_S": str(cluster.stop_seconds)}},
        "metadata": {ADAPTER_TAG: version},
        "entrypoint_num_cpus": cluster.training_cpus,
        "entrypoint_num_gpus": cluster.training_gpus,
    }


def _require_alone(client: PipesRayJobClient, version: str, unanswered: tuple[type[Exception], ...] = ()) -> None:
    """Refuse a second job for the folder that one writes: it outlives a run whose worker was killed, and goes on unseen.

    unanswered: what is raised where the job server does not answer, or not to us.
    """
    try:
        jobs = client.client.list_jobs()
    except unanswered as error:
        raise ClusterError(
            f"the job server of the Ray cluster does not answer ({first_line(error)}).",
            hint="LYO_RAY_JOBS_ADDRESS says where it is; a head has one if it was installed with ray[default]. Where it asks for a "
            "token, set RAY_AUTH_MODE=token, and have its token in ~/.ray/auth_token.",
        ) from error
    for job in jobs:
        if (job.metadata or {}).get(ADAPTER_TAG) == version and not job.status.is_terminal():
            raise ClusterError(
                f"{version} is being trained by the Ray job {job.submission_id} already.",
                hint="Wait for it: this run then finds the adapter trained. Or stop it (`ray job stop`): it makes a checkpoint first, "
                "and this run goes on from there.",
            )
