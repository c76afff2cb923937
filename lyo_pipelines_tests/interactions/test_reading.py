"""Lines, numbers, texts and times: the small pure parts, for any input."""

from __future__ import annotations

import io
import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.interactions.errors import RowError, UnreadableFileError
from lyo_pipelines.interactions.fields import columns, times
from lyo_pipelines.interactions.identity import derived_id, match_keys
from lyo_pipelines.interactions.reading.arrow_rows import parquet_blocks
from lyo_pipelines.interactions.reading.lines import read_lines
from lyo_pipelines.segments import Segment, SegmentKeyError, parse_segment, segment_key

BLOCKS = {"block_bytes": 1 << 22, "max_row_bytes": 1 << 24}


@given(
    st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=20),
    st.integers(1, 50),
    st.integers(8, 40),
)
def test_lines_keep_their_numbers_and_content_whatever_the_block(lines, block, limit):
    stream = io.BytesIO(b"".join(line + b"\n" for line in lines))
    seen: dict[int, tuple[bytes, int]] = {}
    for part in read_lines(stream, block_bytes=block, max_line_bytes=limit):
        if part.too_long:
            seen[part.first] = (part.data, part.too_long)
        else:
            seen.update({number: (line, len(line)) for number, line in enumerate(part.data.split(b"\n"), part.first)})
    assert [seen[n + 1][1] for n in range(len(lines))] == [len(line) for line in lines]
    for number, line in enumerate(lines, 1):
        assert line.startswith(seen[number][0][:limit])
        assert seen[number][0] == line or len(line) > limit


def test_a_last_line_without_a_line_feed_is_read_and_an_endless_one_is_cut():
    parts = list(read_lines(io.BytesIO(b"a\nb"), block_bytes=100, max_line_bytes=10))
    assert [(p.first, p.data) for p in parts] == [(1, b"a"), (2, b"b")]
    (part,) = read_lines(io.BytesIO(b"x" * 1000), block_bytes=7, max_line_bytes=10)
    assert (part.data, part.too_long) == (b"x" * 10, 1000)


