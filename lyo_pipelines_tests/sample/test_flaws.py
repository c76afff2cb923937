"""What was planted is there, is labelled, and is what the label says."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.sample.duplicates import THRESHOLD, jaccard, nearly, shingles
from lyo_pipelines.sample.identifiers import MAKERS, aadhaar, card, luhn_valid, verhoeff_valid

KINDS = (
    "wrong_language", "romanised", "near_duplicate", "exact_duplicate", "truncated", "error", "low_rating", "cultural", "refusal",
    "empty", "repeated", "retry", "complaint", "mojibake", "boilerplate", "pii_name", "pii_phone", "pii_email", "pii_aadhaar",
    "pii_pan", "pii_card", "pii_ip", "pii_url", "pii_voter_id", "pii_passport",
)  # fmt: skip


def _rows(sample, by_id, kind):
    return [(by_id[label["interaction_id"]], label["details"]) for label in sample.labels if kind in label["planted"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_planted(sample, by_id, kind):
    assert len(_rows(sample, by_id, kind)) >= 8


def test_no_kind_is_planted_that_this_file_does_not_know(sample):
    assert {kind for label in sample.labels for kind in label["planted"]} == set(KINDS)


def test_most_rows_are_sound_and_each_row_has_one_label(sample):
    assert len({label["interaction_id"] for label in sample.labels}) == len(sample.labels)
    assert 0.10 < len(sample.labels) / 12_000 < 0.20


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("pii_")])
def test_personal_data_stands_where_its_label_says(sample, by_id, kind):
    for row, details in _rows(sample, by_id, kind):
        for name in details["fields"]:
            assert details["value"] in row[name]


def test_personal_data_is_planted_in_all_languages(sample, by_id):
    languages = Counter(
        row["language"] for kind in KINDS if kind.startswith("pii_") for row, _ in _rows(sample, by_id, kind)
    )
    assert all(languages[code] >= 10 for code in ("en", "hi", "ta"))


def test_nobody_real_can_be_meant(sample, by_id):
    for row, details in _rows(sample, by_id, "pii_email"):
        assert re.search(r"@(\w+\.)?example\.(org|com)$", details["value"]), row["question"]
    for _, details in _rows(sample, by_id, "pii_ip"):
        assert details["value"].startswith(("192.0.2.", "198.51.100.", "203.0.113."))


@given(st.integers())
def test_check_digits_are_valid_and_guard_against_one_wrong_digit(seed):
    number, plastic = aadhaar(Random(seed)).replace(" ", ""), card(Random(seed)).replace(" ", "")
    assert len(number) == 12 and number[0] in "23456789" and verhoeff_valid(number)
    assert len(plastic) == 16 and luhn_valid(plastic)
    at = seed % 12
    wrong = str((int(number[at]) + 1 + seed % 9) % 10)
    assert not verhoeff_valid(number[:at] + wrong + number[at + 1 :])


def test_published_examples_of_both_check_digits():
    assert verhoeff_valid("2363") and not verhoeff_valid("2364")
    assert luhn_valid("79927398713") and not luhn_valid("79927398710")


@given(st.integers(), st.sampled_from(sorted(MAKERS)))
def test_makers_draw_the_same_for_the_same_seed(seed, kind):
    assert MAKERS[kind](Random(seed)) == MAKERS[kind](Random(seed))


def test_wrong_language_rows_declare_one_script_and_write_another(sample, by_id):
    scripts = {"en": "[a-z]", "hi": "[\u0900-\u097f]", "ta": "[\u0b80-\u0bff]"}
    for row, details in _rows(sample, by_id, "wrong_language"):
        assert details["declared"] == row["language"] != details["written"]
        for name in details["fields"]:
            assert re.search(scripts[details["written"]], row[name])
        if details["written"] == "en":
            assert not re.search("[\u0900-\u0bff]", row["answer"])


def test_romanised_rows_say_hi_and_are_written_in_latin_letters(sample, by_id):
    for row, _ in _rows(sample, by_id, "romanised"):
        assert row["language"] == "hi" and not re.search("[\u0900-\u097f]", row["question"])


def test_near_duplicates_are_near_and_not_equal(sample, by_id):
    for row, details in _rows(sample, by_id, "near_duplicate"):
        original = by_id[details["original"]]
        assert row["question"] != original["question"] and row["user_id"] != original["user_id"]
        assert jaccard(shingles(row["question"]), shingles(original["question"])) >= THRESHOLD
        assert original["occurred_at"] < row["occurred_at"]


@given(
    st.integers(),
    st.lists(st.text(alphabet="abcdefghij", min_size=3, max_size=9), min_size=6, max_size=25, unique=True),
)
def test_a_near_copy_of_any_question_is_a_near_duplicate(seed, words):
    question = " ".join(words) + "?"
    copy = nearly(Random(seed), question)
    assert copy != question
    assert jaccard(shingles(copy), shingles(question)) >= THRESHOLD


def test_exact_duplicates_have_the_content_of_an_earlier_row(sample, by_id):
    for row, details in _rows(sample, by_id, "exact_duplicate"):
        original = by_id[details["original"]]
        for name in ("question", "answer", "context", "history", "system_prompt", "language", "subject"):
            assert row[name] == original[name]
        assert original["occurred_at"] < row["occurred_at"] and original["user_id"] != row["user_id"]


def test_truncated_answers_lack_their_result(sample, by_id):
    rows = _rows(sample, by_id, "truncated")
    assert {row["finish_reason"] for row, _ in rows} == {"length", "stop"}
    for row, _ in rows:
        assert not row["reference_answer"] or not row["answer"].split("\n")[-1].endswith(": " + row["reference_answer"])


def test_errors_have_no_answer(sample, by_id):
    assert all(row["answer"] is None and row["error"] for row, _ in _rows(sample, by_id, "error"))
    labelled = {row["interaction_id"] for row, _ in _rows(sample, by_id, "error")}
    assert all(
        row["interaction_id"] in labelled for row in sample.interactions if row["error"] or row["answer"] is None
    )


def test_low_ratings_stand_on_wrong_or_rude_answers(sample, by_id, final_ratings):
    rows = _rows(sample, by_id, "low_rating")
    assert {details["cause"] for _, details in rows} == {"wrong_result", "rude"}
    for row, details in rows:
        assert final_ratings.get(row["interaction_id"], 1) <= 2
        if details["cause"] == "wrong_result":
            assert (
                row["answer"].endswith(details["wrong"])
                and details["wrong"] != details["right"] == row["reference_answer"]
            )


def test_complaints_and_retries_are_in_the_row_or_in_late_feedback(sample, by_id):
    late = {row["interaction_id"]: row for row in sample.feedback}
    for row, details in _rows(sample, by_id, "complaint"):
        given = row["complaint_category"] or late.get(row["interaction_id"], {}).get("complaint_category")
        assert given in {details.get("category", "cultural"), None}
    assert all(row["retries"] == details["retries"] > 0 for row, details in _rows(sample, by_id, "retry"))


def test_cultural_slips_are_written_in_the_answer(sample, by_id):
    rows = _rows(sample, by_id, "cultural")
    assert all(details["line"] in row["answer"] for row, details in rows)
    assert {details["slip"] for _, details in rows} == {
        "persona_grammar",
        "disrespect",
        "caste",
        "beef",
        "pork",
        "alcohol",
    }


def test_broken_encoding_can_be_undone_where_the_label_says_so(sample, by_id):
    for row, details in _rows(sample, by_id, "mojibake"):
        if details["recoverable"]:
            as_bytes = b"".join(char.encode("latin-1" if ord(char) < 256 else "cp1252") for char in row["answer"])
            assert as_bytes.decode() != row["answer"]
        else:
            assert "\ufffd" in row["answer"]


def test_boilerplate_refusals_and_empty_answers_are_as_labelled(sample, by_id):
    assert all(row["answer"].startswith(details["line"]) for row, details in _rows(sample, by_id, "boilerplate"))
    assert all("\n" not in row["answer"] for row, _ in _rows(sample, by_id, "refusal"))
    assert all(not re.search(r"\w", row["answer"]) for row, _ in _rows(sample, by_id, "empty"))
    assert all(max(Counter(row["answer"].split("\n")).values()) >= 6 for row, _ in _rows(sample, by_id, "repeated"))
