"""Feedback beside a chat under the names of other tools counts, or is told: a bad answer is never taken for an unrated one."""

from __future__ import annotations

import pytest

from lyo_pipelines_tests.interactions.landing_lake import build, jsonl, lake_at, land

TALK = [
    {"role": "user", "content": "Which metal melts in the hand?"},
    {"role": "assistant", "content": "Gallium melts in the hand."},
]


def landed(tmp_path, **beside):
    lake = lake_at(tmp_path / "data")
    report = land(
        lake, jsonl(tmp_path / "chat.jsonl", [{"messages": TALK, "timestamp": "2026-10-11T09:00:00Z", **beside}])
    )
    return report, build(lake).to_pylist()[0]


@pytest.mark.parametrize(
    ("beside", "thumbs"),
    [
        ({"label": False}, -1),
        ({"label": True}, 1),
        ({"label": "false"}, -1),
        ({"label": "geology"}, None),
        ({"label": 0}, None),
        ({"flag": "Dislike"}, -1),
        ({"flag": True}, None),  # flagged for moderation
        ({"rating": "Not helpful"}, -1),
        ({"rating": "👍"}, 1),
        ({"is_helpful": False}, -1),
        ({"feedback": {"type": "thumbs", "score": "👎", "text": "too short"}}, -1),
        ({"vote": -1}, -1),
        ({"thumbs": 1, "label": False}, 1),  # our own name counts before
    ],
)
def test_a_thumb_is_one_under_each_name(tmp_path, beside, thumbs):
    _, row = landed(tmp_path, **beside)
    assert row["thumbs"] == thumbs
    assert row["rating"] is None


def test_the_comment_of_the_dissatisfied_is_their_complaint(tmp_path):
    assert landed(tmp_path, feedback={"score": "👎", "text": "too short"})[1]["complaint_text"] == "too short"


def test_a_comment_beside_praise_is_none(tmp_path):
    assert landed(tmp_path, is_helpful=True, comment="clear")[1]["complaint_text"] is None


def test_what_is_not_understood_is_told_by_its_name(tmp_path):
    report, row = landed(tmp_path, vote=7)
    assert row["thumbs"] is None
    assert any("`vote` beside the chat" in sentence for sentence in report.notes)


@pytest.mark.parametrize(("flagged", "thumbs"), [("Gallium melts in the hand.", -1), ("An earlier answer.", None)])
def test_a_flag_on_another_message_is_not_the_answers(tmp_path, flagged, thumbs):
    report, row = landed(tmp_path, flag="Dislike", value=flagged, index=1)
    assert row["thumbs"] == thumbs
    assert any("earlier answers" in sentence for sentence in report.notes) == (thumbs is None)


@pytest.mark.parametrize("name", ["user_id", "userId", "end_user", "username", "user_email"])
def test_who_asked_is_known_under_each_name(tmp_path, name):
    _, row = landed(tmp_path, **{name: "pupil-7@example.org"})
    assert row["user_pseudonym"].startswith("u_")


@pytest.mark.parametrize("beside", [{"videos": ["clips/1.mp4"]}, {"audio": "sounds/1.wav"}])
def test_an_answer_about_a_video_or_a_sound_is_never_learnt_without_it(tmp_path, beside):
    assert '"image_left_out":true' in landed(tmp_path, **beside)[1]["metadata"]
