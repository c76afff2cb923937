"""Landing and building in a process that is killed at a random moment, again and again, and what must hold in the end."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.store.ledger import landed_files, read_entry
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import NOW, PSEUDONYMS, dated, jsonl, raw, row

BAD_EVERY = 10


def write_files(folder: Path, files: int, rows: int) -> list[Path]:
    """Files of rows with ids of their own; every tenth row cannot be accepted."""
    return [
        dated(
            jsonl(
                folder / f"{n}.jsonl",
                [row(n * rows + k, **({"occurred_at": "never"} if k % BAD_EVERY == 0 else {})) for k in range(rows)],
            )
        )
        for n in range(files)
    ]


def land_and_build(root: str, files: Sequence[str]) -> None:
    """What is killed."""
    lake, config = Lake(root), load_config().interactions
    for path in files:
        land_file(lake, path, pseudonyms=PSEUDONYMS, config=config, now=NOW)
        for day in stale_days(lake):
            build_day(lake, day)


def run_with_kills(
    root: str, files: Sequence[Path], *, kills: int, longest: float, rng: random.Random, environment: Mapping[str, str]
) -> tuple[int, list[float]]:
    """Kill at random moments up to `longest` seconds after the start, then let it end; how many kills hit, and each run's seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    hit, took = 0, list[float]()
    for attempt in range(kills + 1):
        process = context.Process(target=_child, args=(root, [str(path) for path in files], dict(environment)))
        begun = time.monotonic()
        process.start()
        if attempt < kills:
            process.join(rng.uniform(0, longest))
            if process.is_alive():
                process.kill()
                hit += 1
        process.join()
        took.append(time.monotonic() - begun)
    assert process.exitcode == 0, "the last run ends"
    return hit, took


def _child(root: str, files: Sequence[str], environment: Mapping[str, str]) -> None:
    import os

    os.environ.update(environment)
    land_and_build(root, files)


def require_whole(lake: Lake, files: int, rows: int) -> None:
    """Accepted and rejected rows are those read, each once, and nothing half is left."""
    entries = [read_entry(lake, file_hash) for file_hash in landed_files(lake)]
    assert len(entries) == files
    bad = -(-rows // BAD_EVERY)
    for entry in entries:
        assert (entry.read, entry.rejected, entry.accepted) == (rows, bad, rows - bad)
        assert len(lake.read_table(lake.rejected(entry.file_hash))) == bad
    assert stale_days(lake) == []
    found = Counter(raw(lake)["interaction_id"].to_pylist())
    assert len(found) == files * (rows - bad)
    assert set(found.values()) == {1}
    names = list(lake.fs.find(lake.path()))
    assert not [name for name in names if ".tmp-" in name or "/staging/" in name]
