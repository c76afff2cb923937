"""`lyo verify [SEGMENT]`: compares what lies in the lake with what was written down of it, and says what to do about the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.integrity.findings import DamageFinding, Verification
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.storage.lake import Lake

_TITLES = {
    "source": "Damaged, and nothing in the lake can make it again",
    "derived": "Damaged, and made from what is there",
    "leftover": "Left behind, and counts for nothing",
}


class NothingToVerifyError(LyoError):
    """The lake holds nothing of this segment."""


def show_verification(console: Console, segment: str | None, *, deep: bool, as_json: bool) -> bool:
    """Print what was compared and found; whether all is whole. Raises NothingToVerifyError."""
    lake = Lake(Settings.from_env().data_dir)
    found = verify_lake(lake, segment, deep=deep, now=datetime.now(UTC))
    if segment is not None and not found.checked and not found.findings:
        raise NothingToVerifyError(
            f"the lake holds no version, adapter, report or release of {segment}.",
            hint="`lyo status` lists the segments; without one, `lyo verify` compares everything.",
        )
    if as_json:
        told = {
            "deep": found.deep,
            "whole": not found.damage,
            "checked": dict(found.checked),
            "findings": [asdict(finding) for finding in found.findings],
        }
        console.print(json.dumps(told, ensure_ascii=False, indent=2), highlight=False, markup=False, soft_wrap=True)
    else:
        _print(console, found)
    return not found.damage


def _print(console: Console, found: Verification) -> None:
    how = "every byte" if found.deep else "sizes, counts and footers (--deep reads every byte)"
    said = ", ".join(f"{number:,} {what}" for what, number in found.checked.items() if number) or "nothing is there yet"
    console.print(f"Compared by {how}: {said}.", highlight=False)
    for kind, title in _TITLES.items():
        of_kind = [finding for finding in found.findings if finding.kind == kind]
        if of_kind:
            _print_findings(console, title, of_kind)
    if not found.damage:
        console.print("[green]Everything is as it was written.[/]")


def _print_findings(console: Console, title: str, findings: Sequence[DamageFinding]) -> None:
    console.print(f"\n[bold]{title}[/] ({len(findings)})", highlight=False)
    for finding in findings:
        console.print(f"  {escape(finding.path)} {escape(finding.says)}", highlight=False, soft_wrap=True)
        console.print(f"    [dim]{escape(finding.hint)}[/]", highlight=False, soft_wrap=True)
