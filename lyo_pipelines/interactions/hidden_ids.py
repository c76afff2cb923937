"""Ids of the source as the lake shows them: keyed hashes, so that nobody who reads the lake finds a person in one.

What rows are joined by are other keyed hashes of the same raw ids (identity.match_keys), so feedback that quotes a raw id still finds
its answer, whenever it comes. An interaction's id stays readable where no person can stand in it: people quote it to the gateway, to
`lyo why` and in the review queue. A conversation or an exercise is named by nobody, so those are hashed whatever they look like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.arrow import pc

KINDS = {"interaction_id": "i", "conversation_id": "c", "question_id": "q"}
"""Column -> the letter that its hashes begin with."""

_HASHED = r"[a-z]_[0-9a-f]{20}(?:[0-9a-f]{4})?"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_HEX = r"(?:chatcmpl-|cmpl-|resp_|msg_|run-)?[0-9a-fA-F]{16,64}"
_ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_THING = (
    r"chatcmpl|interaction|message|record|request|response|sample|trace|event|chat|turn|item|span|case|test|row|log"
)
_COUNTER = rf"(?:(?:[A-Za-z]{{1,3}}|{_THING})[-_.#]?)?[0-9]{{1,6}}"
_MACHINE_MADE = rf"(?:{_HASHED}|{_UUID}|{_HEX}|{_ULID}|{_COUNTER})"
"""Ids that a program drew or counted: a counter has at most three letters, or names a thing, and fewer digits than any telephone."""
_SCOPED = r"(?:~[0-9a-f]{8})?"
"""What landing appends to an id that stands on several contents (days/clashing_ids.py)."""
_TABLE = r"[a-z0-9_]{1,60}:"
"""What earlier versions put before the key of a table's row; there, nothing else stands before a counter and a colon but by chance."""
_DIGEST = 9
_LIKE_A_TELEPHONE = r"(?:^|[^0-9a-fA-F])[0-9]{9,}(?:[^0-9a-fA-F]|$)"
"""A long number that stands by itself; hexadecimal digits have such runs by chance."""
_LEAST_INSIDE = 4


def hide_ids(
    ids: pa.Array, column: str, pseudonyms: Pseudonyms, users: Sequence[str | None] = (), prefix: str = ""
) -> pa.Array:
    """The raw ids of a column (one of KINDS) as they may stand in the lake; a hash of ours stays what it is.

    users: raw user id of each row, where known: an interaction's id that holds it is hidden, however short it is. prefix: what stands
    before ids that were made of the key of a table.
    """
    shown = _hidden(ids, column, pseudonyms, before=re.escape(prefix), after="")
    if column != "interaction_id" or not any(users):
        return shown
    raw = ids.to_pylist()
    named = [
        n
        for n, (one, user) in enumerate(zip(raw, users, strict=True))
        if one and user and _names(one.removeprefix(prefix), user)
    ]
    if not named:
        return shown
    values = shown.to_pylist()
    for index in named:
        values[index] = pseudonyms.join_id(KINDS[column], raw[index])
    return pa.array(values, pa.string())


def hide_ids_of(table: pa.Table, pseudonyms: Pseudonyms) -> pa.Table:
    """Landed rows of earlier versions with hidden ids, so that they join with those that came later."""
    for column in KINDS:
        chunks = [_hidden(chunk, column, pseudonyms, before=_TABLE, after=_SCOPED) for chunk in table[column].chunks]
        position, field = table.schema.get_field_index(column), table.schema.field(column)
        table = table.set_column(position, field, pa.chunked_array(chunks, pa.string()))
    return table


def _hidden(ids: pa.Array, column: str, pseudonyms: Pseudonyms, *, before: str, after: str) -> pa.Array:
    if ids.null_count == len(ids):
        return ids
    encoded = ids.dictionary_encode()
    values = encoded.dictionary
    stays = pc.match_substring_regex(values, f"^{_HASHED}{after}$")
    if column == "interaction_id":
        drawn = pc.match_substring_regex(values, f"^(?:{before})?{_MACHINE_MADE}{after}$")
        drawn = pc.and_(drawn, pc.match_substring_regex(values, "[0-9]"))  # hexadecimal letters alone may be a word
        drawn = pc.and_(drawn, pc.invert(pc.match_substring_regex(values, _LIKE_A_TELEPHONE)))
        stays = pc.or_(stays, drawn)
    if pc.all(stays).as_py():
        return ids
    kind, suffixed = KINDS[column], bool(after)
    shown = [
        value if stay else _hash(value, kind, pseudonyms, suffixed=suffixed)
        for value, stay in zip(values.to_pylist(), stays.to_pylist(), strict=True)
    ]
    return pa.array(shown, pa.string()).take(encoded.indices)


def _hash(value: str, kind: str, pseudonyms: Pseudonyms, *, suffixed: bool) -> str:
    if suffixed and len(value) > _DIGEST and value[-_DIGEST] == "~":
        return pseudonyms.join_id(kind, value[:-_DIGEST]) + value[-_DIGEST:]
    return pseudonyms.join_id(kind, value)


def _names(one: str, user: str) -> bool:
    """Whether an id holds the user's: as a whole, as its number, or anywhere inside where the user's is long enough to be told."""
    low, wanted = one.casefold(), user.casefold()
    if low == wanted or (len(wanted) >= _LEAST_INSIDE and wanted in low):
        return True
    return user.isdecimal() and low.lstrip("abcdefghijklmnopqrstuvwxyz-_.#") == wanted
