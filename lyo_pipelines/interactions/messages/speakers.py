"""Who says a message, by the value of a column: user, assistant, system, tool, somebody else, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lyo_pipelines.interactions.chats.roles import role_of
from lyo_pipelines.interactions.fields.mapping import Speaker, lookup, value_key
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.messages.names import ASIDES, CUSTOMERS, MACHINES, SIDES, STAFF, plain

_TRUE, _FALSE = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
_INSIDE = ("role", "type", "speaker", "sender", "from", "author")


def speaker_of(value: Any, speaker: Speaker) -> str | None:
    """Who said a message: a role, `other`, `none` for what is nobody's word, None where it is not known."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("role", "type", "name") if value.get(name)), None)
    if value is None or value == "":
        return speaker.values.get("")
    key = value_key(value)
    if key in speaker.values:
        return speaker.values[key]
    if (role := role_of(value)) is not None:
        return role
    if plain(value) in STAFF:
        return "other"
    return "none" if plain(value) in ASIDES else speaker.otherwise


def role_inside(item: Any) -> str | None:
    """Who speaks in a message that names it itself."""
    said = (role_of(item.get(name)) for name in _INSIDE) if isinstance(item, dict) else ()
    return next((role for role in said if role is not None), None)


def named_at(rows: Sequence[Row], path: str) -> Speaker:
    """Who speaks, by the words of a column. Beside customers a `user` is one of the staff, and beside a bot an `agent` is."""
    said = {value: plain(value) for row in rows if isinstance(value := _word(lookup(row, path)), str)}
    names = set(said.values())
    other = {"user"} if names & CUSTOMERS else set[str]()
    other |= {"agent"} if names & MACHINES else set()
    return Speaker.model_validate(
        {"from": path, "values": {raw: "other" for raw, name in said.items() if name in other}}
    )


def directed_at(rows: Sequence[Row], path: str) -> Speaker:
    """Who speaks, by a column that says whether a message came in or went out."""
    said = {value for row in rows if isinstance(value := lookup(row, path), str)}
    values = {value: SIDES[plain(value)] for value in sorted(said) if plain(value) in SIDES}
    return Speaker.model_validate({"from": path, "values": values})


def flagged_at(rows: Sequence[Row], path: str, side: str) -> Speaker | None:
    """Who speaks, by a flag that is true for one side; None where it holds anything but flags."""
    other = "user" if side == "assistant" else "assistant"
    meaning = {**dict.fromkeys(_TRUE, side), **dict.fromkeys(_FALSE, other)}
    said = {value_key(value) for row in rows if (value := lookup(row, path)) not in (None, "")}
    if not said or any(key.lower() not in meaning for key in said):
        return None
    return Speaker.model_validate({"from": path, "values": {key: meaning[key.lower()] for key in sorted(said)}})


def _word(value: Any) -> Any:
    return (
        next((value[name] for name in ("role", "type", "name") if value.get(name)), None)
        if isinstance(value, dict)
        else value
    )
