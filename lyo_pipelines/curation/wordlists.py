"""Reviewable word and rule lists per language: the packaged YAML files, and those that the user lays over them.

Patterns are Rust regular expressions (polars runs them): linear time, so that no list can stall a day. `\\b` is a boundary of
ASCII words: the Unicode one is two hundred times slower on Indic text, and meant for Latin letters only. What a match means is
decided elsewhere.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lyo_pipelines.bounded_yaml import read_bounded_yaml, yaml_problem
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.lake import Lake

PACKAGED = Path(__file__).parent / "wordlists"


class WordlistError(LyoError):
    """A word list cannot be used; the message names file, entry and reason."""


class WordlistEntry(BaseModel):
    """One cultural rule: what it is called, why it exists, what it looks for in the answer, and where that counts (see en.yaml)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    why: str
    pattern: str
    severity: Literal["grave", "usual", "slight"] = "usual"
    unless: str = ""


class Wordlist(BaseModel):
    """The lists of one language; the comments in wordlists/en.yaml say what each one is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    boilerplate_openers: tuple[str, ...] = ()
    boilerplate_closers: tuple[str, ...] = ()
    apology: str = ""
    refusals: tuple[str, ...] = ()
    empty_answers: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    dangling: tuple[str, ...] = ()
    teaches: str = ""
    cultural: tuple[WordlistEntry, ...] = ()
    persona: tuple[WordlistEntry, ...] = ()
    disabled: tuple[str, ...] = ()

    def overlaid(self, other: Wordlist) -> Wordlist:
        """This list with the other's entries added, same-named rules replaced and disabled ones gone."""
        plain = {
            name: tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name))))
            for name in (
                "boilerplate_openers",
                "boilerplate_closers",
                "refusals",
                "empty_answers",
                "failures",
                "dangling",
            )
        }
        rules = {
            name: tuple(
                entry
                for entry in {e.name: e for e in (*getattr(self, name), *getattr(other, name))}.values()
                if entry.name not in other.disabled
            )
            for name in ("cultural", "persona")
        }
        return Wordlist(
            language=self.language,
            apology=other.apology or self.apology,
            teaches=other.teaches or self.teaches,
            **plain,
            **rules,
        )


@dataclass(frozen=True)
class Wordlists:
    """All languages' lists; the combined patterns are what the vectorised passes run."""

    by_language: dict[str, Wordlist]

    @cached_property
    def signature(self) -> str:
        """A digest that changes when any entry changes."""
        text = "\n".join(self.by_language[key].model_dump_json() for key in sorted(self.by_language))
        return sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def openers(self) -> str | None:
        """Boilerplate clauses at the beginning of a sentence, as one pattern with the sentence's beginning as group 1."""
        found = self._all("boilerplate_openers")
        return rf"(?i)(^|\n|[.!?।]\s+)(?:{'|'.join(found)})+" if found else None

    @cached_property
    def closers(self) -> str | None:
        """Boilerplate sentences at the very end, as one pattern with what stands before them as group 1."""
        found = self._all("boilerplate_closers")
        return rf"(?i)([.!?।\n])\s*(?:(?:{'|'.join(found)})\s*)+$" if found else None

    @cached_property
    def refusals(self) -> tuple[str, ...]:
        """Any refusal, a pattern for each language: all in one outgrow the regex engine's cache and cost thirty times as much."""
        return tuple(
            rf"(?i)(?:{'|'.join(lists.refusals)})" for _, lists in sorted(self.by_language.items()) if lists.refusals
        )

    def refuses(self, texts: pl.Series) -> pl.Series:
        """Which of the texts hold a refusal, in whatever language."""
        found = pl.repeat(False, len(texts), eager=True)
        for pattern in self.refusals:
            found |= texts.str.contains(pattern)
        return found

    @cached_property
    def empty_answers(self) -> str | None:
        """A whole answer that is none."""
        found = self._all("empty_answers")
        return rf"(?i)^\W*(?:{'|'.join(found)})\W*$" if found else None

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """A whole answer that is a message of a failure, a pattern for each language."""
        return tuple(
            rf"(?i)^\W*(?:{'|'.join(lists.failures)})"
            for _, lists in sorted(self.by_language.items())
            if lists.failures
        )

    @cached_property
    def dangling_words(self) -> frozenset[str]:
        """Words, in lower case, that no sentence ends with."""
        return frozenset(word.lower() for lists in self.by_language.values() for word in lists.dangling)

    def _all(self, name: str) -> list[str]:
        return [pattern for key in sorted(self.by_language) for pattern in getattr(self.by_language[key], name)]


