"""Erasing people: everything is staged, one file decides, then it happens; and afterwards it is searched for.

Killed before the decision nothing happened; killed after it, the next landing, `lyo erase` or `lyo key rotate` finishes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.erasure.pictures import stage_pictures
from lyo_pipelines.erasure.reach import Reach, find_reach
from lyo_pipelines.erasure.record import next_record, tainted_text
from lyo_pipelines.erasure.requests import request_path
from lyo_pipelines.erasure.scan import search
from lyo_pipelines.erasure.staging_rows import aside_path, stage_rows, stage_unnamed
from lyo_pipelines.erasure.staging_versions import stage_versions
from lyo_pipelines.interactions.landing.inbox import scan_inbox
from lyo_pipelines.interactions.landing.stage import landing_lock
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import require_key
from lyo_pipelines.interactions.store.ledger import mark_seen
from lyo_pipelines.interactions.store.tombstones import keys_path, people_path, people_text, read_tombstones
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting, finish_rewriting
from lyo_pipelines.storage.texts import files_below
from lyo_pipelines.training.tainted import tainted_path


@dataclass(frozen=True)
class Erasure:
    """What was done. done: how much of what; days: to be built again; record: path of the record, "" where nothing was there."""

    reach: Reach
    done: Counter[str]
    days: tuple[date, ...]
    record: str = ""


@dataclass(frozen=True)
class Proof:
    """What the search afterwards found: path -> how many of the people stand in it; searched: files."""

    left: dict[str, int] = field(default_factory=dict[str, int])
    searched: int = 0

    def unexpected(self, lake: Lake, reach: Reach) -> list[str]:
        """Paths of what was found but for the files that were said to be left to somebody."""
        said = {*reach.originals.by_hand, *(aside_path(lake, path) for path in reach.originals.aside)}
        return sorted(self.left.keys() - said)


def plan_erasure(lake: Lake, users: Sequence[str], pseudonyms: Pseudonyms) -> Reach:
    """What would go; nothing is changed, but for an erasure that was killed midway: that one is finished first.

    Raises NotLocalError on a remote lake: nobody would look into the copies on other machines.
    """
    lake.require_local("Erasing a person")
    with landing_lock(lake):
        require_key(lake, pseudonyms)
        return find_reach(lake, users, pseudonyms)


def erase(
    lake: Lake,
    users: Sequence[str],
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    *,
    reason: str,
    now: datetime,
    request: str | None = None,
) -> Erasure:
    """Erase them from everything that `stage_rows` and `stage_versions` reach. The days are stale afterwards.

    request: number of the request that this carries out; its file goes with them.

    Raises NotLocalError on a remote lake.
    """
    lake.require_local("Erasing a person")
    asked = request_path(lake, request) if request is not None else None
    with landing_lock(lake):
        finish_rewriting(lake)
        require_key(lake, pseudonyms)
        reach = find_reach(lake, users, pseudonyms)
        if len(reach.unknown) + reach.again == len(reach.people):
            if asked is not None and lake.exists(asked):
                lake.fs.rm(asked)
            return Erasure(reach, Counter(), ())
        rewriting = Rewriting(lake)
        done = stage_rows(lake, reach, rewriting) + stage_versions(lake, reach, rewriting)
        if pictures := stage_pictures(lake, reach, rewriting, config.images):
            done["pictures"] = pictures
        for side in ("review",):
            for path in files_below(lake, lake.side(side)):
                done["other files"] += stage_unnamed(lake, reach, rewriting, path)
        if lake.exists(lake.side("rehearsal")) and (reach.adapters or reach.versions):
            rewriting.remove(lake.side("rehearsal"))
        _stage_tombstones(lake, reach, rewriting, pseudonyms)
        if reach.adapters:
            rewriting.replace_bytes(tainted_path(lake), tainted_text(lake, reach, now))
        record, text = next_record(lake, reach, done, reason=reason, now=now, pseudonyms=pseudonyms)
        rewriting.replace_bytes(record, text)
        if asked is not None:
            rewriting.remove(asked)
        rewriting.commit()
        if reach.originals.blanked:
            _remember_blanked(lake, reach, config, now)
    return Erasure(reach, done, tuple(sorted(reach.days)), record)


def prove(lake: Lake, users: Sequence[str], pseudonyms: Pseudonyms, homes: Sequence[Path] = ()) -> Proof:
    """Search everywhere for the ids as they were given and for their pseudonyms."""
    needles = {*users, *(pseudonyms.given(None, user) or "" for user in users)}
    return Proof(*search(lake, sorted(needles), homes))


def _stage_tombstones(lake: Lake, reach: Reach, rewriting: Rewriting, pseudonyms: Pseudonyms) -> None:
    known = read_tombstones(lake)
    people = known.people | {pseudonyms.tombstone(one) for one in reach.people}
    keys = sorted({*known.keys.tolist(), *reach.keys.tolist()})
    rewriting.replace_table(keys_path(lake), pa.table({"key": pa.array(keys, pa.uint64())}))
    rewriting.replace_bytes(people_path(lake), people_text(people))


def _remember_blanked(lake: Lake, reach: Reach, config: InteractionsConfig, now: datetime) -> None:
    """Blanked files are not new: whoever reads them again would find nothing, but why should they."""
    for file in scan_inbox(lake, config, settle_seconds=0, now=now):
        if file.listed.path in reach.originals.blanked:
            mark_seen(lake, file.token, "", None)