moments = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(moments, st.sampled_from([timedelta(0), timedelta(hours=5, minutes=30), timedelta(hours=-8)]))
def test_a_time_in_any_form_is_the_same_moment(at, offset):
    from datetime import timezone

    exact = times.microseconds(at)
    local = at.astimezone(timezone(offset))
    forms = [
        at,
        local,
        local.isoformat(),
        at.isoformat().replace("+00:00", "Z"),
        at.replace(tzinfo=None).isoformat(" "),
        exact,
        str(exact),
    ]
    assert {times.parse_moment(form, "t") for form in forms} == {exact}
    assert times.parse_moment(exact / 1e6, "t", unit="s") == pytest.approx(exact, abs=200)
    assert times.parse_moment(exact * 1000, "t") == exact
    assert times.parse_moment(exact // 1000, "t") == exact // 1000 * 1000
    bad: columns.Bad = {}
    array = times.times([local.isoformat(), exact, None], bad, "t")
    assert array.cast(pa.int64()).to_pylist() == [exact, exact, None]
    assert not bad


def test_times_with_zones_patterns_and_dates():
    kolkata = ZoneInfo("Asia/Kolkata")
    wanted = times.microseconds(datetime(2026, 10, 1, tzinfo=UTC))
    assert times.parse_moment("01/10/2026 05:30", "t", pattern="%d/%m/%Y %H:%M", zone=kolkata) == wanted
    assert times.parse_moment("2026-10-01T05:30", "t", zone=kolkata) == wanted
    assert times.parse_moment(date(2026, 10, 1), "t") == wanted
    assert times.parse_moment("2026-10-01 00:00:00 UTC", "t") == wanted
    assert times.parse_moment("", "t") is times.parse_moment(math.nan, "t") is None


@pytest.mark.parametrize("value", ["soon", "2026-13-01", True, [], {}, 10**40, 1e300, "9" * 60, "1e400"])
def test_what_is_no_time_is_a_row_error(value):
    with pytest.raises(RowError):
        times.parse_moment(value, "t")


def test_times_outside_the_bounds_are_named():
    bad: columns.Bad = {}
    array = times.times(["2026-10-01", "1999-01-01", 4_000_000_000, None], bad, "t")
    times.check_bounds(array, bad, "t", earliest=946684800 * 10**6, latest=2 * 10**15)
    assert {index: error.reason for index, error in bad.items()} == {1: "t_out_of_range", 2: "t_out_of_range"}
    assert "1970" in times.show_time(2**62)


@given(
    st.lists(st.floats() | st.integers() | st.none() | st.text(max_size=5) | st.booleans(), max_size=10), st.booleans()
)
def test_numbers_are_within_bounds_or_have_a_reason(values, whole):
    bad: columns.Bad = {}
    array = columns.numbers(values, bad, "n", whole=whole, low=-5, high=5)
    for index, (value, kept) in enumerate(zip(values, array.to_pylist(), strict=True)):
        if kept is not None:
            assert -5 <= kept <= 5
            assert float(value) == kept
            assert not whole or kept == int(kept)
        elif index not in bad:
            assert (
                value is None
                or (isinstance(value, float) and math.isnan(value))
                or str(value).strip().lower() in ("", "nan", "+nan", "-nan")
            )


@given(
    st.lists(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary(max_size=3), max_size=10)
)
def test_texts_are_kept_or_have_a_reason(values):
    bad: columns.Bad = {}
    array = columns.texts(values, bad, "x")
    for index, (value, kept) in enumerate(zip(values, array.to_pylist(), strict=True)):
        if isinstance(value, str) and index not in bad:
            assert kept == value
        if isinstance(value, (bytes, bool)):
            assert index in bad


def test_texts_of_numbers_are_their_digits():
    bad: columns.Bad = {}
    assert columns.texts([7, 7.0, 7.5, math.nan, 10**50], bad, "x").to_pylist() == ["7", "7", "7.5", None, None]
    assert bad[4].reason == "x_out_of_range"


def test_histories_come_as_lists_or_json():
    bad: columns.Bad = {}
    turn = {"role": "user", "content": "a", "more": 1}
    values = [[turn], '[{"role": "user", "content": 5}]', None, "", "no json", [3], {"role": "user"}]
    result = columns.histories(values, bad, "history").to_pylist()
    assert result[:4] == [[{"role": "user", "content": "a"}], [{"role": "user", "content": "5"}], None, None]
    assert sorted(bad) == [4, 5, 6]


@given(st.lists(st.none() | st.text(max_size=6), max_size=12))
def test_match_keys_tell_ids_apart_and_never_are_zero(ids):
    keys = match_keys(pa.array(ids, pa.string()), "0123456789abcdef").to_pylist()
    other = match_keys(pa.array(ids, pa.string()), "fedcba9876543210").to_pylist()
    known = dict(zip(ids, keys, strict=True))
    assert len(set(known.values())) == len(known)
    assert all(key != 0 for key in keys)
    assert all((key is None) == (value is None) for value, key in zip(ids, keys, strict=True))
    assert all(a is None or a != b for a, b in zip(keys, other, strict=True))


def test_derived_ids_depend_on_every_part():
    assert derived_id(["a", None]) != derived_id(["a", ""])
    assert derived_id(["a", "b"]) != derived_id(["ab", None])
    assert derived_id(["a", "b"]) == derived_id(["a", "b"])


def test_parquet_values_of_any_type_are_read_and_broken_text_costs_its_row():
    table = pa.table(
        {
            "when": pa.array([datetime(2026, 10, 1), None], pa.timestamp("ns")),
            "day": pa.array([date(2026, 10, 1), None]),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "bytes": pa.array([b"abc", None]),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    stream = io.BytesIO()
    pq.write_table(table, stream)
    (block,) = parquet_blocks(io.BytesIO(stream.getvalue()), size=0, **BLOCKS)
    assert block.rows[0] == {
        "when": "2026-10-01 00:00:00.000000000",
        "day": "2026-10-01",
        "kind": "a",
        "bytes": "abc",
        "map": {"k": 1},
    }
    stream = io.BytesIO()
    pq.write_table(pa.table({"bytes": [b"ok", b"\xff"]}), stream)
    (block,) = parquet_blocks(io.BytesIO(stream.getvalue()), size=0, **BLOCKS)
    assert (block.rows, block.lines, [bad.line for bad in block.bad]) == ([{"bytes": "ok"}], [1], [2])
    with pytest.raises(UnreadableFileError):
        list(parquet_blocks(io.BytesIO(b"PAR1" + b"x" * 50), size=0, **BLOCKS))


@given(st.text(), st.text(), st.text())
def test_a_segment_key_is_clean_or_refused(task, language, facet):
    try:
        key = segment_key(task, language, facet)
    except SegmentKeyError:
        return
    parsed = parse_segment(key)
    assert parsed.key == key
    assert all(parent == key[: len(parent)] for parent in parsed.parents)


def test_segments_parse_and_refuse():
    assert parse_segment("tutoring.hi_latn.math") == Segment("tutoring", "hi_latn", "math")
    assert Segment("a", "b", "c").parents == ("a.b", "a")
    assert segment_key("Tutoring", "EN", "Computer Science") == "tutoring.en.computer_science"
    for wrong in ("tutoring", "a.b.c.d", "A.b", "a..b", "a/b.c"):
        with pytest.raises(SegmentKeyError):
            parse_segment(wrong)
