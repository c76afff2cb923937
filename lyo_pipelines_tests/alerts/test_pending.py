"""What is news to a channel: told once, again after a while or after it was well; lost or doubled never."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.alerts.alert import Alert, Resolved
from lyo_pipelines.alerts.pending import MOST_KEYS, pending_alerts
from lyo_pipelines.alerts.position import OVERLAP, StreamPosition, StreamRecord, page_size, read_on
from lyo_pipelines_tests.alerts.sample_alerts import NOON, alert

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)


def test_the_same_thing_is_told_once_within_a_day():
    due, told = pending_alerts([alert(1)], {}, NOON, DAY)
    assert due == [alert(1)]
    assert pending_alerts([alert(1)], told, NOON + DAY - HOUR, DAY) == ([], told)


def test_a_state_that_lasts_is_told_again_after_a_day():
    _, told = pending_alerts([alert(1)], {}, NOON, DAY)
    due, told = pending_alerts([alert(1)], told, NOON + DAY, DAY)
    assert due == [alert(1)]
    assert told == {"run:1": NOON + DAY}


def test_what_was_well_in_between_is_news():
    _, told = pending_alerts([alert(1)], {}, NOON, DAY)
    due, told = pending_alerts([Resolved("run:1", NOON + HOUR)], told, NOON + HOUR, DAY)
    assert (due, told) == ([], {})
    assert pending_alerts([alert(1)], told, NOON + 2 * HOUR, DAY)[0] == [alert(1)]


def test_the_order_is_that_of_time_whatever_the_order_of_arrival():
    again = alert(9, key="run:1")
    due, told = pending_alerts([again, Resolved("run:1", NOON + timedelta(seconds=5)), alert(1)], {}, NOON, DAY)
    assert due == [alert(1), again]
    assert list(told) == ["run:1"]
    due, told = pending_alerts([Resolved("run:1", NOON + timedelta(seconds=5)), alert(1)], {}, NOON, DAY)
    assert (due, told) == ([alert(1)], {})


def test_memory_is_bounded_and_the_newest_stay():
    _, told = pending_alerts([alert(0)], {}, NOON - HOUR, DAY)
    _, told = pending_alerts([alert(number) for number in range(1, MOST_KEYS + 1)], told, NOON, DAY)
    assert len(told) == MOST_KEYS
    assert "run:0" not in told


@dataclass
class Reader:
    """A channel in small: reads a stream page by page, and keeps nothing of a tick whose sending failed."""

    position: StreamPosition
    told: dict[str, datetime] = field(default_factory=dict)
    sent: list[tuple[Alert, datetime]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    def tick(self, records: list[StreamRecord[Alert | Resolved]], now: datetime, most: int, *, works: bool) -> None:
        there = [record for record in records if record.mark >= self.position.after]
        # records of one mark come in any order, another one each time
        page = sorted(there, key=lambda record: (record.mark, crc32(f"{record.name} {now}".encode())))
        fresh, position = read_on(self.position, page[: page_size(self.position, most)], now)
        due, told = pending_alerts([record.what for record in fresh], self.told, now, DAY)
        if works:
            self.position, self.told = position, told
            self.read += [record.name for record in fresh]
            self.sent += [(one, now) for one in due]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 20).map(lambda step: 180 * step),  # second at which it happens: some at once
        st.integers(0, 100),  # seconds until it can be seen
        st.integers(0, 400),  # what it is about
    ),
    max_size=60,
)


@given(EVENTS, st.lists(st.tuples(st.integers(1, 300), st.booleans(), st.booleans()), max_size=40), st.integers(1, 7))
def test_over_any_ticks_and_failures_each_channel_is_told_everything_once(events, ticks, most):
    assert max(seconds for _, seconds, _ in [(0, 100, 0), *events]) < OVERLAP.total_seconds()
    made = []
    for number, (second, delay, about) in enumerate(events):
        at = NOON + timedelta(seconds=second)
        what = alert(number, key=f"about {about}", occurred_at=at)
        made.append((StreamRecord(str(number), at.timestamp(), at, what), at + timedelta(seconds=delay)))
    readers = [Reader(StreamPosition(after=NOON.timestamp())) for _ in range(2)]
    now = NOON
    rest = [(60, True, True)] * (90 + len(events))  # in the end both channels work again
    for seconds, *works in [*ticks, *rest]:
        now += timedelta(seconds=seconds)
        seen = [record for record, visible in made if visible <= now]
        for reader, one_works in zip(readers, works, strict=True):
            reader.tick(seen, now, most, works=one_works)
    for reader in readers:
        keys = [one.key for one, _ in reader.sent]
        assert len(keys) == len(set(keys)), "told twice within a day"
        assert sorted(reader.read) == sorted(record.name for record, _ in made), "lost or read twice"
        assert set(keys) == {f"about {about}" for _, _, about in events}, "lost"
        assert set(reader.position.seen.values()) <= {reader.position.after}, "old names are forgotten"


@given(st.lists(st.tuples(st.integers(1, 3 * 24 * 60), st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_lasting_state_is_told_once_a_day_and_at_once_when_it_comes_back(ticks):
    told: dict[str, datetime] = {}
    last: datetime | None = None
    now = NOON
    for minutes, bad, works in ticks:
        now += timedelta(minutes=minutes)
        what = alert(1, occurred_at=now) if bad else Resolved("run:1", now)
        due, after = pending_alerts([what], told, now, DAY)
        assert bool(due) == (bad and (last is None or now - last >= DAY))
        if works:
            told = after
            last = now if due else last if bad else None


def test_a_record_that_becomes_visible_late_is_read_and_those_before_it_are_not_read_again():
    early, late = (StreamRecord(name, at.timestamp(), at, name) for name, at in (("a", NOON), ("b", NOON + HOUR / 60)))
    position = StreamPosition(after=(NOON - HOUR).timestamp())
    fresh, position = read_on(position, [late], NOON + HOUR / 59)
    assert fresh == [late]
    fresh, position = read_on(position, [early, late], NOON + HOUR / 58)
    assert fresh == [early]
    fresh, position = read_on(position, [early, late], NOON + HOUR)
    assert (fresh, position) == ([], StreamPosition(after=late.mark, seen={"b": late.mark}))


def test_many_records_of_one_moment_are_each_read_once_though_a_page_holds_few_of_them():
    records = [StreamRecord(str(n), NOON.timestamp(), NOON, alert(n)) for n in range(10)]
    reader = Reader(StreamPosition(after=NOON.timestamp()))
    for number in range(200):
        reader.tick(records, NOON + number * HOUR / 60, 1, works=True)
    assert sorted(reader.read) == [record.name for record in records]
