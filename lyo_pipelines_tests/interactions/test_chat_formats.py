"""ShareGPT conversations and Argilla records: whose words are the question and the answer, and which judgement counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyo_pipelines_tests.interactions.landing_lake import build, everything_written, jsonl, lake_at, land, rejected
from lyo_pipelines_tests.interactions.telemetry import ARGILLA, ASKED, EARLIER, OLDER_ARGILLA, SAID, SYSTEM, sharegpt

AT = "2026-10-10T20:32:37Z"


def turns(*said: tuple[str, str], who: str = "from", what: str = "value") -> list[dict[str, str]]:
    return [{who: speaker, what: text} for speaker, text in said]


@pytest.mark.parametrize(
    "row",
    [
        sharegpt(),
        sharegpt(conversations=json.dumps(sharegpt()["conversations"])),
        sharegpt(
            system=SYSTEM,
            conversations=turns(
                ("user", EARLIER[0][1]), ("Assistant", EARLIER[1][1]), ("user", ASKED), ("assistant", SAID), who="role"
            ),
        ),
        sharegpt(
            system=SYSTEM,
            conversations=turns(
                ("human", "Hello"), ("bing", EARLIER[1][1]), ("human", ASKED), ("gpt", SAID), what="content"
            ),
        ),
    ],
    ids=["human and gpt", "as text", "roles", "another model"],
)
def test_a_sharegpt_conversation_is_its_last_question_and_answer(tmp_path: Path, row: dict[str, Any]) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(
        lake, jsonl(tmp_path / "chat.jsonl", [row | {"timestamp": AT, "subject": "math", "user": "x-1@e.org"}])
    )
    assert (report.format, report.accepted) == ("sharegpt", 1)
    found = build(lake).to_pylist()[0]
    assert (found["question"], found["answer"], found["system_prompt"]) == (ASKED, SAID, SYSTEM)
    assert [message["content"] for message in found["history"]] == [content for _, content in EARLIER]
    assert (found["interaction_id"], found["turn"], found["subject"]) == ("sg1", 1, "math")
    assert (found["task"], found["language"]) == ("tutoring", "en")
    assert found["occurred_at"] == datetime(2026, 10, 10, 20, 32, 37, tzinfo=UTC)


def test_what_is_wrong_with_a_sharegpt_row_is_its_reason(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    rows = [
        sharegpt(conversations=[]),
        sharegpt(conversations="none"),
        sharegpt(conversations=turns(("narrator", "x"))),
        sharegpt(conversations=[{"from": "human"}]),
        sharegpt(conversations=turns(("gpt", "x"))),
        sharegpt(conversations=turns(("human", ASKED))),
    ]
    report = land(lake, jsonl(tmp_path / "chat.jsonl", rows), format="sharegpt")
    assert report.accepted == 1
    assert [row["reason"] for row in rejected(lake)] == [
        "bad_conversations",
        "bad_conversations",
        "unknown_speaker",
        "bad_conversations",
        "missing_question",
    ]
    assert build(lake)["answer"].to_pylist() == [None]


@pytest.mark.parametrize("form", ARGILLA)
def test_every_form_of_an_argilla_record_is_the_same_interaction(tmp_path: Path, form: str) -> None:
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "records.jsonl", [ARGILLA[form]]))
    assert (report.format, report.accepted) == ("argilla", 1)
    row = build(lake).to_pylist()[0]
    wanted = {
        "interaction_id": "r1",
        "question": ASKED,
        "answer": SAID,
        "rating": 4.0,
        "subject": "math",
        "task": "tutoring",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["user_pseudonym"].startswith("u_")
    assert json.loads(row["metadata"])["suggestions"] == {"rating": 5}
    assert "student-132" not in everything_written(lake)


def record(*responses: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A record with a time of its own and some responses."""
    return ARGILLA["feedback dataset"] | {"responses": list(responses), "inserted_at": AT, "suggestions": []} | changes


def response(status: str, at: str | None = None, **values: Any) -> dict[str, Any]:
    found = {"user_id": "a-1", "status": status, "values": {name: {"value": value} for name, value in values.items()}}
    return found | ({"updated_at": at} if at else {})


@pytest.mark.parametrize(
    ("responses", "rating"),
    [
        ([response("submitted", rating=2), response("submitted", rating=4)], 4),
        ([response("submitted", "2026-10-12", rating=2), response("submitted", "2026-10-11", rating=4)], 2),
        ([response("submitted", rating=2), response("draft", rating=4)], 2),
        ([response("discarded", "2026-10-11"), response("submitted", "2026-10-12", rating=3)], 3),
        ([response("draft", rating=4)], None),
        ([], None),
    ],
)
def test_the_newest_submitted_response_counts(
    tmp_path: Path, responses: list[dict[str, Any]], rating: int | None
) -> None:
    lake = lake_at(tmp_path / "data")
    land(lake, jsonl(tmp_path / "records.jsonl", [record(*responses)]))
    row = build(lake).to_pylist()[0]
    assert row["rating"] == rating
    stated = [item["updated_at"] for item in responses if "updated_at" in item]
    assert (row["feedback_at"] is not None) == bool(stated)


def test_a_correction_stands_beside_the_answer_that_was_rated(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    rows = [
        record(response("submitted", rating=2, correction="It is four.", relevance=0.5, style="dry"), id="r1"),
        record(response("submitted", rating=5, correction=SAID), id="r2"),
    ]
    land(lake, jsonl(tmp_path / "records.jsonl", rows))
    corrected, confirmed = build(lake).to_pylist()
    assert (corrected["answer"], corrected["edited_answer"], corrected["rating"]) == (SAID, "It is four.", 2.0)
    assert corrected["relevance_score"] == 0.5
    assert json.loads(corrected["metadata"])["style"] == "dry"
    assert (confirmed["answer"], confirmed["edited_answer"], confirmed["rating"]) == (SAID, None, 5.0)


def test_discarded_records_are_rejected_by_name(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    rows = [
        record(response("submitted", rating=4), response("discarded")),
        OLDER_ARGILLA | {"status": "Discarded"},
        record(response("discarded", rating=1), fields={"response": SAID}),
        record(fields={"response": SAID}),
    ]
    report = land(lake, jsonl(tmp_path / "records.jsonl", rows))
    assert report.rejected_by_reason == {"discarded": 3, "missing_question": 1}


def test_records_of_the_first_version_have_a_prediction_and_an_annotation(tmp_path: Path) -> None:
    lake = lake_at(tmp_path / "data")
    rows = [
        OLDER_ARGILLA,
        OLDER_ARGILLA | {"id": "r8", "annotation": "It is four.", "status": "Validated"},
        OLDER_ARGILLA
        | {"id": "r7", "inputs": {"text": ASKED}, "text": None, "prediction": [{"text": SAID, "score": 1}]},
    ]
    report = land(lake, jsonl(tmp_path / "records.jsonl", rows))
    assert (report.format, report.accepted) == ("argilla", 3)
    found = {row["interaction_id"]: row for row in build(lake).to_pylist()}
    told = {name: (found[name]["answer"], found[name]["edited_answer"]) for name in ("r9", "r8", "r7")}
    assert told == {"r9": (SAID, None), "r8": (SAID, "It is four."), "r7": (SAID, None)}
    assert found["r9"]["question"] == ASKED
    assert found["r9"]["occurred_at"].year == 2026
