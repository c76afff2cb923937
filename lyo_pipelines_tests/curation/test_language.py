from __future__ import annotations

import polars as pl
import pytest

from lyo_pipelines.languages import detectors
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.scripts import SCRIPTS, letter_counts, prose_of
from lyo_pipelines.languages.words import WORDS
from lyo_pipelines.languages.written import bucket_language, written_language
from lyo_pipelines_tests.curation.interaction_rows import CONFIG
from lyo_pipelines_tests.growth import faster_than_linear


def written(text: str | None, declared: str) -> str:
    return written_language(pl.Series([text], dtype=pl.String), pl.Series([declared]), CONFIG)[0]


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        # as declared
        ("The derivative of x squared is 2x because of the power rule.", "en", "en"),
        ("इस सवाल में हमें x का मान निकालना है।", "hi", "hi"),
        ("ஒரு முக்கோணத்தின் பரப்பளவைக் காண்போம்.", "ta", "ta"),
        ("या समीकरणात आपल्याला x ची किंमत काढायची आहे.", "mr", "mr"),
        # another language than declared
        ("The derivative of x squared is 2x because of the power rule.", "hi", "en"),
        ("इस सवाल में हमें x का मान निकालना है।", "en", "hi"),
        ("या समीकरणात आपल्याला x ची किंमत काढायची आहे.", "hi", "mr"),
        ("प्रकाश संश्लेषण म्हणजे काय ते आपण आज शिकणार आहोत आणि उदाहरणे पाहणार आहोत.", "hi", "mr"),
        ("ஒரு முக்கோணத்தின் பரப்பளவைக் காண்போம்.", "hi", "ta"),
        ("মাধ্যাকর্ষণ শক্তি কাকে বলে তা বোঝাও", "hi", "bn"),
        ("ఈ ప్రశ్నకు సమాధానం ఏమిటో చూద్దాం", "ta", "te"),
        ("La dérivée de cette fonction est égale à deux fois la variable, comme nous l'avons vu.", "en", "fr"),
        ("La dérivée de cette fonction est égale à deux fois la variable, comme nous l'avons vu.", "fr", "fr"),
        # romanised
        ("Derivative ka matlab hai kisi function ka rate of change nikalna.", "hi", "hi_latn"),
        ("Pehle dono taraf se paanch ghatao, phir teen se bhaag do.", "en", "hi_latn"),
        ("Newton ka second law: force barabar hota hai mass guna acceleration.", "hi_latn", "hi_latn"),
        ("Intha kanakku la x oda value enna nu paarunga, athukku rendu side um kazhikanum.", "ta", "ta_latn"),
        ("Mudhalla rendu pakkamum anju kazhikkanum, appuram moonu aala vaguthal pannunga.", "en", "ta_latn"),
        # mixed: the language around the terms counts
        ("यह derivative का rule है और इससे slope निकलता है, इसलिए graph देखिए।", "hi", "hi"),
        ("So the word for water in Hindi is पानी, which you will hear every day.", "en", "en"),
        # too short, or formulas and code only: as declared
        ("x = 7", "hi", "hi"),
        ("x = 3y + 2", "ta", "ta"),
        ("sin(2x) = 2 sin(x) cos(x)", "hi", "hi"),
        ("$$\\int_0^1 x\\,dx = \\frac{1}{2}$$", "hi", "hi"),
        ("```python\ndef total(values):\n    return sum(values)\n```", "ta", "ta"),
        ("def total(values):\n    return sum(values)\n", "hi", "hi"),
        ("https://example.org/lesson/derivatives/power-rule", "hi", "hi"),
        ("ठीक", "en", "en"),
        ("", "ta", "ta"),
        (None, "ta", "ta"),
        ("3 × 4 = 12, 5 × 6 = 30, 7 × 8 = 56", "ta", "ta"),
    ],
)
def test_the_language_that_is_written(text, declared, expected):
    assert written(text, declared) == expected


def test_a_language_that_nobody_declared_is_the_one_that_is_written():
    text = "The derivative of x squared is 2x because of the power rule."
    assert language_code("und") == ""
    assert written(text, "") == "en"
    assert written("ஒரு முக்கோணத்தின் பரப்பளவைக் காண்போம்.", "") == "ta"
    assert bucket_language(pl.Series(["", ""]), pl.Series(["en", ""])).to_list() == ["en", ""]


