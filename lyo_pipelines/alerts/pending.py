"""Which alerts are news for a channel: pure bookkeeping over what it was told before. Sending does not belong here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from lyo_pipelines.alerts.alert import Alert, Resolved

MOST_KEYS = 2000
"""Keys that are remembered per channel; beyond them the oldest may be told early, never lost."""


def pending_alerts(
    observed: Iterable[Alert | Resolved], told: Mapping[str, datetime], now: datetime, repeat_after: timedelta
) -> tuple[list[Alert], dict[str, datetime]]:
    """Return the alerts to tell, and what has been told once they are: key to time.

    A key that was told is told again after `repeat_after`, or at once when it was resolved in between.
    """
    due: list[Alert] = []
    known = {key: at for key, at in told.items() if now - at < repeat_after}
    for seen in sorted(observed, key=lambda one: one.occurred_at):
        if isinstance(seen, Resolved):
            known.pop(seen.key, None)
        elif seen.key not in known:
            due.append(seen)
            known[seen.key] = now
    newest = sorted(known.items(), key=lambda item: item[1], reverse=True)[:MOST_KEYS]
    return due, dict(newest)
