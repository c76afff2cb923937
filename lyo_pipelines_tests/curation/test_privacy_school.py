"""What stays and what goes on sentences as learners of twelve languages write them; the sentences stand in privacy_texts/.

numbers_that_stay.txt and sentences_that_stay.txt: one sentence a line, nothing of which may be replaced. planted.tsv: a type and a
sentence whose [[marked]] pieces are personal data (made up); nothing else may be replaced.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lyo_pipelines.curation.privacy.arithmetic import in_arithmetic, is_message_about
from lyo_pipelines.curation.privacy.checksums import gstin
from lyo_pipelines.curation.privacy.engine import find_personal_data
from lyo_pipelines.curation.privacy.names import known_name_pattern
from lyo_pipelines.curation.privacy.redact import redact_text
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, row
from lyo_pipelines_tests.curation.test_privacy import curated

_TEXTS = Path(__file__).parent / "privacy_texts"


def _lines(name: str) -> list[str]:
    return [line for line in (_TEXTS / name).read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["numbers_that_stay.txt", "sentences_that_stay.txt"])
def test_school_sentences_stay_whole(name):
    lines = _lines(name)
    assert len(lines) >= 100
    harmed = {line: clean for line in lines if (clean := redact_text(line, CONFIG).text) != line}
    assert not harmed


def test_a_number_is_treated_alike_in_question_and_answer():
    for line in _lines("numbers_that_stay.txt"):
        for text in (f"{line} Think before you answer.", f"Let us see. {line}"):
            assert redact_text(text, CONFIG).text == text


def _marked(line: str) -> tuple[str, list[tuple[int, int]]]:
    text, marks, position = "", [], 0
    for match in re.finditer(r"\[\[(.*?)\]\](?!\])", line):
        text += line[position : match.start()]
        marks.append((len(text), len(text) + len(match.group(1))))
        text, position = text + match.group(1), match.end()
    return text + line[position:], marks


def test_planted_personal_data_is_found_and_nothing_beside_it():
    missed, more = [], []
    for line in _lines("planted.tsv"):
        text, marks = _marked(line.split("\t", 1)[1])
        found = find_personal_data(text, threshold=CONFIG.personal_data_threshold)
        covered = {place for span in found for place in range(span.start, span.end)}
        for start, end in marks:
            signs = [place for place in range(start, end) if text[place].isalnum()]
            if sum(place in covered for place in signs) < 0.8 * len(signs):
                missed.append((text[start:end], text))
        more += [
            (text[span.start : span.end], text)
            for span in found
            if not any(span.start < end and start < span.end for start, end in marks)
        ]
    assert not missed
    assert not more


@pytest.mark.parametrize(
    ("name", "texts", "clean"),
    [
        # a word of the language: only where somebody is spoken to
        (
            "Rose",
            ["The rose is red. Rose petals fall. Well done, Rose!"],
            ["The rose is red. Rose petals fall. Well done, <PERSON>!"],
        ),
        ("दीपक", ["दीपक जलता है। शाबाश दीपक! दीपक जी, सही।"], ["दीपक जलता है। शाबाश <PERSON>! <PERSON> जी, सही।"]),
        ("மலர்", ["மலர் சிவப்பு. நன்று மலர்!"], ["மலர் சிவப்பு. நன்று <PERSON>!"]),
        # in no list, but the row itself writes it small, or (without capitals) as often as only its subject
        ("Zinc", ["Zinc melts. The zinc is grey."], ["Zinc melts. The zinc is grey."]),
        ("घटक", ["घटक एक है। घटक दो है। घटक तीन है।"], ["घटक एक है। घटक दो है। घटक तीन है।"]),
        # an order of the lesson begins with it
        ("Etch", ["Etch the line. Good, Etch!"], ["Etch the line. Good, <PERSON>!"]),
        # a name and nothing else: everywhere
        ("Sudha", ["Sudha, divide. Sudha's sum is right."], ["<PERSON>, divide. <PERSON>'s sum is right."]),
        ("सुधा", ["सुधा का उत्तर सही है।"], ["<PERSON> का उत्तर सही है।"]),
    ],
)
def test_a_known_name_that_is_a_word_of_the_row_is_replaced_only_where_somebody_is_spoken_to(name, texts, clean):
    pattern = known_name_pattern([name], texts)
    assert [pattern.sub("<PERSON>", text) if pattern else text for text in texts] == clean


def test_the_lesson_keeps_the_word_that_is_the_learner_s_name():
    made = row(
        rating=5.0,
        question="My name is Ray. What is a ray of light?",
        answer="Ray optics draws each ray of light as a line. Well done, Ray! A ray goes on and on.",
    )
    kept = curated(made).kept.to_pylist()[0]
    assert kept["question"] == "My name is <PERSON>. What is a ray of light?"
    assert kept["answer"].startswith("Ray optics draws each ray")
    assert "Well done, <PERSON>!" in kept["answer"]


def test_an_answer_that_is_only_a_number_is_a_result():
    kept = curated(row(rating=5.0, question="What is 81234567 times 100?", answer="8123456700")).kept.to_pylist()
    assert [one["answer"] for one in kept] in ([], ["8123456700"])
    assert redact_text("8123456700", CONFIG).text == "<PHONE>"


def test_the_check_sign_of_a_gstin_catches_a_wrong_sign():
    assert gstin("27AAPFU0939F1ZV")
    assert not gstin("27AAPFU0939F1ZW")
    assert not gstin("27AAPFU0938F1ZV")
    assert redact_text("27AAPFU0939F1ZV on the bill", CONFIG).text == "<GSTIN> on the bill"
    assert redact_text("27AAPFU0938F1ZV on the bill", CONFIG).text == "27AAPFU0938F1ZV on the bill"


@pytest.mark.parametrize(
    ("text", "arithmetic", "message"),
    [
        ("9812345670", False, True),
        ("Papa: 9812345670", False, True),
        ("LCM 9812345670", True, False),
        ("Read 9812345670", False, False),
        ("**9812345670**", False, True),
        ("2 * 9812345670", True, False),
    ],
)
def test_a_bare_number_is_a_message_only_where_nothing_is_asked_or_calculated(text, arithmetic, message):
    start = text.index("98")
    assert in_arithmetic(text, start, start + 10) is arithmetic
    assert is_message_about(text, start, start + 10) is message


def test_a_number_that_is_somebody_s_goes_from_all_texts_of_the_row():
    made = row(
        rating=5.0,
        question="My number is 9361234508. Is 9361234508 divisible by 4?",
        answer="Look at the last two digits of 93612 34508: they are 08, and 8 is divisible by 4, so the whole number is.",
    )
    kept = curated(made).kept.to_pylist()[0]
    assert "93612" not in repr((kept["question"], kept["answer"]))
    assert "digits of <PHONE>: they" in kept["answer"]
