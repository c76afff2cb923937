"""What is older than the settings allow goes as a whole, is recorded, and does not come back; everything else stays as it was."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lyo_pipelines.config.loading import Config, ConfigError, lay_over
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.day import stale_days as stale_examples
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.days.build import stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.retention.apply import apply_retention, plan_retention
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import finish_rewriting
from lyo_pipelines_tests.dataset.example_lake import CONFIG as DATASET
from lyo_pipelines_tests.dataset.example_lake import CURATION, SEGMENT, question
from lyo_pipelines_tests.interactions.landing_lake import (
    NOW,
    PSEUDONYMS,
    START,
    build,
    jsonl,
    lake_at,
    land,
    raw,
    rejected,
    row,
)

OFF = lay_over()
ALL: Config = lay_over(
    {
        "retention": {
            "inbox_days": 10, "set_aside_days": 10, "rejected_days": 10, "interactions_days": 40, "checkpoints_days": 10,
        }
    }
)  # fmt: skip
LATER = NOW + timedelta(days=30)
"""The first of the two days of the log is 80 days old, the second 20."""


def log(n: int) -> dict:
    answer = f"Step by step the answer to number {n} is found by adding what is given and checking the sum."
    at = (START + timedelta(days=60 * (n % 2), minutes=n)).isoformat()
    return row(
        n, occurred_at=at, question=question(n), answer=answer, rating=5, history=[], conversation_id=f"talk{n}", turn=0
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = lake_at(tmp_path)
    inbox = tmp_path / "inbox"
    jsonl(inbox / "log.jsonl", [*(log(n) for n in range(40)), {**log(3), "interaction_id": "broken", "question": None}])
    land_inbox(lake, PSEUDONYMS, OFF.interactions, LATER)
    build(lake)
    for day in stale_examples(lake, OFF.curation):
        curate_day(lake, day, OFF.curation)
    (inbox / "set_aside").mkdir()
    (inbox / "set_aside" / "odd.bin").write_bytes(b"odd")
    (inbox / "set_aside" / "odd.bin.reason.txt").write_text("why")
    folder = Path(lake.adapter_dir(SEGMENT, "owner-1")) / "checkpoints" / "checkpoint-5"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"w")
    written(tmp_path, LATER - timedelta(days=20))
    return lake


def written(root: Path, at: datetime) -> None:
    for path in root.rglob("*"):
        if ".landing.lock" not in path.name:
            os.utime(path, (at.timestamp(), at.timestamp()))


def apply(lake: Lake, config: Config = ALL, now: datetime = LATER):
    return apply_retention(lake, config, PSEUDONYMS, now)


def files(lake: Lake) -> dict[str, bytes]:
    root = Path(lake.root)
    found = (path for path in root.rglob("*") if path.is_file() and ".lock" not in path.name)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def test_nothing_goes_unless_days_are_set_and_a_plan_changes_nothing(lake):
    before = files(lake)
    assert plan_retention(lake, OFF, LATER).is_empty
    assert apply(lake, OFF).record == ""
    assert dict(plan_retention(lake, ALL, LATER).counts) == {
        "files of the inbox": 1, "files set aside": 2, "rejected rows": 1, "days of interactions": 1, "landed rows": 20,
        "folders of checkpoints": 1,
    }  # fmt: skip
    assert files(lake) == before


def test_what_is_too_old_goes_and_the_rest_stays_as_it_was(lake):
    before, kept = files(lake), [one["interaction_id"] for one in raw(lake).to_pylist()]
    done = apply(lake)
    after = files(lake)
    old, new = START.date().isoformat(), (START + timedelta(days=60)).date().isoformat()
    assert {path for path in before if f"date={new}" in path} <= after.keys()
    assert all(
        after[path] == before[path] for path in before if f"date={new}" in path or f"examples/date={old}" in path
    )
    assert not [
        path for path in after if f"date={old}" in path and not path.startswith(("lake/examples", "lake/health"))
    ]
    assert not [path for path in after if path.startswith("inbox/")]
    assert len(raw(lake)) == len(kept) // 2
    (line,) = rejected(lake)
    assert (line["reason"], line["raw"], line["detail"]) == ("missing_question", None, None)
    assert stale_days(lake) == []
    assert verify_lake(lake, deep=True, now=LATER).damage == []
    told = json.loads(lake.read_text(done.record))
    assert (told["number"], told["removed"]["landed rows"], len(told["signature"])) == (1, 20, 64)
    assert apply(lake).record == "", "once"


def test_rows_that_went_are_not_accepted_again(lake, tmp_path):
    apply(lake)
    (tmp_path / "again").mkdir()
    again = jsonl(tmp_path / "again" / "log.jsonl", [log(n) for n in range(6)])
    report = land(lake, again, config=ALL.interactions, now=LATER)
    assert (report.accepted, report.rejected) == (3, 3)


def test_a_version_of_data_is_built_as_before_and_no_held_out_item_moves(lake):
    first = build_dataset(lake, SEGMENT, DATASET, CURATION, now=LATER)
    apply(lake)
    assert build_dataset(lake, SEGMENT, DATASET, CURATION, now=LATER).fingerprint == first.fingerprint


def test_what_has_not_landed_is_not_removed_from_the_inbox(lake):
    path = jsonl(Path(lake.side("inbox")) / "new.jsonl", [log(100)])
    os.utime(path, (1.0, 1.0))
    apply(lake)
    assert path.exists()


@pytest.mark.parametrize("dies_at", [0, 2, 4, 6])
def test_killed_at_any_write_it_happened_whole_or_not_at_all(lake, dies_at):
    before, steps = files(lake), iter(range(1000))

    class Dying(Lake):
        def _rename(self, temporary: str, path: str) -> None:
            if next(steps) == dies_at:
                raise KeyboardInterrupt
            super()._rename(temporary, path)

    try:
        apply(Dying(lake.root))
    except KeyboardInterrupt:
        if not finish_rewriting(lake):
            left = {path: data for path, data in files(lake).items() if not path.startswith("lake/rewriting")}
            assert left == before
            apply(lake)
    assert plan_retention(lake, ALL, LATER).is_empty
    assert verify_lake(lake, deep=True, now=LATER).damage == []


def test_the_bound_of_rows_is_said_in_one_place_and_not_below_what_releases_look_back_at():
    with pytest.raises(ConfigError, match=r"retention\.interactions_days"):
        lay_over({"interactions": {"keep_days": 3}})
    with pytest.raises(ConfigError, match=r"retention\.interactions_days"):
        lay_over({"retention": {"interactions_days": 7}})
    assert ALL.interactions.keep_days == 40
