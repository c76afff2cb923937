"""The demo's closing table: what was planted in each segment, what the triggers decided, and why. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.evaluation.command import is_complete
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.retraining.history import read_trainings
from lyo_pipelines.retraining.ledger import DecisionRow, read_decisions
from lyo_pipelines.sample.stories import STORIES, Story
from lyo_pipelines.storage.lake import Lake

EXPECTED = tuple(story.segment for story in STORIES if story.expected == "fire")
"""Segments that the triggers should launch in the demo."""


@dataclass(frozen=True)
class Ending:
    """How a story went: the decision that launched it (or the newest one), and its report where it was trained."""

    story: Story
    decision: DecisionRow | None
    report: Report | None

    @property
    def as_expected(self) -> bool:
        """Whether what should fire was launched and what should hold was not."""
        fired = self.decision is not None and self.decision["outcome"] == "fire"
        return fired == (self.story.expected == "fire")


def endings(lake: Lake) -> list[Ending]:
    """Each story's ending, as the lake tells it."""
    reports = report_dirs(lake)
    found = []
    for story in STORIES:
        told = read_decisions(lake, story.segment)
        fired = next((row for row in told if row["outcome"] == "fire"), None)
        folder = reports.get(story.segment)
        found.append(Ending(story, fired or next(iter(told), None), read_report(folder) if folder else None))
    return found


def report_dirs(lake: Lake) -> dict[str, Path]:
    """Folder of the finished report of each segment's newest adapter."""
    folders = {
        segment: lake.local(lake.report_dir(segment, training.version))
        for segment, training in read_trainings(lake).items()
    }
    return {segment: folder for segment, folder in folders.items() if is_complete(folder)}


def is_told(lake: Lake) -> bool:
    """Whether every story that should fire has its report."""
    return set(EXPECTED) <= report_dirs(lake).keys()


def print_stories(console: Console, lake: Lake) -> None:
    """Print the table; stories first that fired."""
    table = Table(title="What the triggers did, and why", title_justify="left", show_lines=True)
    table.add_column("segment", style="bold", no_wrap=True)
    table.add_column("planted", ratio=3)
    table.add_column("decision", no_wrap=True)
    table.add_column("because", ratio=4)
    table.add_column("adapter against base", ratio=2)
    for ending in endings(lake):
        table.add_row(ending.story.segment, ending.story.says, *_decided(ending), _result(ending.report))
    console.print()
    console.print(table)


def _decided(ending: Ending) -> tuple[str, str]:
    if ending.decision is None:
        return "[red]not decided[/]", "no line in the ledger"
    outcome, kinds = ending.decision["outcome"], " + ".join(ending.decision["kinds"])
    told = {"fire": f"[green]launched[/]\n{kinds}", "hold": "[yellow]held[/]"}.get(
        outcome, "[yellow]held:\nnot enough\nevidence[/]"
    )
    return told if ending.as_expected else f"{told}\n[red]unexpected[/]", ending.decision["says"]


def _result(report: Report | None) -> str:
    if report is None:
        return ""
    base, candidate = (report.metric(role, "loss") for role in ("base", "candidate"))
    compared = report.comparison("loss", "base")
    if compared is None or base is None or candidate is None:
        return "no comparison"
    verdict = compared.verdict.replace("_", " ")
    return f"loss {base:.2f} → {candidate:.2f}\n{verdict} (n {report.n_test})"
