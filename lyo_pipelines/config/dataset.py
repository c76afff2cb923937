"""Configuration of the dataset stage; the defaults and what they mean stand in dataset.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SplitFractions(BaseModel):
    """Shares of the three splits, by group; they add up to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: float = Field(gt=0, lt=1)
    validation: float = Field(gt=0, lt=1)
    test: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _adds_up(self) -> SplitFractions:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train + validation + test must add up to 1")
        return self


class PreferenceConfig(BaseModel):
    """See dataset.yaml (preferences)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pairs_per_question: int = Field(ge=1)
    minimum_labels: int = Field(ge=2)
    minimum_pairs: int = Field(ge=1)


class TeamConfig(BaseModel):
    """See dataset.yaml (teams)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ...]
    minimum_examples: int = Field(ge=1)
    minimum_users: int = Field(ge=1)
    user_share: float = Field(gt=0, le=1)


class DatasetConfig(BaseModel):
    """See dataset.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fractions: SplitFractions
    split_key: str = Field(min_length=1, max_length=64)
    minimum_groups: int = Field(ge=3)
    shown_examples: int = Field(ge=0, le=20)
    question_min_characters: int = Field(ge=1)
    later_question_min_characters: int = Field(ge=1)
    stem_min_characters: int = Field(ge=0)
    common_share: float = Field(gt=0, le=1)
    filler_share: float = Field(ge=0, le=1)
    number_variants: Literal["together", "apart"]
    number_variants_share: float = Field(ge=0, le=1)
    largest_group_share: float = Field(gt=0, le=1)
    proportions_alpha: float = Field(gt=0, lt=1)
    proportions_minimum_groups: int = Field(ge=1)
    benchmark_ngram: int = Field(ge=3)
    benchmark_minimum_words: int = Field(ge=1)
    benchmark_near_share: float = Field(gt=0, le=1)
    benchmark_near_runs: int = Field(ge=1)
    report_items: int = Field(ge=1)
    row_group_rows: int = Field(ge=1)
    teams: TeamConfig
    mixtures: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], tuple[str, ...]]
    preferences: PreferenceConfig
    licence: str
    contact: str
