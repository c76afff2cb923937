"""YAML that somebody else wrote, with bounds: a few lines of aliases stand for gigabytes, and its readers raise what they like.

Whatever is wrong with a text is a yaml.YAMLError here. What lies in the package
needs no bounds: read_packaged_yaml.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

_BRACKET = re.compile(r"[\[\]{}]")
MOST_CHARACTERS = 1_000_000
STRANGE_CHARACTERS = 100_000
"""The same of what comes with data and documents: the reader takes a second for it."""
MOST_OPEN = 200
"""Brackets that are open at once: the time that the reader takes grows with their square."""
MOST_VALUES = 100_000
"""Values of a text once its aliases are written out."""


_MOST_BITS = 64 * 64
"""Of a whole number: Python writes none of more than 4,300 digits, and `0xfff…` is one that it reads."""


class UnboundedYamlError(yaml.YAMLError):
    """The text is larger than it may be, or holds a value that is none (the 45th of a month, a list inside itself)."""


class _Loader(yaml.SafeLoader):
    """The safe loader, without whole numbers that nobody could write down again."""

    def bounded_int(self, node: yaml.ScalarNode) -> int:
        number = self.construct_yaml_int(node)
        if number.bit_length() > _MOST_BITS:
            raise UnboundedYamlError("it holds a number of more than a thousand digits")
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.bounded_int)


def read_packaged_yaml(path: Path) -> Any:
    """The value of a file of ours, by libyaml where it is there: ten times as fast, which every command feels."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_bounded_yaml(text: str, most_characters: int = MOST_CHARACTERS) -> Any:
    """The value of a YAML text. Raises yaml.YAMLError, UnboundedYamlError where it is YAML and cannot be its value."""
    loader = bounded_loader(text, most_characters)
    try:
        node = loader.get_single_node()
        return None if node is None else loader.construct_document(node)
    except yaml.YAMLError:
        raise
    except (ValueError, ArithmeticError, TypeError, LookupError, AttributeError, RecursionError) as error:
        said = (str(error).splitlines() or [""])[0][:100]
        raise UnboundedYamlError(f"it holds a value that is none ({type(error).__name__}: {said})") from None
    finally:
        loader.dispose()


def bounded_loader(text: str, most_characters: int) -> yaml.SafeLoader:
    """A loader of a text that was found to be within the bounds. Raises yaml.YAMLError.

    What it loads may stand so deep that it raises RecursionError.
    """
    if len(text) > most_characters:
        raise UnboundedYamlError(f"it is longer than {most_characters:,} characters")
    if _most_open(text) > MOST_OPEN:
        raise UnboundedYamlError(f"more than {MOST_OPEN} brackets are open at once")
    if "&" in text and "*" in text:  # without an alias a text holds no more values than characters
        _check_values(text)
    return _Loader(text)


def yaml_problem(error: Exception) -> str:
    """What is wrong with a YAML text and in which line, without that line's text: it may hold a secret, or what somebody said."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return (str(error).splitlines() or [type(error).__name__])[0]


def _most_open(text: str) -> int:
    most = depth = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        most = max(most, depth)
    return most


def _check_values(text: str) -> None:
    """Count values event by event, an alias for as many as stand behind its anchor; nothing is built."""
    total = 0
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            # an anchor that is still open holds itself, and has no end
            total += sizes.get(event.anchor or "", MOST_VALUES)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if total > MOST_VALUES:
            raise UnboundedYamlError(f"it stands for more than {MOST_VALUES:,} values")
