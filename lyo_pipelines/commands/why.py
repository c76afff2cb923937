"""`lyo why SEGMENT`: what the retraining triggers decided about a segment and why, out of the ledger. It decides nothing itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.retraining.claims import Claim, read_claims
from lyo_pipelines.retraining.decision_reasons import decision_spans, reason_of_row
from lyo_pipelines.retraining.findings import CONFIDENCE
from lyo_pipelines.retraining.ledger import latest_decisions, read_decisions
from lyo_pipelines.retraining.worth import RULE as WORTH
from lyo_pipelines.segments import parse_segment
from lyo_pipelines.storage.lake import Lake

COLOURS = {"fire": "red", "hold": "yellow", "not_enough_evidence": "blue", "clear": "green", "not_measured": "dim"}
_VERDICTS = {
    "fire": "is to be trained again",
    "hold": "is held",
    "not_enough_evidence": "is held, too little is known",
}
_ORDER = tuple(COLOURS)
_SAID = 400
_FIGURE = re.compile(r"(?<![\w.-])([-+]?\d[\d,]*)(\.\d+)?( %)?(?![\w-])")


class NothingDecidedError(LyoError):
    """The ledger holds no decision about the segment; the message says what it holds and what to do."""


def explain_decision(
    console: Console, segment: str, *, since: date | None = None, every: bool = False, as_json: bool = False
) -> None:
    """Print the newest verdict, what each rule found, the history (compressed unless `every`) and the launches of a segment."""
    parse_segment(segment)
    lake = Lake(Settings.from_env().data_dir)
    _require_known(lake, segment)
    rows = read_decisions(lake, segment, since=since)
    if not rows:
        raise NothingDecidedError(f"{segment}: no decision since {since}; `lyo why {segment}` shows the earlier ones")
    claims = [
        claim for claim in read_claims(lake) if claim.segment == segment and (since is None or claim.at.date() >= since)
    ]
    if as_json:
        print_json(console, {"segment": segment, "decisions": rows, "launches": [asdict(claim) for claim in claims]})
        return
    _verdict(console, rows[0], claims)
    _rules(console, rows[0]["findings"])
    _history(console, rows, every=every)
    _launches(console, claims)


def _require_known(lake: Lake, segment: str) -> None:
    known: list[str] = latest_decisions(lake)["segment"].to_list()
    if segment in known:
        return
    if not known:
        raise NothingDecidedError(
            "nothing was decided yet: the retraining triggers write the ledger once they run. LYO_TRIGGERS=on switches them on (or "
            "the sensors' page of the UI); `lyo backtest` already says what would have fired."
        )
    near = difflib.get_close_matches(segment, known, n=3, cutoff=0.85)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    more = f" and {len(known) - 12:,} more" if len(known) > 12 else ""
    raise NothingDecidedError(
        f"{segment}: nothing was decided about it.{meant} The ledger knows {', '.join(known[:12])}{more}."
    )


def _verdict(console: Console, row: Mapping[str, Any], claims: Sequence[Claim]) -> None:
    outcome, colour = row["outcome"], COLOURS[row["outcome"]]
    mine = [claim for claim in claims if (claim.launch, claim.attempt) == (row["cause_hash"], row["attempt"])]
    launched = f" Launched by {mine[-1].by} on {_utc(mine[-1].at)}." if outcome == "fire" and mine else ""
    says = escape(row["says"].rstrip("."))
    console.print(f"\n[bold]{row['segment']}[/] [{colour}]{_VERDICTS[outcome]}[/]: {says}.{launched}", highlight=False)
    if worth := next((one["says"] for one in row["findings"] if one["rule"] == WORTH), ""):
        console.print(f"{escape(worth[0].upper() + worth[1:])}.", highlight=False, soft_wrap=True)
    told = f"Decided {_utc(row['at'])} on {row['examples']:,} curated examples; policy {row['policy']}."
    console.print(told, style="dim", highlight=False)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _rules(console: Console, findings: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="\nWhat each rule found", title_justify="left")
    table.add_column("rule", max_width=36, overflow="fold")
    table.add_column("outcome", max_width=12)
    table.add_column("found", ratio=3)
    table.add_column("figures", ratio=2)
    for finding in sorted(findings, key=lambda f: (_ORDER.index(f["outcome"]), not f.get("suspicious"))):
        name = escape(f"{finding['rule']}\n{finding.get('subject', '')}".rstrip())
        outcome = f"[{COLOURS[finding['outcome']]}]{finding['outcome'].replace('_', ' ')}[/]"
        says = finding.get("says", "")
        table.add_row(name, outcome, escape(says), escape(evidence_text(finding.get("figures", {}), says)))
    console.print(table)
    for confidence in sorted({f["figures"][CONFIDENCE] for f in findings if f.get("figures", {}).get(CONFIDENCE)}):
        told = f"[low, high] hold with {100 * confidence:.4g} % confidence: each bound errs in {50 * (1 - confidence):.3g} % of looks"
        console.print(
            escape(f"{told}; users count as one each, however much they wrote."), style="dim", highlight=False
        )


def evidence_text(figures: Mapping[str, Any], says: str = "") -> str:
    """Configuration of a finding in one line: the interval behind the value, then what it is held against, then the rest.

    What the sentence `says` has told already is not told again.
    """
    told = _numbers(says)
    left = {name: value for name, value in figures.items() if value is not None and name != CONFIDENCE}
    left = {name: value for name, value in left.items() if not _is_told(value, told)}
    parts = []
    low, high = left.pop("low", None), left.pop("high", None)
    for name in ("within", "ratio", "value"):  # the interval is that of the first of them
        if name in left and (low is not None or high is not None):
            bounds = f"[{_number(low)}, {_number(high)}]"
            parts.append(f"{name} {_number(left.pop(name))} {bounds}")
            low = high = None
    parts += [f"{name} {_number(value)}" for name, value in (("low", low), ("high", high)) if value is not None]
    first = [name for name in ("threshold", "smallest_drop", "minimum", "n", "n_base") if name in left]
    parts += [f"{name} {_number(left[name])}" for name in [*first, *(name for name in left if name not in first)]]
    return ", ".join(parts)


def _numbers(says: str) -> list[tuple[float, float]]:
    """The figures of a sentence, each with half of its last digit; percentages as shares."""
    found = []
    for match in _FIGURE.finditer(says):
        whole, decimals, percent = match.groups()
        scale = 0.01 if percent else 1.0
        value = float(f"{whole.replace(',', '')}{decimals or ''}") * scale
        found.append((value, 0.5 * scale * 10.0 ** -max(0, len(decimals or ".") - 1)))
    return found


def _is_told(value: Any, told: list[tuple[float, float]]) -> bool:
    if not isinstance(value, int | float):
        return False
    return any(
        abs(value - figure) <= half + 1e-9 if isinstance(value, float) else value == figure for figure, half in told
    )


def _number(value: Any) -> str:
    if value is None:
        return "…"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _history(console: Console, rows: Sequence[Mapping[str, Any]], *, every: bool) -> None:
    """The decisions, newest first; without `every`, consecutive days that decided the same for the same reason share a line."""
    told = [(row["day"], row["outcome"], reason_of_row(row), row["says"]) for row in rows]
    if every:
        lines = [(_utc(row["at"]), outcome, says) for row, (_, outcome, _, says) in zip(rows, told, strict=True)]
    else:
        found = reversed(decision_spans(reversed(told)))
        lines = [(f"{s.first}" if s.first == s.last else f"{s.first} … {s.last}", s.outcome, s.says) for s in found]
    table = Table(
        title=f"\nDecisions, newest first ({len(rows):,})", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    table.add_column("when", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("why (on the last of these days)" if not every else "why", ratio=1)
    for when, outcome, says in lines:
        short = says if every or len(says) <= _SAID else f"{says[: _SAID - 1]}…"
        table.add_row(when, f"[{COLOURS[outcome]}]{outcome.replace('_', ' ')}[/]", escape(short))
    console.print(table)


def _launches(console: Console, claims: Sequence[Claim]) -> None:
    if not claims:
        console.print("\nNever launched by a trigger in this time.", highlight=False)
        return
    table = Table(title=f"\nLaunches, newest first ({len(claims):,})", title_justify="left")
    for name in ("claimed", "attempt", "sensor", "run"):
        table.add_column(name, no_wrap=True)
    table.add_column("causes", ratio=1, overflow="fold")
    for claim in reversed(claims):
        run = claim.run_id or "not seen yet"
        table.add_row(_utc(claim.at), str(claim.attempt), claim.by, run, escape(", ".join(claim.causes)))
    console.print(table)
