"""What the three documents have in common: a version, a strict parser with one error, and one way of writing JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import JsonObject, is_dict

_SHOWN = 3
"""Problems of one file that its error names; the rest is counted."""


class DocumentError(LyoError):
    """A document is missing, damaged, or of a version that this program cannot read; the message names the file."""


class DocumentPart(BaseModel):
    """A frozen part of a document. Unknown fields are left out, so that a later minor addition can still be read."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null", protected_namespaces=())


class Document(DocumentPart):
    """A whole document: a subclass names its kind, its newest version, and the field that holds the version."""

    KIND: ClassVar[str]
    VERSION: ClassVar[int]
    VERSION_FIELD: ClassVar[str] = "version"
    IF_MISSING: ClassVar[str] = ""
    """What to do where there is none."""

    @classmethod
    def upgraded(cls, data: JsonObject, version: int) -> JsonObject:
        """The same content in the form of the newest version; `version` is the one it was written in (0: it says none)."""
        return data

    @classmethod
    def parse(cls, content: str | bytes, source: str | Path) -> Self:
        """Read a document from its JSON text. Raises DocumentError that names `source` and the first wrong fields."""
        try:
            data = json.loads(content, parse_constant=lambda name: None)  # NaN, which Python's json writes, is no JSON
        except (ValueError, RecursionError) as error:
            raise DocumentError(
                f"{source} is damaged: it is not JSON ({error}).", hint="Restore it from a backup, or make it again."
            ) from error
        if not is_dict(data):
            raise DocumentError(f"{source} is no {cls.KIND}: it holds {type(data).__name__} instead of an object.")
        version = data.get(cls.VERSION_FIELD, 0)
        if not isinstance(version, int) or version > cls.VERSION:
            raise DocumentError(
                f"{source} is a {cls.KIND} of version {version!r}; this program reads versions up to {cls.VERSION}.",
                hint="Update lyo_pipelines.",
            )
        try:
            return cls.model_validate({**cls.upgraded(data, version), cls.VERSION_FIELD: cls.VERSION})
        except (ValidationError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise DocumentError(
                f"{source} is damaged or no {cls.KIND}: {_problems(error)}.",
                hint="Restore it from a backup, or make it again.",
            ) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a document from a local file. Raises DocumentError when it is missing or damaged."""
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise DocumentError(f"{path} is missing: there is no {cls.KIND}.", hint=cls.IF_MISSING) from error
        except OSError as error:
            raise DocumentError(f"{path} cannot be read: {error.strerror or error}.") from error
        return cls.parse(content, path)

    def to_json(self) -> str:
        """The document as JSON text, indented for people, in the order of its fields."""
        return self.model_dump_json(indent=2) + "\n"


def _problems(error: Exception) -> str:
    """The first few problems of a document as `field: what is wrong`, and how many more there are."""
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"
    problems = error.errors(include_url=False, include_input=False)
    named = [f"{'.'.join(map(str, problem['loc'])) or 'the document'}: {problem['msg']}" for problem in problems]
    more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return "; ".join(named[:_SHOWN]) + more
