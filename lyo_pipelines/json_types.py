"""Names for values whose shape is not ours to say, and what narrows them. A document of known shape is a class, never one of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard

from pydantic import JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object of JSON that is only kept and passed on: a recipe as it was, the details of a check, settings at that time."""

RawRow: TypeAlias = dict[str, Any]
"""One row as its source has it: columns and values are the source's, and may be of any type that Parquet or JSON knows."""

TableRow: TypeAlias = dict[str, Any]
"""One row on its way to or from Parquet: the Arrow schema it is written with says its columns, and checks them."""

ConfigTree: TypeAlias = dict[str, Any]
"""Nested keys and values of a YAML file, a command line or a launchpad, before a model has checked them."""


def is_dict(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a dict; whether its keys and values fit is for the model that reads it to say."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a list or a tuple; whether its entries fit is for the model that reads it to say."""
    return isinstance(value, list | tuple)
