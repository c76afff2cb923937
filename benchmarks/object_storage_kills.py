"""SIGKILL at random moments while files land in a lake in an S3 bucket and its days are built: no row is lost, none is there twice.

    python benchmarks/object_storage_kills.py [--kills 100] [--files 6] [--rows 40] [--seed 7]

One installation a round of ten kills, so that kills hit every step. The server is moto's on this machine; leases end after 2 s. Writes
benchmarks/out/object_storage_kills.json.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path

from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.killed_landings import require_whole, run_with_kills, write_files
from lyo_pipelines_tests.object_storage import running_object_server

OUT = Path(__file__).parent / "out" / "object_storage_kills.json"
EACH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--longest", type=float, default=8.0, help="seconds after which the latest kill comes")
    args = parser.parse_args()
    rng, hit, rounds = random.Random(args.seed), 0, 0
    with running_object_server() as server:
        import os

        os.environ.update(server.environment)
        while hit < args.kills:
            with tempfile.TemporaryDirectory() as folder:
                os.environ["LYO_LOCAL_DIR"] = f"{folder}/local"
                environment = {**server.environment, "LYO_LOCAL_DIR": f"{folder}/local", "LYO_LEASE_SECONDS": "2"}
                root = server.new_root()
                files = write_files(Path(folder), args.files, args.rows)
                kills = min(EACH, args.kills - hit)
                hits, took = run_with_kills(
                    root, files, kills=kills, longest=args.longest, rng=rng, environment=environment
                )
                require_whole(Lake(root), args.files, args.rows)
                hit, rounds = hit + hits, rounds + 1
                print(f"round {rounds}: {hits} kills hit, the last run took {took[-1]:.1f} s; whole", flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"kills": hit, "rounds": rounds, "whole": rounds}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
