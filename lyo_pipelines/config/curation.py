"""Configuration of the curation stage; the defaults and what they mean stand in curation.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lyo_pipelines.json_types import is_dict

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Rating = Annotated[float, Field(ge=1, le=5)]


class ImageRules(BaseModel):
    """Whose pictures may be learnt, and what a picture must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learn_from: tuple[str, ...]
    allow_unread: bool
    minimum_side: Positive
    minimum_contrast: Annotated[float, Field(ge=0, le=127)]


class CurationConfig(BaseModel):
    """See curation.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_rating: Rating
    bad_rating: Rating
    unrated_minimum_characters: Count
    keep_unrated: bool
    segment_minimum_interactions: Count

    repetition_minimum_words: Annotated[int, Field(ge=8)]
    repetition_maximum_share: Share
    repetition_maximum_same_lines: Annotated[int, Field(ge=2)]
    refusal_window_characters: Positive
    truncated_finish_reasons: tuple[str, ...]
    truncated_prose_minimum_characters: Count

    metadata_name_keys: tuple[str, ...]
    assistant_names: tuple[str, ...]
    redact_titled_names: bool
    personal_data_threshold: Share

    images: ImageRules

    language_minimum_letters: Positive
    script_minimum_share: Share
    romanised_minimum_share: Share
    detector_minimum_score: Share

    cultural_review: bool
    cultural_complaint_categories: tuple[str, ...]
    persona_tasks: tuple[str, ...]
    review_excerpt_characters: Annotated[int, Field(ge=40)]

    near_duplicate_similarity: Annotated[float, Field(gt=0, le=1)]
    near_duplicate_ngram: Positive
    near_duplicate_permutations: Positive
    near_duplicate_bands: Positive
    near_duplicate_seed: int

    user_cap: Count
    weight_top_rating: Annotated[float, Field(gt=0)]
    weight_minimum_rating: Annotated[float, Field(gt=0)]
    weight_unrated: Annotated[float, Field(gt=0)]

    removed_sample_per_rule: Count
    removed_excerpt_characters: Positive

    quality_minimum_rows: Positive
    quality_minimum_survival: Share
    quality_minimum_rated_share: Share
    quality_minimum_mean_rating: Rating
    quality_maximum_missing_share: Share
    quality_maximum_duplicate_share: Share
    quality_maximum_language_mismatch: Share
    quality_maximum_pii_rate: Share
    quality_maximum_error_share: Share
    quality_blocking: tuple[str, ...]

    batch_rows: Annotated[int, Field(ge=1)]
    workers: Positive
    mapped_from_bytes: Positive

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, data: object) -> object:
        if is_dict(data) and (former := "presidio_threshold") in data:  # written before the finders stood alone
            return {
                **{key: value for key, value in data.items() if key != former},
                "personal_data_threshold": data[former],
            }
        return data

    @model_validator(mode="after")
    def _consistent(self) -> CurationConfig:
        if self.bad_rating >= self.minimum_rating:
            raise ValueError("bad_rating must lie below minimum_rating: an answer cannot be good and bad")
        if self.near_duplicate_permutations % self.near_duplicate_bands:
            raise ValueError("near_duplicate_permutations must be a multiple of near_duplicate_bands")
        return self


MACHINE_KEYS = frozenset({"batch_rows", "workers", "mapped_from_bytes"})
"""Keys that change how fast a day is curated and never what comes out."""
