"""How long to wait before a run that failed is tried again: soon at first, then rarely, and never for ever without a word. Pure.

Waits count from when a sensor first saw that many failures, by its own clock: what it compares is then one clock's.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime, timedelta

WAITS = (timedelta(), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""Before the next attempt after the first, second, … failure; the last one for all that follow."""


def next_attempt(
    failed: int, now: datetime, known: MutableMapping[str, tuple[int, str]], cause: str
) -> datetime | None:
    """When a cause is tried again; None: now.

    known: by cause, how many failures were seen and since when (ISO); brought up to date here.
    """
    if not failed:
        known.pop(cause, None)
        return None
    seen, since = known.get(cause, (0, ""))
    if seen != failed or datetime.fromisoformat(since) > now:  # a clock that was set back starts the wait anew
        known[cause] = (failed, now.isoformat())
    due = datetime.fromisoformat(known[cause][1]) + WAITS[min(failed, len(WAITS)) - 1]
    return due if now < due else None
