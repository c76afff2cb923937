"""The mapping file: what its keys are and what they may say. data/mappings/example.yaml explains each of them.

What a mapping makes of a row stands in formats/mapped.py; what a mapped row must hold is checked like any other row's.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from lyo_pipelines.bounded_yaml import yaml_problem
from lyo_pipelines.interactions.contract import FEEDBACK_INPUT_FIELDS, INPUT_FIELDS
from lyo_pipelines.interactions.errors import MappingError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.yaml_lines import Lines, RepeatedKeyError, read_yaml
from lyo_pipelines.json_types import RawRow

TIME_FIELDS = ("occurred_at", "feedback_at")
NUMBER_FIELDS = ("rating", "thumbs", "relevance_score", "response_time_ms", "time_to_first_token_ms", "turn", "retries")
SCALED_FIELDS = ("rating", "thumbs", "relevance_score")
EPOCHS = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us", "epoch_ns": "ns"}
MILLISECONDS = {"ns": 1e-6, "us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0}
_SOME_TIME = datetime(2026, 5, 16, 17, 8, 9, tzinfo=UTC)
Pick: TypeAlias = Literal[
    "question",
    "answer",
    "history",
    "system",
    "turn",
    "text",
    "reply",
    "first_user",
    "last_user",
    "first_assistant",
    "last_assistant",
]
Speaking: TypeAlias = Literal["user", "assistant", "system", "tool", "other", "none"]
_TEXTS = ("question", "answer", "system_prompt", "context", "edited_answer", "reference_answer", "complaint_text")
_PRINTED = ("{'", "[{'", "[[{'")
_LONGEST_PRINT = 1 << 20
_PICKED = {"history": ("history",), "turn": ("turn",)}


def value_key(value: Any) -> str:
    """How a value is compared with those that a mapping names: 1001.0 (also as text) is 1001, and true is `true` however written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    whole, point, rest = text.partition(".")
    return whole if point and rest and not rest.strip("0") and whole.lstrip("-").isdecimal() else text


