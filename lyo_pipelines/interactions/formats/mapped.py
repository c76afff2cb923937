"""Rows of a flat file with names of its own, read as a mapping says. What a mapping may say stands in fields/mapping.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Readable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT, Chat, lay_chat
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NUMBERS, parse_number, parsed_json, with_point
from lyo_pipelines.interactions.fields.mapping import (
    EPOCHS,
    MILLISECONDS,
    NUMBER_FIELDS,
    TIME_FIELDS,
    FieldMapping,
    Mapping,
    lookup,
    value_key,
)
from lyo_pipelines.interactions.fields.notes import NOTES, note, notes_of
from lyo_pipelines.interactions.fields.scales import SCALE, Scale
from lyo_pipelines.interactions.fields.thumbs import parse_thumb
from lyo_pipelines.interactions.fields.times import parse_moment, show_time
from lyo_pipelines.interactions.formats.answered_turns import turns_of
from lyo_pipelines.interactions.formats.picked import Picker
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.formats.single_messages import joined_row, lay_joined
from lyo_pipelines.json_types import is_dict

_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")
_EMPTY: tuple[object, ...] = ("{}", "[]", {}, [])


def mapped(mapping: Mapping) -> RowFormat:
    """The format of a file that this mapping reads."""
    convert, path = _converter(mapping), mapping.answers_of
    if mapping.messages is not None:
        convert = _of_joined_rows(convert)
    expand = None if path is None else lambda row: turns_of(row, path)
    return RowFormat(mapping.name, mapping.rows, convert, _user_of(mapping), expand)


def has_value(value: object) -> bool:
    """Whether a cell says something."""
    return value is not None and value != ""


def found(row: Row, paths: tuple[str, ...]) -> tuple[str, Any] | None:
    """The first path that has a value, and this value; an empty object or list has none where another path follows."""
    for path in paths:
        value = lookup(row, path)
        if has_value(value) and (path == paths[-1] or value not in _EMPTY):
            return path, value
    return None


def selected(row: Row, only: Readable[str, tuple[str | None, ...]]) -> str | None:
    """The first condition that a row does not meet, as a sentence, or None."""
    for path, allowed in only.items():
        value = lookup(row, path)
        key = None if value is None or value == "" else value_key(value)
        if key not in allowed:
            wanted = ", ".join("nothing" if item is None else item for item in allowed)
            shown = (
                "nothing"
                if key is None
                else repr(key[:40])
                if not isinstance(value, (dict, list))
                else "an object or list"
            )
            return f"{path} is {shown}, and only {wanted[:200]} counts"
    return None


def _converter(mapping: Mapping) -> Callable[[Row], Row]:
    picker = Picker(mapping)
    getters = [(name, _getter(name, spec, mapping, picker)) for name, spec in mapping.fields.items()]
    constants = {name: value for name, value in mapping.constants.items() if value is not None}
    rating = mapping.fields.get("rating")
    optional = (*NUMBERS, "feedback_at") if mapping.rows == "interactions" else ()
    odd = {name: (f"bad_{name}", f"{name}_out_of_range") for name in optional}

    def convert(row: Row) -> Row:
        if (why := selected(row, mapping.only)) is not None:
            raise RowError("not_selected", why)
        if mapping.answers_of is not None and "pair" not in row:
            raise RowError("no_answered_question", f"{mapping.answers_of} holds no question with an answer")
        result = dict(constants)
        picker.shown = None
        for name, get in getters:
            try:
                value = get(row)
            except RowError as error:
                if error.reason not in odd.get(name, ()):
                    raise
                note(result, f"{error.reason}: the value is left out")
                continue
            if value is not None:
                result[name] = value
        if rating is not None and rating.scale and not rating.values and "rating" in result:
            result[SCALE] = Scale(*rating.scale, name=", ".join(rating.source))
        if mapping.metadata:
            result["metadata"] = {name: lookup(row, path) for name, path in mapping.metadata.items()}
        _lay_pictures(result, picker.shown, row.get("pair"))
        return result

    return convert


def _of_joined_rows(convert: Callable[[Row], Row]) -> Callable[[Row], Row]:
    """The same for rows that were put together of messages: what was said is there, whether or not a field asks for it."""

    def convert_joined(row: Row) -> Row:
        joined = joined_row(row)
        mapped_row = convert(joined)
        metadata = dict(mapped_row.get("metadata") or {})
        result: Row = {"conversation_id": joined.conversation, "occurred_at": joined.chat.at}
        lay_chat(result, joined.chat, metadata)
        lay_joined(result, joined)
        notes = [*notes_of(result), *notes_of(mapped_row)]
        result |= {name: value for name, value in mapped_row.items() if value is not None}
        return {**result, "metadata": metadata or None, NOTES: notes}

    return convert_joined


def _lay_pictures(result: Row, chat: Chat | None, pair: Any) -> None:
    """The pictures of a chat of which a mapping picks the texts, unless a field of the mapping names them itself."""
    pictures = pair.get("pictures", ()) if is_dict(pair) else ()
    if pictures is None or (chat is not None and chat.images):
        result["metadata"] = {**result.get("metadata", {}), IMAGE_LEFT_OUT: True}
    elif "images" not in result and (shown := [*pictures, *(chat.pictures if chat is not None else ())]):
        result["images"] = shown


def _user_of(mapping: Mapping) -> Callable[[Row], Any]:
    """A function to the raw user id of a source row, also of one that is not acceptable."""
    spec = mapping.fields.get("user_id")
    if spec is None:
        return lambda row: None
    return lambda row: pair[1] if (pair := found(row, spec.source)) else None


def _getter(name: str, spec: FieldMapping, mapping: Mapping, picker: Picker) -> Callable[[Row], Any]:
    finish = _finisher(name, spec, mapping)
    with_commas = name in NUMBER_FIELDS and not spec.until and (spec.decimal or mapping.decimal) == ","

    def get(row: Row) -> Any:
        if spec.only and selected(row, spec.only) is not None:
            return spec.default
        pair = found(row, spec.source)
        if pair is not None and spec.json_text:
            pair = pair[0], unquoted(pair[1])
        value = None if pair is None else pair[1]
        if value is not None and spec.clock:
            value = _with_clock(value, lookup(row, spec.clock))
        if pair is not None and spec.pick is not None:
            value = picker.pick(spec.pick, *pair)
        if value is not None and spec.leave_out:
            value = without_passages(parsed_json(value), spec.leave_out)
        if value is not None and spec.refuse:
            _require_whole(value, name, spec.refuse)
        if with_commas and isinstance(value, str):
            value = with_point(value, name)
        value = None if value is None else finish(value, row)
        return spec.default if value is None or value == "" else value

    return get


def _finisher(name: str, spec: FieldMapping, mapping: Mapping) -> Callable[[Any, Row], Any]:
    """What is done with a value that was found: translated, then told apart by what the field is."""
    zone = _zone(spec.timezone or mapping.timezone)
    unit = EPOCHS.get(spec.time or "")
    pattern = spec.time if spec.time and "%" in spec.time else None

    def moment(value: Any, field: str) -> int | None:
        return parse_moment(value, field, unit=unit, pattern=pattern, zone=zone)

    def finish(value: Any, row: Row) -> Any:
        if spec.values is not None:
            value, named = _translated(value, name, spec)
            if named or value is None:
                return value
        if name in TIME_FIELDS:
            at = moment(value, name)
            return None if at is None else show_time(at)
        if spec.until:
            begun, ended = moment(value, name), lookup(row, spec.until)
            ended = moment(ended, name) if has_value(ended) else None
            return None if begun is None or ended is None or ended < begun else (ended - begun) / 1000
        if spec.unit:
            return _milliseconds(value, name, MILLISECONDS[spec.unit])
        return _on_our_scale(value, name, spec.scale) if spec.scale else value

    return finish


def _with_clock(day: Any, clock: Any) -> Any:
    """A date and its time of day in one text; a table's date may carry a midnight of its own, which goes."""
    if not has_value(clock):
        return day
    if isinstance(day, datetime):
        day = day.date()
    return f"{_MIDNIGHT.sub('', str(day).strip())} {str(clock).strip()}"


