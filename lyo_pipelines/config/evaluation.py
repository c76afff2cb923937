"""Configuration of the evaluation stage; the defaults and what they mean stand in evaluation.yaml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from lyo_pipelines.config.addresses import WithoutCredentials
from lyo_pipelines.json_types import is_dict, is_list

Dimension = Literal["segment", "language", "subject", "grade", "topic", "reasoning_mode", "validity"]
CheckName = Literal[
    "memorises_little",
    "outdoes_base",
    "outdoes_current",
    "stays_correct",
    "stays_good_elsewhere",
    "stays_in_language_and_culture",
    "stays_well_written",
    "your_own_gates",
]
"""Checks on the page of `eval_report`, each with the gates of one question. The UI sorts them by name: the answer to all of them,
`may_be_released`, comes first."""
NO_GATES = "none"
"""What stands in place of the gates when every candidate may be released."""
PARTS = ("collateral", "judge")
"""What a gate may name besides metrics: parts of the report with a judgement of their own, against what serves now (else the base)."""
PRIVACY = "privacy"
"""What a gate may name besides: the share of canaries of few rows that a privacy audit finds; it has a maximum."""


class GateConfig(BaseModel):
    """One gate: a demand on a comparison's verdict (`against`, `require`) or bounds on the candidate's own value.

    A gate has one of the two, so the other is None. It blocks unless it says otherwise. check: the check on the page of `eval_report`
    behind which it stands.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    metric: str
    against: Literal["base", "champion", "current"] | None = None
    require: Literal["better", "not_worse", "no_slice_worse"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    blocking: bool = True
    check: CheckName = "your_own_gates"

    @model_validator(mode="after")
    def _one_demand(self) -> GateConfig:
        bounds = self.minimum is not None or self.maximum is not None
        compares = self.against is not None and self.require is not None
        if bounds == compares or (self.against is None) != (self.require is None):
            raise ValueError(f"gate {self.name}: give either against + require, or minimum and/or maximum")
        if self.metric == PRIVACY and (self.maximum is None or self.minimum is not None):
            raise ValueError(f"gate {self.name}: {PRIVACY} has a maximum, the share of canaries that may be found")
        of_a_part = (self.against, self.require) == ("current", "not_worse")
        if (self.metric in PARTS) != (self.against == "current") or (self.metric in PARTS and not of_a_part):
            raise ValueError(
                f"gate {self.name}: {' and '.join(PARTS)} are judged against current and require not_worse; "
                "metrics are judged against base or champion"
            )
        return self


class SatisfactionConfig(BaseModel):
    """When ratings are predicted for what the models wrote."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool
    minimum_ratings: int = Field(ge=20)
    minimum_users: int = Field(ge=5)
    maximum_ratings: int = Field(ge=20)
    folds: int = Field(ge=2)


class CollateralConfig(BaseModel):
    """What else is looked at before and after; segments 0 and general false: nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segments: int = Field(ge=0)
    items: int = Field(ge=1)
    general: bool
    minimum_groups: int = Field(ge=2)
    tolerance: float = Field(ge=0)


class EndpointDefaults(BaseModel):
    """What an entry of `endpoints`, and the judge, holds where it says nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_seconds: float = Field(gt=0)
    attempts: int = Field(ge=1)
    parallel: int = Field(ge=1)


class Remote(EndpointDefaults):
    """A model behind an OpenAI-compatible endpoint. The key stands in the environment variable that is named, never here.

    None: there is no key, the prices are not known, requests are not slowed down.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WithoutCredentials = Field(pattern=r"^https?://")
    model: str
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    price_per_million_in: float | None = Field(default=None, ge=0)
    price_per_million_out: float | None = Field(default=None, ge=0)
    requests_per_minute: float | None = Field(default=None, gt=0)


class EndpointConfig(Remote):
    """A remote model that answers the same items; `name` is what the report calls it.

    max_tokens: of one answer; None: as long as the endpoint allows, since our own limit follows from our references.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    max_tokens: int | None = Field(default=None, ge=1)

    @field_validator("name")
    @classmethod
    def _not_ours(cls, name: str) -> str:
        if name in {"base", "candidate", "champion", "start", "current"}:
            raise ValueError(f"{name} is one of our own models: give the endpoint another name")
        return name


class JudgeDefaults(BaseModel):
    """What the judge holds where its section says nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: int = Field(ge=1)
    rated_pairs: int = Field(ge=0)
    minimum_pairs: int = Field(ge=2)
    agreement_floor: float = Field(gt=0.5, lt=1)
    max_tokens: int = Field(ge=8)


class JudgeConfig(Remote, JudgeDefaults):
    """A remote model that judges answers in pairs."""


class HopeConfig(BaseModel):
    """One figure of the owner's hopes. measure: a metric, answer_tokens or first_token_ms; figure: from, to."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(min_length=1)
    measure: str = Field(min_length=1)
    kind: Literal["rise", "fall", "at_least", "at_most"]
    figure: tuple[float, float]
    note: str | None = None

    @field_validator("figure")
    @classmethod
    def _in_order(cls, figure: tuple[float, float]) -> tuple[float, float]:
        if figure[0] > figure[1]:
            raise ValueError("the lower figure comes first, for instance [0.15, 0.25]")
        return figure

    @property
    def told(self) -> str:
        """The hope in words."""
        low, high = self.figure
        if self.kind in ("rise", "fall"):
            sign = "+" if self.kind == "rise" else "-"
            return f"{sign}{100 * low:g} to {sign}{100 * high:g} %" if high > low else f"{sign}{100 * low:g} %"
        unit = " ms" if self.measure.endswith("_ms") else ""
        return f"{'at least' if self.kind == 'at_least' else 'at most'} {low:g}{unit}"


class EvaluationConfig(BaseModel):
    """See evaluation.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_items: int | None = Field(ge=1)
    max_new_tokens: int | None = Field(ge=1)
    constrained: Literal["off", "schema"]
    max_length: int = Field(ge=16)
    generation_batch: int = Field(ge=1)
    loss_batch: int = Field(ge=1)
    latency_items: int = Field(ge=0)
    latency_new_tokens: int = Field(ge=1)
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    device: str
    attention: str | None
    seed: int

    metrics: tuple[str, ...] | None
    primary_metric: str
    without_likelihood: str
    sample_metric: str
    samples: int = Field(ge=0)

    resamples: int = Field(ge=1_000)
    whole_resamples: int = Field(ge=1_000)
    confidence: float = Field(gt=0.5, lt=1)
    alpha: float = Field(gt=0, lt=0.5)
    minimum_groups: int = Field(ge=2)
    power: float = Field(gt=0, lt=1)
    slices: tuple[Dimension, ...]
    slice_metrics: tuple[str, ...]
    minimum_slice_groups: int = Field(ge=2)
    slice_values: int = Field(ge=1)

    satisfaction: SatisfactionConfig
    collateral: CollateralConfig
    # they fill their entries when the file is read, and say nothing afterwards: no output depends on them by themselves
    endpoint_defaults: EndpointDefaults = Field(exclude=True)
    judge_defaults: JudgeDefaults = Field(exclude=True)
    endpoints: tuple[EndpointConfig, ...]
    judge: JudgeConfig | None

    gates: tuple[GateConfig, ...]
    hopes: tuple[HopeConfig, ...]

    @model_validator(mode="before")
    @classmethod
    def _entries_over_their_defaults(cls, values: Any) -> Any:
        """Lay each endpoint and the judge over their defaults; whatever does not fit is left for the fields to refuse."""
        if not is_dict(values) or not is_dict(common := values.get("endpoint_defaults")):
            return values
        filled, judging = dict(values), values.get("judge_defaults")
        if is_list(endpoints := values.get("endpoints")):
            filled["endpoints"] = [{**common, **entry} if is_dict(entry) else entry for entry in endpoints]
        if is_dict(judge := values.get("judge")) and is_dict(judging):
            filled["judge"] = {**common, **judging, **judge}
        return filled

    @field_validator("gates", mode="before")
    @classmethod
    def _no_gates_is_said_in_words(cls, value: Any) -> Any:
        if value == NO_GATES:
            return ()
        if not value:
            raise ValueError(
                f"without gates every candidate may be released: write `gates: {NO_GATES}` if that is meant, or leave the key out "
                "for the packaged ones"
            )
        return value

    @field_serializer("gates")
    def _none_in_words(self, gates: tuple[GateConfig, ...]) -> Any:
        return [gate.model_dump() for gate in gates] if gates else NO_GATES

    @field_validator("constrained", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads a bare off as false

    @model_validator(mode="after")
    def _names_once(self) -> EvaluationConfig:
        names = [gate.name for gate in self.gates]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two gates are called {', '.join(sorted(doubled))}")
        if len({endpoint.name for endpoint in self.endpoints}) < len(self.endpoints):
            raise ValueError("two endpoints have the same name")
        return self
