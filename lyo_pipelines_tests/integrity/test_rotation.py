"""A new pseudonym key: everybody has the new key's pseudonym, nobody becomes two people, whatever is killed."""

from __future__ import annotations

import pytest

from lyo_pipelines.integrity.rotation import NothingToRotateError, rotate_key
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import finish_rewriting
from lyo_pipelines_tests.interactions.landing_lake import (
    NOW,
    PSEUDONYMS,
    build,
    everything_written,
    jsonl,
    lake_at,
    land,
    raw,
    row,
)

ROTATED = Pseudonyms("a key for the tests\na newer key for the tests")
USERS = [f"student-{n}@example.org" for n in range(7)]


@pytest.fixture
def lake(tmp_path):
    lake = lake_at(tmp_path)
    named = row(
        3, metadata={"note": f"asked for {USERS[3]}"}, history=[{"role": "user", "content": f"I am {USERS[3]}"}]
    )
    land(lake, jsonl(tmp_path / "a.jsonl", [row(0), row(1), row(2), named, {**row(4), "question": None}]))
    build(lake)
    return lake


def users(lake: Lake) -> list[str]:
    return raw(lake)["user_pseudonym"].to_pylist()


def test_everybody_gets_the_new_keys_pseudonym_and_later_rows_the_same(lake, tmp_path):
    before = raw(lake)
    done = rotate_key(lake, ROTATED)
    assert done.left == 0
    assert users(lake) == [ROTATED.of(user) for user in USERS[:4]]
    written = everything_written(lake)
    assert not [user for user in USERS if (PSEUDONYMS.of(user) or "") in written]
    assert (
        raw(lake)
        .drop_columns(["user_pseudonym", "metadata", "history"])
        .equals(before.drop_columns(["user_pseudonym", "metadata", "history"]))
    )
    assert verify_lake(lake, deep=True, now=NOW).damage == []
    land(lake, jsonl(tmp_path / "b.jsonl", [row(7)]), pseudonyms=ROTATED)
    assert [*users(Lake(lake.root)), ROTATED.of(USERS[0])] == build(lake)["user_pseudonym"].to_pylist()


def test_rotating_twice_needs_a_new_key(lake):
    rotate_key(lake, ROTATED)
    with pytest.raises(NothingToRotateError, match="already"):
        rotate_key(lake, ROTATED)
    with pytest.raises(NothingToRotateError, match="none before"):
        rotate_key(lake, PSEUDONYMS)
    third = Pseudonyms("a key for the tests\na newer key for the tests\na third key for the tests")
    rotate_key(lake, third)
    assert users(lake) == [third.of(user) for user in USERS[:4]]


@pytest.mark.parametrize("dies_at", [0, 3, 9, 14, 17, 20])
def test_a_killed_rotation_is_begun_anew_or_finished(lake, dies_at):
    steps = iter(range(1000))

    class Dying(Lake):
        def _rename(self, temporary: str, path: str) -> None:
            if next(steps) == dies_at:
                raise KeyboardInterrupt
            super()._rename(temporary, path)

    try:
        rotate_key(Dying(lake.root), ROTATED)
    except KeyboardInterrupt:
        if not finish_rewriting(lake):
            rotate_key(lake, ROTATED)
    assert users(lake) == [ROTATED.of(user) for user in USERS[:4]]
    assert verify_lake(lake, deep=True, now=NOW).damage == []
