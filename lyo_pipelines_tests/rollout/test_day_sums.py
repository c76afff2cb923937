"""Many releases in one pass, and days that are not read again: the same numbers as each release and each day by itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lyo_pipelines.registry.log import read_release
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.day_sums import StageSums, summed_stages
from lyo_pipelines.rollout.routing import current_routing
from lyo_pipelines.rollout.stage_cache import SUMS, USERS, cache_path, forget_days
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.registry.event_factory import START, event, released, write
from lyo_pipelines_tests.rollout.adapter_factory import interactions

DAY = timedelta(days=1)
SEGMENTS = ("tutoring.ta.chemistry", "tutoring.ta.history", "tutoring.ta", "search.mr")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return begun(tmp_path)


def begun(folder: Path) -> Lake:
    """Four releases in canary, one of them a parent's of two others."""
    lake = Lake(str(folder))
    for number, segment in enumerate(SEGMENTS):
        write(lake, *released("v2", segment=segment, day=number / 4))
    return lake


def row(number: int, day: int, hour: float, **more: Any) -> dict[str, Any]:
    at = START.replace(hour=0) + timedelta(days=day, hours=hour)
    segment = SEGMENTS[number % len(SEGMENTS)].split(".")
    bad = number % 7 == 0
    arm = ("candidate", "current", None, "current")[number % 4]
    return {
        "interaction_id": f"{day}-{number}", "occurred_at": at.isoformat(), "task": segment[0], "language": segment[1],
        "subject": segment[2] if len(segment) > 2 else "geography", "question": "q", "user_id": f"user{number % 11}",
        "adapter_version": "v2" if arm == "candidate" else None, "experiment_arm": arm, "rating": None if bad else number % 5 + 1,
        "error": "timeout" if bad else None, "response_time_ms": 900 + number, "retries": number % 3,
        "complaint_category": "cultural" if number % 13 == 0 else None,
        "rating_invited": (None, False, True)[number % 3], **more,
    }  # fmt: skip


def rows(day: int, n: int, **more: Any) -> list[dict[str, Any]]:
    return [row(number, day, 24 * (number + 0.5) / n, **more) for number in range(n)]


def rewrite(lake: Lake, day: int, n: int, **more: Any) -> None:
    """A day as it is written anew."""
    path = Path(lake.interactions(day_of(day)))
    path.unlink(missing_ok=True)
    interactions(lake, rows(day, n, **more))


def day_of(number: int) -> date:
    return (START + number * DAY).date()


def looked(lake: Lake, now_day: float, segments: tuple[str, ...] = SEGMENTS) -> dict[str, StageSums]:
    found = [read_release(lake, segment) for segment in segments]
    return summed_stages(lake, found, current_routing(lake), now=START + now_day * DAY, cultural=["cultural"])


def anew(lake: Lake, now_day: float) -> dict[str, StageSums]:
    """Each release by itself, with nothing kept from before."""
    found: dict[str, StageSums] = {}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(lake.path(""), Path(folder) / "lake")
        clean = Lake(folder)
        for segment in SEGMENTS:
            forget_days(clean, segment)
            found |= looked(clean, now_day, (segment,))
    return found


def assert_same(found: dict[str, StageSums], wanted: dict[str, StageSums]) -> None:
    assert found.keys() == wanted.keys()
    for segment, ours in found.items():
        theirs = wanted[segment]
        for one, other, keys in ((ours.sums, theirs.sums, list(USERS)), (ours.tally, theirs.tally, ["place"])):
            assert (one is None) == (other is None), segment
            if one is not None and other is not None:
                order = [*keys, *(name for name in other.columns if name not in keys)]
                assert_frame_equal(one.select(order).sort(order), other.select(order).sort(order), check_exact=False)


def answers(found: StageSums) -> int:
    return 0 if found.sums is None else int(found.sums["answers_n"].sum())


def test_all_releases_in_one_pass_get_what_each_alone_gets(lake: Lake) -> None:
    for day in range(5):
        interactions(lake, rows(day, 160))
    together = looked(lake, 4.5)
    assert_same(together, anew(lake, 4.5))
    assert all(answers(sums) > 60 for sums in together.values())


def test_the_weeks_before_are_read_in_one_pass_for_all_too_and_each_release_gets_what_it_alone_gets(
    lake: Lake, tmp_path: Path
) -> None:
    for day in range(-4, 2):
        interactions(lake, rows(day, 120, adapter_version=None, experiment_arm=None))
    Path(lake.interactions(day_of(-2))).write_bytes(b"damaged")
    alone = {}
    for segment in SEGMENTS:
        shutil.copytree(lake.path(""), (copy := tmp_path / segment) / "lake")
        alone |= looked(Lake(str(copy)), 1.5, (segment,))
    for segment, sums in looked(lake, 1.5).items():
        ours, theirs = sums.before, alone[segment].before
        assert (ours.rows, ours.orphans) == (theirs.rows, theirs.orphans) and ours.rows > 30
        assert_frame_equal(ours.users.sort("user_pseudonym"), theirs.users.sort("user_pseudonym"))
    assert not list(Path(lake.path("rollout")).rglob("before-*")), "a day is damaged: nothing is kept until it is whole"
    rewrite(lake, -2, 120, adapter_version=None, experiment_arm=None)
    whole = looked(lake, 1.5)
    assert len(list(Path(lake.path("rollout")).rglob("before-*"))) == len(SEGMENTS)
    assert all(whole[segment].before.rows > alone[segment].before.rows for segment in SEGMENTS)


