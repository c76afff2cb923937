from __future__ import annotations

import pytest

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, row, table

LISTS = load_wordlists()


def rules(**changes) -> list[str]:
    return curate_batch(table(row(rating=5.0, **changes)), CONFIG, LISTS, {}).removed["rule"].to_pylist()


@pytest.mark.parametrize(
    ("language", "question", "answer"),
    [
        ("en", "How does one say good night in Hindi?", "आपको शुभ रात्रि, कल फिर मिलेंगे।"),
        ("en", "Translate: The river is deep.", "नदी बहुत गहरी है और उसका पानी ठंडा है।"),
        ("hi", "इस वाक्य को अंग्रेज़ी में लिखिए।", "The river is deep and its water is very cold today."),
        (
            "en",
            "What does the saint mean?",
            "Tulsi says “परहित सरिस धरम नहिं भाई।” Be kind, he says to us.",
        ),
        ("en", "List the relations", "α = β + γ, θ = ωt, λν = c, ρ = μσ, τ = ΔΦ/Ω, ε = κπ, ηψ = ξζ, δ = φχ"),
        ("en", "Name five gases", "Argon, neon, xenon, radon, krypton"),
    ],
)
def test_what_was_asked_for_or_is_only_quoted_is_no_wrong_language(language, question, answer):
    assert rules(language=language, question=question, answer=answer) == []


def test_an_answer_that_nobody_asked_for_in_that_language_is_one():
    assert rules(question="Why is the sea salty?", answer="नदियाँ चट्टानों से नमक लाती हैं और समुद्र में छोड़ देती हैं।") == [
        "wrong_language"
    ]