def _zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC


def _milliseconds(value: Any, name: str, factor: float) -> float | None:
    if isinstance(value, timedelta):
        return value / timedelta(milliseconds=1)  # a duration knows its own unit
    number = parse_number(value, name)
    return None if number is None else round(number * factor, 6)


def _on_our_scale(value: Any, name: str, scale: tuple[float, float]) -> float | None:
    """A value between the worst and the best one of its source on our own scale. Raises RowError when it lies outside."""
    if name == "thumbs":
        return parse_thumb(value, name, scale)
    number = parse_number(int(value) if isinstance(value, bool) else value, name)
    if number is None:
        return None
    worst, best = scale
    if name == "rating":  # converted with its column: one off the scale stops the ratings of the whole file
        return number
    share = (number - worst) / (best - worst)
    if not 0 <= share <= 1:
        raise RowError(
            f"{name}_out_of_range", f"found {number:g}, and the mapping's scale goes from {worst:g} to {best:g}"
        )
    return round(share, 6)


def unquoted(value: Any) -> Any:
    """The text that is written as JSON in a text; any other value as it is."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def without_passages(value: Any, passages: Readable[str, str]) -> Any:
    """A text, or messages with their texts, without what stands between these marks; an unclosed passage stays, and is no passage."""
    if isinstance(value, list):
        return [
            {**item, "content": without_passages(item.get("content"), passages)} if isinstance(item, dict) else item
            for item in value
        ]
    if not isinstance(value, str):
        return value
    for begin, end in passages.items():
        kept, at = [], 0
        while (start := value.find(begin, at)) >= 0 and (stop := value.find(end, start + len(begin))) >= 0:
            kept.append(value[at:start])
            at = stop + len(end)
        if at:
            value = "".join((*kept, value[at:])).strip()
    return value


def _require_whole(value: Any, name: str, marks: tuple[str, ...]) -> None:
    text = value if isinstance(value, str) else str(value)
    if mark := next((mark for mark in marks if mark in text), None):
        raise RowError(f"cut_{name}", f"it holds {mark!r}: the text is not whole")


def _translated(value: Any, name: str, spec: FieldMapping) -> tuple[Any, bool]:
    """The value that the map names, or the value itself, and whether it was named. Raises RowError where others are refused."""
    values = spec.values or {}
    if (key := value_key(value)) in values:
        return values[key], True
    if spec.otherwise == "reject":
        raise RowError(f"unmapped_{name}", "the mapping's values do not name what was found")
    return (value if spec.otherwise == "keep" else None), False
