"""The same landing, days, curation, health and split on a local lake and on one in an S3 bucket: seconds, and requests by kind.

    python benchmarks/object_storage.py [--rows 10000] [--stages local s3]

The S3 server is moto's on this machine, without a network between: the seconds say what our side costs, the requests what a real one
will (at 20 ms a request, and AWS's prices: docs/object_storage.md). Writes benchmarks/out/object_storage.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from lyo_pipelines_tests.object_storage import running_object_server

OUT = Path(__file__).parent / "out" / "object_storage.json"


def run_stages(root: str, rows: str) -> None:
    """The work, in a process of its own; prints a line of JSON after each stage."""
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.curation.days import curate_days
    from lyo_pipelines.dataset.build import build_dataset
    from lyo_pipelines.health.day import build_day as build_health
    from lyo_pipelines.health.read import examples_by_day, total_examples
    from lyo_pipelines.integrity.verify import verify_lake
    from lyo_pipelines.interactions.days.build import build_day, stale_days
    from lyo_pipelines.interactions.landing.land_file import land_file
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.storage.lake import Lake

    lake, config, now = Lake(root), load_config(), datetime.now(UTC)
    pseudonyms = Pseudonyms("a key for the benchmark, which is long enough")

    def stage(name: str, work) -> None:
        begun = time.perf_counter()
        n = work()
        print(json.dumps({"stage": name, "seconds": round(time.perf_counter() - begun, 2), "n": n}), flush=True)

    def land() -> int:
        return land_file(lake, rows, pseudonyms=pseudonyms, config=config.interactions, now=now).accepted

    def days() -> int:
        return len([build_day(lake, day, pseudonyms) for day in stale_days(lake)])

    def curate() -> int:
        return len(list(curate_days(lake, lake.days("interactions"), config.curation)))

    def health() -> int:
        return len([build_health(lake, day, config.curation) for day in lake.days("interactions")])

    def split() -> int:
        segment = total_examples(examples_by_day(lake)).sort("kept", descending=True)["segment"][0]
        found = build_dataset(lake, segment, config.dataset, config.curation, now=now, pseudonyms=pseudonyms)
        return sum(record.rows for record in found.manifest.files.values())

    def verify() -> int:
        found = verify_lake(lake, None, deep=True, now=now)
        assert not found.damage, found.damage
        return sum(dict(found.checked).values())

    for name, work in (("landing", land), ("raw_interactions", days), ("filtered_examples", curate), ("segment_health", health),
                       ("split", split), ("verify --deep", verify)):  # fmt: skip
        stage(name, work)


def measure(root: str, rows: Path, environment: dict[str, str], requests) -> list[dict]:
    """Run the stages; with each, the requests that were made meanwhile."""
    before, found = dict(requests), []
    with subprocess.Popen(
        [sys.executable, __file__, "--work", root, "--file", str(rows)], env={**os.environ, **environment},
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for line in process.stdout:
            now = dict(requests)
            made = {kind: n - before.get(kind, 0) for kind, n in sorted(now.items()) if n > before.get(kind, 0)}
            found.append({**json.loads(line), "requests": made})
            print(found[-1], flush=True)
            before = now
    if process.returncode:
        raise SystemExit(f"the stages on {root} ended with {process.returncode}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--stages", nargs="+", default=["local", "s3"])
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        run_stages(args.work, args.file)
        return
    from lyo_pipelines.sample.tasks.generate import task_rows
    from lyo_pipelines.sample.write import write_jsonl

    with tempfile.TemporaryDirectory() as folder, running_object_server() as server:
        made = task_rows(
            "tutoring", n=args.rows, seed=7, end=datetime.now(UTC).date(), language="en", with_subject=True
        )
        rows = write_jsonl(Path(folder, "rows.jsonl"), made)
        environment = {**server.environment, "LYO_LOCAL_DIR": f"{folder}/local"}
        roots = {"local": f"{folder}/data", "s3": server.new_root()}
        found = {name: measure(roots[name], rows, environment, server.requests) for name in args.stages}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"rows": args.rows, "found": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
