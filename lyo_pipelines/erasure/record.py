"""What was erased when and why, without anybody in it: `lake/erased/<number>.json`, appended, each with the sha256 of the one before.

Signed with the pseudonym key (HMAC-SHA256), so that whoever has the key can tell that a record is this installation's own.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from lyo_pipelines.erasure.reach import Reach
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.tainted import read_tainted

_DIGITS = 8


def next_record(
    lake: Lake, reach: Reach, done: Counter[str], *, reason: str, now: datetime, pseudonyms: Pseudonyms
) -> tuple[str, str]:
    """(path, text) of the record of this erasure."""
    told: dict[str, Any] = {
        "at": now.astimezone(UTC).isoformat(),
        "reason": reason,
        "people": len(reach.people) - len(reach.unknown),
        "erased": {name: count for name, count in done.items() if count},
        "days": len(reach.days),
        "tainted_adapters": [adapter.name for adapter in reach.adapters],
        "files_set_aside": len(reach.originals.aside),
        "files_to_mend_by_hand": len(reach.originals.by_hand),
        "tables_to_erase_at_their_source": sorted(reach.originals.tables),
    }
    return signed_record(lake, "erased", told, pseudonyms)


def signed_record(lake: Lake, folder: str, told: dict[str, Any], pseudonyms: Pseudonyms) -> tuple[str, str]:
    """(path, text) of the next record of a folder of the lake: numbered, bound to the one before, signed."""
    before = [name for name in lake.names(lake.path(folder)) if name[:_DIGITS].isdigit()]
    previous = sha256(lake.read_bytes(lake.path(folder, before[-1]))).hexdigest() if before else ""
    told = {"number": len(before) + 1, **told, "previous": previous}
    signed = json.dumps(told, ensure_ascii=False, sort_keys=True)
    text = json.dumps({**told, "signature": pseudonyms.signature(signed)}, ensure_ascii=False, indent=2) + "\n"
    return lake.path(folder, f"{len(before) + 1:0{_DIGITS}d}.json"), text


def tainted_text(lake: Lake, reach: Reach, now: datetime) -> str:
    """The file of tainted adapters with those of this erasure."""
    known = read_tainted(lake)
    for adapter in reach.adapters:
        since = known.get(adapter.name, {}).get("since", now.astimezone(UTC).isoformat())
        known[adapter.name] = {"since": since, "examples": adapter.examples}
    return json.dumps(known, indent=2) + "\n"
