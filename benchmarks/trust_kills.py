"""SIGKILL at random moments of landing, verifying, erasing, rotating the key and retention: it happened whole, or not at all.

    python benchmarks/trust_kills.py [--kills 200] [--seed 7] [--minutes 30]

Every try copies a small lake, starts one of the five in a process of its own and kills that at a moment drawn evenly over the time
that it takes undisturbed. Then the same is done again to its end, and the lake must be what the undisturbed one is: accepted +
rejected + erased = read of every file, the same rows, nobody who was erased found by the search and none of their rows accepted
again from the file that they came in, one pseudonym a person, nothing damaged by `verify_lake(deep=True)`. Kills nothing but
children of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lyo_pipelines.config.loading import Config, lay_over
from lyo_pipelines.erasure.erase import erase, prove
from lyo_pipelines.integrity.rotation import NothingToRotateError, rotate_key
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.retention.apply import apply_retention
from lyo_pipelines.storage.lake import Lake

OUT = Path(__file__).parent / "out" / "trust_kills.json"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
CONFIG: Config = lay_over({"retention": {"interactions_days": 28, "rejected_days": 1}})
FIRST, SECOND = "a first key for kills", "a second key for kills"
PEOPLE, ROWS, FILES = 7, 60, 3
GONE = "student-3@example.org"


def row(number: int) -> dict[str, object]:
    """A row; every seventeenth has no question and is rejected. Half the days are older than retention allows."""
    at = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(days=number % 6 * 6, minutes=number)
    told = {
        "interaction_id": f"i{number}", "occurred_at": at.isoformat(), "task": "tutoring", "language": "en", "subject": "math",
        "question": f"What is {number} plus 2?", "answer": f"It is {number + 2}.", "rating": 5,
        "user_id": f"student-{number % PEOPLE}@example.org", "conversation_id": f"c{number // 3}",
    }  # fmt: skip
    return {key: value for key, value in told.items() if key != "question" or number % 17}


def land(lake: Lake) -> None:
    """What waits in the inbox."""
    land_inbox(lake, Pseudonyms(FIRST), lay_over().interactions, NOW)


def forget(lake: Lake) -> None:
    """One person."""
    erase(lake, [GONE], Pseudonyms(FIRST), lay_over().interactions, reason="asked", now=NOW)


def rotate(lake: Lake) -> None:
    """A new key; done before, there is nothing to do."""
    try:
        rotate_key(lake, Pseudonyms(f"{FIRST}\n{SECOND}"))
    except NothingToRotateError:
        return


def verify(lake: Lake) -> None:
    """Every byte."""
    verify_lake(lake, deep=True, now=NOW)


def keep(lake: Lake) -> None:
    """Retention."""
    apply_retention(lake, CONFIG, Pseudonyms(FIRST), NOW)


WORK: dict[str, Callable[[Lake], None]] = {
    "landing": land, "erase": forget, "verify": verify, "key rotate": rotate, "retention": keep,
}  # fmt: skip


def state(lake: Lake) -> dict[str, object]:
    """What must be the same: rows, rejected rows, counts of the ledger, who is refused at the door."""
    found: dict[str, object] = {}
    for stage in ("landing", "feedback"):
        rows = list[str]()
        for day in lake.days(stage, name=""):
            folder = lake.path(stage, f"date={day.isoformat()}")
            for name in lake.names(folder):
                rows += [
                    json.dumps(one, sort_keys=True, default=str)
                    for one in lake.read_table(f"{folder}/{name}").to_pylist()
                ]
        found[stage] = sorted(rows)
    names = lake.names(lake.path("rejected"))
    rejected = [one for name in names for one in lake.read_table(lake.path("rejected", name)).to_pylist()]
    found["rejected"] = sorted(f"{one['line']} {one['reason']} {one['raw']}" for one in rejected)
    counts = Counter[str]()
    for name in lake.names(lake.path("files")):
        if name.endswith(".json"):
            told = lake.read_json(lake.path("files", name))
            counts.update({key: told[key] for key in ("read", "accepted", "rejected", "erased")})
            if told["accepted"] + told["rejected"] + told["erased"] != told["read"]:
                found["not conserved"] = name
    found["counts"] = dict(counts)
    if lake.exists(lake.path("key.json")):
        found["key"] = lake.read_json(lake.path("key.json"))
    return found


def faults(what: str, lake: Lake, wanted: dict[str, object], originals: Path) -> list[str]:
    """What is not as it should be."""
    told, found = state(lake), list[str]()
    found += [f"{key} differs" for key in wanted.keys() | told.keys() if wanted.get(key) != told.get(key)]
    found += [f"damaged: {one.path}: {one.says}" for one in verify_lake(lake, deep=True, now=NOW).damage]
    if what == "erase":
        pseudonyms = Pseudonyms(FIRST)
        found += [f"still in {path}" for path in prove(lake, [GONE], pseudonyms).left]
        source = originals / "log0.jsonl"
        report = land_file(
            lake, str(source), pseudonyms=pseudonyms, config=lay_over().interactions, format="canonical", now=NOW
        )
        mine = sum(n % PEOPLE == 3 and n % 17 != 0 for n in range(ROWS))
        if report.rejected_by_reason.get("erased_person", 0) < mine:
            found.append(f"came back: {report.rejected_by_reason}")
    return found


def in_child(work: Callable[[], object]) -> int:
    """Start something in a process of its own; its id."""
    child = os.fork()
    if child:
        return child
    try:
        os.setpgrp()
        work()
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def finished(child: int) -> bool:
    """Wait for it; whether it ended well."""
    return os.waitpid(child, 0)[1] == 0


class Trials:
    """Tries below one folder. seconds: what each work takes undisturbed; wanted: what it comes to."""

    def __init__(self, root: Path, draw: random.Random) -> None:
        self._root, self._draw = root, draw
        self._originals, self._empty, self._full = root / "originals", root / "empty", root / "full"
        self.seconds, self._wanted = dict[str, float](), dict[str, dict[str, object]]()
        self.killed, self.moments, self.wrong = Counter[str](), Counter[str](), list[str]()

    def prepare(self) -> bool:
        """Write the inbox, land it once, and do everything undisturbed; whether that went well."""
        self._originals.mkdir()
        for number in range(FILES):
            lines = (json.dumps(row(n)) for n in range(number * ROWS, (number + 1) * ROWS))
            path = self._originals / f"log{number}.jsonl"
            path.write_text("\n".join(lines) + "\n")
            os.utime(path, (NOW.timestamp() - 86_400,) * 2)
        shutil.copytree(self._originals, self._empty / "inbox")
        shutil.copytree(self._empty, self._full)
        if not finished(in_child(lambda: land(Lake(str(self._full))))):
            return False
        for path in self._full.rglob("*.parquet"):
            os.utime(path, (NOW.timestamp() - 5 * 86_400,) * 2)
        for what in WORK:
            lake, at = self._copy(what), time.monotonic()
            if not self._again(what, lake, at):
                return False
            self.seconds[what] = time.monotonic() - at
            self._wanted[what] = state(lake)
            shutil.rmtree(lake.root)
        return True

    def once(self) -> None:
        """One kill, what it left, and what comes of doing it again."""
        what = self._draw.choice(list(WORK))
        lake, at = self._copy(what), time.monotonic()
        child = in_child(lambda: WORK[what](lake))
        time.sleep(self._draw.random() * self.seconds[what])
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:  # it was faster; what it takes is known better now
            self.seconds[what] = 0.7 * self.seconds[what] + 0.3 * (time.monotonic() - at)
        else:
            self.killed[what] += 1
            self.moments["a decided rewriting was open"] += lake.exists(lake.path("rewriting", "plan.json"))
            self.moments["something was staged"] += lake.exists(lake.path("rewriting")) or lake.exists(
                lake.path("staging")
            )
            if self._again(what, lake, time.monotonic()):
                found = faults(what, lake, self._wanted[what], self._originals)
            else:
                found = ["it cannot be finished"]
            self.wrong += [f"kill {self.killed.total()}, {what}: {said}" for said in found]
        shutil.rmtree(lake.root)

    def _copy(self, what: str) -> Lake:
        return Lake(str(shutil.copytree(self._empty if what == "landing" else self._full, self._root / "try")))

    def _again(self, what: str, lake: Lake, at: float) -> bool:
        done = finished(in_child(lambda: WORK[what](lake)))
        before = self.seconds.get(what, time.monotonic() - at)
        self.seconds[what] = 0.7 * before + 0.3 * (time.monotonic() - at)
        return done


def main() -> int:
    """Kill, recover, compare."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--minutes", type=float, default=30)
    told, began = options.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lyo-kills-") as place:
        trials = Trials(Path(place), random.Random(told.seed))
        if not trials.prepare():
            return 1
        print({what: f"{took:.2f} s" for what, took in trials.seconds.items()}, flush=True)
        while trials.killed.total() < told.kills and time.monotonic() - began < 60 * told.minutes:
            before = trials.killed.total()
            trials.once()
            if trials.killed.total() % 20 == 0 and trials.killed.total() > before:
                said = f"{trials.killed.total()} kills, {len(trials.wrong)} wrong, {time.monotonic() - began:.0f} s"
                print(f"  {said}", flush=True)
    result = {
        "seed": told.seed, "total": trials.killed.total(), "kills": dict(trials.killed), "moments": dict(trials.moments),
        "wrong": trials.wrong,
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 1 if trials.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
