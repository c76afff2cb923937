"""What happened, as alerts: finished runs, fired triggers, checks and stale data. Pure; reading them from Dagster belongs to defs/.

No message of an exception or of a check comes in here: such texts may quote a user.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from lyo_pipelines.alerts.alert import Alert, Resolved

News = Alert | Resolved


@dataclass(frozen=True)
class Run:
    """A run. partition: its partition or days, may be empty.

    subject: what it was about: attempts at one cause, and runs of one partition, are one thing that fails or is well.
    """

    run_id: str
    job: str
    partition: str
    subject: str
    at: datetime


@dataclass(frozen=True)
class Check:
    """One evaluation of an asset check; asset: the parts of its key."""

    asset: tuple[str, ...]
    name: str
    partition: str
    passed: bool
    is_error: bool
    blocking: bool
    at: datetime


def succeeded(run: Run) -> Resolved:
    """A success resolves the failures of the same subject."""
    return Resolved(_run_key(run), run.at)


def failed(run: Run, reason: str, ui_url: str) -> Alert:
    """A failed run; reason: the step that failed and the name of its error."""
    job = "assets" if run.job.startswith("__") else run.job
    detail = ", ".join(filter(None, [run.partition, reason]))
    return Alert("run_failed", _run_key(run), f"run of {job} failed", detail, link(ui_url, "runs", run.run_id), run.at)


def fired(run: Run, triggers: str, why: str, ui_url: str) -> Iterator[Alert]:
    """The triggers that launched a run (names with commas between them), if any did."""
    names = ", ".join(sorted(name.strip() for name in triggers.split(",") if name.strip()))
    if names:
        detail = ": ".join(filter(None, [run.partition, why]))
        url = link(ui_url, "runs", run.run_id)
        yield Alert("trigger_fired", f"trigger:{run.run_id}", f"{run.job} by {names}", detail, url, run.at)


def checked(check: Check, ui_url: str) -> Iterator[News]:
    """A failed check is an alert; an evaluation with another outcome resolves what was sent before."""
    asset = "/".join(check.asset)
    about = f"{asset}:{check.name}:{check.partition}"
    severity = "check_failed" if check.is_error else "check_warned"
    for kind in ("check_failed", "check_warned"):
        if check.passed or kind != severity:
            yield Resolved(f"{kind}:{about}", check.at)
            continue
        detail = ", ".join(filter(None, [check.partition, "nothing after it runs" if check.blocking else ""]))
        url = f"{link(ui_url, 'assets', *check.asset)}?view=checks&checkDetail={quote(check.name)}"
        yield Alert(kind, f"{kind}:{about}", f"{check.name} of {asset}", detail, url, check.at)


def freshness(asset: str, *, stale: bool, built: datetime | None, now: datetime, ui_url: str) -> News:
    """A data set whose freshness policy failed, or that is fresh again; built: when it was last materialized."""
    key = f"data_stalled:{asset}"
    if not stale:
        return Resolved(key, now)
    detail = f"nothing new since {built:%Y-%m-%d %H:%M} UTC" if built else "nothing new"
    return Alert("data_stalled", key, f"{asset} is stale", detail, link(ui_url, "assets", asset), now)


def link(ui_url: str, *parts: str) -> str:
    """A page of the UI."""
    return "/".join([ui_url.rstrip("/"), *(quote(part, safe="") for part in parts)])


def _run_key(run: Run) -> str:
    return f"run:{run.job}:{run.subject}"
