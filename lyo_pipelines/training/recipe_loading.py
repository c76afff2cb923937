"""Recipe files and overrides to a validated Recipe, with errors that name the key and the closest valid one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from lyo_pipelines.bounded_yaml import read_bounded_yaml, yaml_problem
from lyo_pipelines.config.loading import overlay
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.training.recipes import Recipe

RECIPE_FILES = Path(__file__).parent / "recipe_files"


class RecipeError(LyoError):
    """A recipe does not fit; the message names file, key, the closest valid key and what is expected."""


def recipe_names() -> list[str]:
    """Names of the packaged recipes."""
    return sorted(path.stem for path in RECIPE_FILES.glob("*.yaml"))


def load_recipe(name_or_path: str | Path, overrides: ConfigTree | None = None) -> Recipe:
    """Load a packaged recipe or a YAML file and lay `overrides` over it.

    Overrides may be nested (`{"optimizer": {"learning_rate": 1e-4}}`), dotted (`{"optimizer.learning_rate": 1e-4}`) or both.
    A file may say `extends: <name or path>` and hold only what differs. Raises RecipeError.
    """
    values, origin = _read(name_or_path, seen=())
    try:
        values = overlay(values, _nested(overrides or {}))
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{origin}: " + "; ".join(_explain(e) for e in error.errors())) from error


def parse_changes(items: Iterable[str]) -> ConfigTree:
    """Overrides out of `key=value` texts of a command line, values as YAML. Raises RecipeError for one without a value."""
    changes: ConfigTree = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator:
            raise RecipeError(f"--set {item}: expected KEY=VALUE, for instance optimizer.learning_rate=1e-4")
        changes[key] = yaml.safe_load(value)
    return changes


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML that load_recipe reads back to an equal recipe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def valid_keys(model: type[BaseModel] = Recipe, prefix: str = "") -> dict[str, str]:
    """Every dotted key of a recipe and what is expected there."""
    keys: dict[str, str] = {}
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            keys |= valid_keys(annotation, f"{prefix}{name}.")
        else:
            keys[prefix + name] = _readable(annotation)
    return keys


def _read(name_or_path: str | Path, seen: tuple[str, ...]) -> tuple[ConfigTree, str]:
    text = str(name_or_path)
    if text in seen:
        raise RecipeError(f"{text}: extends itself by way of {' -> '.join(seen)}")
    path = RECIPE_FILES / f"{text}.yaml" if text in recipe_names() else Path(text)
    if not path.is_file():
        close = difflib.get_close_matches(text, recipe_names(), n=1, cutoff=0.4)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise RecipeError(
            f"no recipe {text!r}.{hint} Packaged recipes: {', '.join(recipe_names())}; or give the path of a YAML file."
        )
    try:
        values = read_bounded_yaml(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read as YAML ({yaml_problem(error)})") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected keys and values, found {type(values).__name__}")
    parent = values.pop("extends", None)
    if parent is not None:
        sibling = path.parent / str(parent)
        base, _ = _read(sibling if sibling.is_file() else parent, (*seen, text))
        values = overlay(base, values)
    return values, path.name


def _nested(overrides: ConfigTree) -> ConfigTree:
    result: ConfigTree = {}
    for key, value in overrides.items():
        inner: Any = _nested(value) if isinstance(value, dict) else value
        *parents, leaf = str(key).split(".")
        inner = {leaf: inner}
        for parent in reversed(parents):
            inner = {parent: inner}
        result = overlay(result, inner)
    return result


def _explain(error: Any) -> str:
    location = [str(part) for part in error["loc"]]
    keys = valid_keys()
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        close = _closest(key, list(keys))
        expected = f" Did you mean {close!r} (expects {keys[close]})?" if close else ""
        return f"unknown key {key!r}.{expected} Valid here: {', '.join(_siblings(location, list(keys)))}"
    while key not in keys and "." in key:  # a union's branch or a list index follows the field's own name
        key = key.rpartition(".")[0]
    expected = f"; expects {keys[key]}" if key in keys else ""
    given = (
        f" (given: {error['input']!r})" if error["type"] != "missing" and not isinstance(error["input"], dict) else ""
    )
    return f"{key or 'recipe'}: {error['msg']}{given}{expected}"


def _closest(key: str, keys: list[str]) -> str | None:
    leaf = key.rpartition(".")[2]
    by_leaf: dict[str, str] = {}
    for candidate in keys:
        by_leaf.setdefault(candidate.rpartition(".")[2], candidate)
    whole = difflib.get_close_matches(key, keys, n=1, cutoff=0.75)
    if whole:
        return whole[0]
    aliases = {"rank": "lora.r", "lr": "optimizer.learning_rate", "gradient_accumulation_steps": "batch.accumulation"}
    if leaf in aliases:
        return aliases[leaf]
    close = difflib.get_close_matches(leaf, list(by_leaf), n=1, cutoff=0.6)
    return by_leaf[close[0]] if close else None


def _siblings(location: list[str], keys: list[str]) -> list[str]:
    prefix = ".".join(location[:-1])
    inside = [key[len(prefix) + 1 :] for key in keys if key.startswith(prefix + ".")] if prefix else []
    return inside or sorted({key.split(".")[0] for key in keys})


def _readable(annotation: Any) -> str:
    if annotation is type(None):
        return "null"
    if get_origin(annotation) is Annotated:
        return _readable(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(value) for value in get_args(annotation))
    if get_origin(annotation) in {Union, UnionType}:
        return " or ".join(_readable(part) for part in get_args(annotation))
    if get_origin(annotation) in {dict, list}:
        return f"{get_origin(annotation).__name__} of {_readable(get_args(annotation)[-1])}"
    return str(getattr(annotation, "__name__", annotation))