def load_wordlists(lake: Lake | None = None) -> Wordlists:
    """Load the packaged lists and lay those of `<data>/wordlists/*.yaml` over them; WordlistError names what is wrong."""
    lists = {path.stem: _parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(PACKAGED.glob("*.yaml"))}
    names = lake.names(lake.side("wordlists")) if lake else []
    for name in names:
        if lake and name.endswith((".yaml", ".yml")):
            own = _parse(lake.read_text(lake.side("wordlists", name)), f"wordlists/{name}")
            base = lists.get(own.language)
            lists[own.language] = base.overlaid(own) if base else own
    return Wordlists(lists)


@cache
def _parse(text: str, name: str) -> Wordlist:
    """Parse and check one file's text (remembered: each day and each look for stale days asks again)."""
    try:
        raw: Any = _ready(read_bounded_yaml(text))
        parsed = Wordlist.model_validate(raw)
    except yaml.YAMLError as error:
        raise WordlistError(f"{name}: cannot be read as YAML ({yaml_problem(error)}). Mend or remove it.") from error
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise WordlistError(f"{name}: {lines}. The packaged lists show the shape.") from error
    patterns = [
        *parsed.boilerplate_openers,
        *parsed.boilerplate_closers,
        *parsed.refusals,
        *(pattern for pattern in (parsed.apology, parsed.teaches) if pattern),
        *parsed.empty_answers,
        *parsed.failures,
        *parsed.dangling,
        *(entry.pattern for entry in (*parsed.cultural, *parsed.persona)),
        *(entry.unless for entry in (*parsed.cultural, *parsed.persona) if entry.unless),
    ]
    try:  # all in one query: one for each costs more than reading the file
        found = pl.DataFrame({"text": [""]}).select(
            pl.col("text").str.contains(rf"(?i)(?:{pattern})").alias(str(place))
            for place, pattern in enumerate(patterns)
        )
        well = not any(found.row(0))
    except pl.exceptions.ComputeError:
        well = False
    if not well:
        for pattern in patterns:
            check_pattern(pattern, name)
    return parsed


SENTENCE_START = r"(?:^|[.!?।॥…۔؟\n])[\s\"“*_]*"


def _ready(raw: Any) -> Any:
    """The entries as the regular expressions that are run: NFC as the texts are, ASCII boundaries, and the short forms of refusals.

    `{start}` is the beginning of a sentence, an apology before it or not; `{sorry}` is one that an apology must open.
    """
    value = _ascii_boundaries(raw)
    if isinstance(value, dict) and isinstance(value.get("refusals"), list):
        sorry = rf"(?:{value['apology']})" if value.get("apology") else ""
        gap = r"[^.!?।॥\n]{0,45}?(?-u:\b)?"
        opened = rf"{SENTENCE_START}{sorry}[^.!?।॥\n]{{0,45}}[\s,–—-]"
        start = rf"(?:{SENTENCE_START}(?:{sorry}{gap}[\s,–—-]+)?)" if sorry else SENTENCE_START
        value["refusals"] = [
            entry.replace("{start}", start).replace("{sorry}", opened) if isinstance(entry, str) else entry
            for entry in value["refusals"]
        ]
    return value


def _ascii_boundaries(value: Any) -> Any:
    if isinstance(value, str):
        plain = unicodedata.normalize("NFC", value)
        return plain.replace(r"(?-u:\b)", r"\b").replace(r"\b", r"(?-u:\b)")
    if isinstance(value, list):
        return [_ascii_boundaries(item) for item in value]
    return {key: _ascii_boundaries(item) for key, item in value.items()} if isinstance(value, dict) else value


def check_pattern(pattern: str, name: str) -> None:
    """Raise WordlistError when a pattern does not compile or matches everything."""
    try:
        matches_nothing = pl.Series([""]).str.contains(rf"(?i)(?:{pattern})").item()
    except pl.exceptions.ComputeError as error:
        raise WordlistError(
            f"{name}: the pattern {pattern!r} does not compile ({error}). Look-around is not supported."
        ) from error
    if matches_nothing:
        raise WordlistError(f"{name}: the pattern {pattern!r} matches an empty text, so it would match every answer.")
