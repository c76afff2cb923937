"""Configuration of a Ray cluster; the defaults and what they mean stand in cluster.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class ClusterConfig(BaseModel):
    """See cluster.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    curation: bool
    days_per_task: Positive
    minimum_days: Positive
    cpus_per_task: Positive
    retries: Count
    local_workers: Positive

    training: bool
    training_python: str
    training_cpus: Positive
    training_gpus: Count
    stop_seconds: Positive
