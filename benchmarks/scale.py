"""What a million rows cost at each stage, from files in the inbox to a split: CPU seconds, bytes in the lake, peak memory.

    python benchmarks/scale.py [--rows 50000 100000] [--split-rows 50000 100000 200000] [--mapped-from 67108864]

Each stage runs in a process of its own. The first four take canonical JSON lines of 56 days with the texts of benchmarks/curation.py;
the split takes the examples of benchmarks/splits.py (random words, so that few texts are the same), at several sizes: from them its
memory is a line, bytes a row and what is there without rows, and so is what it puts aside on disk. Of memory, "own" is what the system
cannot take back: without mapped files, of which it keeps what fits. Writes benchmarks/out/scale.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import stat
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import orjson

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.days import curate_days
from lyo_pipelines.curation.inputs import stale_days as stale_examples
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.health.day import build_day as build_health
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
DAYS = 56
START = datetime(2026, 1, 5, tzinfo=UTC)
WRITES = {
    "landing": "landing",
    "raw_interactions": "interactions",
    "filtered_examples": "examples",
    "segment_health": "health",
}
"""The folder of the lake that each stage by day fills."""


def write_inbox(root: Path, rows: int) -> int:
    """Canonical rows in order of time; returns the bytes of the file."""
    from benchmarks.curation import row

    r, inbox = Random(7), root / "inbox"
    inbox.mkdir()
    with (inbox / "rows.jsonl").open("wb") as handle:
        for number in range(rows):
            made = row(r, number)
            made["user_id"] = made.pop("user_pseudonym")
            made["occurred_at"] = START + timedelta(seconds=DAYS * 86_400 * number / rows)
            for name in ("source_file", "source_line", "source"):
                del made[name]
            made["metadata"] = json.loads(made["metadata"])
            handle.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
    return (inbox / "rows.jsonl").stat().st_size


class Peaks:
    """Highest bytes of memory that are this process's own, and of unnamed files that it maps or holds open, looked at all the time."""

    def __init__(self) -> None:
        self.own = self.disk = 0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
            self.own = max(self.own, 1024 * int(found[1]) if found else 0)
            self.disk = max(self.disk, sum(self._unnamed().values()))
            time.sleep(0.05)

    def _unnamed(self) -> dict[int, int]:
        """Bytes by the number of the file."""
        files = dict[int, int]()
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("(deleted)"):
                span, _, _, _, inode = line.split(maxsplit=5)[:5]
                start, end = (int(part, 16) for part in span.split("-"))
                files[int(inode)] = end - start
        for opened in Path("/proc/self/fd").iterdir():
            try:
                told = opened.stat()
            except OSError:
                continue
            if stat.S_ISREG(told.st_mode) and not told.st_nlink:
                files[told.st_ino] = told.st_size
        return files


def run_stage(root: str, stage: str, mapped_from: int | None) -> None:
    """Run one stage and print what it took."""
    lake, config = Lake(root), load_config()
    curation = config.curation.model_copy(update={"mapped_from_bytes": mapped_from} if mapped_from else {})
    peaks = Peaks()
    begun, before = time.perf_counter(), _cpu()
    if stage == "landing":
        land_inbox(lake, Pseudonyms("a key for the benchmark"), config.interactions, now=datetime.now(UTC))
    elif stage == "raw_interactions":
        for day in stale_days(lake):
            build_day(lake, day)
    elif stage == "filtered_examples":
        for _ in curate_days(lake, stale_examples(lake, config.curation), config.curation):
            pass
    elif stage == "segment_health":
        for day in lake.days("examples"):
            build_health(lake, day, config.curation)
    else:
        from benchmarks.splits import SEGMENT

        build_dataset(lake, SEGMENT, config.dataset, curation, now=datetime.now(UTC))
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    told = {"own_mb": peaks.own / 2**20, "disk_mb": peaks.disk / 2**20, "peak_mb": int(peak[1]) / 1024}
    print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": _cpu() - before, **told}))


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measured(root: Path, stage: str, folder: str, rows: int, mapped_from: int | None = None) -> dict[str, float]:
    """A stage in a fresh process, told for a million rows."""
    command = [sys.executable, __file__, "--stage", stage, "--root", str(root)]
    command += ["--mapped-from", str(mapped_from)] if mapped_from else []
    environment = {**os.environ, "LYO_LOCAL_DIR": str(root / "local")}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found = json.loads(done.stdout.splitlines()[-1])
    size = sum(path.stat().st_size for path in (root / "lake" / folder).rglob("*") if path.is_file())
    told = {"rows": rows, "cpu_per_million": found["cpu"] * 1e6 / rows, "gb_per_million": size / 1e3 / rows}
    print(
        f"{stage:<20}{rows:>9,}{found['seconds']:>9.1f}{told['cpu_per_million']:>12.0f}{told['gb_per_million']:>12.3f}"
        f"{found['peak_mb']:>10.0f}{found['own_mb']:>10.0f}{found['disk_mb']:>10.0f}",
        flush=True,
    )
    return {**found, **told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[50_000, 100_000])
    parser.add_argument("--split-rows", type=int, nargs="*", default=[50_000, 100_000, 200_000])
    parser.add_argument(
        "--mapped-from", type=int, help="bytes from which on a split puts texts and arrays aside on disk"
    )
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        run_stage(arguments.root, arguments.stage, arguments.mapped_from)
        return
    from benchmarks.splits import make_lake

    results: dict[str, list[dict[str, float]]] = {}
    print(
        f"{'stage':<20}{'rows':>9}{'seconds':>9}{'CPU s/10^6':>12}{'GB/10^6':>12}{'peak MB':>10}{'own MB':>10}{'disk MB':>10}"
    )
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            size = write_inbox(Path(folder), rows)
            print(f"{'the file itself':<20}{rows:>9,}{'':>21}{size / 1e3 / rows:>12.3f}", flush=True)
            for stage, place in WRITES.items():
                results.setdefault(stage, []).append(measured(Path(folder), stage, place, rows))
    for rows in arguments.split_rows:
        with tempfile.TemporaryDirectory() as folder:
            make_lake(Path(folder), rows)
            found = measured(Path(folder), "split", "datasets", rows, arguments.mapped_from)
            results.setdefault("split", []).append(found)
    told: dict[str, object] = {"cores": os.cpu_count(), "results": results}
    if len(sizes := results.get("split", [])) > 1:
        for name in ("peak_mb", "own_mb", "disk_mb"):
            slope, base = np.polyfit([one["rows"] for one in sizes], [one[name] * 2**20 for one in sizes], 1)
            told[f"split_{name}"] = {"bytes_per_row": slope, "base_mb": base / 2**20}
            print(f"{name} of a split: {base / 2**20:.0f} MB and {slope:.0f} bytes a row")
    out = ROOT / "benchmarks" / "out"
    out.mkdir(exist_ok=True)
    (out / "scale.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
