"""presidio-analyzer around our finders: one engine per process, without any language model (NoOpNlpEngine).

The finders are plain functions; presidio gives them a registry, thresholds and the merging of findings, and lets a team add
recognisers of its own beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from lyo_pipelines.curation.privacy import identifiers, names, numbers
from lyo_pipelines.curation.privacy.spans import Finder, PersonalDataSpan, ascii_digits

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

LANGUAGE = "en"  # presidio wants one; the finders know all of ours


def all_finders(*, titled_names: bool = False) -> tuple[Finder, ...]:
    """All finders, in the order in which overlapping findings win."""
    base = (*identifiers.FINDERS, *numbers.FINDERS, *names.FINDERS)
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
            "URL",
            "SECRET",
            "EMAIL",
            "IBAN",
            "AADHAAR",
            "CARD",
            "PAN",
            "VOTER_ID",
            "VEHICLE",
            "PASSPORT",
            "IP",
            "ID_NUMBER",
            "PHONE",
            "PERSON",
        )
    )
}


def merged(spans: Iterator[PersonalDataSpan] | list[PersonalDataSpan]) -> Iterator[PersonalDataSpan]:
    """Drop overlaps: the surer type wins, then the longer span; overlapping spans of one type become one."""
    chosen: list[PersonalDataSpan] = []
    for span in sorted(spans, key=lambda s: (_PRIORITY.get(s.kind, 99), -s.score, -(s.end - s.start), s.start)):
        clash = [other for other in chosen if span.start < other.end and other.start < span.end]
        if not clash:
            chosen.append(span)
        elif all(other.kind == span.kind for other in clash):
            for other in clash:
                chosen.remove(other)
            start, end = min(span.start, *(o.start for o in clash)), max(span.end, *(o.end for o in clash))
            chosen.append(PersonalDataSpan(start, end, span.kind, max(span.score, *(o.score for o in clash))))
    yield from sorted(chosen)
