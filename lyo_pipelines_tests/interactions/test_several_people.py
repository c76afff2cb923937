"""Several people judged one answer: nobody's word is lost, and nobody's stands over another's because it came last."""

from __future__ import annotations

import pytest

from lyo_pipelines.interactions.formats.several_people import NEWEST_TEXT, SEVERAL, SOME_DISCARDED
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, build, jsonl, lake_at, land, rejected

AT = "2026-10-11T09:00:00Z"


def person(who, status="submitted", **values):
    return {"user_id": who, "status": status, "values": {name: {"value": value} for name, value in values.items()}}


def record(number, *responses, **fields):
    asked = {
        "question": f"Which tide comes after tide {number} of the day?",
        "answer": "The next one, six hours later.",
    }
    return {"id": f"r{number}", "fields": fields or asked, "responses": list(responses), "inserted_at": AT}


def task(number, *annotations, **data):
    asked = {"question": f"Which moon is moon {number} of Jupiter?", "answer": "Count them from the inside."}
    return {"id": number, "data": data or asked, "annotations": list(annotations), "predictions": [], "created_at": AT}


def annotation(who, cancelled=False, **chosen):
    kinds = {int: "rating", str: "choices", list: "textarea"}
    results = [
        {
            "from_name": name,
            "type": kinds[type(value)],
            "value": {kinds[type(value)]: [value] if isinstance(value, str) else value},
        }
        for name, value in chosen.items()
    ]
    return {
        "completed_by": {"id": who, "email": f"{who}@e.org"},
        "result": results,
        "was_cancelled": cancelled,
        "updated_at": AT,
    }


def landed(tmp_path, rows, **options):
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "rows.jsonl", rows), **options)
    return report, build(lake).to_pylist() if report.accepted else [], rejected(lake)


@pytest.mark.parametrize(
    ("responses", "rating", "noted"),
    [
        ([person("ann", rating=5), person("bob", rating=2)], 3.5, SEVERAL),
        ([person("bob", rating=2), person("ann", rating=5)], 3.5, SEVERAL),
        ([person("ann", rating=5), person("ann", rating=1), person("bob", rating=3)], 2, SEVERAL),
        ([person("ann", rating=4), person("bob", rating=4)], 4, None),
        ([person("ann", rating=4), person("bob", "draft", rating=1)], 4, None),
        ([person("ann", "discarded", rating=1), person("bob", rating=4)], 4, SOME_DISCARDED),
        ([person("bob", rating=4), person("ann", "discarded")], 4, SOME_DISCARDED),
    ],
)
def test_the_mean_of_each_persons_newest_rating_counts(tmp_path, responses, rating, noted):
    report, rows, _ = landed(tmp_path, [record(1, *responses)])
    assert rows[0]["rating"] == rating
    assert [sentence for sentence in report.notes if sentence in (SEVERAL, SOME_DISCARDED)] == (
        [noted] if noted else []
    )


def test_a_record_that_all_discarded_is_rejected(tmp_path):
    report, _, _ = landed(tmp_path, [record(1, person("ann", "discarded"), person("bob", "discarded", rating=3))])
    assert report.rejected_by_reason == {"discarded": 1}


def test_a_mean_does_not_hide_a_rating_off_its_scale(tmp_path):
    rows = [record(1, person("ann", rating=7), person("bob", rating=1))]
    report, found, _ = landed(tmp_path, rows)
    assert found[0]["rating"] is None
    assert any("found 7, expected 1 to 5" in sentence for sentence in report.notes)
    again = tmp_path / "seven"
    again.mkdir()
    _, found, _ = landed(again, rows, config=CONFIG.model_copy(update={"rating_scales": {"argilla": (1, 7)}}))
    assert found[0]["rating"] == 3


