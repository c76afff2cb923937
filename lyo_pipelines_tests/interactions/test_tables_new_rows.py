"""Whatever comes into a table between readings, wherever one is killed: each version of a row lands once, none is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from lyo_pipelines.interactions.tables.batch import NewRows
from lyo_pipelines.interactions.tables.new_rows import Place, Seen, Walk, lowest_position
from lyo_pipelines.interactions.tables.server import RawRow
from lyo_pipelines.interactions.tables.watermarks import Watermark
from lyo_pipelines_tests.hypothesis_profile import draws

OVERLAP = 5
NUMBERS = Watermark("number", sql.SQL(""), sql.SQL(""), sql.SQL(""), OVERLAP, "bigint")


@dataclass
class Table:
    """A table whose clock goes on by one with every change, and what was landed of it."""

    now: int = 0
    rows: dict[int, tuple[int | None, int]] = field(default_factory=dict)  # key -> (watermark, version)
    place: Place | None = None
    seen: Seen = field(default_factory=Seen.nothing)
    landed: list[tuple[int, int]] = field(default_factory=list)

    def write(self, key: int, late: int | None) -> None:
        """Insert or change a row; it commits `late` after its watermark, which is None where it has none."""
        self.now += 1
        version = self.rows.get(key, (0, 0))[1] + 1
        self.rows[key] = (None if late is None else max(self.now - late, 0), version)

    def read(self, chunk: int, batch: int, batches: int | None) -> None:
        """One reading, killed in the middle of the batch after `batches` of them; None: it goes to its end."""
        lowest = lowest_position(self.place, OVERLAP)
        met = [(mark, key, version) for key, (mark, version) in self.rows.items() if mark is None or mark >= lowest]
        met.sort(key=lambda row: (row[0] is not None, row[0] or 0, row[1]))
        raw: list[RawRow] = [
            (mark, None if mark is None else str(mark), str(key), f"{key} {version}", 9) for mark, key, version in met
        ]
        chunks = self._chunks(raw, chunk)
        rows = NewRows(chunks, Walk(self.place, self.seen, OVERLAP), NUMBERS, "k" * 16)
        taken: list[RawRow] = []
        for new in rows:
            taken += new
            if len(taken) >= batch:
                if batches == 0:
                    return
                batches = None if batches is None else batches - 1
                self._commit(taken, rows.walk, complete=False)
                taken = []
        if batches is not None:
            return
        self._commit(taken, rows.walk, complete=True)

    @staticmethod
    def _chunks(rows: list[RawRow], size: int):
        for unmarked in (True, False):  # as two cursors give them
            mine = [row for row in rows if (row[1] is None) is unmarked]
            yield from (mine[start : start + size] for start in range(0, len(mine), size))

    def _commit(self, taken: list[RawRow], walk: Walk, *, complete: bool) -> None:
        self.landed += [(int(row[2] or 0), int((row[3] or "").split()[1])) for row in taken]
        self.place, self.seen = walk.place, walk.seen(complete=complete)


write = st.tuples(st.integers(0, 12), st.none() | st.integers(0, OVERLAP - 1))
reading = st.tuples(st.integers(1, 4), st.integers(1, 6), st.none() | st.integers(0, 3))


@settings(max_examples=draws(400))
@given(st.lists(st.tuples(st.lists(write, max_size=8), reading), max_size=10))
def test_each_version_lands_once_and_the_last_of_every_row_lands(steps) -> None:
    table = Table()
    for writes, (chunk, batch, batches) in steps:
        for key, late in writes:
            table.write(key, late)
        table.read(chunk, batch, batches)
    table.read(2, 3, None)
    assert len(set(table.landed)) == len(table.landed)
    assert {(key, version) for key, (_, version) in table.rows.items()} <= set(table.landed)


@settings(max_examples=draws(200))
@given(st.lists(st.tuples(st.lists(write, max_size=8), reading), max_size=10))
def test_what_is_remembered_is_what_the_next_reading_meets(steps) -> None:
    table = Table()
    for writes, (chunk, batch, _) in steps:
        for key, late in writes:
            table.write(key, late)
        table.read(chunk, batch, None)
        lowest = lowest_position(table.place, OVERLAP)
        met = [key for key, (mark, _) in table.rows.items() if mark is None or mark >= lowest]
        assert len(table.seen.digests) == len(met)


def test_a_commit_later_than_the_overlap_is_missed() -> None:
    table = Table()
    for key in range(8):
        table.write(key, 0)
    table.read(2, 3, None)
    table.write(99, OVERLAP + 2)
    table.read(2, 3, None)
    assert 99 not in [key for key, _ in table.landed]
