"""Hosted models as endpoints of an evaluation: they answer the same test items as ours, and stand beside them in the report."""

from __future__ import annotations

from lyo_pipelines.config.evaluation import EndpointConfig, EvaluationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.hosted.record import all_jobs
from lyo_pipelines.storage.lake import Lake


def with_hosted_models(
    evaluation: EvaluationConfig, hosted: HostedConfig, lake: Lake, segment: str, fingerprint: str
) -> EvaluationConfig:
    """The configuration with every hosted model that learnt from this dataset version: none of them has seen its test split.

    As it is where hosted.evaluate or hosted.consent is off: the test questions are sent to the provider.
    """
    if not (hosted.evaluate and hosted.consent):
        return evaluation
    found = [
        EndpointConfig(
            **evaluation.endpoint_defaults.model_dump(), name=f"hosted_{job.cause}", url=job.base_url,
            model=job.fine_tuned_model, api_key_env=hosted.api_key_env,
        )
        for job in all_jobs(lake)
        if job.fine_tuned_model and (job.segment, job.dataset_fingerprint) == (segment, fingerprint)
        and job.base_url == hosted.base_url
    ]  # fmt: skip
    return evaluation.model_copy(update={"endpoints": (*evaluation.endpoints, *found)})
