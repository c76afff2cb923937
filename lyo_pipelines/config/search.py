"""Configuration of the hyperparameter search; the defaults and what they mean stand in search.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Figure = int | float | str


class _SearchSection(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_SearchSection):
    """The values that one key of a recipe may take: `choices`, or everything from `low` to `high` (whole numbers if both are)."""

    choices: list[Figure] | None = Field(default=None, min_length=2)
    low: int | float | None = None
    high: int | float | None = None
    log: bool | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Range:
        if self.choices is not None:
            if self.low is not None or self.high is not None:
                raise ValueError("a range has either choices, or low and high")
        elif self.low is None or self.high is None or self.low >= self.high:
            raise ValueError("a range needs choices, or low and a higher high")
        elif self.log and self.low <= 0:
            raise ValueError("a logarithmic range begins above 0")
        return self

    def holds(self, value: object) -> bool:
        """Whether a recipe's own value lies in it."""
        if self.choices is not None:
            return value in self.choices
        if self.low is None or self.high is None or isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high


class SearchBudget(_SearchSection):
    """When a search ends: the first of these; None is no limit. money: in the currency of the recipe's cost section."""

    trials: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    money: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _ends(self) -> SearchBudget:
        if (self.trials, self.tokens, self.seconds, self.money) == (None, None, None, None):
            raise ValueError("a search needs a budget: trials, tokens, seconds or money")
        return self


class Pruning(_SearchSection):
    """When a trial is given up while it runs."""

    after_trials: int = Field(ge=0)
    after_validations: int = Field(ge=0)


class SearchConfig(_SearchSection):
    """See search.yaml."""

    space: dict[str, Range | None]
    budget: SearchBudget
    seed: int
    random_trials: int = Field(ge=1)
    prune: Pruning
    confidence: float = Field(gt=0.5, lt=1)
    resamples: int = Field(ge=100)

    @property
    def ranges(self) -> dict[str, Range]:
        """The keys that are searched, in the order in which they stand."""
        return {key: found for key, found in self.space.items() if found is not None}
