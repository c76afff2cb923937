"""What every landing put into the lake, so that a file that vanished, was cut or was changed is found, and named.

One empty file per part, `lake/landed/date=…/<stage>~<name>~<rows>~<bytes>~<sha256>`: the name says it all, so a day's parts are
known from one listing. They are written after the ledger entry and go before it: what they name has landed. A part without one (of a
lake from before, of a landing that was killed at its very end) is not compared when a day is read; `lyo verify` counts it against the
ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from lyo_pipelines.interactions.store.ledger import entry_path
from lyo_pipelines.storage.lake import Lake

LANDING, FEEDBACK, ROUTED = "landing", "feedback", "feedback_for"
STAGES = (LANDING, "repeats", "clashes", FEEDBACK, ROUTED)
_FOLDER, _BETWEEN, _CHUNK = "landed", "~", 1 << 20


@dataclass(frozen=True)
class LandedPart:
    """One Parquet file of a landing: where it lies (stage, day, name), its rows, its bytes and their sha256."""

    stage: str
    day: date
    name: str
    rows: int
    bytes: int
    sha256: str

    @property
    def file_hash(self) -> str:
        """Of the landed file that it belongs to, which is also the name of its ledger entry."""
        return self.name.removesuffix(".parquet").partition("-")[0]

    def path(self, lake: Lake) -> str:
        """Where the part lies."""
        return lake.path(self.stage, _of(self.day), self.name)

    @property
    def mark(self) -> str:
        """The name that says all of this."""
        return _BETWEEN.join((self.stage, self.name, str(self.rows), str(self.bytes), self.sha256))


def make_folders_of_parts(lake: Lake, days: Iterable[date]) -> None:
    """Have the folders in which the parts of these days are remembered."""
    lake.make_folders(lake.path(_FOLDER, _of(day)) for day in sorted(days))


def note_part(lake: Lake, stage: str, day: date, name: str) -> None:
    """Remember a part that lies in its place."""
    path = lake.path(stage, _of(day), name)
    rows = lake.table_footer(path).num_rows
    size, digest = digest_of(lake, path)
    folder = lake.path(_FOLDER, _of(day))
    lake.make_folder(folder)
    # not brought to the disk one by one: what a power cut takes is compared with the ledger by `lyo verify`
    lake.fs.touch(f"{folder}/{LandedPart(stage, day, name, rows, size, digest).mark}")


def forget_part(lake: Lake, stage: str, day: date, name: str) -> None:
    """Forget a part that is about to be removed."""
    for part in parts_of_day(lake, day):
        if (part.stage, part.name) == (stage, name):
            lake.fs.rm(lake.path(_FOLDER, _of(day), part.mark))


def forget_files(lake: Lake, file_hashes: Container[str], days: Iterable[date]) -> None:
    """Forget all parts of files on the given days, before they are taken back or landed anew."""
    for day in days:
        for part in parts_of_day(lake, day):
            if part.file_hash in file_hashes:
                lake.fs.rm(lake.path(_FOLDER, _of(day), part.mark))


def mark_path(lake: Lake, part: LandedPart) -> str:
    """Where a part is remembered."""
    return lake.path(_FOLDER, _of(part.day), part.mark)


def part_at(lake: Lake, path: str) -> LandedPart | None:
    """The part that is remembered for a path of the lake; None where none is."""
    stage, _, rest = path.removeprefix(lake.path("")).partition("/")
    day, _, name = rest.partition("/")
    if stage not in STAGES or not day.startswith("date="):
        return None
    with suppress(ValueError):
        parts = parts_of_day(lake, date.fromisoformat(day.removeprefix("date=")))
        return next((part for part in parts if (part.stage, part.name) == (stage, name)), None)
    return None


def rewritten_part(lake: Lake, part: LandedPart, staged: str, name: str | None = None) -> LandedPart:
    """The part as it will be once what is staged lies in its place (under another name)."""
    size, digest = digest_of(lake, staged)
    return LandedPart(part.stage, part.day, name or part.name, lake.table_footer(staged).num_rows, size, digest)


def noted_days(lake: Lake) -> list[date]:
    """Days of which parts are remembered."""
    return lake.days(_FOLDER, name="")


def parts_of_day(lake: Lake, day: date) -> list[LandedPart]:
    """What has landed for a day."""
    found = []
    for name in lake.names(lake.path(_FOLDER, _of(day))):
        with suppress(ValueError):  # what somebody else put there
            stage, file, rows, size, digest = name.split(_BETWEEN)
            found.append(LandedPart(stage, day, file, int(rows), int(size), digest))
    return found


def part_damage(lake: Lake, part: LandedPart, *, deep: bool = False) -> str | None:
    """What is wrong with a part, or None. deep: every byte is read, not the size alone."""
    try:
        size = int(lake.fs.info(part.path(lake))["size"])
    except (FileNotFoundError, NotADirectoryError):
        return f"is gone ({part.rows:,} rows)"
    if size != part.bytes:
        return f"has {size:,} bytes instead of {part.bytes:,} ({part.rows:,} rows landed)"
    if deep and digest_of(lake, part.path(lake))[1] != part.sha256:
        return f"differs from what landed ({part.rows:,} rows)"
    return None


def damaged_parts(lake: Lake, day: date, known: Container[str], *, deep: bool = False) -> dict[str, str]:
    """Path -> what is wrong, of everything that landed for a day; known: hashes with a ledger entry."""
    found = dict[str, str]()
    for part in parts_of_day(lake, day):
        entry = entry_path(lake, part.file_hash)
        if part.file_hash not in known:
            found[entry] = "is gone, so what it landed counts no longer"
        elif said := part_damage(lake, part, deep=deep):
            found[part.path(lake)] = said
    return found


def digest_of(lake: Lake, path: str) -> tuple[int, str]:
    """Size in bytes and sha256 of a file."""
    size, digest = 0, hashlib.sha256()
    with lake.fs.open(path, "rb") as handle:
        while block := handle.read(_CHUNK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _of(day: date) -> str:
    return f"date={day.isoformat()}"