def test_ratings_are_added_up_by_whether_they_were_invited_and_days_of_before_know_of_none(lake: Lake) -> None:
    made = [row(4 * number, 1, 8) for number in range(30)]
    interactions(lake, made)
    sums = looked(lake, 2)[SEGMENTS[0]].sums
    assert sums is not None
    for name, invited in (("invited", True), ("uninvited", False)):
        mine = [r for r in made if r["rating_invited"] is invited and not r["error"]]
        ratings = [r["rating"] for r in mine if r["rating"] is not None]
        added = sums.select(pl.col(f"{name}_n", f"{name}_rated_n", f"{name}_sum").sum()).row(0)
        assert added == (len(mine), len(ratings), sum(ratings)) and ratings
    path = lake.interactions(day_of(1))
    lake.write_table(lake.read_table(path).drop_columns(["rating_invited"]), path)
    sums = looked(lake, 2)[SEGMENTS[0]].sums
    assert sums is not None and sums["invited_n"].sum() == sums["uninvited_n"].sum() == 0
    assert sums["ratings_n"].sum() > 0


@settings(max_examples=draws(6))
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 40), st.sampled_from(["write", "remove", "step", "look"])),
        min_size=3, max_size=12,
    ),
    st.floats(0.1, 0.9),
)  # fmt: skip
def test_whatever_is_written_anew_in_between_a_look_says_what_a_first_look_would(
    changes: list[tuple[int, int, str]], hour: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = begun(Path(folder))
        for day in range(8):
            interactions(lake, rows(day, 30))
        for number, (day, n, what) in enumerate(changes):
            if what == "write":
                rewrite(lake, day, n, rating=number % 5 + 1)
            elif what == "remove":
                Path(lake.interactions(day_of(day))).unlink(missing_ok=True)
            elif what == "step" and not read_release(lake, SEGMENTS[1]).stage > 1:
                write(lake, event("stepped_up", "v2", segment=SEGMENTS[1], day=3 + hour, stage=2, share=0.25))
            looked(lake, 4 + number / 2 + hour)
        now = 4 + len(changes) / 2 + hour
        assert_same(looked(lake, now), anew(lake, now))


def test_a_second_look_reads_only_the_days_that_are_new_or_were_written_anew(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(9):
        interactions(lake, rows(day, 20))
    looked(lake, 8.5)
    opened, open_table = list[str](), Lake.open_table

    @contextmanager
    def counted(self: Lake, path: str) -> Iterator[pq.ParquetFile]:
        opened.extend([path.split("date=")[1][:10]] if "interactions" in path else [])
        with open_table(self, path) as file:
            yield file

    monkeypatch.setattr(Lake, "open_table", counted)
    looked(lake, 8.6)
    assert opened == [str(day_of(8))], "today's, once for all four releases"
    opened.clear()
    rewrite(lake, 7, 25)
    looked(lake, 8.7)
    assert opened == [str(day_of(7)), str(day_of(8))]


def test_a_day_that_breaks_off_is_left_out_named_and_counted_once_it_is_whole_again(lake: Lake) -> None:
    for day in range(4):
        interactions(lake, rows(day, 80))
    whole = looked(lake, 3.5)
    file = Path(lake.interactions(day_of(2)))
    content = file.read_bytes()
    for damage in (content[: len(content) // 2], b"", b"PAR1", content[:-8] + b"\0" * 8):
        file.write_bytes(damage)
        for segment, sums in looked(lake, 3.5).items():
            assert list(sums.unreadable) == [day_of(2)], segment
            assert 0 < answers(sums) < answers(whole[segment])
    file.write_bytes(content)
    assert_same(looked(lake, 3.5), whole)


@pytest.mark.parametrize("damage", [b"", b"half a file", None])
def test_what_was_kept_and_is_damaged_or_gone_is_made_again(lake: Lake, damage: bytes | None) -> None:
    for day in range(6):
        interactions(lake, rows(day, 40))
    before = looked(lake, 5.5)
    kept = Path(cache_path(lake, SEGMENTS[0]))
    if damage is None:
        kept.unlink()
    else:
        kept.write_bytes(damage)
    assert_same(looked(lake, 5.5), before)
    assert pq.read_metadata(kept).num_rows > 0


def test_what_is_kept_is_one_line_for_each_place_and_user_of_days_that_have_grown_old(lake: Lake) -> None:
    for day in range(20):
        interactions(lake, rows(day, 60))
    looked(lake, 19.5)
    kept = pl.read_parquet(cache_path(lake, "tutoring.ta"))
    old = kept.filter(pl.col("day").is_null())
    assert old.height == old.select(USERS).n_unique()
    assert set(kept["day"].drop_nulls()) == {day_of(number) for number in (16, 17, 18)}
    assert set(SUMS) < set(kept.columns)


def test_nothing_is_kept_of_a_stage_that_is_over(lake: Lake) -> None:
    for day in range(5):
        interactions(lake, rows(day, 60))
    before = answers(looked(lake, 4.5)[SEGMENTS[0]])
    stepped = write_step(lake)
    after = answers(looked(lake, 4.5)[SEGMENTS[0]])
    assert stepped.stage == 2 and 0 < after < before


def write_step(lake: Lake) -> Release:
    write(lake, event("stepped_up", "v2", segment=SEGMENTS[0], day=3, stage=2, share=0.25))
    return read_release(lake, SEGMENTS[0])
