"""A PostgreSQL table is read as far as it is new: each row once, none lost, changed rows anew, whatever the watermark is like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2
import pytest

from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.interactions.days.build import stale_days
from lyo_pipelines.interactions.tables.probe import probe_table
from lyo_pipelines.interactions.tables.state import read_state
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, build, everything_written, lake_at, raw, rejected
from lyo_pipelines_tests.interactions.table_server import DSN_ENV, Served, log_table, served_database
from lyo_pipelines_tests.postgres import PASSWORD, PostgresServer

FILL = "insert into tutor_log (id, changed_at, student) select n, {}, 'student-' || n || '@example.org' from generate_series({}, {}) n"
MINUTE = "timestamptz '2026-10-01 10:00+00' + n * interval '1 minute'"


@pytest.fixture
def served(postgres: PostgresServer) -> Iterator[Served]:
    with served_database(postgres) as found:
        yield found


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_at(tmp_path / "data")


def ids(lake: Lake) -> list[int]:
    """Which rows of the table are in raw_interactions, each as often as it is there."""
    return sorted(int(name.partition(":")[2]) for name in build(lake)["interaction_id"].to_pylist())


def test_a_table_lands_like_a_file_and_again_changes_nothing(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 250))
    served.run("update tutor_log set question = '' where id = 7")
    report = served.pull(lake, log_table(batch_rows=100))
    assert (report.read, report.accepted, report.rejected_by_reason) == (250, 249, {"missing_question": 1})
    assert (report.format, report.name) == ("canonical", "table tutor_log")
    assert "first" in report.found
    rows = build(lake)
    assert rows["interaction_id"][0].as_py() == "tutor_log:1"
    assert ids(lake) == [n for n in range(1, 251) if n != 7]
    again = served.pull(lake)
    assert (again.read, again.already_landed, again.days) == (0, True, ())
    assert stale_days(lake) == []
    (bad,) = rejected(lake)
    assert (bad["reason"], bad["line"], bad["file"]) == ("missing_question", 7, "table tutor_log, batch 1")


def test_no_raw_user_and_no_password_is_in_the_lake(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 20))
    served.run("update tutor_log set question = null, answer = 'student-3@example.org' where id = 3")
    served.pull(lake)
    build(lake)
    written = everything_written(lake)
    assert "student-" not in written
    assert "u_" in written
    assert PASSWORD not in written


def test_only_what_is_new_is_read(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 100))
    served.pull(lake)
    served.run(FILL.format(MINUTE, 101, 130))
    assert served.pull(lake).read == 30
    assert ids(lake) == list(range(1, 131))


def test_a_rating_set_later_reopens_its_day_and_takes_the_place_of_what_was_there(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 20))
    served.run("update tutor_log set happened_at = happened_at + interval '2 days' where id > 10")
    served.pull(lake)
    build(lake)
    for rating in (5, 2, None):  # also a worse one, and one that is withdrawn
        served.run(
            "update tutor_log set rating = %s, changed_at = changed_at + interval '1 day' where id = 3", (rating,)
        )
        report = served.pull(lake)
        assert (report.read, report.days) == (1, (date(2026, 10, 1),))
        assert stale_days(lake) == [date(2026, 10, 1)]
        row = next(row for row in build(lake).to_pylist() if row["interaction_id"] == "tutor_log:3")
        assert row["rating"] == rating
    assert ids(lake) == list(range(1, 21))


def test_equal_watermarks_at_the_border_of_a_batch_and_after_it_are_all_read(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format("timestamptz '2026-10-01 10:00+00'", 1, 95))
    table = log_table(batch_rows=10, overlap_seconds=0)
    assert served.pull(lake, table).read == 95
    served.run(FILL.format("timestamptz '2026-10-01 10:00+00'", 96, 99))
    assert served.pull(lake, table).read == 4
    assert ids(lake) == list(range(1, 100))


def test_a_transaction_that_commits_late_is_read_within_the_overlap_and_not_beyond_it(
    served: Served, lake: Lake
) -> None:
    served.create()
    with closing(psycopg2.connect(served.env[DSN_ENV])) as late, late.cursor() as cursor:
        cursor.execute(FILL.format("timestamptz '2026-10-01 10:05+00'", 1, 1))
        served.run(FILL.format("timestamptz '2026-10-01 10:10+00'", 2, 2))
        assert served.pull(lake).read == 1
        assert not probe_table(lake, log_table(), served.env).newer
        late.commit()
    assert probe_table(lake, log_table(), served.env).newer
    assert served.pull(lake, log_table(overlap_seconds=60)).read == 0
    assert served.pull(lake).read == 1
    assert ids(lake) == [1, 2]


def test_rows_without_a_usable_watermark_are_read_once_and_hide_no_others(served: Served, lake: Lake) -> None:
    served.create()
    odd = {1: None, 2: "infinity", 3: "-infinity", 4: "2999-01-01+00", 5: "0044-03-15+00 BC"}
    for number, mark in odd.items():
        served.run("insert into tutor_log (id, changed_at) values (%s, %s)", (number, mark))
    served.run(FILL.format(MINUTE, 6, 30))
    assert served.pull(lake).read == 30
    assert not probe_table(lake, log_table(), served.env).newer
    served.run(FILL.format(MINUTE, 31, 40))
    served.run("insert into tutor_log (id) values (41)")
    served.run("update tutor_log set rating = 4 where id = 1")
    assert probe_table(lake, log_table(), served.env).newer
    assert served.pull(lake).read == 12
    assert ids(lake) == list(range(1, 42))
    assert raw(lake).to_pylist()[0]["rating"] == 4
    served.run("update tutor_log set changed_at = '2026-10-01 10:40+00' where id = 1")
    assert served.pull(lake).read == 1
    assert ids(lake) == list(range(1, 42))


KINDS = {
    "timestamptz": ("changed_at timestamptz", MINUTE),
    "timestamp": ("changed_at timestamp", "timestamp '2026-10-01 10:00' + n * interval '1 minute'"),
    "date": ("changed_at date", "date '2026-10-01' + n / 10"),
    "bigint": ("changed_at bigint", "n::bigint * 1000000007"),
    "integer": ("changed_at integer", "n - 60"),
    "text": ("changed_at text", "'m' || lpad((n / 3)::text, 5, '0')"),
    "uuid": (
        "changed_at uuid",
        "('0199a000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid",
    ),
    "uuid as text": ("changed_at text", "upper('0199a000-' || lpad(to_hex(n), 4, '0') || '-7abc-8000-00000000000a')"),
    "random text": ("changed_at varchar", "'Ä' || chr(65 + n % 50) || n"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("overlap", [0, 1000])
def test_every_kind_of_watermark_goes_forward_and_reads_equal_values_again(
    served: Served, lake: Lake, kind: str, overlap: int
) -> None:
    column, value = KINDS[kind]
    served.create(column)
    table = log_table(batch_rows=17, overlap_seconds=overlap, overlap_numbers=overlap)
    served.run(FILL.format(value, 1, 60))
    assert served.pull(lake, table).read == 60
    assert served.pull(lake, table).read == 0
    if kind != "random text":
        served.run(FILL.format(value, 61, 120))
        assert probe_table(lake, table, served.env).newer
        assert served.pull(lake, table).read == 60
        assert ids(lake) == list(range(1, 121))
    bytewise = 'collate "C"' if "text" in kind else ""
    highest = f"select 1000, changed_at from tutor_log order by changed_at {bytewise} desc limit 1"
    served.run(f"insert into tutor_log (id, changed_at) {highest}")
    assert served.pull(lake, table).read == 1
    assert not probe_table(lake, table, served.env).newer


def test_late_identifiers_of_version_seven_are_read_within_the_overlap(served: Served, lake: Lake) -> None:
    served.create("changed_at uuid")
    served.run("insert into tutor_log (id, changed_at) values (1, '0199a000-9000-7000-8000-000000000001')")
    served.pull(lake)
    served.run("insert into tutor_log (id, changed_at) values (2, '0199a000-8fff-7fff-bfff-ffffffffffff')")
    assert served.pull(lake, log_table(overlap_seconds=0)).read == 0
    assert served.pull(lake).read == 1


def test_times_without_an_offset_are_read_in_the_zone_of_the_mapping(served: Served, lake: Lake) -> None:
    served.create("changed_at timestamp, local timestamp default '2026-10-01 02:00'")
    served.run(f"alter database {served.name} set timezone to 'America/Lima'")
    served.run("insert into tutor_log (id, changed_at) values (1, '2026-10-01 02:00')")
    mapping = Path(lake.side("mappings")) / "log.yaml"
    mapping.parent.mkdir()
    mapping.write_text(
        "fields:\n  occurred_at: {from: local, timezone: Asia/Kolkata}\n  question: question\n"
        "  user_id: student\nconstants: {task: tutoring, language: en}\n"
    )
    report = served.pull(lake, log_table(query=None, table="public.tutor_log", mapping="log.yaml"))
    assert (report.format, report.accepted) == ("flat", 1)
    assert build(lake)["occurred_at"][0].as_py().isoformat() == "2026-09-30T20:30:00+00:00"
    assert read_state(lake, "tutor_log").mark == "2026-10-01 02:00:00"


def test_the_servers_own_time_zone_changes_nothing(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 20))
    served.pull(lake)
    served.run(f"alter database {served.name} set timezone to 'Asia/Kolkata'")
    assert served.pull(lake).read == 0
    served.run(FILL.format(MINUTE, 21, 30))
    assert served.pull(lake).read == 10
    assert {at.isoformat() for at in build(lake)["occurred_at"].to_pylist()} == {"2026-10-01T09:00:00+00:00"}


def test_a_row_that_is_too_long_or_holds_odd_values_costs_only_itself(served: Served, lake: Lake) -> None:
    served.create("changed_at timestamptz default '2026-10-01 10:00+00', extra json, odd numeric, raw bytea")
    served.run("insert into tutor_log (id, question) values (1, repeat('x', 5000))")
    served.run("insert into tutor_log (id, happened_at) values (2, 'infinity')")
    served.run("insert into tutor_log (id, extra, odd, raw) values (3, E'{\\n \"a\":\\r\\n [1]}', 'NaN', '\\x00ff')")
    table = log_table(query=f"select extra as metadata, odd as response_time_ms, raw, {log_table().query[7:]}")
    report = served.pull(lake, table, config=CONFIG.model_copy(update={"max_row_bytes": 2048}))
    assert (report.accepted, report.rejected_by_reason) == (1, {"row_too_long": 1, "bad_occurred_at": 1})
    assert build(lake)["metadata"].to_pylist() == ['{"a":[1]}']
    assert report.ignored_fields == ("changed_at", "id", "raw")


def test_feedback_can_come_from_a_table_too(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 5))
    served.pull(lake)
    build(lake)
    served.run("create table votes (id int, target text, stars int, at timestamptz)")
    served.run("insert into votes values (1, 'tutor_log:2', 4, '2026-10-02'), (2, 'tutor_log:9', 1, '2026-10-02')")
    votes = log_table(
        name="votes",
        query="select id, target as interaction_id, stars as rating, at as feedback_at from votes",
        watermark="feedback_at",
    )
    report = served.pull(lake, votes)
    assert (report.format, report.feedback_applied, report.feedback_pending) == ("feedback", 1, 1)
    served.run("update votes set stars = 2 where id = 1")  # within the overlap, the time unchanged
    assert served.pull(lake, votes).read == 1
    assert {row["interaction_id"]: row["rating"] for row in build(lake).to_pylist()}["tutor_log:2"] == 2


def test_a_changed_configuration_goes_on_aloud_and_again_reads_all_anew(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 30))
    wrong = log_table(query=log_table().query.replace("'en'", "''"))
    assert served.pull(lake, wrong).accepted == 0
    report = served.pull(lake)
    assert (report.read, "--again" in report.note) == (11, True)  # the overlap, where each row says something else now
    report = served.pull(lake, again=True)
    assert (report.accepted, report.note) == (30, "")
    assert ids(lake) == list(range(1, 31))
    assert rejected(lake) == []


def test_a_table_that_cannot_be_read_anew_is_not_taken_back(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 30))
    served.pull(lake)
    assert served.pull(lake, env={}, again=True).unreadable
    assert served.pull(lake, log_table(watermark="nothing"), again=True).unreadable
    assert ids(lake) == list(range(1, 31))
    assert served.pull(lake).read == 0


def test_a_lost_state_file_is_found_again_in_the_ledger(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 30))
    served.pull(lake, log_table(batch_rows=10))
    before = read_state(lake, "tutor_log")
    Path(lake.table_state("tutor_log", "state.json")).unlink()
    assert read_state(lake, "tutor_log").place == before.place
    assert served.pull(lake).read == 0


@pytest.mark.parametrize(
    ("changes", "env", "said"),
    [
        ({}, {}, "TUTOR_LOG_DSN is not set"),
        ({}, {DSN_ENV: "postgres//dagster:s3cret@nowhere/x"}, "holds no valid address"),
        ({}, {DSN_ENV: "postgresql://dagster:s3cret@127.0.0.1:1/x"}, "no connection"),
        ({"watermark": "nothing"}, None, "nothing does not exist"),
        ({"watermark": "rating"}, None, "is of a type that is none"),
        ({"query": "delete from tutor_log returning *"}, None, "syntax error"),
        ({"mapping": "none.yaml"}, None, "no mapping none.yaml"),
        ({"format": "parrot"}, None, "unknown format 'parrot'"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(served: Served, lake: Lake, changes, env, said) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 3))
    report = served.pull(lake, log_table(**changes), env=served.env if env is None else env)
    assert said in (report.unreadable or "")
    assert "s3cret" not in (report.unreadable or "")
    assert report.read == 0


def test_another_kind_of_watermark_is_not_compared_with_the_old_one(served: Served, lake: Lake) -> None:
    served.create()
    served.run(FILL.format(MINUTE, 1, 3))
    served.pull(lake)
    report = served.pull(lake, log_table(watermark="id"))
    assert "--again" in (report.unreadable or "")


def test_two_tables_of_one_name_and_half_a_configuration_are_refused(tmp_path: Path) -> None:
    entry = "{name: a, dsn_env: X, watermark: w, key: k, table: t}"
    for text in (f"[{entry}, {entry}]", "[{name: a, dsn_env: X, watermark: w, key: k}]", f"[{entry[:-1]}, query: q}}]"):
        path = tmp_path / "config.yaml"
        path.write_text(f"interactions: {{tables: {text}}}")
        with pytest.raises(ConfigError, match="tables"):
            load_config(path)
