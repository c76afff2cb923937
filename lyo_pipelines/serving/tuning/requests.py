"""What a request for a job may say: read, and refused by the name of the field that does not fit."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lyo_pipelines.fine_tuning.jobs import HYPERPARAMETERS
from lyo_pipelines.fine_tuning.record import TuningJob
from lyo_pipelines.serving.contract import RefusedError

_DEFAULT_SEED = 7


class _Hyperparameters(BaseModel):
    model_config = ConfigDict(extra="ignore")

    n_epochs: int | str | None = None
    batch_size: int | str | None = None
    learning_rate_multiplier: float | str | None = None


class _Supervised(BaseModel):
    hyperparameters: _Hyperparameters = _Hyperparameters()


class _Method(BaseModel):
    type: str = "supervised"
    supervised: _Supervised | None = None


class _JobRequest(BaseModel):
    """What is asked for. Fields that would change the result and are not known here are refused by name."""

    model: str
    training_file: str
    suffix: str | None = Field(default=None, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    method: _Method | None = None
    hyperparameters: _Hyperparameters | None = None
    validation_file: str | None = None
    integrations: list[Any] | None = None


def wanted_job(body: bytes) -> TuningJob:
    """The job that a request asks for, as far as it says; fine_tuning.create_job fills in the rest. Raises RefusedError."""
    wanted = _parsed(body)
    told = wanted.method.supervised if wanted.method and wanted.method.supervised else None
    given = told.hyperparameters if told else wanted.hyperparameters or _Hyperparameters()
    figures = {name: _figure(name, getattr(given, name)) for name in HYPERPARAMETERS}
    return TuningJob(
        id="", file_id=wanted.training_file, model=wanted.model, suffix=wanted.suffix or "", metadata=wanted.metadata or {},
        seed=_DEFAULT_SEED if wanted.seed is None else wanted.seed,
        hyperparameters={name: value for name, value in figures.items() if value is not None},
        segment="", landed_as="", file_hash="", rows=0, created_at=0,
    )  # fmt: skip


def _parsed(body: bytes) -> _JobRequest:
    try:
        wanted = _JobRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or None
        raise RefusedError(f"{place or 'request'}: {first['msg']}", param=place) from error
    if wanted.method is not None and wanted.method.type != "supervised":
        raise RefusedError(f"method: {wanted.method.type} is not known here, only supervised", param="method")
    if wanted.validation_file is not None:
        raise RefusedError(
            "validation_file: validation and test examples are split off the training file here, so that nothing leaks",
            param="validation_file",
        )
    if wanted.integrations:
        raise RefusedError("integrations: trackers are set by the recipe here", param="integrations")
    return wanted


def _figure(name: str, value: float | str | None) -> float | None:
    """A number that was given; None for auto."""
    if value in (None, "auto"):
        return None
    if isinstance(value, str) or value <= 0:
        raise RefusedError(f"{name}: a number above 0, or auto", param=name)
    return value
