"""Which keys of a recipe a search tries: their ranges against the recipe, and the recipe of a trial. Drawing values: sampling.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lyo_pipelines.config.search import Figure, Range
from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.recipe_loading import RecipeError, valid_keys
from lyo_pipelines.training.recipes import WITHOUT_EFFECT_ON_WEIGHTS, Recipe

SEARCHABLE_METHODS = ("lora", "qlora")
_FIXED = (
    "base_model",
    "method",
    "dtype",
    "device",
    "seed",
    "budget",
    "validation",
    "mixing",
    "preference",
    "reinforcement",
)
"""Keys and sections that decide what a trial costs, on what it is measured or which model it is."""


class SearchSpaceError(LyoError):
    """The space does not fit the recipe; the message names the key."""


def own_figures(recipe: Recipe, ranges: Mapping[str, Range]) -> dict[str, Figure]:
    """The recipe's own value of each searched key: trial 0. Raises SearchSpaceError for a key that cannot be searched."""
    if recipe.method not in SEARCHABLE_METHODS:
        raise SearchSpaceError(
            f"recipe {recipe.name} has method {recipe.method}; a search trains {' or '.join(SEARCHABLE_METHODS)} adapters."
        )
    if not ranges:
        raise SearchSpaceError("search.space names no key to search.")
    values: Any = recipe.model_dump(mode="json")
    return {key: _own(recipe, values, key, found) for key, found in ranges.items()}


def trial_recipe(recipe: Recipe, figures: Mapping[str, Figure], name: str) -> Recipe:
    """The recipe with a trial's figures; it tracks nothing, as a search has a record of its own. Raises RecipeError."""
    values: Any = recipe.model_dump(mode="json")
    for key, value in figures.items():
        *parents, leaf = key.split(".")
        place = values
        for parent in parents:
            place = place[parent]
        place[leaf] = value
    values["name"], values["logging"]["tracking"] = name, "none"
    try:
        return Recipe.model_validate(values)
    except ValueError as error:
        raise RecipeError(f"a trial's figures {dict(figures)} make no recipe: {error}") from error


def _own(recipe: Recipe, values: Any, key: str, found: Range) -> Figure:
    section = key.partition(".")[0]
    if section in {*_FIXED, *WITHOUT_EFFECT_ON_WEIGHTS}:
        raise SearchSpaceError(
            f"search.space.{key} cannot be searched: trials that differ in {section} are not comparable.",
            hint=f"Take it out (`{key}: null`).",
        )
    if key not in valid_keys():
        raise SearchSpaceError(f"search.space.{key} is no key of a recipe.", hint="See recipe_files/owner.yaml.")
    value = values
    for part in key.split("."):
        value = value[part]
    if not found.holds(value):
        raise SearchSpaceError(
            f"search.space.{key} does not hold {value!r}, the value of recipe {recipe.name}, which is trial 0.",
            hint="Widen the range, or add the value to its choices.",
        )
    return value
