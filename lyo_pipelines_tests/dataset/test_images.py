"""A picture stands in one split, with all its near copies; another method than the builder's looks whether it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.dataset.contract import SPLIT_SCHEMA, SPLITS
from lyo_pipelines.dataset.grouping import GROUPING_COLUMNS, all_ties, day_ties
from lyo_pipelines.dataset.image_leak import no_shared_image
from lyo_pipelines.dataset.image_ties import near_hashes
from lyo_pipelines.images.normalise import normalise
from lyo_pipelines.images.store import image_path, write_image
from lyo_pipelines.interactions.chats.pairing import IMAGE_ONLY
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.messages import IMAGE_MARK, messages_column, to_messages
from lyo_pipelines_tests.dataset.test_grouping import CONFIG, CURATION, example
from lyo_pipelines_tests.images.pictures import LIMITS, drawing, encoded, png


def shown(data: bytes, turns_back: int = 0) -> dict[str, Any]:
    kept = normalise(data, LIMITS)
    return {
        "file": kept.file, "turns_back": turns_back, "width": kept.width, "height": kept.height,
        "contrast": kept.contrast, "likeness": kept.likeness,
    }  # fmt: skip


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12, unique=True), st.integers(0, 63), st.integers(0, 63))
def test_every_pair_that_differs_in_few_bits_is_found(hashes, one_bit, other_bit):
    hashes = np.unique(np.array([*hashes, *(value ^ (1 << one_bit) ^ (1 << other_bit) for value in hashes)], np.uint64))
    found = {(int(a), int(b)) for left, right in near_hashes(hashes) for a, b in zip(left, right, strict=True)}
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    assert found == {(a, b) for a in range(len(hashes)) for b in range(a + 1, len(hashes)) if apart[a, b] <= 3}


def groups(*rows: dict[str, Any]) -> list[int]:
    table = pa.Table.from_pylist(list(rows), schema=EXAMPLE).select(GROUPING_COLUMNS)
    ties = all_ties([day_ties(table, CONFIG, np.zeros(0, np.uint64))], CONFIG, CURATION)
    label = {int(key): number for number, key in enumerate(ties.own)}
    for _ in rows:  # the smallest label of what hangs together
        for left, right in ties.pairs.tolist():
            label[left] = label[right] = min(label.get(left, len(rows)), label.get(right, len(rows)))
    return [label[int(key)] for key in ties.own]


def test_a_picture_and_its_copies_tie_what_words_do_not():
    original = drawing(3, size=(300, 200))
    copy = encoded(original.resize((150, 100)), "JPEG", quality=60)
    rows = [
        example(1, question="What is the angle at A here?", images=[shown(encoded(original))]),
        example(2, question="Name the longest side of it, please.", images=[shown(copy)]),
        example(3, question="How many corners has this shape in all?", images=[shown(encoded(original))]),
        example(4, question="Which of these is the smallest number?", images=[shown(png(7))]),
    ]
    assert groups(*rows) == [0, 0, 0, 3]


def test_that_a_picture_came_without_words_ties_nothing():
    rows = [example(n, question=IMAGE_ONLY, images=[shown(png(n + 2))]) for n in (1, 2, 5)]
    before = [{"role": "user", "content": IMAGE_ONLY}, {"role": "assistant", "content": "A."}]
    later = [
        example(n, question=f"And what is {word}?", history=before, images=[shown(png(n), 2)])
        for n, word in ((8, "photosynthesis in leaves"), (9, "the boiling point of water"))
    ]
    assert groups(*rows, *later) == [0, 1, 2, 3, 4]


def test_messages_begin_with_a_mark_for_each_picture_in_order():
    row = {
        "system_prompt": "S", "context": None, "question": IMAGE_ONLY, "answer": "42",
        "history": [{"role": "user", "content": "Look:"}, {"role": "assistant", "content": "Yes?"}],
        "images": [shown(png(1), 2), shown(png(2), 2), shown(png(3), 0)],
    }  # fmt: skip
    found = to_messages(row, lambda _: "")
    assert [message["content"] for message in found] == ["S", f"{IMAGE_MARK * 2}Look:", "Yes?", IMAGE_MARK, "42"]
    table = pa.Table.from_pylist([{**example(1), **row}, example(2)], schema=EXAMPLE)
    assert messages_column(table, lambda _: "").to_pylist()[0] == found
    with pytest.raises(ValueError, match="not there"):
        to_messages({**row, "images": [shown(png(1), 1)]}, lambda _: "")


def written(lake: Lake, **files: list[bytes]) -> str:
    for split in SPLITS:
        rows = []
        for number, data in enumerate(files.get(split, [])):
            kept = normalise(data, LIMITS)
            write_image(lake, kept)
            rows.append({"example_id": f"{split}{number}", "images": [kept.file]})
        schema = pa.schema([SPLIT_SCHEMA.field(name) for name in ("example_id", "images")])
        lake.write_table(pa.Table.from_pylist(rows, schema=schema), f"{lake.path('v')}/{split}.parquet")
    return lake.path("v")


def test_the_check_looks_at_pixels(tmp_path):
    lake = Lake(str(tmp_path))
    original = drawing(3, size=(300, 200))
    exact, near = encoded(original, "GIF"), encoded(original, "JPEG", quality=80)
    assert no_shared_image(lake, written(lake), 5) is None
    clean = no_shared_image(lake, written(lake, train=[png(1), png(2)], test=[png(5)]), 5)
    assert clean is not None and clean.passed and clean.details["pictures"] == 3
    alike = no_shared_image(lake, written(lake, train=[encoded(original)], test=[near]), 5)
    assert alike is not None and not alike.passed and not alike.blocking
    same = no_shared_image(lake, written(lake, train=[encoded(original)], validation=[encoded(original)]), 5)
    assert same is not None and not same.passed and same.blocking and "train and validation" in same.message
    del exact
    folder = written(lake, train=[png(1)])
    lake.fs.rm(image_path(lake, normalise(png(1), LIMITS).file))
    gone = no_shared_image(lake, folder, 5)
    assert gone is not None and not gone.passed and gone.blocking and "gone" in gone.message
