"""A row with a picture is accepted, counted, and never trained without it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT, conversation, lay_chat
from lyo_pipelines.interactions.chats.turns import turns_of
from lyo_pipelines.serving.contract import RefusedError, parse_request

TEXT = {"type": "text", "text": "What is the area of this triangle?"}
PICTURES = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}},
    {"type": "input_image", "image_url": "https://example.org/a.png"},
    {"inlineData": {"mimeType": "image/webp", "data": "AAAA"}},
    {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
]
NO_PICTURES = [
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"}},
    {"type": "file", "file": {"file_id": "f-1"}},
]


def read(part: dict, *, earlier: bool = False) -> dict:
    asked = [{"role": "user", "content": [TEXT, part]}, {"role": "assistant", "content": "It is 6 square centimetres."}]
    after = [{"role": "user", "content": "And twice that?"}, {"role": "assistant", "content": "12."}] if earlier else []
    row, metadata = {}, {}
    lay_chat(row, conversation(turns_of([*asked, *after])), metadata)
    return metadata | {"question": row["question"]}


@pytest.mark.parametrize("part", PICTURES)
@pytest.mark.parametrize("earlier", [False, True])
def test_a_picture_is_told_in_every_spelling_also_in_an_earlier_turn(part, earlier):
    assert read(part, earlier=earlier)[IMAGE_LEFT_OUT] is True


@pytest.mark.parametrize("part", NO_PICTURES)
def test_what_is_no_picture_is_not(part):
    assert IMAGE_LEFT_OUT not in read(part)


def test_a_rule_of_its_own_removes_the_row_before_any_rating_is_looked_at():
    names = [rule.name for rule in RULES]
    assert names.index("image_left_out") < names.index("rated_low")
    rule = RULES[names.index("image_left_out")]
    frame = pl.DataFrame({"metadata": [json.dumps({IMAGE_LEFT_OUT: True}), json.dumps({"a": "image_left_out"}), None]})
    assert rule.removes(frame, None, None).to_list() == [True, False, False]


def test_the_gateway_refuses_an_image_by_name():
    body = {"model": "auto", "messages": [{"role": "user", "content": [TEXT, PICTURES[0]]}]}
    with pytest.raises(RefusedError, match="none answers a question without its image"):
        parse_request(json.dumps(body).encode())
