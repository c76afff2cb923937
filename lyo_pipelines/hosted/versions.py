"""What a job made, as a version among the segment's adapters: reports judge it, the registry knows it, a release can serve it.

Its folder holds hosted_model.json (where it answers) instead of weights, and a manifest with its checksum. It is never the newest
adapter of its segment, as whoever asks for that would send questions to a provider unasked.
"""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.contracts.adapter import (
    HOSTED,
    MANIFEST,
    AdapterManifest,
    BaseModelRecord,
    TrainingCost,
    TrainingMetrics,
)
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.hosted.client import HostedError
from lyo_pipelines.hosted.record import HostedJob
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched, publish_folder
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.verified_loading import digest_of

PREFIX = "hosted-"
"""Begins the name of a version that a provider holds; the cause of its job follows."""


def version_of(job: HostedJob) -> str:
    """The version that a job's model gets."""
    return f"{PREFIX}{job.cause}"


def publish_version(lake: Lake, job: HostedJob) -> str:
    """Write the version of a job that succeeded, its manifest last, and return its name; one that is there stays as it is.

    Raises HostedError for a job without a model.
    """
    version = version_of(job)
    if not job.fine_tuned_model:
        raise HostedError(f"{job.job_id or job.cause} has no model ({job.status or 'it was not created'}).")
    place = lake.adapter_dir(job.segment, version)
    folder = Path(fetched(lake, place))
    if (folder / MANIFEST).is_file():
        return version
    folder.mkdir(parents=True, exist_ok=True)
    model = HostedModel(base_url=job.base_url, model=job.fine_tuned_model, job_id=job.job_id)
    write_whole(folder / HOSTED_FILE, model.to_json())
    manifest = AdapterManifest(
        segment=job.segment, version=version, dataset_fingerprint=job.dataset_fingerprint, method=HOSTED,
        recipe={"model": job.model, **job.hyperparameters},
        base_model=BaseModelRecord(name=job.model, label=f"at {job.base_url}"),
        metrics=TrainingMetrics(tokens=job.trained_tokens or 0, epochs=float(job.hyperparameters.get("n_epochs", 0))),
        cost=TrainingCost(amount=job.cost or 0.0, currency=job.currency),
        examples=job.examples, files={HOSTED_FILE: digest_of(folder / HOSTED_FILE)},
    )  # fmt: skip
    write_whole(folder / MANIFEST, manifest.to_json())
    publish_folder(lake, place)
    return version
