"""Whose a row is, and that a failure which lost its names is not lost itself."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.rollout.attribution import tallied, with_places
from lyo_pipelines.rollout.collect import arm_of, attribution_of
from lyo_pipelines.rollout.day_sums import sums_by_user
from lyo_pipelines.rollout.observations import Arm, Attribution
from lyo_pipelines.rollout.pre_period import PrePeriod

NOBODY = pl.DataFrame(schema={"user_pseudonym": pl.String, "pre_period_n": pl.Int64, "pre_period_sum": pl.Float64})
NOTHING_BEFORE = PrePeriod(NOBODY, orphans=0, rows=0)
PLACES = {"candidate", "current", "unnamed", "elsewhere", "mismatched"}
WORDS = st.sampled_from([None, "", " ", "candidate", "Candidate ", "CURRENT", "current", "treatment", "b"])


def rows(*given: tuple[str | None, str | None, str | None, bool]) -> pl.DataFrame:
    """(user, arm, version, whether it failed) of each row; an answer is rated 4."""
    named = ["user_pseudonym", "experiment_arm", "adapter_version", "failed"]
    frame = pl.DataFrame(
        list(given), schema=dict(zip(named, [pl.String] * 3 + [pl.Boolean], strict=True)), orient="row"
    )
    failed = pl.col("failed")
    return frame.with_columns(
        error=pl.when(failed).then(pl.lit("time-out")), rating=pl.when(~failed).then(4.0), response_time_ms=pl.lit(900.0),
        complaint_category=pl.lit(None, pl.String), retries=pl.lit(0), rating_invited=pl.lit(None, pl.Boolean),
    ).drop("failed")  # fmt: skip


def read(frame: pl.DataFrame) -> tuple[Arm, Arm, Attribution]:
    placed = with_places(frame, "v2")
    sums = sums_by_user(placed, ["cultural"])
    return (
        arm_of(sums, "candidate", NOBODY),
        arm_of(sums, "current", NOBODY),
        attribution_of(sums, [tallied(placed)], NOTHING_BEFORE),
    )


@pytest.mark.parametrize(
    ("arm", "version", "place"),
    [
        ("candidate", "v2", "candidate"),
        (" Candidate", "v2", "candidate"),
        ("candidate", None, "candidate"),
        ("candidate", "", "candidate"),
        ("candidate", "v1", "mismatched"),
        ("current", "v1", "current"),
        ("CURRENT", None, "current"),
        ("current", "v2", "mismatched"),
        (None, "v2", "candidate"),
        ("treatment", "v2", "candidate"),
        ("control", "v1", "elsewhere"),
        (None, "v1", "elsewhere"),
        (None, None, "unnamed"),
        ("b", " ", "unnamed"),
    ],
)
def test_a_row_belongs_where_its_names_put_it(arm, version, place):
    assert with_places(rows(("u", arm, version, True)), "v2")["place"].item() == place


@given(
    st.lists(
        st.tuples(st.sampled_from([None, "a", "b", "c"]), WORDS, st.sampled_from([None, "", "v1", "v2"]), st.booleans())
    )
)
def test_every_failure_is_in_an_arm_or_told(given):
    frame = rows(*given)
    ours, base, told = read(frame) if given else (None, None, None)
    if ours is None or base is None or told is None:
        return
    placed = with_places(frame, "v2")
    assert set(placed["place"]) <= PLACES
    counted = sum(int(arm.errors_n.sum() + arm.unnamed_errors_n.sum()) for arm in (ours, base)) + told.orphans
    left_out = placed.filter(pl.col("place").is_in(["mismatched", "elsewhere"]) & pl.col("error").is_not_null()).height
    assert counted + left_out == placed["error"].count()
    assert told.rows == len(given)


def test_a_failure_without_names_is_its_user_s_arm_s():
    ours, base, told = read(
        rows(
            ("a", "candidate", "v2", False),
            ("a", None, None, True),
            ("b", "current", "v1", False),
            ("b", None, None, True),
        )
    )
    assert (ours.errors_n.sum(), ours.unnamed_n.sum(), ours.unnamed_errors_n.sum()) == (0, 1, 1)
    assert (base.unnamed_errors_n.sum(), told.orphans) == (1, 0)
    assert ours.rated == 1, "what names nothing rates nobody"


def test_a_failure_of_a_user_in_no_arm_in_both_or_without_an_id_is_an_orphan():
    both = [("both", "candidate", "v2", False), ("both", "current", "v1", False)]
    _, _, told = read(rows(*both, *((user, None, None, True) for user in ("both", "new", None))))
    assert told.orphans == 3


def test_answers_that_came_in_no_arm_are_counted_by_the_arm_of_their_user():
    ours, base, _ = read(
        rows(
            ("a", "candidate", "v2", False),
            ("a", None, "v1", False),
            ("a", None, None, False),
            ("b", "current", "v1", False),
        )
    )
    assert (ours.elsewhere_n.sum(), base.elsewhere_n.sum()) == (2, 0)


def test_what_rows_do_not_say_is_told_with_the_names_that_arms_had():
    given = [("a", "Treatment", "v2", False)] * 3 + [("b", "control", "v1", False)] * 2
    given += [("c", "candidate", None, False), ("c", "candidate", "v1", False), ("d", "current", "v2", False)]
    ours, _, told = read(rows(*given))
    assert (told.armless, told.names) == (3, (("treatment", 3), ("control", 2)))
    assert (told.versionless, told.mismatched, told.fallbacks) == (1, 2, 1)
    assert ours.answers == 4, "three of its version and one in its arm"


def test_rows_without_a_user_are_the_first_unit_and_said_to_be():
    ours, base, _ = read(
        rows(("a", "candidate", "v2", False), (None, "candidate", "v2", True), ("b", "current", "v1", False))
    )
    assert (ours.nobody, ours.errors_n.tolist(), base.nobody) == (True, [1, 0], False)