class FieldMapping(BaseModel):
    """Where one canonical field comes from, and how its value is turned into ours. See data/mappings/example.yaml.

    source: paths, the first that has a value counts. pick: what to take of a list of messages, or the text of a wrapper.
    until: with `source`, the end of a duration. clock: the time of day beside a date; a space joins both before `time` counts. scale:
    the worst and the best value of the source. only: path -> values of the row with which this field counts. json_text: the text is
    written as JSON, in quotes. refuse: parts of a text that show that it is not whole; the row is rejected. leave_out: begin of a
    passage -> its end, both left out with all between (of a text, or of each message of a history).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: tuple[str, ...]
    pick: Pick | None = None
    until: str | None = None
    time: str | None = None  # iso, epoch_s, epoch_ms, epoch_us, epoch_ns or a strptime pattern such as "%d.%m.%Y %H:%M"
    clock: str | None = None  # path of the time of day, where it stands beside the date
    timezone: str | None = None  # of times that name none, for instance Asia/Kolkata; default UTC
    unit: Literal["ns", "us", "ms", "s", "min"] | None = None  # of a duration field ending in _ms
    decimal: Literal[".", ","] | None = None  # the sign before a number's fraction; default that of the mapping
    values: dict[str, Any] | None = None  # value found -> value wanted, of whatever type the source has
    otherwise: Literal["keep", "reject", "null"] = "keep"  # a value that `values` does not name
    scale: tuple[float, float] | None = None
    refuse: tuple[str, ...] = ()
    leave_out: dict[str, str] = {}
    json_text: bool = False
    only: dict[str, tuple[str | None, ...]] = {}
    default: Any = None  # where the source has nothing

    @model_validator(mode="before")
    @classmethod
    def _source(cls, value: Any) -> Any:
        """`from` and `first` both say the source, `from` of one path and `first` of several."""
        if not isinstance(value, dict):
            value = {"from": value}
        said = [key for key in ("from", "first", "source") if key in value]
        if len(said) != 1:
            raise ValueError("expected `from` (a path) or `first` (a list of paths)")
        paths = value[said[0]]
        rest = {key: item for key, item in value.items() if key not in said}
        return {**rest, "source": [paths] if isinstance(paths, str) else paths}

    @field_validator("values")
    @classmethod
    def _keys(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if value is None else {value_key(key): item for key, item in value.items()}

    @field_validator("otherwise", mode="before")
    @classmethod
    def _null(cls, value: Any) -> Any:
        return "null" if value is None else value

    @field_validator("only", mode="before")
    @classmethod
    def _condition(cls, value: Any) -> Any:
        return conditions(value)

    @field_validator("time")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is not None and value != "iso" and value not in EPOCHS and "%" not in value:
            raise ValueError(f"expected iso, {', '.join(EPOCHS)} or a pattern such as '%Y-%m-%d %H:%M:%S'")
        return value if value is None or "%" not in value else known_pattern(value)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return known_zone(value)

    @field_validator("scale")
    @classmethod
    def _ends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] == value[1]:
            raise ValueError("expected two numbers that differ: the worst and the best value")
        return value


class Speaker(BaseModel):
    """Who said a message. A path alone is `from`.

    source: the path. values: value found -> user, assistant, system, tool, other for somebody else's word (a person of the
    staff: nothing is paired across it), or none for a row that is nobody's word. otherwise: whose
    message it is where `values` does not name the value and it is no known name of a speaker (chats/roles.py); None: refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(alias="from")
    values: dict[str, Speaking] = {}
    otherwise: Literal["user", "assistant"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @field_validator("values", mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {value_key(key): item for key, item in value.items()} if isinstance(value, dict) else value


class MessageColumns(BaseModel):
    """Where rows of which each is one message say what a conversation is put together by. See data/mappings/example.yaml.

    conversation: path of the id that the messages of one conversation share. text: the first path that has a value. message: path of a
    whole message (speaker and text in one object), instead of speaker and text. order: path of a number that counts the messages.
    parent: path of the id of the message that one hangs on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    conversation: str
    speaker: Speaker | None = None
    text: tuple[str, ...] = ()
    message: str | None = None
    time: FieldMapping | None = None
    order: str | None = None
    id: str | None = None
    parent: str | None = None

    @field_validator("text", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _says_something(self) -> MessageColumns:
        if self.message is None and (self.speaker is None or not self.text):
            raise ValueError("expected speaker and text (or message, where one column holds both)")
        return self


class Mapping(BaseModel):
    """One mapping file, validated.

    match: glob on the file's name, for mappings that serve many files. rows: what the rows are.
    needs: paths of which each must be there for a ready mapping to be taken without being named.
    answers_of: path of a conversation of which each answered question is a row of its own. messages: how rows that are single messages
    are put together; the answered questions are the rows then. timezone: of all times that name none.
    decimal: of all numbers in texts.
    only: path -> values of the rows that count; the others are rejected (`not_selected`).
    fields: canonical field -> source path, or a FieldMapping. constants: canonical field -> value of every row that has none.
    metadata: name in the free metadata -> source path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str | None = None
    needs: tuple[str, ...] = ()
    rows: Literal["interactions", "feedback"] = "interactions"
    answers_of: str | None = None
    messages: MessageColumns | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] = "."
    only: dict[str, tuple[str | None, ...]] = {}
    fields: dict[str, FieldMapping]
    constants: dict[str, Any] = {}  # canonical field -> value, which the converter checks as it checks the source's
    metadata: dict[str, str] = {}

    _name: str = PrivateAttr(default="flat")
    _lines: Lines = PrivateAttr(default_factory=dict)

    @property
    def name(self) -> str:
        """What a ready mapping is called; `flat` for any other."""
        return self._name

    def line(self, *path: str) -> int | None:
        """The line of a key in the file, None where the mapping was not read from one."""
        return nearest_line(self._lines, path)

    @field_validator("only", mode="before")
    @classmethod
    def _condition(cls, value: Any) -> Any:
        return conditions(value)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return known_zone(value)


def conditions(value: Any) -> Any:
    """`{path: value or list of values}` with the values as they are compared; null is a value, too."""
    if not isinstance(value, dict):
        return value
    listed = {path: item if isinstance(item, list) else [item] for path, item in value.items()}
    return {path: [None if item is None else value_key(item) for item in items] for path, items in listed.items()}


def known_pattern(value: str) -> str:
    """A strptime pattern that can read some time. Raises ValueError."""
    try:
        datetime.strptime(_SOME_TIME.strftime(value), value)
    except (ValueError, re.error):
        raise ValueError(
            "expected a pattern that strptime knows, such as '%Y-%m-%d %H:%M:%S', each part once"
        ) from None
    return value


def known_zone(value: str | None) -> str | None:
    """The name of a time zone. Raises ValueError when there is none of this name."""
    if value is not None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("expected a time zone name such as Asia/Kolkata") from None
    return value


def nearest_line(lines: Lines, path: tuple[str, ...]) -> int | None:
    """The line of a path, or of the nearest one around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping YAML. Raises MappingError naming file, line, key and what is expected."""
    try:
        return parse_mapping(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror or error}).") from error


