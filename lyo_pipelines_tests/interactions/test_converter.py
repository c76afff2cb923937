"""What no check foresaw costs one row and is named; it never takes the block with it."""

from __future__ import annotations

from dataclasses import replace

from lyo_pipelines.interactions.conversion import converter as module
from lyo_pipelines.interactions.conversion.converter import Converter, FileSpec
from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, PSEUDONYMS, row


def make() -> Converter:
    return Converter(FileSpec("h", "canonical", None, CONFIG, PSEUDONYMS, None, 0, 2**62))


def block(count: int) -> RowBlock:
    return RowBlock(
        [row(n) for n in range(count)], list(range(1, count + 1)), [BadRow(count + 1, "broken_json", "", b"x", 1)]
    )


def test_an_unforeseen_error_is_isolated_to_its_row(monkeypatch):
    original = module.interaction_table

    def fragile(rows, lines, context):
        if any(r["interaction_id"] == "i5" for r in rows):
            raise KeyError("surprise")
        return original(rows, lines, context)

    monkeypatch.setattr(module, "interaction_table", fragile)
    result = make().block(block(9))
    assert result.table["interaction_id"].to_pylist() == ["i0", "i1", "i2", "i3", "i4", "i6", "i7", "i8"]
    assert [(r["line"], r["reason"], r["detail"]) for r in result.rejected] == [
        (10, "broken_json", ""),
        (6, "unforeseen", "KeyError"),
    ]
    assert result.read == 10


def test_an_unforeseen_error_of_a_shape_is_isolated_too():
    converter = make()

    def convert(source):
        if source["turn"] == 1:
            raise AttributeError("surprise")
        if source["turn"] == 2:
            raise RecursionError
        return source

    converter.row_format = replace(converter.row_format, convert=convert)
    result = converter.block(block(4))
    assert [r["reason"] for r in result.rejected] == ["broken_json", "unforeseen", "too_deep"]
    assert len(result.table) == 2


def test_an_empty_block_is_empty():
    result = make().block(RowBlock())
    assert (len(result.table), result.rejected, result.read) == (0, [], 0)
