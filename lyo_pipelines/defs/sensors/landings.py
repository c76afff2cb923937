"""What the inbox sensor tells of files that landed without a run: an event of `landed_files`, as a run would have left one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from lyo_pipelines.defs.metadata import counts_table, metadata_table
from lyo_pipelines.interactions.landing.notices import LandingNotice, forget_landings, noted_landings
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.storage.lake import Lake

ASSET = dg.AssetKey("landed_files")
AssetEvent = dg.AssetMaterialization | dg.AssetCheckEvaluation


def landing_events(lake: Lake, cursor: str | None) -> tuple[list[AssetEvent], str]:
    """The events that are due, and the cursor that says so: what the last one says was told is removed now, and not told again."""
    told = set((cursor or "").split("\n")) - {""}
    notices = noted_landings(lake)
    forget_landings(lake, [notice.name for notice in notices if notice.name in told])
    new = [notice for notice in notices if notice.name not in told]
    return [event for notice in new for event in _events(notice)], "\n".join(notice.name for notice in new)


def _events(notice: LandingNotice) -> Iterator[AssetEvent]:
    reasons = Counter[str]()
    for file in notice.files:
        if is_dict(found := file.get("reasons")):
            reasons.update({str(reason): int(count) for reason, count in found.items()})
    rows = [
        {"file": file.get("name"), "format": file.get("format"), "told by": file.get("found")}
        | {name: file.get(name) for name in ("read", "accepted", "rejected")}
        for file in notice.files
    ]
    lost = [str(file.get("name")) for file in notice.files if file.get("conserved") is not True]
    broken = [{"file": f.get("name"), "reason": f.get("unreadable")} for f in notice.files if f.get("unreadable")]
    yield dg.AssetMaterialization(
        ASSET,
        description=f"Landed by `lyo ingest`, {notice.at}.",
        metadata={
            "files": metadata_table(rows, ["file", "read", "accepted", "rejected", "format", "told by"]),
            "rejected_by_reason": counts_table("reason", reasons),
            "dagster/row_count": notice.total("accepted"),
            "read": notice.total("read"),
            "rejected": notice.total("rejected"),
        },
    )
    yield dg.AssetCheckEvaluation(
        asset_key=ASSET, check_name="rows_conserved", passed=not lost, metadata={"files": len(rows), "lost_in": lost}
    )
    yield dg.AssetCheckEvaluation(
        asset_key=ASSET,
        check_name="files_readable",
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"set_aside": metadata_table(broken, ["file", "reason"])},
    )
