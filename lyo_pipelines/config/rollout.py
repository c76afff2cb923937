"""Configuration of A/B tests and staged rollout; the defaults and what they mean stand in rollout.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SAME_SHARE = 1e-9
"""Shares that differ by less are the same one, written twice."""


_WIDEST_DROP = 4
"""Ratings lie between 1 and 5."""


class _RolloutSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StageConfig(_RolloutSection):
    """One stage of a release."""

    share: float = Field(gt=0, le=1)
    days: float = Field(ge=0)
    watch: Literal["close", "usual"]
    confidence: float = Field(gt=0.5, lt=1)


class GuardrailConfig(_RolloutSection):
    """G4."""

    rating_drop: float = Field(gt=0, le=_WIDEST_DROP)
    errors: float = Field(gt=0, lt=1)
    response_time: float = Field(gt=1)
    slack: float = Field(ge=0)


class WatchConfig(_RolloutSection):
    """How little evidence a guardrail may rest on."""

    answers: int = Field(ge=1)
    rated: int = Field(ge=2)
    users: int = Field(ge=2)
    confidence: float = Field(gt=0.5, lt=1)


class WatchesConfig(_RolloutSection):
    """By how closely a stage is watched."""

    close: WatchConfig
    usual: WatchConfig


class StepUpConfig(_RolloutSection):
    """G5."""

    margin: float = Field(gt=0)
    confidence_worse: float = Field(gt=0.5, lt=1)
    near: float = Field(gt=0, le=1)
    users: int = Field(ge=2)
    rated: int = Field(ge=2)
    answers: int = Field(ge=2)
    sample_ratio_alpha: float = Field(gt=0, lt=0.5)
    unattributed: float = Field(gt=0, lt=1)
    slower: float = Field(ge=1)
    silent_days: int = Field(ge=1)


class ExperimentConfig(_RolloutSection):
    """G2."""

    share: float = Field(gt=0, lt=1)
    days: float = Field(gt=0)
    alpha: float = Field(gt=0, lt=0.5)


class PlannedErrors(_RolloutSection):
    """Where sequential intervals are narrowest."""

    rating: float = Field(gt=0)
    response_time: float = Field(gt=0)
    share: float = Field(gt=0)
    minutes: float = Field(gt=0)


BusinessMeasure = Literal["return_rate", "session_minutes", "task_completion", "support_contacts", "tokens_per_answer"]
BETTER: dict[BusinessMeasure, Literal["higher", "lower"]] = {
    "return_rate": "higher",
    "task_completion": "higher",
    "support_contacts": "lower",
    "tokens_per_answer": "lower",
}
"""Which values of a business measure are better. Of the length of sessions it depends on the product, so that must be said."""
SHARES: tuple[BusinessMeasure, ...] = ("return_rate", "task_completion", "support_contacts")
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class MeasureUse(_RolloutSection):
    """What one business measure is used for. limit: of a guardrail, how much worse is too much."""

    use: Literal["told", "success", "guardrail"]
    better: Literal["higher", "lower"] | None = None
    limit: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _guardrails_have_limits(self) -> MeasureUse:
        if (self.use == "guardrail") != (self.limit is not None):
            raise ValueError("a guardrail needs a `limit`, and nothing else has one")
        return self


class BusinessConfig(_RolloutSection):
    """G9."""

    measures: dict[BusinessMeasure, MeasureUse]
    return_days: float = Field(gt=0)
    away_hours: float = Field(ge=0)
    session_gap_minutes: float = Field(gt=0)
    completed_key: Key
    support_key: Key
    tokens_key: Key

    @model_validator(mode="after")
    def _better_is_known(self) -> BusinessConfig:
        for name, one in self.measures.items():
            if one.use != "told" and self.better(name) is None:
                raise ValueError(f"measures.{name}: say whether `better: higher` or `better: lower`")
            if name in SHARES and one.limit is not None and one.limit >= 1:
                raise ValueError(f"measures.{name}: a share cannot get worse by {one.limit:g}; two points are 0.02")
            if name == "tokens_per_answer" and one.limit is not None and one.limit <= 1:
                raise ValueError(
                    f"measures.{name}: the limit is a factor above 1 (1.3: 1.3 times as many), not {one.limit:g}"
                )
        return self

    @model_validator(mode="after")
    def _there_is_time_to_return(self) -> BusinessConfig:
        if self.away_hours >= 24 * self.return_days:
            raise ValueError("away_hours must be shorter than return_days: nobody could return")
        return self

    def better(self, name: BusinessMeasure) -> Literal["higher", "lower"] | None:
        """Which values are better; None where nobody said."""
        return self.measures[name].better or BETTER.get(name)


class RolloutConfig(_RolloutSection):
    """See rollout.yaml."""

    stages: tuple[StageConfig, ...] = Field(min_length=2)
    brakes: GuardrailConfig
    watch: WatchesConfig
    up: StepUpConfig
    experiment: ExperimentConfig
    planned_errors: PlannedErrors
    business: BusinessConfig
    cultural_complaint_categories: tuple[str, ...]
    """Those of curation.yaml, set when the whole configuration is read: what is cultural is said in one place."""

    @model_validator(mode="after")
    def _stages_grow_to_everybody(self) -> RolloutConfig:
        shares = [stage.share for stage in self.stages]
        if sorted(set(shares)) != shares or shares[-1] != 1:
            raise ValueError(f"stages: shares must grow from stage to stage and end with 1, found {shares}")
        return self

    @model_validator(mode="after")
    def _brakes_lie_beyond_the_margin(self) -> RolloutConfig:
        if self.brakes.rating_drop < self.up.margin:
            raise ValueError(
                "brakes.rating_drop must not be below up.margin: a drop that is allowed cannot be an emergency"
            )
        return self

    def planned_error(self, measure: BusinessMeasure) -> float:
        """Where the sequential interval of a business measure is narrowest."""
        planned = self.planned_errors
        return {"tokens_per_answer": planned.response_time, "session_minutes": planned.minutes}.get(
            measure, planned.share
        )

    def stage(self, number: int) -> StageConfig:
        """Stage 1 to n. Raises ValueError for any other."""
        if not 1 <= number <= len(self.stages):
            raise ValueError(f"there is no stage {number}: there are {len(self.stages)}")
        return self.stages[number - 1]

    def position(self, share: float) -> int:
        """The number of the stage that a share of users (above 0, below 1) is at: of those below 1 the last that is no larger, else 1.

        A release keeps its share when the list is changed while it is on its way, so the list is asked by share and not by number.
        """
        reached = [number for number, stage in enumerate(self.stages[:-1], 1) if stage.share <= share + _SAME_SHARE]
        return reached[-1] if reached else 1

    def is_listed(self, share: float) -> bool:
        """Whether a stage has this share."""
        return any(abs(stage.share - share) <= _SAME_SHARE for stage in self.stages)

    def share_after(self, share: float) -> float:
        """The next larger share of the list; 1 is all users."""
        return min((stage.share for stage in self.stages if stage.share > share + _SAME_SHARE), default=1.0)

    def share_before(self, share: float) -> float | None:
        """The next smaller share of the list; None where there is none."""
        return max((stage.share for stage in self.stages if stage.share < share - _SAME_SHARE), default=None)

    def watched(self, number: int) -> WatchConfig:
        """What the guardrails need at a stage."""
        return self.watch.close if self.stage(number).watch == "close" else self.watch.usual
