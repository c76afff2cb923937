"""The ledger keeps every decision that is news, once, and gives it back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lyo_pipelines.integrity.tables import tables_below
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.retraining.ledger import (
    DECISION,
    digest,
    latest_decisions,
    policy_digest,
    read_decisions,
    record_decisions,
)
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.retraining.signal_factory import NOW, TODAY, area, change, decided, level, signals, tail

POLICY = "p1"
OTHER = "tutoring.hi.math"


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path) -> Lake:
    return Lake(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")


def fell(fall: float = 0.9, segment: str = "tutoring.ta.math"):
    return decided(signals(segment=segment, rating=(change(-fall), change(-fall))))


def keep(lake: Lake, *made, now=NOW, policy=POLICY):
    return record_decisions(lake, list(made), {"tutoring.ta.math": 900}, policy=policy, now=now)


def files(lake: Lake) -> list[str]:
    return [name for day in lake.days("decisions", "") for name in lake.names(lake.path("decisions", f"date={day}"))]


def test_what_was_decided_is_read_back_with_its_evidence(lake):
    found = fell()
    assert keep(lake, found) == [found]
    (row,) = read_decisions(lake, found.segment)
    assert (row["at"], row["day"], row["outcome"], row["says"]) == (NOW, TODAY, "fire", found.says)
    assert (row["causes"], row["kinds"], row["held_by"]) == (["quality.rating_drop#1"], ["quality"], [])
    assert (row["cause_hash"], row["attempt"], row["examples"], row["policy"]) == (found.cause_hash, 1, 900, POLICY)
    drop = next(f for f in row["findings"] if f["rule"] == "quality.rating_drop")
    assert drop["outcome"] == "fire"
    assert drop["figures"]["within"] == -0.9
    assert len(row["findings"]) == len(found.findings)
    assert latest_decisions(lake).to_arrow().schema.names == DECISION.names


def test_before_the_first_decision_there_is_none(lake):
    assert latest_decisions(lake).height == 0
    assert read_decisions(lake, "tutoring.ta.math") == []


def test_only_news_is_written(lake):
    first = fell()
    keep(lake, first, decided(signals(segment=OTHER)))
    assert (
        keep(lake, fell(0.95), decided(signals(segment=OTHER, examples=901))) == []
    )  # another configuration, the same conclusions
    assert len(files(lake)) == 1
    quiet = decided()
    assert keep(lake, quiet, now=NOW + timedelta(hours=1)) == [quiet]
    assert [row["outcome"] for row in read_decisions(lake, quiet.segment)] == ["hold", "fire"]
    assert [row["outcome"] for row in read_decisions(lake, OTHER)] == ["hold"]


@pytest.mark.parametrize(
    "change_made",
    [{"day": TODAY + timedelta(days=1)}, {"held_by": ("x",)}, {"attempt": 2}, {"causes": ("y",)}, {"outcome": "hold"}],
)
def test_what_is_news(lake, change_made):
    keep(lake, fell())
    changed = replace(fell(), **change_made)
    assert keep(lake, changed, now=NOW + timedelta(hours=1)) == [changed]


def test_another_policy_is_news(lake):
    keep(lake, fell())
    assert keep(lake, fell(), policy="p2") != []
    assert policy_digest(["a", "b"]) != policy_digest(["a", "c"])


def test_a_decision_that_comes_back_to_what_it_was_is_news_each_time(lake):
    first, second = fell(), decided()
    for hour, made in enumerate((first, second, first, second)):
        assert keep(lake, made, now=NOW + timedelta(hours=hour)) == [made]
    assert [row["outcome"] for row in read_decisions(lake, first.segment)] == ["hold", "fire", "hold", "fire"]


def test_two_sensors_that_see_the_same_write_one_file(lake):
    keep(lake, fell(segment=OTHER))
    made = [fell(), decided(signals(segment=OTHER))]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda at: keep(lake, *made, now=NOW + timedelta(minutes=10, seconds=at)), range(4)))
    assert len(files(lake)) == 2
    assert [row["outcome"] for row in read_decisions(lake, OTHER)] == ["hold", "fire"]
    assert latest_decisions(lake)["segment"].to_list() == [OTHER, "tutoring.ta.math"]


def test_old_days_need_not_be_read(lake):
    keep(lake, fell())
    later = NOW + timedelta(days=3)
    keep(lake, replace(fell(), day=later.date()), now=later)
    assert len(read_decisions(lake, "tutoring.ta.math")) == 2
    assert [row["at"] for row in read_decisions(lake, "tutoring.ta.math", since=later.date())] == [later]


def test_what_nobody_can_know_is_null_and_never_a_nan(lake):
    strange = signals(
        rating=(change(float("nan"), base=float("nan"), n_base=0, coverage=0.0), change()), rating_level=level(4.0, 1),
        tail=tail(n=1, n_base=0), time=change(0.1, n=60, n_base=60),
    )  # fmt: skip
    keep(lake, decided(strange), decided(Signals(OTHER, TODAY), where=area()))
    for text in latest_decisions(lake)["findings"]:
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the ledger"))


def test_a_digest_knows_its_segment():
    assert digest(fell(), POLICY) != digest(replace(fell(), segment=OTHER), POLICY)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet"])
def test_a_damaged_list_of_the_newest_decisions_is_kept_aside_and_made_anew_out_of_the_days(lake, content):
    keep(lake, fell(), fell(segment=OTHER))
    keep(lake, fell(0.1), now=NOW + timedelta(days=1))
    before = latest_decisions(lake)
    path = lake.path("decisions", "latest.parquet")
    lake.fs.pipe_file(path, content)
    troubles: dict[str, str] = {}
    assert latest_decisions(lake, troubles).equals(before)
    assert list(troubles) == [path] and "quarantine" in troubles[path]
    assert latest_decisions(lake, again := {}).equals(before) and again == {}
    (kept,) = lake.names(lake.path("quarantine", "decisions"))
    assert lake.read_bytes(lake.path("quarantine", "decisions", kept)) == content


def test_a_damaged_file_of_a_day_is_told_and_the_other_decisions_are_shown(lake):
    keep(lake, fell())
    keep(lake, fell(0.1), now=NOW + timedelta(days=1))
    day = lake.path("decisions", f"date={NOW.date()}")
    (name,) = lake.names(day)
    lake.fs.pipe_file(f"{day}/{name}", b"half")
    lake.fs.pipe_file(f"{day}/notes.txt", b"x")
    troubles: dict[str, str] = {}
    assert len(read_decisions(lake, "tutoring.ta.math", troubles=troubles)) == 1
    assert list(troubles) == [f"{day}/{name}"]


def test_what_was_decided_is_verified_by_day_and_as_of_last(tmp_path):
    lake = Lake(str(tmp_path))
    keep(lake, fell())
    paths = [Path(path) for path in tables_below(lake, "decisions")]
    assert len(paths) == 2
    assert verify_lake(lake, now=NOW).damage == []
    for path in paths:
        path.write_bytes(path.read_bytes()[:-9])
    assert [Path(one.path) for one in verify_lake(lake, now=NOW).damage] == paths


def test_a_folder_where_the_newest_decisions_were_stops_nobody(tmp_path):
    disk = Lake(str(tmp_path))
    Path(disk.path("decisions", "latest.parquet")).mkdir(parents=True)
    first = fell()
    assert keep(disk, first) == [first]
    assert keep(disk, first) == [], "the days tell what was decided"
    assert latest_decisions(disk)["segment"].to_list() == [first.segment]
