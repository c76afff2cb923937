"""Configuration of the retraining triggers; the defaults and what they mean stand in retraining.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from lyo_pipelines.json_types import ConfigTree

_LONGEST_DAYS = 400
"""So far back days are looked for (retraining/windows.py)."""
_SegmentKey = Annotated[str, Field(pattern=r"^[a-z0-9_]+(?:\.[a-z0-9_]+){1,2}$")]
_FOR_ALL = ("window_days", "baseline_days", "weekly_budget", "claim_seconds")


class _PolicySection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class VolumeConfig(_PolicySection):
    """F1."""

    minimum_examples: int = Field(ge=1)
    optimal_examples: int = Field(ge=1)
    earliest_days: int = Field(ge=0)
    latest_days: int = Field(ge=1)
    early_new_share: float = Field(gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> VolumeConfig:
        if self.optimal_examples < self.minimum_examples or self.latest_days < self.earliest_days:
            raise ValueError("optimal_examples and latest_days must not be below minimum_examples and earliest_days")
        return self


class QualityConfig(_PolicySection):
    """F2."""

    average_rating: float = Field(ge=1, le=5)
    negative_feedback_rise: float = Field(ge=0)
    relevance: float = Field(ge=0, le=1)
    cultural_complaints_rise: float = Field(ge=0)
    rating_drop: float = Field(ge=0, le=4)
    cooldown_days: int = Field(ge=0)


class PerformanceConfig(_PolicySection):
    """F3."""

    response_time_rise: float = Field(ge=0)
    retry_share: float = Field(gt=0, lt=1)
    language_mismatch: float = Field(gt=0, lt=1)
    language_match: float = Field(gt=0, le=1)
    gap_examples: int = Field(ge=1)
    new_area_days: int = Field(ge=0)


class BusinessConfig(_PolicySection):
    """F4."""

    minimum_examples: int = Field(ge=1)
    minimum_grade_examples: int = Field(ge=1)
    academic_year_days: int = Field(ge=1)
    expired_share: float = Field(ge=0, le=1)
    minimum_expired: int = Field(ge=1)
    cooldown_days: int = Field(ge=0)


class EvidenceConfig(_PolicySection):
    """F6: how much must be known before anything is said."""

    window_days: tuple[int, int]
    baseline_days: int = Field(ge=7, le=_LONGEST_DAYS)
    minimum_rated: int = Field(ge=2)
    minimum_baseline_rated: int = Field(ge=2)
    minimum_interactions: int = Field(ge=2)
    minimum_topic_interactions: int = Field(ge=2)
    minimum_events: int = Field(ge=1)
    minimum_coverage: float = Field(ge=0, le=1)
    alpha: float = Field(gt=0, lt=0.5)

    @model_validator(mode="after")
    def _short_before_long(self) -> EvidenceConfig:
        if not 1 <= self.window_days[0] < self.window_days[1]:
            raise ValueError("window_days: the short window comes first, for instance [14, 28]")
        return self


class LaunchConfig(_PolicySection):
    """F5: what is launched, and how often."""

    recipe: str
    overrides: ConfigTree
    evaluation_items: int | None = Field(ge=1)
    minimum_examples: int = Field(ge=1)
    minimum_new_examples: int = Field(ge=1)
    same_cause_days: int = Field(ge=0)
    weekly_budget: int = Field(ge=0)
    maximum_attempts: int = Field(ge=1)
    claim_seconds: float = Field(gt=0)


class Policy(_PolicySection):
    """The figures that hold for one segment."""

    volume: VolumeConfig
    quality: QualityConfig
    performance: PerformanceConfig
    business: BusinessConfig
    evidence: EvidenceConfig
    launch: LaunchConfig


class RetrainingConfig(Policy):
    """See retraining.yaml."""

    segments: dict[_SegmentKey, dict[str, ConfigTree]]
    _policies: dict[str, Policy] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _overrides_fit(self) -> RetrainingConfig:
        for segment, changed in self.segments.items():
            fixed = [key for key in _FOR_ALL if key in changed.get("evidence", {}) or key in changed.get("launch", {})]
            if fixed:
                raise ValueError(f"segments.{segment}: {', '.join(fixed)} hold for all segments alike")
            self._policies[segment] = self._overlaid(segment, changed)
        return self

    def for_segment(self, segment: str) -> Policy:
        """The policy of one segment: its own values over those of all."""
        return self._policies.get(segment, self)

    def _overlaid(self, segment: str, changed: dict[str, ConfigTree]) -> Policy:
        values = self.model_dump(exclude={"segments"})
        for section, config in changed.items():
            if section not in values:
                raise ValueError(f"segments.{segment}: {section!r} is not one of {', '.join(values)}")
            values[section] = {**values[section], **config}
        try:
            return Policy.model_validate(values)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ValueError(f"segments.{segment}: {said}") from error
