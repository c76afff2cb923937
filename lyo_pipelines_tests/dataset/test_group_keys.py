"""Member keys outlive any version: they may never change."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.group_keys import hex_ids, keyed_draw, member_keys


def test_keys_are_what_earlier_versions_recorded():
    # if this fails, every recorded split is forgotten and test examples move into training
    rows, keys = member_keys("c", pa.array(["conv-1", "प्रश्न", None, "", "conv-1"]))
    assert rows.tolist() == [0, 1, 4]
    assert [f"{int(key):016x}" for key in keys] == ["503a2eb821c948df", "001da6009f303b26", "503a2eb821c948df"]


def test_kind_keeps_equal_values_apart():
    conversation, question = (member_keys(kind, pa.array(["7"]))[1][0] for kind in "cq")
    assert conversation != question


def test_no_value_no_key():
    rows, keys = member_keys("q", pa.nulls(3, pa.string()))
    assert len(rows) == len(keys) == 0


def test_draw_is_uniform_and_depends_on_the_secret():
    keys = np.arange(20_000, dtype=np.uint64)
    drawn = keyed_draw(keys, "one")
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert abs((drawn < 0.8).mean() - 0.8) < 0.01
    assert (keyed_draw(keys, "one") == drawn).all()
    assert len(keyed_draw(keys[:3], "ச" * 64)) == 3
    assert abs(np.corrcoef(drawn, keyed_draw(keys, "two"))[0, 1]) < 0.03


def test_hex_ids_are_16_digits():
    assert hex_ids(np.array([1, 2**64 - 1, 1], np.uint64)).to_pylist() == ["0" * 15 + "1", "f" * 16, "0" * 15 + "1"]
