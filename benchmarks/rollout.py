"""How good the rollout decisions are: the real rules at simulated releases, beside two rules in use elsewhere.

    nice python benchmarks/rollout.py [--rollouts 2000] [--only equal harmful ...] [--out FILE]

Releases are simulated by rollout_world.py; cells stand in rollout_cells.py, rivals in rollout_rivals.py, what is told in
rollout_report.py. Looks are daily unless a cell says otherwise. Intervals are Wilson's at 95 %. Every cell says its n.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rollout_cells import CELLS, run_cell
from rollout_report import assignment

OUT = Path(__file__).parent / "out" / "rollout.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2000)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    report: dict[str, object] = json.loads(given.out.read_text()) if given.out.exists() and given.only else {}
    started = time.perf_counter()
    for cell in CELLS:
        if given.only and not any(cell.name.startswith(prefix) for prefix in given.only):
            continue
        report[cell.name] = run_cell(cell, given.rollouts, given.seed)
        print(f"{time.perf_counter() - started:6.0f} s  {cell.name}: {json.dumps(report[cell.name])}", flush=True)
    if not given.only or "assignment" in given.only:
        report["assignment"] = assignment()
        print(f"{time.perf_counter() - started:6.0f} s  assignment: {json.dumps(report['assignment'])}", flush=True)
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
