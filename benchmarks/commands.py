"""How long the commands that people type take in a lake of 2,000 segments and eight weeks: seconds and CPU seconds of fresh processes.

    python benchmarks/commands.py [--segments 2000] [--rows 60000] [--repeats 5] [--keep FOLDER]

The lake is made by the product itself out of sample lines: landed, built by day, with a report for none of them (reports cost what
they cost by segment, and are read for the segments that have one). Commands run in turn, so that a busy machine is busy for all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings, make_key_file
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

LANGUAGES = ("en", "hi", "ta", "hi_latn", "bn")
COMMANDS = {
    "--help": ["--help"], "--version": ["--version"], "status": ["status"], "status --json": ["status", "--json"],
    "segments": ["segments"], "why": ["why", "tutoring.en.subject_0"], "config check": ["config", "check"],
}  # fmt: skip
DAYS = 56


def main() -> None:
    """Make the lake, time the commands, print a table and the JSON of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--segments", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="where the lake is made, or lies from a run before")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        os.environ |= {"LYO_DATA_DIR": str(folder / "data"), "DAGSTER_HOME": str(folder / "home"), "COLUMNS": "140"}
        (folder / "home").mkdir(parents=True, exist_ok=True)
        if not (folder / "data/lake/health").exists():
            _make_lake(options.segments, options.rows)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(options.repeats):
            for name, arguments in COMMANDS.items():
                taken[name].append(_timed(arguments))
    found = {
        name: {"seconds": _median(runs, 0), "cpu_seconds": _median(runs, 1), "slowest": round(max(runs)[0], 2)}
        for name, runs in taken.items()
    }
    print(f"\n{options.segments:,} segments, {options.rows:,} rows, {DAYS} days; median of {options.repeats}")
    for name, figures in found.items():
        print(
            f"{name:16} {figures['seconds']:6.2f} s {figures['cpu_seconds']:6.2f} CPU s, slowest {figures['slowest']:.2f} s"
        )
    print(json.dumps(found))


def _make_lake(segments: int, rows: int) -> None:
    began, draw, settings = time.monotonic(), Random(5), Settings.from_env()
    make_key_file(settings.data_dir)
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    now = datetime.now(UTC)
    inbox = lake.local(lake.side("inbox"))
    inbox.mkdir(parents=True, exist_ok=True)
    with (inbox / "rows.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            place = number % segments
            when = now - timedelta(days=1 + draw.random() * (DAYS - 1))
            file.write(json.dumps(_row(number, place, when, draw)) + "\n")
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    land_inbox(lake, pseudonyms, config.interactions, now + timedelta(hours=1))
    build_stale_days(lake, config.curation, wanted=lambda day: True, pseudonyms=pseudonyms)
    print(f"lake made in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _row(number: int, place: int, when: datetime, draw: Random) -> dict[str, object]:
    a, b = draw.randrange(10, 999), draw.randrange(10, 999)
    return {
        "interaction_id": f"c-{number}", "occurred_at": when.isoformat(), "task": "tutoring",
        "language": LANGUAGES[place % len(LANGUAGES)], "subject": f"subject_{place // len(LANGUAGES)}", "grade": "7",
        "question": f"What is {a} plus {b}, and how do I add them by place value in exercise {number}?",
        "answer": f"Add the ones, then the tens, then the hundreds: {a} + {b} = {a + b}. Check it by taking {b} away again.",
        "user_id": f"user-{draw.randrange(5_000)}", "rating": draw.choice((3, 4, 5)),
    }  # fmt: skip


def _timed(arguments: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "lyo_pipelines.cli", *arguments],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # an exit code of 1 is an answer, too
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _median(runs: list[tuple[float, float]], place: int) -> float:
    return round(statistics.median(run[place] for run in runs), 2)


if __name__ == "__main__":
    main()
