"""Names of input files, as the lake and Dagster may know them: people export "everything of 9812345670" under that very name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.storage.arrow import pc

_MOBILE = re.compile(r"(?<!\d)(?:\+?91[ -]?|0)?[6-9]\d{4}[ -]?\d{5}(?!\d)")
"""An Indian mobile number; other long numbers in names of files are dates and times."""
_SIGN = re.compile(r"[_\-. ()\[\]+,~=@]+")
_ENDING = re.compile(r"(?:\.[a-z0-9]{1,7}){0,2}")
_MOST_PARTS, _LONGEST_RUN, _LEAST, _LEAST_OF_LETTERS = 24, 6, 4, 6


def input_name(path: str, pseudonyms: Pseudonyms) -> str:
    """The name of a file as it may be kept: addresses and telephone numbers pseudonymised, bytes that are no UTF-8 escaped."""
    name = Scrubber(pseudonyms, ()).text(plain_name(path.rstrip("/").rsplit("/", 1)[-1]), None, emails=True)
    return _MOBILE.sub(lambda match: pseudonyms.of(match.group()) or "", name)


def digest_name(name: str, digest: str) -> str:
    """`file-<digest>` with the ending of the name: for pages and logs that many people see, and where the name is somebody."""
    ending = "".join(PurePosixPath(name.lower()).suffixes[-2:])
    return f"file-{digest[:12]}{ending if _ENDING.fullmatch(ending) else ''}"


class UserInName:
    """Whether a user of the file is in its name; told by pseudonyms, as raw ids are not kept while a file is read."""

    def __init__(self, name: str, pseudonyms: Pseudonyms) -> None:
        self.found = False
        self._wanted = pa.array(sorted({pseudonyms.of(part) or "" for part in _parts(name)}), pa.string())

    def look(self, table: pa.Table) -> None:
        """Look through accepted rows of the file."""
        if self.found or "user_pseudonym" not in table.column_names or not len(self._wanted):
            return
        users = table["user_pseudonym"].unique()
        self.found = bool(np.any(pc.is_in(users, value_set=self._wanted).to_numpy(zero_copy_only=False)))


def _parts(name: str) -> set[str]:
    """What may be an id in a name: parts between signs, alone and with their neighbours, as written and in one case."""
    places = [(0, 0), *(match.span() for match in _SIGN.finditer(name)), (len(name), len(name))][: _MOST_PARTS + 1]
    found = set[str]()
    for first in range(len(places) - 1):
        for last in range(first + 1, min(first + 1 + _LONGEST_RUN, len(places))):
            part = name[places[first][1] : places[last][0]]
            if len(part) >= (_LEAST if any(map(str.isdigit, part)) else _LEAST_OF_LETTERS):
                found |= {part, part.lower(), part.upper()}
    return found
