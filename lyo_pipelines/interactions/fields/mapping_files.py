"""Which mapping belongs to a file: its sibling `<file>.mapping.yaml`, or one of `<data>/mappings/` whose `match` fits its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lyo_pipelines.interactions.fields.mapping import Mapping, parse_mapping
from lyo_pipelines.storage.lake import Lake

SUFFIX = ".mapping.yaml"


@dataclass(frozen=True)
class FoundMapping:
    """A mapping file and the digest of its content."""

    path: str
    content: bytes

    @property
    def digest(self) -> str:
        """Changes when the mapping does."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def parse(self) -> Mapping:
        """The mapping. Raises MappingError."""
        return parse_mapping(self.content, self.path.rsplit("/", 1)[-1])


class MappingFiles:
    """The mapping files of one installation; shared ones are read once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        folder = lake.side("mappings")
        names = [name for name in lake.names(folder) if name.endswith((".yaml", ".yml"))]
        self._shared = [FoundMapping(f"{folder}/{name}", lake.fs.cat_file(f"{folder}/{name}")) for name in names]
        self._globs: list[tuple[str, FoundMapping]] = [
            (glob, found) for found in self._shared if (glob := _match(found))
        ]

    def find(self, path: str) -> FoundMapping | None:
        """The mapping of a data file: the sibling first, then the first shared one (by name) whose `match` fits."""
        sibling = path + SUFFIX
        if self._lake.exists(sibling):
            return FoundMapping(sibling, self._lake.fs.cat_file(sibling))
        name = path.rsplit("/", 1)[-1]
        return next((found for glob, found in self._globs if fnmatchcase(name, glob)), None)


def _match(found: FoundMapping) -> str | None:
    """The `match` of a shared mapping, also of one that is wrong elsewhere: its error must reach the files it is meant for."""
    for line in found.content.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and key == "match":
            return value.partition(" #")[0].strip().strip("'\"")
    return None
