"""Replacing personal data in a column of texts by placeholders such as <EMAIL>, and counting the replacements by type."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.privacy.engine import all_finders, find_personal_data
from lyo_pipelines.curation.privacy.phones import phone_digits
from lyo_pipelines.curation.privacy.spans import PersonalDataSpan, ascii_digits


@dataclass(frozen=True)
class Redacted:
    """One changed text: the text without its values, how many of each type went, and the names and the telephone numbers (ten digits
    each) that were seen (for this row only)."""

    text: str
    counts: dict[str, int]
    names: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)


def can_hold(texts: pl.Series, config: CurationConfig) -> pl.DataFrame:
    """For each text and type: whether the type's cheap test matches (vectorised; without a match the finder finds nothing)."""
    frame = texts.fill_null("").alias("text").to_frame()
    needs: dict[str, list[str]] = {}
    for finder in all_finders(titled_names=config.redact_titled_names):
        needs.setdefault(finder.kind, []).append(finder.needs)
    return frame.select(pl.col("text").str.contains("|".join(patterns)).alias(kind) for kind, patterns in needs.items())


def redact_text(text: str, config: CurationConfig) -> Redacted:
    """Replace all personal data of one text."""
    done = Redacted(text, {})
    # a cue that was hidden inside another finding's match may stand free afterwards
    for _ in range(_MAX_PASSES):
        once = _pass(done, config, None)
        if once is None:
            break
        done = once
    return done


_MAX_PASSES = 6


def _pass(redacted: Redacted, config: CurationConfig, kinds: list[str] | None) -> Redacted | None:
    """What is left after one more look at a text (for some types only; None: all); None where nothing is found."""
    text = redacted.text
    own = {name.casefold() for name in config.assistant_names}
    spans = [
        span
        for span in find_personal_data(
            text, threshold=config.personal_data_threshold, titled_names=config.redact_titled_names, kinds=kinds
        )
        if span.kind != "PERSON" or text[span.start : span.end].casefold() not in own
    ]
    if not spans:
        return None
    names = tuple(text[span.start : span.end] for span in spans if span.kind == "PERSON")
    counts = Counter(redacted.counts) + Counter(span.kind for span in spans)
    digits = (phone_digits(ascii_digits(text[span.start : span.end])) for span in spans if span.kind == "PHONE")
    phones = tuple(number for number in digits if len(number) == 10)
    return Redacted(_replaced(text, spans), dict(counts), (*redacted.names, *names), (*redacted.phones, *phones))


def _replaced(text: str, spans: list[PersonalDataSpan]) -> str:
    pieces: list[str] = []
    position = 0
    for span in spans:
        pieces += (text[position : span.start], f"<{span.kind}>")
        position = span.end
    return "".join((*pieces, text[position:]))


def redact_unique(texts: pl.Series, config: CurationConfig) -> dict[int, Redacted]:
    """Redact a column of distinct texts; returns only those that changed, by position.

    Does what redact_text does, but sends a text to a finder only where the cheap test allows it, in every pass.
    """
    found: dict[int, Redacted] = {}
    places, current = list(range(len(texts))), texts
    for _ in range(_MAX_PASSES):
        tests = can_hold(current, config)
        suspicious = tests.select(any=pl.any_horizontal(pl.all()))["any"].arg_true()
        kinds, changed = tests.columns, []
        for index, flags in zip(suspicious, tests[suspicious].rows(), strict=True):
            place = places[index]
            allowed = [kind for kind, flag in zip(kinds, flags, strict=True) if flag]
            once = _pass(found.get(place) or Redacted(current[index], {}), config, allowed)
            if once is not None:
                found[place] = once
                changed.append(place)
        if not changed:
            break
        places, current = changed, pl.Series([found[place].text for place in changed], dtype=pl.String)
    return found
