"""Figures of the evaluation stage; the defaults and what they mean stand in evaluation.yaml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Dimension = Literal["segment", "language", "subject", "grade", "topic", "reasoning_mode"]


class GateFigures(BaseModel):
    """One gate: a demand on a comparison's verdict (`against`, `require`) or bounds on the candidate's own value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    metric: str
    against: Literal["base", "champion"] | None = None
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
        return self


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
        return self
