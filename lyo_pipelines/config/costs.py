"""Configuration of costs, budgets and the worth of a launch; the defaults and what they mean stand in costs.yaml."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _CostSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MachineConfig(_CostSection):
    """What an hour of some machines costs, at least and at most; None: nothing is charged."""

    matches: str
    per_hour: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] | None
    currency: Currency

    @field_validator("matches")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _in_order(self) -> MachineConfig:
        if self.per_hour is not None and self.per_hour[0] > self.per_hour[1]:
            raise ValueError("per_hour: the lower price comes first, for instance [2.0, 5.0]")
        return self


class HostedConfig(_CostSection):
    """Fine-tuning at a provider."""

    per_million_tokens: float = Field(ge=0)
    currency: Currency


class StorageConfig(_CostSection):
    """What lies in the lake."""

    per_gb_month: float | None = Field(ge=0)
    currency: Currency


class ServingConfig(_CostSection):
    """Answering users. machine: whose price holds, None: no price."""

    machine: str | None
    answers_at_once: float = Field(gt=0)


class ReviewConfig(_CostSection):
    """People's decisions about findings."""

    minutes: float = Field(ge=0)
    per_hour: float | None = Field(ge=0)
    currency: Currency


class AmountConfig(_CostSection):
    """An amount that may be unset."""

    amount: float | None = Field(ge=0)
    currency: Currency


class ForecastConfig(_CostSection):
    """Of a training's cost, before it."""

    confidence: float = Field(gt=0.5, lt=1)
    newest: int = Field(ge=5)


class WorthConfig(_CostSection):
    """Of a launch."""

    margin: float = Field(ge=0)
    probability: float = Field(gt=0.5, lt=1)
    minimum_reports: int = Field(ge=3)
    better_answer: AmountConfig
    days: float = Field(gt=0)
    gates: bool


class CostsConfig(_CostSection):
    """See costs.yaml."""

    rates: dict[Currency, Annotated[float, Field(gt=0)] | None]
    machines: dict[str, MachineConfig]
    hosted: dict[str, HostedConfig]
    storage: StorageConfig
    serving: ServingConfig
    review: ReviewConfig
    monthly_budget: AmountConfig
    forecast: ForecastConfig
    worth: WorthConfig

    @model_validator(mode="after")
    def _serving_names_a_machine(self) -> CostsConfig:
        if self.serving.machine is not None and self.serving.machine not in self.machines:
            raise ValueError(
                f"serving.machine {self.serving.machine!r} is not one of machines: {', '.join(self.machines)}"
            )
        return self
