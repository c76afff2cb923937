"""Requests that wait for the job `erase_people`: `erasure_requests/<number>.json` in the data directory, this account's alone.

Dagster stores the configuration and the tags of every run, and logs what fails. So a run is told nothing of who asks: it takes the
requests that lie here, and each file goes in the same moment in which its people do.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lyo_pipelines.json_types import is_dict, is_list
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

REQUESTS = "erasure_requests"
_ENDING = ".json"


@dataclass(frozen=True)
class ErasureRequest:
    """Who asks (ids as the logs have them, or pseudonyms), why, and when it was written down. number: by which others speak of it."""

    number: str
    users: tuple[str, ...]
    reason: str
    asked_at: str


def request_path(lake: Lake, number: str) -> str:
    """Where a request lies."""
    return lake.side(REQUESTS, f"{number}{_ENDING}")


def write_request(lake: Lake, users: Sequence[str], *, reason: str, now: datetime) -> str:
    """Write a request down; its number, which says nothing of anybody."""
    number = secrets.token_hex(6)
    told = {"users": list(users), "reason": reason, "asked_at": now.astimezone(UTC).isoformat()}
    lake.create_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", request_path(lake, number))
    return number


def waiting_requests(lake: Lake) -> list[ErasureRequest]:
    """All that wait, oldest first. Raises DamagedFileError."""
    found = list[ErasureRequest]()
    for name in lake.names(lake.side(REQUESTS)):
        if not name.endswith(_ENDING):
            continue
        number = name.removesuffix(_ENDING)
        told = lake.read_json(request_path(lake, number))
        users = told.get("users") if is_dict(told) else None
        if not is_dict(told) or not is_list(users) or not users:
            raise DamagedFileError(f"request {number} is damaged: it names nobody", hint="Write it again or remove it.")
        found.append(
            ErasureRequest(number, tuple(map(str, users)), str(told.get("reason", "")), str(told.get("asked_at", "")))
        )
    return sorted(found, key=lambda one: (one.asked_at, one.number))
