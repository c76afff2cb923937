"""A text's mark says how its bytes are read; text without one is UTF-8 or refused."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lyo_pipelines.storage.byte_order_mark import Utf8Stream, byte_order_mark, unmarked_wide_encoding

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@given(st.text(max_size=40), st.sampled_from(sorted(MARKS)), st.integers(1, 9))
def test_marked_text_is_the_same_utf8_whatever_its_encoding_and_the_pieces_it_is_read_in(text, encoding, size):
    assume(not text.startswith("\x00"))  # after the mark of UTF-16 this is the mark of UTF-32
    stream = Utf8Stream(io.BytesIO(MARKS[encoding] + text.encode(encoding)))
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == text.encode()
    assert stream.mark is not None and stream.mark.encoding == encoding


@given(st.binary(max_size=40))
def test_bytes_without_a_mark_are_passed_on(content):
    assume(byte_order_mark(content) is None)
    assert Utf8Stream(io.BytesIO(content)).read() == content


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_that_ends_inside_a_character_is_an_error(encoding):
    stream = Utf8Stream(io.BytesIO(MARKS[encoding] + "ab".encode(encoding)[:-1]))
    with pytest.raises(UnicodeDecodeError):
        stream.read()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_a_mark_is_known_by_its_first_characters(encoding):
    assert unmarked_wide_encoding('{"question": "नमस्ते"}'.encode(encoding)) == encoding


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_utf8_is_never_taken_for_wide_text(text):
    assert unmarked_wide_encoding(text.encode()) is None