def parse_mapping(content: bytes, name: str) -> Mapping:
    """Parse a mapping's YAML; `name` is for the message. Raises MappingError naming file, line, key and what is expected."""
    try:
        value, lines = read_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MappingError(f"{name}: is no readable YAML ({error.reason}).") from error
    except RepeatedKeyError as error:
        raise MappingError(f"{name}: {error}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MappingError(f"{name}: is no readable YAML ({yaml_problem(error)}).") from error
    if not isinstance(value, dict):
        raise MappingError(f"{name}: expected keys such as fields and constants, found {type(value).__name__}.")
    try:
        mapping = Mapping.model_validate(value)
    except ValidationError as error:
        raise _refused(name, lines, ((item["loc"], item["msg"]) for item in error.errors())) from error
    if wrong := list(_misfits(mapping)):
        raise _refused(name, lines, wrong)
    mapping._lines = lines
    return mapping


def _refused(name: str, lines: Lines, wrong: Any) -> MappingError:
    said = []
    for location, message in wrong:
        path = tuple(str(part) for part in location)
        shown = ".".join("from" if part == "source" else part for part in path)
        line = nearest_line(lines, path)
        where = (f"line {line}: " if line else "") + (f"{shown}: " if shown else "")
        said.append(where + message.removeprefix("Value error, "))
    return MappingError(f"{name}: {'; '.join(said)}. See data/mappings/example.yaml.")


def _misfits(mapping: Mapping) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys that do not belong where they stand: their paths, and what is wrong with each."""
    known = INPUT_FIELDS if mapping.rows == "interactions" else FEEDBACK_INPUT_FIELDS
    if mapping.messages is not None and (mapping.answers_of is not None or mapping.rows != "interactions"):
        yield ("messages",), "goes with interactions, and without answers_of"
    for section in ("fields", "constants"):
        for name in getattr(mapping, section):
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {close[0]}?" if close else f"; one of {', '.join(known)}"
                yield (section, name), f"is no field of {mapping.rows}{hint}"
    for name, spec in mapping.fields.items():
        for key, message in _field_misfits(name, spec):
            yield ("fields", name, key), message


def _field_misfits(name: str, spec: FieldMapping) -> Iterator[tuple[str, str]]:
    if spec.time and name not in TIME_FIELDS and not spec.until:
        yield "time", f"only {' and '.join(TIME_FIELDS)} are times"
    if spec.clock and (name not in TIME_FIELDS or spec.time in EPOCHS):
        yield "clock", f"only {' and '.join(TIME_FIELDS)} as dates have a time of day beside them"
    if spec.timezone and name not in TIME_FIELDS and not spec.until:
        yield "timezone", f"only {' and '.join(TIME_FIELDS)} are times"
    if spec.unit and not name.endswith("_ms"):
        yield "unit", "only fields ending in _ms have a unit"
    if spec.decimal and (name not in NUMBER_FIELDS or spec.until):
        yield "decimal", f"only {', '.join(NUMBER_FIELDS)} are numbers"
    if spec.until and not name.endswith("_ms"):
        yield "until", "only fields ending in _ms are durations"
    if spec.until and (spec.unit or spec.values or spec.pick):
        yield "until", "a duration between two times has neither unit nor values nor pick"
    if spec.scale and name not in SCALED_FIELDS:
        yield "scale", f"only {', '.join(SCALED_FIELDS)} have a scale"
    if spec.pick and name not in _PICKED.get(spec.pick, _TEXTS):
        yield "pick", f"{spec.pick} gives {', '.join(_PICKED.get(spec.pick, _TEXTS))}, and no {name}"
    if spec.refuse and name not in (*_TEXTS, "history"):
        yield "refuse", f"only texts can be cut: {', '.join((*_TEXTS, 'history'))}"
    if spec.json_text and name not in _TEXTS:
        yield "json_text", f"only texts are: {', '.join(_TEXTS)}"
    if spec.leave_out and name not in (*_TEXTS, "history"):
        yield "leave_out", f"only texts have passages: {', '.join((*_TEXTS, 'history'))}"


@lru_cache(maxsize=64)  # several paths go into one cell
def _read_print(text: str) -> Any:
    """What Python printed, or the text itself."""
    if len(text) > _LONGEST_PRINT:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def lookup(row: RawRow, path: str) -> Any:
    """The value at a dotted path; looks into lists by number (-1 is the last), into JSON inside strings, and into objects and lists as
    Python prints them (pandas writes such cells); None where nothing is."""
    if path in row:
        return row[path]
    value: Any = row
    left = path
    while left:
        value = parsed_json(value)
        if isinstance(value, str) and value.startswith(_PRINTED):
            value = _read_print(value)
        if isinstance(value, dict):
            if left in value:  # a name with dots in it
                return value[left]
            part, _, left = left.partition(".")
            value = value.get(part)
        elif isinstance(value, list):
            part, _, left = left.partition(".")
            at = int(part[:9]) if part.removeprefix("-").isdecimal() else len(value)
            value = value[at] if -len(value) <= at < len(value) else None
        else:
            return None
    return value