def test_thumbs_go_with_the_majority_complaints_are_all_kept_and_the_newest_correction_is_learnt(tmp_path):
    responses = [
        person("ann", thumbs="down", complaint="rude", correction="Six hours later."),
        person("bob", thumbs="up"),
        person("eve", thumbs="down", complaint="wrong", correction="In about six hours."),
    ]
    report, rows, _ = landed(tmp_path, [record(1, *responses), record(2, *responses[:2])])
    assert [row["thumbs"] for row in rows] == [-1, None]  # one up and one down say nothing
    assert rows[0]["complaint_category"] == "rude, wrong"
    assert rows[0]["edited_answer"] == "In about six hours."
    assert report.notes[NEWEST_TEXT] == 1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rating": 5, "comment": "Short and clear."}, None),
        ({"rating": 1, "comment": "It skips the reason."}, "It skips the reason."),
        ({"thumbs": "up", "comment": "Short and clear."}, None),
        ({"thumbs": "down", "comment": "It skips the reason."}, "It skips the reason."),
        ({"comment": "It skips the reason."}, "It skips the reason."),
    ],
)
def test_a_comment_beside_praise_is_no_complaint(tmp_path, values, complaint):
    _, rows, _ = landed(tmp_path, [record(1, person("ann", **values))])
    assert rows[0]["complaint_text"] == complaint
    assert ('"comment"' in (rows[0]["metadata"] or "")) == (complaint is None)


def test_a_rating_of_an_answer_under_an_unknown_name_is_refused_with_that_name(tmp_path):
    report, _, told = landed(
        tmp_path, [record(1, person("ann", rating=1), question="Why do cats purr?", text_b="They do.")]
    )
    assert report.rejected_by_reason == {"unknown_answer": 1}
    assert "'text_b'" in told[0]["detail"]
    assert "interactions.argilla.fields" in told[0]["detail"]


def test_a_task_of_label_studio_is_an_interaction_with_the_mean_of_its_annotations(tmp_path):
    rows = [
        task(1, annotation(7, rating=5, thumbs="down"), annotation(8, rating=2)),
        task(2, annotation(7, cancelled=True, rating=1)),
        task(3, annotation(7, correction=["The innermost is Io."])),
        task(4, text="A caption of a picture"),
    ]
    report, found, _ = landed(tmp_path, rows)
    assert report.format == "label_studio"
    assert [(row["rating"], row["thumbs"]) for row in found] == [(3.5, -1), (None, None), (None, None)]
    assert found[2]["edited_answer"] == "The innermost is Io."
    assert report.rejected_by_reason == {"missing_answer": 1}
    assert report.notes["an annotation that was skipped counts for nothing"] == 1


def test_what_a_model_predicted_in_label_studio_is_no_rating(tmp_path):
    predicted = {"result": annotation(0, rating=1)["result"], "model_version": "judge-1"}
    _, found, _ = landed(tmp_path, [task(1) | {"predictions": [predicted]}])
    assert found[0]["rating"] is None
    assert '"suggestions":{"rating":1}' in found[0]["metadata"]


def test_a_chat_in_an_annotation_is_the_conversation_with_its_own_times(tmp_path):
    def said(role, content, at):
        return {
            "from_name": "chat",
            "type": "chatmessage",
            "value": {"chatmessage": {"role": role, "content": content, "createdAt": at}},
        }

    chat = [said("user", "What makes tides?", 1791709200000), said("assistant", "The Moon's pull.", 1791709205000)]
    one = {"completed_by": 7, "result": chat, "was_cancelled": False}
    report, found, _ = landed(
        tmp_path, [task(1, one, scenario="a curious child"), task(2, one, one, scenario="two of them")]
    )
    assert (found[0]["question"], found[0]["answer"]) == ("What makes tides?", "The Moon's pull.")
    assert found[0]["occurred_at"].isoformat() == "2026-10-11T09:00:00+00:00"
    assert report.rejected_by_reason == {"several_chats": 1}


def test_label_studio_rows_of_single_annotations_are_refused_with_the_export_to_take(tmp_path):
    rows = [
        {"id": 1, "question": "q", "answer": "a", "rating": n, "annotator": n, "annotation_id": n, "created_at": AT}
        for n in (1, 5)
    ]
    report, _, _ = landed(tmp_path, rows)
    assert "export JSON instead" in (report.unreadable or "")
