"""Rows become sums: nothing is lost, days add up, and each sum is what plain Python counts."""

from __future__ import annotations

import math
from typing import Any
from zlib import crc32

import polars as pl
import pytest
from hypothesis import given

from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import COUNTS, HEALTH, NO_USER, SUMS, USER_GROUPS, USERS
from lyo_pipelines_tests.health.interaction_rows import CULTURAL, ROWS, frame, row
from lyo_pipelines_tests.statistics.histogram_bins import bins_of

LISTS = ("time_bins", "time_counts")
TOPIC_SUMS = {"topic_n": "served", "topic_retried": "retried", "topic_rated": "rated", "topic_rating_sum": "rating_sum"}


def known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def on_trial(r: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether a release's candidate answered: a row that names neither arm nor adapter is as its user's others in the segment."""
    if names_any(r) or r["user_pseudonym"] is None:
        return is_named_trial(r, rows)
    same = [o for o in rows if all(o[k] == r[k] for k in ("segment", "user_pseudonym")) and names_any(o)]
    return bool(same) and all(is_named_trial(other, rows) for other in same)


def names_any(r: dict[str, Any]) -> bool:
    return r["experiment_arm"] is not None or r["adapter_version"] is not None


def is_named_trial(r: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    arms = {
        (other["experiment_arm"] or "").lower()
        for other in rows
        if (other["segment"], other["adapter_version"]) == (r["segment"], r["adapter_version"])
    }
    if r["experiment_arm"] is not None:
        return r["experiment_arm"].lower() == "candidate"
    return r["adapter_version"] is not None and "candidate" in arms and "current" not in arms


def naive(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The same sums, row by row."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for r in rows:
        key = (r["segment"], r["topic"] or "", r["grade"] or "")
        sums = found.setdefault(key, dict.fromkeys((*COUNTS, *SUMS), 0) | {"bins": {}})
        sums["n"] += 1
        sums["kept"] += r["kept"]
        if on_trial(r, rows):
            continue
        sums["served"] += 1
        complained = r["complaint_category"] is not None or r["complaint_text"] is not None
        rated, timed = known(r["rating"]), not r["error"] and (r["response_time_ms"] or 0) > 0
        sums["judged"] += rated or r["thumbs"] is not None or complained
        sums["negative"] += (rated and r["rating"] <= 2) or (r["thumbs"] or 0) < 0 or complained
        sums["complaints"] += complained
        sums["cultural"] += (r["complaint_category"] or "").lower() in CULTURAL
        sums["retried"] += (r["retries"] or 0) > 0
        sums["errors"] += bool(r["error"])
        sums["examined"] += r["examined"]
        sums["mismatched"] += r["mismatched"]
        log_time = math.log(r["response_time_ms"]) if timed else 0.0
        for name, is_known, value in (
            ("rating", rated, r["rating"]),
            ("relevance", known(r["relevance_score"]), r["relevance_score"]),
            ("log_time", timed, log_time),
        ):
            if is_known:
                sums[{"rating": "rated", "relevance": "relevance_n", "log_time": "timed"}[name]] += 1
                sums[f"{name}_sum"] += value
                sums[f"{name}_squares"] += value**2
        if not r["error"] and r["rating_invited"] is not None:
            name = "invited" if r["rating_invited"] else "uninvited"
            sums[f"{name}_n"] += 1
            sums[f"{name}_rated"] += rated
            sums[f"{name}_sum"] += r["rating"] if rated else 0.0
            sums[f"{name}_squares"] += r["rating"] ** 2 if rated else 0.0
        if timed:
            at = int(bins_of([r["response_time_ms"]])[0])
            sums["bins"][at] = sums["bins"].get(at, 0) + 1
    return found


@given(ROWS)
def test_each_sum_is_what_plain_python_counts(rows):
    expected = naive(rows)
    health, _ = aggregate_day(frame(rows), CULTURAL)
    assert {tuple(r[k] for k in ("segment", "topic", "grade")) for r in health.iter_rows(named=True)} == expected.keys()
    for r in health.iter_rows(named=True):
        sums = expected[r["segment"], r["topic"], r["grade"]]
        assert {name: r[name] for name in COUNTS} == {name: sums[name] for name in COUNTS}
        assert [r[name] for name in SUMS] == pytest.approx([sums[name] for name in SUMS])
        assert dict(zip(r["time_bins"], r["time_counts"], strict=True)) == sums["bins"]
        assert r["time_bins"] == sorted(r["time_bins"])


@given(ROWS)
def test_no_row_is_lost_and_users_count_the_same_rows(rows):
    health, users = aggregate_day(frame(rows), CULTURAL)
    assert health["n"].sum() == users["n"].sum() == len(rows)
    for name in set(USERS.names) & {*COUNTS, *SUMS}:
        assert users[name].sum() == pytest.approx(health[name].sum()), name
    named = health.filter(pl.col("topic") != "")
    for lists, name in TOPIC_SUMS.items():
        assert users[lists].list.sum().sum() == pytest.approx(named[name].sum()), name
    assert users["time_counts"].list.sum().sum() == health["timed"].sum()
    assert (health["judged"] >= health["negative"]).all()
    assert (health["timed"] == health["time_counts"].list.sum()).all()


@given(ROWS, ROWS)
def test_days_add_up(first, second):
    # which versions only candidates have is a matter of a day
    first, second = (
        [r | {"experiment_arm": r["experiment_arm"] or "current"} for r in rows] for rows in (first, second)
    )
    together, users = aggregate_day(frame(first + second), CULTURAL)
    days, day_users = zip(*(aggregate_day(frame(rows), CULTURAL) for rows in (first, second)), strict=True)
    key = ["segment", "topic", "grade"]
    added = pl.concat(days).group_by(key).agg(pl.col(*COUNTS, *SUMS).sum()).sort(key)
    assert together.select(key).equals(added.select(key))
    for name in (*COUNTS, *SUMS):
        assert together[name].to_list() == pytest.approx(added[name].to_list())
    keys = ["segment", "user_group"]
    counts = [name for name in COUNTS if name in users.columns]
    assert pl.concat(day_users).group_by(keys).agg(pl.col(counts).sum()).sort(keys).equals(users.select(*keys, *counts))
    bins = [
        part.explode(LISTS).group_by(*key, "time_bins").agg(pl.col("time_counts").sum())
        for part in (together, pl.concat(days))
    ]
    assert bins[0].sort(pl.all()).equals(bins[1].sort(pl.all()))


@given(ROWS)
def test_the_order_of_rows_does_not_matter(rows):
    first, second = aggregate_day(frame(rows), CULTURAL)[0], aggregate_day(frame(rows[::-1]), CULTURAL)[0]
    assert first.drop(SUMS).equals(second.drop(SUMS))
    for name in SUMS:
        assert first[name].to_list() == pytest.approx(second[name].to_list())


@given(ROWS)
def test_what_is_made_fits_the_contract(rows):
    for made, schema in zip(aggregate_day(frame(rows), CULTURAL), (HEALTH, USERS), strict=True):
        assert made.to_arrow().cast(schema).schema.equals(schema)
        assert not made.select(pl.all().is_null().any()).transpose().to_series().any()


def test_a_user_stays_in_one_group_on_every_day_and_in_every_segment():
    people = [f"u_{n}" for n in range(300)]
    alone = {p: aggregate_day(frame([row(user_pseudonym=p)]), CULTURAL)[1]["user_group"][0] for p in people[:20]}
    _, users = aggregate_day(frame([row(user_pseudonym=p, segment="a.hi") for p in people]), CULTURAL)
    assert set(users["user_group"]) == set(range(USER_GROUPS))
    for person, group in alone.items():
        assert group == crc32(person.encode()) % USER_GROUPS


def test_rows_without_a_user_share_a_group_of_their_own():
    _, users = aggregate_day(frame([row(user_pseudonym=None)] * 3), CULTURAL)
    assert users.select("user_group", "n").rows() == [(NO_USER, 3)]


def test_a_groups_row_says_what_it_asked_about():
    rows = [row(), row(topic="fractions", rating=2.0, retries=2), row(topic="fractions", rating=None), row(topic=None)]
    _, users = aggregate_day(frame(rows), CULTURAL)
    told = users.select("topics", "topic_n", "topic_retried", "topic_rated", "topic_rating_sum").row(0)
    assert told == (["angles", "fractions"], [1, 2], [0, 1], [1, 1], [5.0, 2.0])


@pytest.mark.parametrize(
    ("changes", "served"),
    [
        ({"experiment_arm": "candidate", "adapter_version": "v2"}, 0),
        ({"experiment_arm": " Candidate"}, 0),
        ({"adapter_version": "v2"}, 0),  # the arm was lost; only candidates had this version on that day
        ({"adapter_version": "v1"}, 1),
        ({"experiment_arm": "current", "adapter_version": "v2"}, 1),
        ({}, 1),
    ],
)
def test_what_a_candidate_answered_is_an_interaction_and_nothing_more(changes, served):
    known = [row(experiment_arm="candidate", adapter_version="v2"), row(experiment_arm="current", adapter_version="v1")]
    health, _ = aggregate_day(frame([*known, row(topic="percent", thumbs=-1, **changes)]), CULTURAL)
    found = health.filter(pl.col("topic") == "percent")
    assert found.select("n", "kept", "served", "rated", "negative", "timed").row(0) == (1, 1, *[served] * 4)


def test_a_day_without_rows_has_no_health():
    health, users = aggregate_day(frame([]), CULTURAL)
    assert (health.height, users.height) == (0, 0)
    assert health.to_arrow().cast(HEALTH).schema.equals(HEALTH)


def test_what_counts_as_negative_and_as_cultural_is_said_by_the_columns():
    rows = [row(rating=2.0), row(rating=2.5), row(rating=None, thumbs=-1), row(complaint_text="no"), row(rating=None)]
    health, _ = aggregate_day(frame(rows), CULTURAL)
    assert health.select("judged", "negative", "complaints", "cultural").row(0) == (4, 3, 1, 0)
    cultural, _ = aggregate_day(frame([row(complaint_category="CULTURAL"), row(complaint_category="other")]), CULTURAL)
    assert cultural.select("complaints", "cultural").row(0) == (2, 1)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_none_counts_as_missing(odd):
    plain = [row(user_pseudonym=f"u_{n}") for n in range(3)]
    broken = row(user_pseudonym="u_9", rating=odd, relevance_score=odd, response_time_ms=odd)
    missing = row(user_pseudonym="u_9", rating=None, relevance_score=None, response_time_ms=None)
    for found, wanted in zip(
        aggregate_day(frame([*plain, broken]), CULTURAL), aggregate_day(frame([*plain, missing]), CULTURAL), strict=True
    ):
        assert found.equals(wanted)
