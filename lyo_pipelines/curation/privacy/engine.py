"""presidio-analyzer around our finders: one engine per process, without any language model (NoOpNlpEngine).

The finders are plain functions; presidio gives them a registry, thresholds and the merging of findings, and lets a team add
recognisers of its own beside them.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from lyo_pipelines.curation.privacy import addresses, credentials, identifiers, mail, names, network, numbers, phones
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, ascii_digits

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

LANGUAGE = "en"  # presidio wants one; the finders know all of ours


def all_finders(*, titled_names: bool = False) -> tuple[Finder, ...]:
    """All finders, in the order in which overlapping findings win."""
    base = (
        *mail.FINDERS, *credentials.FINDERS, *network.FINDERS, *identifiers.FINDERS, *numbers.FINDERS, *phones.FINDERS,
        *addresses.FINDERS, *names.FINDERS,
    )  # fmt: skip
    return (*base, names.TITLED) if titled_names else base


@cache
def analyzer_engine(threshold: float, titled_names: bool) -> AnalyzerEngine:
    """Build the engine (once per process and setting: importing presidio takes seconds)."""
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts, NoOpNlpEngine

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it logs at length, and texts must not be logged

    class FinderRecognizer(EntityRecognizer):
        """One of our finders as a presidio recogniser."""

        def __init__(self, finder: Finder, number: int) -> None:
            self.finder = finder
            super().__init__(
                supported_entities=[finder.kind], name=f"lyo-{finder.kind}-{number}", supported_language=LANGUAGE
            )

        def load(self) -> None:
            """Nothing to load."""

        def analyze(
            self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
        ) -> list[RecognizerResult]:
            """Run the finder on a text whose digits are ASCII."""
            return [RecognizerResult(span.kind, span.start, span.end, span.score) for span in self.finder.find(text)]

    nlp = NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}])
    nlp.load()
    registry = RecognizerRegistry(recognizers=[], supported_languages=[LANGUAGE])
    for number, finder in enumerate(all_finders(titled_names=titled_names)):
        registry.add_recognizer(FinderRecognizer(finder, number))
    return AnalyzerEngine(
        registry=registry, nlp_engine=nlp, supported_languages=[LANGUAGE], default_score_threshold=threshold
    )


def find_personal_data(
    text: str, *, threshold: float, titled_names: bool = False, kinds: list[str] | None = None
) -> list[PersonalDataSpan]:
    """Non-overlapping spans of personal data in one text, in order; `kinds` restricts the search."""
    found = analyzer_engine(threshold, titled_names).analyze(ascii_digits(text), language=LANGUAGE, entities=kinds)
    return list(
        merged(PersonalDataSpan(result.start, result.end, result.entity_type, result.score) for result in found)
    )


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
