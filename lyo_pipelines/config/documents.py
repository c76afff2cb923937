"""Configuration of the documents stage; the defaults and what they mean stand in documents.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]


class TokenWeights(BaseModel):
    """How many tokens a word or a sign of each kind is worth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lower_word: Weight
    capital_word: Weight
    digit: Weight
    line: Weight
    spaces: Weight
    sign: Weight
    typographic: Weight
    devanagari: Weight
    tamil: Weight
    indic_word: Weight


class DocumentConfig(BaseModel):
    """See documents.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    maximum_megabytes: Annotated[float, Field(gt=0)]
    maximum_characters: Positive
    minimum_letters: Count

    max_tokens: Annotated[int, Field(ge=64)]
    overlap_tokens: Count
    minimum_tokens: Count

    example_minimum_letters: Count
    example_minimum_letter_share: Share
    pair_minimum_characters: Count
    chunk_weight: Annotated[float, Field(gt=0)]
    pair_weight: Annotated[float, Field(gt=0)]

    pdf_maximum_pages: Positive
    pdf_maximum_objects: Positive
    pdf_maximum_seconds: Annotated[float, Field(gt=0)]
    pdf_running_line_share: Annotated[float, Field(gt=0, le=1)]
    pdf_heading_size: Annotated[float, Field(gt=1)]
    pdf_minimum_characters_per_page: Count

    garbled_minimum_words: Positive
    garbled_signs_share: Share
    garbled_broken_words_share: Share
    garbled_doubled_share: Share
    garbled_one_letter_share: dict[Literal["Devanagari", "Tamil"], Share]
    garbled_unknown_latin_words: Positive

    tokens: TokenWeights

    @model_validator(mode="after")
    def _chunks_have_room(self) -> DocumentConfig:
        if self.overlap_tokens + self.minimum_tokens > self.max_tokens // 2:
            raise ValueError("overlap_tokens and minimum_tokens together must be at most half of max_tokens")
        return self
