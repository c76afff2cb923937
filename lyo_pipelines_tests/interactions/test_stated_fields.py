"""What a chat row says of itself counts before any default: its language, its time and its other fields, under their usual names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lyo_pipelines.interactions.conversion.tell_language import CONFIGURED, FROM_TEXT
from lyo_pipelines.interactions.formats.chat_metadata import FILE_TIME
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, build, jsonl, lake_at, land, rejected, row

ASKED = "How long does it take the earth to go round the sun?"
WHEN = "2026-10-05T10:00:00Z"


def chat(question=ASKED, answer="It takes a year to go round it.", **fields):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **fields}


def landed(tmp_path, *rows, config=CONFIG):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "chat.jsonl", rows), config=config)
    return report, build(lake).to_pylist() if report.accepted else [], lake


def test_feedback_beside_a_chat_that_is_not_read_is_named(tmp_path):
    report, rows, _ = landed(tmp_path, chat(user_rating=5, rating=4, tools=[], feedback={"thumb": "up"}))
    assert report.ignored_fields == ("user_rating",)
    assert (rows[0]["rating"], rows[0]["thumbs"]) == (4, 1)


@pytest.mark.parametrize("said", ["hi", "HI", "hi-IN", "hi_IN", "Hindi", "hin", "हिन्दी"])
def test_one_language_is_one_code_however_it_is_written(said, tmp_path):
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "a.jsonl", [row(1, language=said)]))
    assert build(lake)["language"].to_pylist() == ["hi"]


@pytest.mark.parametrize("name", ["lang", "locale", "language_code", "languageCode"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_language_counts_under_its_usual_names_in_the_row_or_its_metadata(tmp_path, name, inside):
    fields = {"metadata": {name: "hi-IN"}} if inside else {name: "hi-IN"}
    report, (row,), _ = landed(tmp_path, chat(created_at=WHEN, **fields))
    assert row["language"] == "hi"
    assert FROM_TEXT not in report.notes


@pytest.mark.parametrize(
    ("question", "language"),
    [
        (ASKED, "en"),
        ("एक दिन में कितने घंटे होते हैं?", "hi"),
        ("ஒரு நாளில் எத்தனை மணி நேரம்?", "ta"),
        ("Ek din mein kitne ghante hote hain aur kyon?", "hi_latn"),
    ],
)
def test_where_nothing_says_the_language_the_question_tells_it_and_that_is_said(tmp_path, question, language):
    report, (row,), _ = landed(tmp_path, chat(question, "24.", created_at=WHEN))
    assert row["language"] == language
    assert report.notes == {FROM_TEXT: 1}


def test_a_text_that_tells_no_language_gets_the_configured_one_and_that_is_said(tmp_path):
    report, (row,), _ = landed(tmp_path, chat("2+2", "4", created_at=WHEN))
    assert (row["language"], report.notes) == ("en", {CONFIGURED: 1})
    silent = CONFIG.openai_messages.model_copy(update={"language": None})
    report, _, lake = landed(
        tmp_path / "b", chat("2+2", "4", created_at=WHEN), config=CONFIG.model_copy(update={"openai_messages": silent})
    )
    assert [item["reason"] for item in rejected(lake)] == ["missing_language"]


@pytest.mark.parametrize("name", ["createdAt", "startTime", "create_time", "timestamp", "sent_at", "updated_at"])
def test_what_the_row_says_of_its_time_counts_before_the_date_of_the_file(tmp_path, name):
    report, (row,), _ = landed(tmp_path, chat(lang="en", **{name: WHEN}))
    assert row["occurred_at"] == datetime(2026, 10, 5, 10, tzinfo=UTC)
    assert report.notes == {}


def test_a_row_without_a_time_takes_that_of_the_file_and_says_so(tmp_path):
    report, (_,), _ = landed(tmp_path, chat(lang="en", temperature=0.7))
    assert report.notes == {FILE_TIME: 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"spoken": "2026-10-05 10:00"},
        {"metadata": {"loggedOn": "05.10.2026"}},
        {"row_ts": 1791000000},
        {"row_ts_ms": "1791000000000"},
    ],
)
def test_a_time_under_a_name_that_is_not_understood_refuses_the_row(tmp_path, fields):
    _, _, lake = landed(tmp_path, chat(lang="en", **fields))
    ((reason, detail),) = [(item["reason"], item["detail"]) for item in rejected(lake)]
    assert reason == "unknown_time"
    assert "rename it to occurred_at" in detail


def test_columns_of_a_flat_argilla_export_say_what_they_say(tmp_path):
    record = {
        "id": "r1", "inserted_at": WHEN, "question": "What is 7 + 8?", "response": "It is 15.", "language": "hi", "subject": "math",
        "metadata.grade": "6", "rating.responses": [4], "rating.responses.status": ["submitted"],
    }  # fmt: skip
    _, (row,), _ = landed(tmp_path, record)
    assert (row["language"], row["subject"], row["grade"], row["rating"]) == ("hi", "math", "6", 4)


@pytest.mark.parametrize(("asked", "language"), [("شو", None), ("ok", "en"), ("2 + 2", "en")])
def test_a_default_language_never_stands_over_a_text_in_another_script(tmp_path, asked, language):
    report, rows, _ = landed(tmp_path, chat(asked, asked, timestamp=WHEN))
    assert [found["language"] for found in rows] == ([language] if language else [])
    assert report.rejected_by_reason == ({} if language else {"missing_language": 1})
