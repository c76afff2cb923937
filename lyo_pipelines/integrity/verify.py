"""Everything that lies in the lake, or all of one segment, compared with what was written down of it when it was made.

quick: sizes, counts, footers, manifests. deep: every byte, by its sha256 where one was kept and by the page checksums of Parquet.
"""

from __future__ import annotations

from datetime import datetime

from lyo_pipelines.curation.review import ReviewQueueError, queue_path, read_queue
from lyo_pipelines.integrity.derived import verify_days
from lyo_pipelines.integrity.findings import Verification
from lyo_pipelines.integrity.images import verify_images
from lyo_pipelines.integrity.landings import verify_landings
from lyo_pipelines.integrity.versions import verify_segments
from lyo_pipelines.retraining.claims import read_claims
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.leftovers import find_leftovers
from lyo_pipelines.storage.rewriting import rewriting_unfinished


def verify_lake(lake: Lake, segment: str | None = None, *, deep: bool = False, now: datetime) -> Verification:
    """Compare; nothing is changed. segment: its versions, adapters, reports and registry alone."""
    told = Verification(deep)
    verify_segments(lake, told, segment)
    if segment is not None:
        return told
    if rewriting_unfinished(lake):
        says = "an erasure or a new key was decided, and its program was killed before everything was in its place"
        told.add(
            {lake.path("rewriting"): says}, "source", "Run it again, or land anything: whoever comes next finishes it."
        )
    verify_landings(lake, told)
    verify_days(lake, told)
    verify_images(lake, told)
    troubles = dict[str, str]()
    told.checked["launch claims"] += len(read_claims(lake, troubles))
    told.add(troubles, "source", "Restore it from a backup, or remove it once no run of that launch is left.")
    try:
        told.checked["review lines"] += len(read_queue(lake))
    except ReviewQueueError as error:
        told.add({queue_path(lake): str(error)}, "source", "Mend that line, or restore the file from a backup.")
    for leftover in find_leftovers(lake, now=now):
        says = f"was left by a program that was killed ({leftover.bytes:,} bytes)"
        told.add({str(leftover.path): says}, "leftover", "Nothing: the daily check of a running Dagster removes it.")
    return told
