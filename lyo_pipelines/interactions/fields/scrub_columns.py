"""No raw user id in any column of a block: scrub.py on whole columns, looking closer only where something is found."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.fields import columns
from lyo_pipelines.interactions.fields.columns import FREE_TEXTS, TEXTS, Gathered
from lyo_pipelines.interactions.fields.scrub import Scrubber, dump_json, is_distinctive
from lyo_pipelines.storage.arrow import pc


def scrub_columns(gathered: Gathered, scrubber: Scrubber) -> None:
    """Replace user ids inside names, ids, free text and history of the columns, and write the metadata as JSON."""
    data = gathered.data
    users = gathered.user_ids.to_pylist()
    known = {user: user if is_distinctive(user) else None for user in set(users) if user}
    seekable: list[str | None] = [known.get(user) if gathered.ids_inside else None for user in users]
    seeking = gathered.ids_inside and any(known.values())
    written: dict[int, str] = {}  # the fast way gives equal metadata as one object: it is written once
    rows = zip(gathered.metadata, seekable, strict=True)
    data["metadata"] = pa.array([_metadata(value, user, scrubber, written) for value, user in rows], pa.string())
    for name in TEXTS:
        _scrub_texts(data, name, seekable, scrubber, seeking=seeking, emails=name not in FREE_TEXTS)
    if seeking:
        _scrub_history(data, seekable, scrubber)


def _metadata(value: Any, user: str | None, scrubber: Scrubber, written: dict[int, str]) -> str | None:
    if value is None or value == "":
        return None
    if user is None and (before := written.get(id(value))) is not None:
        return before
    inside = columns.parsed_json(value)
    result = dump_json(scrubber.value(inside if isinstance(inside, dict) else {"value": inside}, user))
    if user is None:
        written[id(value)] = result
    return result


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
