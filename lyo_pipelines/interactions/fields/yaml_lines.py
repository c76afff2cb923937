"""A YAML file with the line of each of its keys, so that what is wrong with one of them can be shown where it stands.

Keys are read as they are written: `yes`, `1` and `true` as keys of a value map are the text that stands there.
"""

from __future__ import annotations

from typing import Any

import yaml

from lyo_pipelines.bounded_yaml import STRANGE_CHARACTERS, bounded_loader
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree

Lines = dict[tuple[str, ...], int]
"""Path of keys (and of positions in lists, as text) -> the line it stands in, from 1."""


class RepeatedKeyError(LyoError):
    """One key stands twice in the same place; the second would silently take the place of the first."""


def read_yaml(text: str) -> tuple[Any, Lines]:
    """The value of a YAML text and the lines of its keys. Raises yaml.YAMLError, and RepeatedKeyError that names both lines."""
    loader = bounded_loader(text, STRANGE_CHARACTERS)
    try:
        root = loader.get_single_node()
        lines: Lines = {}
        return None if root is None else _value(loader, root, (), lines), lines
    finally:
        loader.dispose()


def _value(loader: yaml.SafeLoader, node: yaml.Node, path: tuple[str, ...], lines: Lines) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _object(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*path, str(index)), lines) for index, item in enumerate(node.value)]
    return loader.construct_object(node, deep=True)


def _object(loader: yaml.SafeLoader, node: yaml.MappingNode, path: tuple[str, ...], lines: Lines) -> ConfigTree:
    for key, _ in node.value:
        place, line = (*path, str(key.value)), key.start_mark.line + 1
        if lines.setdefault(place, line) != line:
            raise RepeatedKeyError(f"line {line}: {'.'.join(place)} stands in line {lines[place]} already")
    loader.flatten_mapping(node)
    return {str(key.value): _value(loader, value, (*path, str(key.value)), lines) for key, value in node.value}
