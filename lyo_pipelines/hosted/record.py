"""What is kept of a hosted job: one JSON file, written before and after every call that changes something."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.contracts.document import Document
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.whole_files import write_whole

JOB, EVENTS = "job.json", "events.jsonl"
ENDED = ("succeeded", "failed", "cancelled")
"""Every other status, known or not (validating_files, queued, running, paused), goes on."""


class HostedJob(Document):
    """A job of ours at a provider.

    cause: what it is for, 12 hex; it stands in the job's suffix and metadata. status: the provider's; "" while there is no job.
    creating: a request to create it was sent, and its answer is not known. tokens: estimated, of all epochs; trained_tokens: as the
    provider counts them. examples: by split; redacted: personal data that was taken out, by type.
    """

    KIND: ClassVar[str] = "record of a hosted job"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    cause: str
    segment: str
    dataset_fingerprint: str
    base_url: str
    model: str
    hyperparameters: dict[str, float | int]
    examples: dict[str, int]
    redacted: dict[str, int] = Field(default_factory=dict)
    bytes: int
    tokens: int
    estimate: float
    currency: str
    files: dict[str, str] = Field(default_factory=dict)
    creating: bool = False
    job_id: str = ""
    status: str = ""
    error: str = ""
    trained_tokens: int | None = None
    cost: float | None = None
    fine_tuned_model: str = ""
    checkpoints: list[JsonObject] = Field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the provider has finished with it, one way or another."""
        return self.status in ENDED

    @property
    def committed(self) -> float:
        """What it costs or may cost: nothing before a job may have been created."""
        if self.cost is not None:
            return self.cost
        return self.estimate if self.job_id or self.creating else 0.0


def cause_of(fingerprint: str, config: HostedConfig) -> str:
    """Name of a job: the same data with the same figures at the same provider is the same job."""
    what = [
        fingerprint,
        config.base_url,
        config.model,
        config.n_epochs,
        config.batch_size,
        config.learning_rate_multiplier,
    ]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]


def hosted_dir(lake: Lake, segment: str, fingerprint: str, cause: str) -> Path:
    """Folder of one job."""
    return lake.local(lake.path("hosted", segment, fingerprint, cause))


def write_job(folder: Path, job: HostedJob) -> HostedJob:
    """Write the record whole; it is on the disk before the next call."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / JOB, job.to_json())
    return job


def read_job(folder: Path) -> HostedJob | None:
    """The record of a job, None before the first. Raises DocumentError for a damaged one."""
    return HostedJob.read(folder / JOB) if (folder / JOB).is_file() else None


def all_jobs(lake: Lake) -> list[HostedJob]:
    """Every job of the lake. Raises DocumentError for a damaged record: nobody can tell then what was spent."""
    found: list[HostedJob] = []
    for segment in lake.names(lake.path("hosted")):
        for fingerprint in lake.names(lake.path("hosted", segment)):
            for cause in lake.names(lake.path("hosted", segment, fingerprint)):
                job = read_job(hosted_dir(lake, segment, fingerprint, cause))
                if job is None:
                    continue
                found.append(job)
    return found
