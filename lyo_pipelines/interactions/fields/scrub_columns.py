"""No raw user id in any column of a block: scrub.py on whole columns, looking closer only where something is found.

Names that others count by, or that become segments (subject, team, model …), hold no address either; a subject or a team with a long
number is none, and neither is a model or an arm that is a telephone number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields import columns
from lyo_pipelines.interactions.fields.columns import FREE_TEXTS, TEXTS, Bad, Gathered
from lyo_pipelines.interactions.fields.minimise import LEAST_INSIDE, Minimiser, user_word
from lyo_pipelines.interactions.fields.scrub import Scrubber, dump_json, is_distinctive
from lyo_pipelines.personal import TELEPHONE, points_at_a_person
from lyo_pipelines.storage.arrow import pc

FACETS = ("subject", "topic", "grade", "team", "reasoning_mode")
"""Names that rows are grouped by."""
_SERVED = ("model", "adapter_version", "experiment_arm", "release_id")
"""Names of what answered. Versions hold dates and counters of many digits, so a number counts only where it is a mobile's."""
_MOBILE = "(?:^|[^0-9])(?:91[ -]?)?[6-9][0-9]{4}[ -]?[0-9]{5}(?:[^0-9]|$)"
_NEEDED = ("task", "language")
"""Names without which a row is none."""
LEFT_OUT = "it holds an address or a long number, so it is left out"
_LEAST = 3
"""Letters of a user's id from which on a name is that user."""


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
    """Make names null that point at a person, or are or hold the row's user; column -> its rows."""
    left, users = dict[str, list[int]](), _users(gathered)
    for name in (*FACETS, *_SERVED):
        array = gathered.data[name]
        if array.null_count == len(array):
            continue
        gone = pc.or_(_mobiles(array) if name in _SERVED else _personal(array), _of_user(array, users))
        if pc.any(gone).as_py():
            gathered.data[name] = pc.if_else(gone, None, array)
            left[name] = pc.indices_nonzero(gone).to_pylist()
    return left


def refuse_personal_names(gathered: Gathered, bad: Bad) -> None:
    """Rows whose task or language points at a person, or is the user, belong to no segment."""
    users = _users(gathered)
    for name in _NEEDED:
        array = gathered.data[name]
        for index in pc.indices_nonzero(pc.or_(_personal(array), _of_user(array, users))).to_pylist():
            bad.setdefault(index, RowError(f"bad_{name}", "it holds an address, a long number or the row's user"))


def _users(gathered: Gathered) -> pa.Array:
    """The raw ids of users in lower case, where they are long enough to be told."""
    users = pc.utf8_lower(gathered.user_ids.cast(pa.string()))
    return pc.if_else(pc.greater_equal(pc.utf8_length(users), _LEAST), users, None)


def _personal(array: pa.Array) -> pa.Array:
    encoded = array.dictionary_encode()
    found = [points_at_a_person(value, TELEPHONE) for value in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.bool_()).take(encoded.indices).fill_null(False)


def _mobiles(array: pa.Array) -> pa.Array:
    return pc.match_substring_regex(array, _MOBILE).fill_null(False)


def _of_user(array: pa.Array, users: pa.Array) -> pa.Array:
    """Whether a name is the row's user, or holds it as a word."""
    names, size = pc.utf8_lower(array), pc.utf8_length(users)
    long_enough = pc.and_(pc.greater_equal(size, LEAST_INSIDE), pc.greater_equal(pc.utf8_length(names), size))
    found = np.zeros(len(array), bool)
    for index in pc.indices_nonzero(long_enough.fill_null(False)).to_pylist():  # few: most names are short words
        name, user = names[index].as_py(), users[index].as_py()
        found[index] = user in name and user_word(user).search(name) is not None
    return pc.or_(pc.equal(names, users).fill_null(False), pa.array(found))


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
