"""Mappings for the exports of other tools that come with the package, and which of them rows are taken for without being told.

A ready mapping `needs` paths; rows are taken for it only where all of them are there, and never where something else fits as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lyo_pipelines.config.interactions import ReadyMappingsConfig
from lyo_pipelines.interactions.errors import MappingError, UnreadableFileError
from lyo_pipelines.interactions.fields.mapping import Mapping, load_mapping, lookup, parse_mapping
from lyo_pipelines.interactions.formats.detect import DetectedFormat
from lyo_pipelines.interactions.formats.row_format import Row

FOLDER = Path(__file__).parents[1] / "mappings"
_SAMPLE = 500
_GENERAL = ("openai_messages",)
"""Formats told by a single name, which a mapping that needs this name and others describes more closely."""


@lru_cache(maxsize=1)
def ready_mappings() -> dict[str, Mapping]:
    """Every ready mapping by its name."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        found[path.stem] = mapping = parse_mapping(path.read_bytes(), path.name)
        mapping._name = path.stem
    return found


def mapping_at(name: str, config: ReadyMappingsConfig) -> Mapping:
    """The mapping in a file, or the ready one of this name. Raises MappingError."""
    if Path(name).exists() or "/" in name or name.endswith((".yaml", ".yml")):
        return load_mapping(name)
    mapping = ready_mapping(name, config)
    if mapping is None:
        close = difflib.get_close_matches(name, ready_mappings(), 1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise MappingError(
            f"{name}: no such file, and no ready mapping: {meant}There are {', '.join(ready_mappings())}."
        )
    return mapping


def ready_mapping(name: str, config: ReadyMappingsConfig) -> Mapping | None:
    """The ready mapping of this name, or None."""
    found = ready_mappings().get(name)
    return None if found is None else with_defaults(found, config)


def with_defaults(mapping: Mapping, config: ReadyMappingsConfig) -> Mapping:
    """A ready mapping with what its rows get where they do not say their task or language."""
    if mapping.rows == "feedback":
        return mapping
    return mapping.model_copy(
        update={"constants": {"task": config.task, "language": config.language, **mapping.constants}}
    )


def detect_mapping(rows: Sequence[Row], other: DetectedFormat | None) -> tuple[Mapping, str] | None:
    """The ready mapping that rows fit, and why; `other`: the format they seem to have besides.

    Raises UnreadableFileError where two mappings, or a mapping and a format, fit equally well: that is said and not guessed.
    """
    sample = rows[:_SAMPLE]
    fitting = {name: count for name, mapping in ready_mappings().items() if (count := _fits(mapping, sample))}
    fitting = {name: count for name, count in fitting.items() if 2 * count >= len(sample)}
    closest = [name for name in fitting if not any(_needs(name) < _needs(than) for than in fitting)]
    if not closest:
        return None
    if len(closest) > 1:
        raise UnreadableFileError(
            f"it looks like {' and like '.join(closest)}: say which with --mapping, or write a mapping <file>.mapping.yaml beside it"
        )
    name = closest[0]
    if other is not None and other.format not in _GENERAL:
        raise UnreadableFileError(
            f"it looks like {other.format} ({other.why}) and like {name}: say which with --format {other.format} or --mapping {name}"
        )
    shown = ", ".join(f"`{path}`" for path in ready_mappings()[name].needs)
    return ready_mappings()[name], f"{shown} in {fitting[name]} of the first {len(sample)} rows"


def _fits(mapping: Mapping, rows: Sequence[Row]) -> int:
    """How many rows have all that a mapping needs; none where it must be named."""
    return sum(_has_all(row, mapping.needs) for row in rows) if mapping.needs else 0


def _has_all(row: Row, needs: Sequence[str]) -> bool:
    return all(path in row or lookup(row, path) is not None for path in needs)


def _needs(name: str) -> frozenset[str]:
    return frozenset(ready_mappings()[name].needs)
