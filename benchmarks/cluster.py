"""Days curated on this machine beside days curated by a Ray cluster on this machine: from how many days on Ray pays.

    python benchmarks/cluster.py [--days 4 16 64] [--rows 2000] [--workers 2]

Each measurement runs in a process of its own, on a lake of its own with the same raw days; a cluster is started for each and ended
with it, as a run does. Wall seconds are of one run, here beside there; CPU seconds are those of the whole family of processes. Writes
benchmarks/out/cluster.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import psutil
import pyarrow as pa

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.days import curate_days
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def write_days(root: Path, days: int, rows: int) -> None:
    """Raw days of `rows` rows each."""
    from benchmarks.curation import DAY, row

    lake, r = Lake(str(root)), Random(7)
    for number in range(days):
        made = [row(r, number * rows + n) for n in range(rows)]
        table = pa.Table.from_pylist(made, schema=INTERACTION.with_metadata({INPUTS_KEY: str(number).encode()}))
        lake.write_table(table, lake.interactions(DAY + timedelta(days=number)))


def curate(root: str, where: str, workers: int) -> None:
    """Curate all days, here or by a cluster, and print seconds and a digest of what came out."""
    config, lake = load_config(), Lake(root)
    cluster = config.cluster.model_copy(
        update={"curation": where == "ray", "minimum_days": 1, "local_workers": workers}
    )
    curation = config.curation.model_copy(update={"workers": workers if where == "here" else 1})
    begun = time.perf_counter()
    days, first = lake.days("interactions"), None
    for _ in curate_days(lake, days, curation, cluster):
        first = first or time.perf_counter() - begun
    seconds = time.perf_counter() - begun
    found = hashlib.sha256()
    for day in days:
        for name in ("part", "removed", "disliked", "ratings"):
            found.update(lake.read_bytes(lake.examples(day, name)))
    print(json.dumps({"seconds": seconds, "first": first, "digest": found.hexdigest()}))


def measured(root: Path, where: str, workers: int) -> dict:
    """Run `curate` in a process and add up what it and all that it starts use."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.cluster",
        "--one",
        where,
        "--root",
        str(root),
        "--workers",
        str(workers),
    ]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    cpu: dict[int, float] = {}
    peak = 0
    while process.poll() is None:
        memory = 0
        for one in _family(process):
            try:
                times = one.cpu_times()
                cpu[one.pid] = times.user + times.system
                memory += one.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
        peak = max(peak, memory)
        time.sleep(0.2)
    out = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{where} ended with {process.returncode}")
    return {**json.loads(out.splitlines()[-1]), "cpu_seconds": sum(cpu.values()), "peak_mb": peak / 1e6}


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", choices=["here", "ray"], help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        curate(arguments.root, arguments.one, arguments.workers)
        return
    results = []
    print(f"{'days':>6}{'where':>7}{'seconds':>9}{'first day':>11}{'CPU s':>8}{'peak MB':>9}")
    for days in arguments.days:
        found = {}
        for where in ("here", "ray"):
            with tempfile.TemporaryDirectory() as folder:
                write_days(Path(folder), days, arguments.rows)
                one = found[where] = measured(Path(folder), where, arguments.workers)
            print(
                f"{days:>6}{where:>7}{one['seconds']:>9.1f}{one['first']:>11.1f}{one['cpu_seconds']:>8.1f}{one['peak_mb']:>9.0f}",
                flush=True,
            )
        same = found["here"]["digest"] == found["ray"]["digest"]
        ratio = found["ray"]["seconds"] / found["here"]["seconds"]
        print(f"{'':6} ray / here {ratio:.2f}, {'the same bytes' if same else 'OTHER BYTES'}", flush=True)
        results.append({"days": days, "ratio": ratio, "same_bytes": same, **found})
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    told = {"rows_a_day": arguments.rows, "workers": arguments.workers, "cores": os.cpu_count(), "results": results}
    (out / "cluster.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
