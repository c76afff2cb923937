"""All finders over one text, and which of overlapping findings wins. What a finder is, spans.py says; the finders stand beside."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from lyo_pipelines.curation.privacy import (
    addresses,
    credentials,
    handles,
    identifiers,
    mail,
    names,
    network,
    numbers,
    phones,
)
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, ascii_digits


@cache
def all_finders(*, titled_names: bool = False) -> tuple[Finder, ...]:
    """All finders, in the order in which overlapping findings win."""
    base = (
        *mail.FINDERS, *credentials.FINDERS, *network.FINDERS, *identifiers.FINDERS, *numbers.FINDERS, *phones.FINDERS,
        *addresses.FINDERS, *handles.FINDERS, *names.FINDERS,
    )  # fmt: skip
    return (*base, names.TITLED) if titled_names else base


def find_personal_data(
    text: str, *, threshold: float, titled_names: bool = False, kinds: Collection[str] | None = None
) -> list[PersonalDataSpan]:
    """Non-overlapping spans of personal data in one text, in order; `kinds` restricts the search."""
    plain = ascii_digits(text)
    found = (
        span
        for finder in all_finders(titled_names=titled_names)
        if kinds is None or finder.kind in kinds
        for span in finder.find(plain)
        if span.score >= threshold
    )
    return list(merged(found))


_PRIORITY = {
    kind: rank
    for rank, kind in enumerate(
        (
            "URL", "SECRET", "EMAIL", "UPI", "IBAN", "AADHAAR", "CARD", "GSTIN", "PAN", "VOTER_ID", "VEHICLE", "PASSPORT", "IP",
            "ID_NUMBER", "PHONE", "ADDRESS", "PERSON",
        )
    )
}  # fmt: skip


def merged(spans: Iterable[PersonalDataSpan]) -> Iterator[PersonalDataSpan]:
    """Drop overlaps: the surer type wins, then the longer span; overlapping spans of one type become one."""
    chosen: list[PersonalDataSpan] = []  # in order, never overlapping: so the clashing ones stand side by side
    for span in sorted(spans, key=lambda s: (_PRIORITY.get(s.kind, 99), -s.score, -(s.end - s.start), s.start)):
        low = bisect_right(chosen, span.start, key=lambda other: other.end)
        high = bisect_left(chosen, span.end, key=lambda other: other.start)
        clash = chosen[low:high]
        if not clash:
            chosen.insert(low, span)
        elif all(other.kind == span.kind for other in clash):
            start, end = min(span.start, clash[0].start), max(span.end, clash[-1].end)
            score = max(span.score, *(other.score for other in clash))
            chosen[low:high] = [PersonalDataSpan(start, end, span.kind, score)]
    yield from chosen
