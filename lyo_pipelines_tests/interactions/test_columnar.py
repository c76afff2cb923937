"""The fast way is taken for clean blocks only, and gives what the slow way gives."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.conversion.columnar import gather_clean as gather_within
from lyo_pipelines.interactions.conversion.findings import Findings
from lyo_pipelines.interactions.conversion.interactions import ConversionContext, interaction_table, landed_table
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.reading.jsonl import parse_lines
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, PSEUDONYMS, row
from lyo_pipelines_tests.interactions.test_conservation import anything, names

SCRUBBER = Scrubber(PSEUDONYMS, CONFIG.identifier_keys)
MINIMISER = Minimiser(PSEUDONYMS, SCRUBBER, CONFIG.metadata_keys)
CONTEXT = ConversionContext("hash", "canonical", PSEUDONYMS, SCRUBBER, 0, 2**62, MINIMISER, CONFIG.name_keys)


def gather_clean(data: bytes):
    return gather_within(data, 1 << 20)


def both(data: bytes):
    """What the fast way gives (None when it is not taken), and what the slow way gives."""
    gathered = gather_clean(data)
    block = parse_lines(Lines(1, data), 1 << 20)
    slow, found = interaction_table(block.rows, block.lines, CONTEXT)
    if gathered is None:
        return None, slow
    fast, fast_found = landed_table(gathered, range(1, len(gathered.metadata) + 1), CONTEXT, Findings())
    assert not block.bad
    assert (fast_found.bad.keys(), fast_found.notes()) == (found.bad.keys(), found.notes())
    return fast, slow


CLEAN = [
    row(n, rating=n % 5 + 1, metadata=None if n % 3 else {"app": "w", "in": {"deep": [1, "}{"]}}) for n in range(20)
]


@pytest.mark.parametrize("dumps", [orjson.dumps, lambda r: json.dumps(r).encode()], ids=["compact", "spaced"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_clean_block_goes_the_fast_way(dumps, end):
    fast, slow = both(end.join(dumps(line) for line in CLEAN))
    assert fast is not None
    assert fast.equals(slow)


def test_metadata_as_text_goes_the_fast_way_too():
    texts = [json.dumps({"a": "user_id", "user_id": "bob"}), "plain", "", None, '{"b": 1}']
    fast, slow = both(b"\n".join(orjson.dumps(row(n, metadata=text)) for n, text in enumerate(texts)))
    assert fast is not None
    assert fast.equals(slow)
    assert gather_clean(b"\n".join(orjson.dumps(row(1, metadata=value)) for value in ("text", {"a": 1}))) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"question": "a"}{"question": "b"}',
        b"",
        b"{",
        b'{"question": 5}',
        b'{"question": "\xff"}',
        b'{"question": "\\ud800"}',
        b'{"rating": 9}',
        b'{"rating": "4"}',
        b'{"turn": 1.5}',
        b'{"occurred_at": 1790845200}',
        b'{"occurred_at": "01.10.2026"}',
        b'{"history": [null]}',
        b'{"metadata": "text"}',
        b'{"metadata": {"a": {"b": {"c": 1}}}}',
        b'{"x": {"metadata": {"a": 1}}}',
        b'{"metadata": {"a": 1}, "metadata": {"b": 1}}',
        b'{"metadata": {"a": 1}, "x": {"metadata": {}}}',
        b'{"metadata": {"a": nan}}',
        b"[]",
        b" {}",
    ],
)
def test_a_block_with_anything_unusual_does_not(line):
    good = orjson.dumps(row(1))
    assert gather_clean(b"\n".join([good, line, good])) is None
    assert gather_clean(b"\n".join([good, good])) is not None


def test_a_value_over_two_lines_is_never_taken_for_two_rows():
    assert gather_clean(b'{"question": "a"}{"question": "b"}\n{"x": [{}\n,{}]}') is None
    assert gather_clean(b'{"x": [{}\n{}]}') is None


@settings(max_examples=draws(150))
@given(
    changes=st.lists(st.dictionaries(st.sampled_from(names), anything, max_size=2), min_size=1, max_size=4),
    spaced=st.booleans(),
)
def test_the_fast_way_gives_what_the_slow_way_gives(changes, spaced):
    rows = [row(number) | change for number, change in enumerate(changes)]
    lines = [json.dumps(r, ensure_ascii=spaced, separators=None if spaced else (",", ":")) for r in rows]
    fast, slow = both("\n".join(lines).encode("utf-8", "surrogatepass"))
    assert fast is None or fast.equals(slow)


texts = st.text(st.characters(codec="utf-8"), max_size=12)
clean = st.fixed_dictionaries(
    {"question": texts, "answer": texts | st.none(), "subject": texts, "user_id": texts, "conversation_id": texts},
    optional={
        "metadata": st.none()
        | st.dictionaries(texts, texts | st.integers(-(2**60), 2**60) | st.none() | st.booleans(), max_size=3),
        "rating": st.none() | st.floats(1, 5) | st.integers(1, 5),
        "history": st.none()
        | st.lists(st.fixed_dictionaries({"role": texts, "content": texts | st.none()}), max_size=2),
        "interaction_id": texts | st.none(),
        "unknown": texts | st.dictionaries(texts, texts, max_size=2),
    },
)


@settings(max_examples=draws(150))
@given(rows=st.lists(clean, min_size=1, max_size=5))
def test_the_fast_way_agrees_on_any_clean_text(rows):
    base = {"occurred_at": "2026-10-01T00:00:00+05:30", "task": "t", "language": "en"}
    fast, slow = both(b"\n".join(orjson.dumps(base | r) for r in rows))
    assert fast is not None or any("metadata" in str(r) or "user" in str(r) for r in rows)
    assert fast is None or fast.equals(slow)
