"""No raw user id in any column of a block: scrub.py on whole columns, looking closer only where something is found.

Names that others count by, or that become segments (subject, team, model …), hold no address either; a subject or a team with a long
number is none.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.fields import columns
from lyo_pipelines.interactions.fields.columns import FREE_TEXTS, TEXTS, Gathered
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.scrub import Scrubber, dump_json, is_distinctive
from lyo_pipelines.personal import TELEPHONE, points_at_a_person
from lyo_pipelines.storage.arrow import pc

FACETS = ("subject", "topic", "grade", "team", "reasoning_mode")
"""Names that rows are grouped by."""
LEFT_OUT = "it holds an address or a long number, so it is left out"
_LEAST = 3


def scrub_columns(gathered: Gathered, scrubber: Scrubber) -> None:
    """Replace user ids inside names, ids, free text and history of the columns."""
    data = gathered.data
    users = gathered.user_ids.to_pylist()
    known = {user: user if is_distinctive(user) else None for user in set(users) if user}
    seekable: list[str | None] = [known.get(user) if gathered.ids_inside else None for user in users]
    seeking = gathered.ids_inside and any(known.values())
    for name in TEXTS:
        _scrub_texts(data, name, seekable, scrubber, seeking=seeking, emails=name not in FREE_TEXTS)
    if seeking:
        _scrub_history(data, seekable, scrubber)


def minimise_metadata(gathered: Gathered, minimiser: Minimiser) -> None:
    """Write what may be kept of the metadata as JSON."""
    written: dict[int, str] = {}  # the fast way gives equal metadata as one object: it is written once
    rows = zip(gathered.metadata, gathered.user_ids.to_pylist(), strict=True)
    texts = [_metadata(value, user, minimiser, written) for value, user in rows]
    gathered.data["metadata"] = pa.array(texts, pa.string())


def _metadata(value: Any, user: str | None, minimiser: Minimiser, written: dict[int, str]) -> str | None:
    if value is None or value == "":
        return None
    result = written.get(id(value))
    if result is None:
        result = written[id(value)] = dump_json(minimiser.metadata(_object(value)))
    if user is None or len(user) < _LEAST or user.casefold() not in result.casefold():
        return result
    return dump_json(minimiser.metadata(_object(value), user))


def _object(value: Any) -> Any:
    inside = columns.parsed_json(value)
    return inside if isinstance(inside, dict) else {"value": inside}


def scrub_categories(gathered: Gathered, minimiser: Minimiser) -> None:
    """Categories of complaints without anybody in them."""
    array = gathered.data["complaint_category"]
    if array.null_count < len(array):
        pairs = zip(array.to_pylist(), gathered.user_ids.to_pylist(), strict=True)
        kept = [value if value is None else minimiser.name(value, user) for value, user in pairs]
        gathered.data["complaint_category"] = pa.array(kept, pa.string())


def leave_out_personal_facets(gathered: Gathered) -> dict[str, list[int]]:
    """Make facets null that point at a person, or are the row's user; column -> its rows."""
    data, left = gathered.data, dict[str, list[int]]()
    users = pc.utf8_lower(gathered.user_ids.cast(pa.string()))
    users = pc.if_else(pc.greater_equal(pc.utf8_length(users), _LEAST), users, None)
    for name in FACETS:
        array = data[name]
        if array.null_count == len(array):
            continue
        encoded = array.dictionary_encode()
        personal = [points_at_a_person(value, TELEPHONE) for value in encoded.dictionary.to_pylist()]
        gone = pa.array(personal, pa.bool_()).take(encoded.indices).fill_null(False)
        gone = pc.or_(gone, pc.equal(pc.utf8_lower(array), users).fill_null(False))
        if pc.any(gone).as_py():
            data[name] = pc.if_else(gone, None, array)
            left[name] = pc.indices_nonzero(gone).to_pylist()
    return left


def _scrub_texts(
    data: dict[str, pa.Array], name: str, users: list[str | None], scrubber: Scrubber, *, seeking: bool, emails: bool
) -> None:
    array = data[name]
    if array.null_count == len(array):
        return
    emails = emails and pc.any(pc.match_substring(array, "@")).as_py()
    if not emails and not seeking:
        return
    values = array.to_pylist()
    if emails:
        hits = [index for index, value in enumerate(values) if value]
    else:
        hits = [
            i for i, (value, user) in enumerate(zip(values, users, strict=True)) if user and value and user in value
        ]
    for index in hits:
        values[index] = scrubber.text(values[index], users[index], emails=emails)
    if hits:
        data[name] = pa.array(values, pa.string())


def _scrub_history(data: dict[str, pa.Array], users: list[str | None], scrubber: Scrubber) -> None:
    if data["history"].null_count == len(data["history"]):
        return
    values = data["history"].to_pylist()
    found = False
    for index, user in enumerate(users):
        for turn in values[index] or () if user else ():
            for part in ("role", "content"):
                if turn[part] and user in turn[part]:
                    turn[part], found = scrubber.text(turn[part], user), True
    if found:
        data["history"] = pa.array(values, columns.HISTORY)
