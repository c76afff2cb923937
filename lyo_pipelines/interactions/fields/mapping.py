"""The mapping file: how a flat file with names of its own becomes canonical rows. The example stands in data/mappings/.

What a mapped row must hold to be an interaction is checked like any other row's (convert.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from lyo_pipelines.interactions.contract import FEEDBACK_INPUT_FIELDS, INPUT_FIELDS
from lyo_pipelines.interactions.errors import MappingError, RowError
from lyo_pipelines.interactions.fields.columns import parse_number, parsed_json
from lyo_pipelines.interactions.fields.times import parse_moment, show_time
from lyo_pipelines.json_types import RawRow

TIME_FIELDS = ("occurred_at", "feedback_at")
_EPOCHS = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us", "epoch_ns": "ns"}
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0}


class FieldMapping(BaseModel):
    """Where one canonical field comes from, and how its value is turned into ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str
    time: str | None = None  # iso, epoch_s, epoch_ms, epoch_us, epoch_ns or a strptime pattern such as "%d.%m.%Y %H:%M"
    timezone: str | None = None  # of times that name none, for instance Asia/Kolkata; default UTC
    unit: Literal["us", "ms", "s", "min"] | None = None  # of a duration field ending in _ms
    values: dict[str, Any] | None = None  # value found -> value wanted, of whatever type the source has
    otherwise: Literal["keep", "reject", "null"] = "keep"  # a value that `values` does not name
    default: Any = None  # where the source has nothing

    @field_validator("time")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None and value != "iso" and value not in _EPOCHS and "%" not in value:
            raise ValueError(f"expected iso, {', '.join(_EPOCHS)} or a pattern such as '%Y-%m-%d %H:%M:%S'")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError("expected a time zone name such as Asia/Kolkata") from None
        return value


class Mapping(BaseModel):
    """One mapping file, validated.

    match: glob on the file's name, for mappings that serve many files. rows: what the rows are.
    fields: canonical field -> source path, or a FieldMapping. constants: canonical field -> value of every row that has none.
    metadata: name in the free metadata -> source path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str | None = None
    rows: Literal["interactions", "feedback"] = "interactions"
    fields: dict[str, FieldMapping]
    constants: dict[str, Any] = {}  # canonical field -> value, which the converter checks as it checks the source's
    metadata: dict[str, str] = {}

    @field_validator("fields", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        result = {}
        for name, spec in value.items():
            if isinstance(spec, dict):
                result[name] = {("source" if key == "from" else key): item for key, item in spec.items()}
            else:
                result[name] = {"source": spec}
        return result

    @model_validator(mode="after")
    def _names(self) -> Mapping:
        known = INPUT_FIELDS if self.rows == "interactions" else FEEDBACK_INPUT_FIELDS
        for section in ("fields", "constants"):
            for name in getattr(self, section):
                if name not in known:
                    close = difflib.get_close_matches(name, known, 1)
                    hint = f"; did you mean {close[0]}?" if close else f"; one of {', '.join(known)}"
                    raise ValueError(f"{section}.{name}: is no field of {self.rows}{hint}")
        for name, spec in self.fields.items():
            if spec.time and name not in TIME_FIELDS:
                raise ValueError(f"fields.{name}.time: only {' and '.join(TIME_FIELDS)} are times")
            if spec.unit and not name.endswith("_ms"):
                raise ValueError(f"fields.{name}.unit: only fields ending in _ms have a unit")
        return self


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping YAML. Raises MappingError naming file, key and what is expected."""
    try:
        return parse_mapping(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror or error}).") from error


def parse_mapping(content: bytes, name: str) -> Mapping:
    """Parse a mapping's YAML; `name` is for the message. Raises MappingError."""
    try:
        value = yaml.safe_load(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{name}: is no readable YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(value, dict):
        raise MappingError(f"{name}: expected keys such as fields and constants, found {type(value).__name__}.")
    try:
        return Mapping.model_validate(value)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            message = item["msg"].removeprefix("Value error, ")
            place = ".".join(str(part) for part in item["loc"])
            lines.append(f"{place}: {message}" if place else message)
        raise MappingError(f"{name}: {'; '.join(lines)}. See data/mappings/example.yaml.") from error


def lookup(row: RawRow, path: str) -> Any:
    """The value at a dotted path; looks into lists by number and into JSON inside strings; None where nothing is."""
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        value = parsed_json(value)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part[:9]) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def compile_mapping(mapping: Mapping) -> Callable[[RawRow], RawRow]:
    """A function from a source row to a canonical one; it raises RowError."""
    getters = [(name, _getter(name, spec)) for name, spec in mapping.fields.items()]
    constants = {name: value for name, value in mapping.constants.items() if value is not None}

    def convert(row: RawRow) -> RawRow:
        result = dict(constants)
        for name, get in getters:
            value = get(row)
            if value is not None:
                result[name] = value
        if mapping.metadata:
            result["metadata"] = {name: lookup(row, path) for name, path in mapping.metadata.items()}
        return result

    return convert


def user_of(mapping: Mapping) -> Callable[[RawRow], Any]:
    """A function to the raw user id of a source row, also of one that is not acceptable."""
    spec = mapping.fields.get("user_id")
    return (lambda row: lookup(row, spec.source)) if spec else (lambda row: None)


def _getter(name: str, spec: FieldMapping) -> Callable[[RawRow], Any]:
    zone: tzinfo = ZoneInfo(spec.timezone) if spec.timezone else UTC
    simple = "." not in spec.source
    unit = _EPOCHS.get(spec.time or "")
    pattern = spec.time if spec.time and "%" in spec.time else None

    def get(row: RawRow) -> Any:
        value = row.get(spec.source) if simple else lookup(row, spec.source)
        if spec.values is not None and value is not None:
            value = _translated(value, name, spec)
        if value is None or value == "":
            value = spec.default
        if value is None:
            return None
        if name in TIME_FIELDS:
            at = parse_moment(value, name, unit=unit, pattern=pattern, zone=zone)
            return None if at is None else show_time(at)
        if spec.unit and not isinstance(value, timedelta):  # a duration has its unit
            return _scaled(parse_number(value, name), _MILLISECONDS[spec.unit])
        return value

    return get


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else round(value * factor, 6)


def _translated(value: Any, name: str, spec: FieldMapping) -> Any:
    key = ("true" if value else "false") if isinstance(value, bool) else str(value)
    values = spec.values or {}
    if key in values:
        return values[key]
    if isinstance(value, float) and value.is_integer() and str(int(value)) in values:
        return values[str(int(value))]
    if spec.otherwise == "reject":
        raise RowError(f"unmapped_{name}", "the mapping's values do not name what was found")
    return value if spec.otherwise == "keep" else None