def test_only_romanised_hindi_and_tamil_have_a_bucket_of_their_own():
    declared = pl.Series(["hi", "ta", "hi", "en", "hi"])
    found = pl.Series(["hi_latn", "ta_latn", "ta_latn", "hi_latn", "hi"])
    assert bucket_language(declared, found).to_list() == ["hi_latn", "ta_latn", "hi", "en", "hi"]


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("English", "en"),
        ("en-IN", "en"),
        ("EN", "en"),
        ("hin", "hi"),
        ("hi-Latn", "hi_latn"),
        ("hi-Deva-IN", "hi"),
        ("Hinglish", "hi_latn"),
        ("hi_latn", "hi_latn"),
        ("Tanglish", "ta_latn"),
        ("tam", "ta"),
        ("mr", "mr"),
        (None, ""),
        ("", ""),
        ("klingon", "klingon"),
        ("हिन्दी", "hi"),
        ("தமிழ்", "ta"),
        ("hi_IN.UTF-8", "hi"),
        ("en_US@posix", "en"),
        ("en-GB,en;q=0.9,hi;q=0.8", "en"),
        ("Hindi (India)", "hi"),
        ("zh-Hans-CN", "zh"),
        ("Tamil / English", "tamil_english"),
        ("N/A", ""),
    ],
)
def test_codes_of_declared_languages(declared, code):
    assert language_code(declared) == code


def test_word_lists_do_not_overlap_where_it_matters():
    hindi, tamil = (set(WORDS[name]) - set(WORDS["en"]) for name in ("hi_latn", "ta_latn"))
    assert not hindi & tamil


def test_letters_are_counted_by_script_without_formulas():
    counts = letter_counts(prose_of(pl.Series(["यह x = 3y है", "தமிழ் text here", None, "мир"])))
    assert counts["Devanagari"].to_list()[0] == 4
    assert counts["Latin"].to_list() == [0, 8, 0, 0]
    assert counts["Tamil"].to_list()[1] == 5
    assert counts["Cyrillic"].to_list()[3] == 3
    assert set(counts.columns) == set(SCRIPTS)


@pytest.mark.parametrize(
    ("text", "language"),
    [("यह एक अच्छा सवाल है और इसका उत्तर सरल है", "hi"), ("हा एक चांगला प्रश्न आहे आणि त्याचे उत्तर सोपे आहे", "mr")],
)
def test_the_detectors_vote_as_the_words_do(text, language):
    assert detectors.hindi_or_marathi(text) == language == written(text, "hi")


def test_words_that_decide_nothing_leave_it_to_the_best_of_ours():
    # declared in Devanagari, written in Latin letters, in words that are few and rare
    assert written("Photosynthesis chlorophyll glucose hai oxygen sunlight starch leaves water energy", "hi") in {
        "hi_latn",
        "en",
    }


def test_detectors_that_know_nothing_say_so():
    assert detectors.agreed("qzx", 0.6) == ""
    assert detectors.cld2_vote("") == ("", 0.0)
    assert detectors.fast_vote("x")[1] <= 1.0


def test_nothing_in_nothing_out():
    assert written_language(pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.String), CONFIG).to_list() == []


def test_programs_and_formulas_leave_no_prose():
    texts = pl.Series(
        [
            "marks = [3, 4]\nfor mark in marks:\n    total += mark\nprint(total)",
            "\\frac{\\text{whole distance}}{\\text{whole time}}",
            "public class Sum {\n    int total = 0;\n}",
            "<b>www.example.org</b>",
        ]
    )
    assert [letters.strip() for letters in prose_of(texts).str.replace_all(r"[^A-Za-z]+", " ")] == ["", "", "", ""]


def test_sentences_with_signs_in_them_stay_prose():
    texts = [
        "Speed is distance / time, so divide the first by the second.",
        "1. Multiply (a) by (b)\n2. Add what is left",
    ]
    assert prose_of(pl.Series(texts)).to_list() == texts


def test_taking_code_out_takes_time_in_proportion_to_the_text():
    units = ("\\frac{", "\\[ ", "\\( ", "a@", "x = a, ", "<a ", "$ ", "`", "aaaa", "x(", "    x = 1\n", "\\a{b}")
    assert not faster_than_linear(lambda text: prose_of(pl.Series([text])), units, size=40_000, floor=0.05)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("كيف تتنفس الأسماك تحت الماء؟", "ar"),
        ("مچھلیاں پانی میں کیسے سانس لیتی ہیں؟", "ur"),
        ("ماهی‌ها چگونه زیر آب نفس می‌کشند؟", "fa"),
        ("Як риби дихають під водою та чому вони не тонуть?", "uk"),
        ("Как рыбы дышат под водой и почему они не тонут?", "ru"),
        ("¿Cómo se llama el mar que está al sur de Francia?", "es"),
        ("Balıklar su altında nasıl nefes alır, acaba?", "tr"),
        ("machhli paani ke andar kaise saans leti hai", "hi_latn"),
        ("How do fish breathe under water?", "en"),
    ],
)
def test_where_nothing_is_declared_a_few_shared_words_or_a_shared_script_tell_no_language(text: str, told: str) -> None:
    assert written(text, "") == told


@pytest.mark.parametrize("text", ["Kwa nini samaki hupumua?", "De ce respira pestii sub apa?"])
def test_a_language_that_cannot_be_told_is_none_of_ours(text: str) -> None:
    assert written(text, "") not in ("hi_latn", "ta_latn", "en")
