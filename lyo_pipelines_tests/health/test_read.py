"""Reading health: what is broken is named and left out, and when nothing is left that is an error, never silence."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import HEALTH, INVITATIONS, USERS
from lyo_pipelines.health.read import (
    STRATA_COLUMNS,
    TIME_COLUMNS,
    USER_COLUMNS,
    HealthUnreadableError,
    examples_by_day,
    health_signature,
    load_health,
    read_health,
    total_examples,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import CULTURAL, frame, row

DAYS = [date(2026, 1, 5) + timedelta(days=n) for n in range(3)]
HINDI = "tutoring.hi.math"


def put(lake: Lake, day: date, rows: list[dict]) -> None:
    health, users = aggregate_day(frame(rows), CULTURAL)
    lake.write_table(users.to_arrow().cast(USERS), lake.health_users(day))
    lake.write_table(health.to_arrow().cast(HEALTH), lake.health(day))


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path) -> Lake:
    made = Lake(str(tmp_path) if request.param == "local" else f"memory://{tmp_path}")
    for at, day in enumerate(DAYS):
        put(made, day, [row()] * (at + 1) + [row(segment=HINDI, topic=None, kept=False)])
    return made


def spoil(lake: Lake, day: date, name: str = "part", content: bytes = b"no parquet") -> None:
    lake.fs.pipe_file(lake.health(day) if name == "part" else lake.health_users(day), content)


def test_days_are_read_from_the_lake_as_they_are_from_memory(lake):
    on_lake, in_memory = read_health(lake, DAYS), load_health(lake)
    for asked in ([], DAYS[:1], DAYS, [*DAYS, date(2020, 1, 1)]):
        for name, columns in (("strata", (*STRATA_COLUMNS, "day")), ("times", TIME_COLUMNS), ("users", USER_COLUMNS)):
            one, other = (getattr(health, name)(asked).collect() for health in (on_lake, in_memory))
            assert one.columns == other.columns == list(columns)
            plain = [
                f.with_columns(pl.col(pl.Categorical).cast(pl.String)).sort(pl.exclude(pl.List)) for f in (one, other)
            ]
            assert plain[0].equals(plain[1]), (name, asked)


def test_texts_are_categories_and_every_row_has_its_day(lake):
    strata = read_health(lake, DAYS).strata(DAYS[1:]).collect()
    assert strata.schema["segment"] == pl.Categorical
    assert strata.group_by("day").agg(pl.col("n").sum()).sort("day").rows() == [(DAYS[1], 3), (DAYS[2], 4)]


def test_days_that_are_not_there_are_no_trouble(lake):
    found = read_health(lake, [date(2020, 1, 1), *DAYS])
    assert found.days == set(DAYS)
    assert found.unreadable == {}
    assert read_health(Lake("memory://nothing-here"), DAYS).days == set()


@pytest.mark.parametrize("name", ["part", "users"])
def test_a_broken_day_is_named_and_the_others_are_read(lake, name):
    spoil(lake, DAYS[1], name)
    found = read_health(lake, DAYS)
    assert found.days == {DAYS[0], DAYS[2]}
    assert list(found.unreadable) == [DAYS[1]]
    assert found.unreadable[DAYS[1]]
    assert found.strata(DAYS).collect()["n"].sum() == 6
    assert found.users(DAYS).collect()["n"].sum() == 6


def test_a_day_of_an_earlier_contract_is_named_with_what_it_lacks(lake):
    lake.write_table(HEALTH.empty_table().drop_columns(["mismatched"]), lake.health(DAYS[0]))
    assert "mismatched" in read_health(lake, DAYS).unreadable[DAYS[0]]


def test_when_no_day_can_be_read_that_is_an_error_which_says_what_to_do(lake):
    for day in DAYS:
        spoil(lake, day)
    with pytest.raises(HealthUnreadableError, match=r"none of 3 days .* 2026-01-05.*Materialize segment_health"):
        read_health(lake, DAYS)
    with pytest.raises(HealthUnreadableError):
        load_health(lake)
    with pytest.raises(HealthUnreadableError):
        total_examples(examples_by_day(lake))


def test_examples_are_counted_over_all_days(lake):
    assert total_examples(examples_by_day(lake)).rows() == [("tutoring.en.math", 6, 6), (HINDI, 3, 0)]
    assert total_examples(examples_by_day(Lake("memory://nothing-here"))).columns == ["segment", "n", "kept"]


def test_examples_of_broken_days_are_left_out(lake):
    spoil(lake, DAYS[2])
    assert total_examples(examples_by_day(lake)).rows() == [("tutoring.en.math", 3, 3), (HINDI, 2, 0)]


def test_the_signature_changes_when_a_day_is_written_again_or_comes_along(lake):
    before = health_signature(lake)
    assert health_signature(lake) == before
    put(lake, DAYS[0], [row(), row(topic="other"), row(segment="a.en")])
    after = health_signature(lake)
    assert after != before
    put(lake, DAYS[-1] + timedelta(days=1), [row()])
    assert health_signature(lake) not in (before, after)


def test_days_of_before_there_were_invitations_are_read_beside_later_ones(lake):
    asked = [row(rating_invited=True), row(rating_invited=False, rating=None)]
    put(lake, DAYS[2], asked)
    for path in (lake.health(DAYS[0]), lake.health_users(DAYS[0])):
        lake.write_table(lake.read_table(path).drop_columns(list(INVITATIONS)), path)
    for health in (read_health(lake, DAYS), load_health(lake)):
        strata, users = health.strata(DAYS).collect(), health.users(DAYS).collect()
        for found in (strata, users):
            assert found.select(INVITATIONS).null_count().sum_horizontal().item() == 0
            assert found.select(pl.col("invited_n", "invited_rated", "uninvited_n", "uninvited_rated").sum()).row(0) == (
                1, 1, 1, 0,
            )  # fmt: skip
        assert strata.filter(pl.col("day") == DAYS[0])["n"].sum() == 2
