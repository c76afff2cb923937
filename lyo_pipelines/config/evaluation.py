"""Figures of the evaluation stage; the defaults and what they mean stand in evaluation.yaml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Dimension = Literal["segment", "language", "subject", "grade", "topic", "reasoning_mode"]
PARTS = ("collateral", "judge")
"""What a gate may name besides metrics: parts of the report with a judgement of their own, against what serves now (else the base)."""


class GateFigures(BaseModel):
    """One gate: a demand on a comparison's verdict (`against`, `require`) or bounds on the candidate's own value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    metric: str
    against: Literal["base", "champion", "current"] | None = None
    require: Literal["better", "not_worse", "no_slice_worse"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    blocking: bool = True

    @model_validator(mode="after")
    def _one_demand(self) -> GateFigures:
        bounds = self.minimum is not None or self.maximum is not None
        compares = self.against is not None and self.require is not None
        if bounds == compares or (self.against is None) != (self.require is None):
            raise ValueError(f"gate {self.name}: give either against + require, or minimum and/or maximum")
        of_a_part = (self.against, self.require) == ("current", "not_worse")
        if (self.metric in PARTS) != (self.against == "current") or (self.metric in PARTS and not of_a_part):
            raise ValueError(
                f"gate {self.name}: {' and '.join(PARTS)} are judged against current and require not_worse; "
                "metrics are judged against base or champion"
            )
        return self


class SatisfactionFigures(BaseModel):
    """When ratings are predicted for what the models wrote."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    minimum_ratings: int = Field(default=200, ge=20)
    minimum_users: int = Field(default=30, ge=5)
    maximum_ratings: int = Field(default=10_000, ge=20)
    folds: int = Field(default=5, ge=2)


class CollateralFigures(BaseModel):
    """What else is looked at before and after; segments 0 and general false: nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segments: int = Field(default=2, ge=0)
    items: int = Field(default=20, ge=1)
    general: bool = True
    minimum_groups: int = Field(default=15, ge=2)
    tolerance: float = Field(default=0.1, ge=0)


class Remote(BaseModel):
    """A model behind an OpenAI-compatible endpoint. The key stands in the environment variable that is named, never here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://")
    model: str
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    price_per_million_in: float | None = Field(default=None, ge=0)
    price_per_million_out: float | None = Field(default=None, ge=0)
    timeout_seconds: float = Field(default=120, gt=0)
    attempts: int = Field(default=6, ge=1)
    parallel: int = Field(default=4, ge=1)
    requests_per_minute: float | None = Field(default=None, gt=0)


class EndpointFigures(Remote):
    """A remote model that answers the same items; `name` is what the report calls it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")

    @field_validator("name")
    @classmethod
    def _not_ours(cls, name: str) -> str:
        if name in {"base", "candidate", "champion", "start", "current"}:
            raise ValueError(f"{name} is one of our own models: give the endpoint another name")
        return name


class JudgeFigures(Remote):
    """A remote model that judges answers in pairs."""

    items: int = Field(default=50, ge=1)
    rated_pairs: int = Field(default=100, ge=0)
    minimum_pairs: int = Field(default=50, ge=2)
    agreement_floor: float = Field(default=0.65, gt=0.5, lt=1)
    max_tokens: int = Field(default=300, ge=8)


class EvaluationFigures(BaseModel):
    """See evaluation.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_items: int | None = Field(default=100, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    constrained: Literal["off", "schema"] = "off"
    max_length: int = Field(default=1024, ge=16)
    generation_batch: int = Field(default=32, ge=1)
    loss_batch: int = Field(default=8, ge=1)
    latency_items: int = Field(default=6, ge=0)
    latency_new_tokens: int = Field(default=32, ge=1)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    attention: str | None = None
    seed: int = 20

    metrics: tuple[str, ...] | None = None
    primary_metric: str = "loss"
    sample_metric: str = "chrf"
    samples: int = Field(default=5, ge=0)

    resamples: int = Field(default=10_000, ge=1_000)
    whole_resamples: int = Field(default=2_000, ge=1_000)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    minimum_groups: int = Field(default=50, ge=2)
    power: float = Field(default=0.8, gt=0, lt=1)
    slices: tuple[Dimension, ...] = ("segment", "language", "subject", "grade", "topic", "reasoning_mode")
    slice_metrics: tuple[str, ...] = ("loss", "chrf", "checked_answer")
    minimum_slice_groups: int = Field(default=50, ge=2)
    slice_values: int = Field(default=12, ge=1)

    satisfaction: SatisfactionFigures = SatisfactionFigures()
    collateral: CollateralFigures = CollateralFigures()
    endpoints: tuple[EndpointFigures, ...] = ()
    judge: JudgeFigures | None = None

    gates: tuple[GateFigures, ...] = ()

    @field_validator("constrained", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads a bare off as false

    @model_validator(mode="after")
    def _names_once(self) -> EvaluationFigures:
        names = [gate.name for gate in self.gates]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two gates are called {', '.join(sorted(doubled))}")
        if len({endpoint.name for endpoint in self.endpoints}) < len(self.endpoints):
            raise ValueError("two endpoints have the same name")
        return self
