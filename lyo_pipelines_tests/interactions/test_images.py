"""Pictures of a row become files by their content, and the row names them; a row of which one is missing is marked and keeps none."""

from __future__ import annotations

import base64
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.images.normalise import normalise
from lyo_pipelines.images.references import sweep_images
from lyo_pipelines.images.store import image_path, read_image, stored_images
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT, IMAGE_ONLY, OTHERS_LEFT
from lyo_pipelines.interactions.conversion.images import TOLD
from lyo_pipelines.interactions.reading.beside import Beside
from lyo_pipelines.serving.contract import RefusedError, parse_request
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.images.pictures import LIMITS, data_url, drawing, encoded, png
from lyo_pipelines_tests.interactions.landing_lake import NOW, START, build, jsonl, lake_at, land, row

TEXT = {"type": "text", "text": "What is the area of this triangle?"}
BASE64 = base64.b64encode(png()).decode()
PICTURES: dict[str, dict[str, Any]] = {
    "OpenAI chat": {"type": "image_url", "image_url": {"url": data_url(png()), "detail": "auto"}},
    "OpenAI responses": {"type": "input_image", "image_url": data_url(png())},
    "Anthropic": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64}},
    "Gemini": {"inlineData": {"mimeType": "image/png", "data": BASE64}},
    "Gemini in Python": {"inline_data": {"mime_type": "image/png", "data": BASE64}},
    "Bedrock": {"image": {"format": "png", "source": {"bytes": BASE64}}},
    "Vercel": {"type": "file", "mediaType": "image/png", "data": BASE64},
    "GenAI conventions": {"type": "blob", "mime_type": "image/png", "content": BASE64},
    "OpenInference": {"message_content.type": "image", "message_content.image": {"image": {"url": data_url(png())}}},
}
NO_PICTURES = [
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"}},
    {"type": "file", "file": {"file_id": "f-1"}},
]
LOST = {
    "image_remote": {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    "image_missing": {"type": "input_image", "file_id": "file-1"},
    "image_format": {"type": "image_url", "image_url": {"url": data_url(encoded(drawing(), "BMP"), "image/bmp")}},
    "image_broken": {"type": "image_url", "image_url": {"url": data_url(png()[:50])}},
    "image_too_large": {"type": "image_url", "image_url": {"url": data_url(encoded(drawing(size=(8000, 5001))))}},
}


def chat(*parts: Any, answer: str = "It is 6 square centimetres.", **fields: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": list(parts)}, {"role": "assistant", "content": answer}]
    return {"messages": said, "created_at": START.isoformat(), "language": "en", "task": "tutoring"} | fields


def landed(tmp_path: Path, *rows: dict[str, Any]) -> tuple[Lake, list[dict[str, Any]], Any]:
    lake = lake_at(tmp_path / "data")
    report = land(lake, jsonl(tmp_path / "log.jsonl", rows))
    assert report.accepted == report.read >= len(rows)
    return lake, build(lake).sort_by("source_line").to_pylist(), report


def files(found: dict[str, Any]) -> list[tuple[str, int]]:
    return [(image["file"], image["turns_back"]) for image in found["images"] or ()]


@pytest.fixture(scope="module")
def known() -> dict[int, str]:
    return {number: normalise(png(number), LIMITS).file for number in range(1, 12)}


def test_every_spelling_of_the_same_picture_is_the_same_file(tmp_path, known):
    lake, rows, report = landed(tmp_path, *(chat(TEXT, part, id=name) for name, part in PICTURES.items()))
    assert [files(one) for one in rows] == [[(known[1], 0)]] * len(PICTURES)
    assert list(stored_images(lake)) == [known[1]]
    assert all(one["question"] == TEXT["text"] and not one["metadata"] for one in rows)
    assert report.notes == {"pictures that were not in the lake yet": 1}  # and none was left out
    mode = Path(image_path(lake, known[1])).stat().st_mode
    assert stat.S_IMODE(mode) & 0o137 == 0


@pytest.mark.parametrize("part", NO_PICTURES)
def test_what_is_no_picture_is_none(tmp_path, part):
    _, [found], report = landed(tmp_path, chat(TEXT, part))
    assert found["images"] is None and IMAGE_LEFT_OUT not in (found["metadata"] or "")
    assert OTHERS_LEFT in report.notes


ATTACHED: dict[str, dict[str, Any]] = {
    "Ollama": {"images": [BASE64]},
    "Vercel": {"experimental_attachments": [{"name": "a", "contentType": "image/png", "url": data_url(png())}]},
    "a chat application": {"files": [{"type": "image", "url": data_url(png())}, {"type": "file", "name": "rules.pdf"}]},
}


@pytest.mark.parametrize("name", ATTACHED)
def test_a_picture_that_hangs_on_a_message_beside_its_text_is_its_picture(tmp_path, name):
    said = [{"role": "user", "content": TEXT["text"], **ATTACHED[name]}, {"role": "assistant", "content": "It is 6."}]
    _, (found,), _ = landed(tmp_path, {"messages": said, "created_at": START.isoformat(), "language": "en"})
    assert files(found) == [(normalise(png(), LIMITS).file, 0)]


@pytest.mark.parametrize("name", ["images", "image", "image_url"])
def test_a_row_of_our_own_fields_is_never_without_the_picture_that_it_names(tmp_path, name):
    rows = [row(1, **{name: data_url(png())}), row(5, **{name: "https://example.org/leaf.png"}), row(9, **{name: None})]
    _, (there, remote, none), _ = landed(tmp_path, *rows)
    assert (len(files(there)), files(remote), files(none)) == (1, [], [])
    assert IMAGE_LEFT_OUT in remote["metadata"] and IMAGE_LEFT_OUT not in (none["metadata"] or "")


def shown_in_open_webui(asked: list[dict[str, Any]], said: list[dict[str, Any]]) -> dict[str, Any]:
    """A chat of Open WebUI in which files hang on the first question and on the first answer; the second question is asked without."""
    texts = (
        "Which leaf is this?",
        "It is the leaf of a mango tree.",
        "And where does it grow?",
        "In warm places, often in India.",
    )
    tree = {
        f"m{at}": {
            "id": f"m{at}", "parentId": f"m{at - 1}" if at else None, "role": ("user", "assistant")[at % 2], "content": text,
            "timestamp": int(START.timestamp()) + at, "done": True, "files": (asked, said)[at] if at < 2 else [],
        }
        for at, text in enumerate(texts)
    }  # fmt: skip
    return {"id": "c1", "user_id": "u1", "chat": {"history": {"currentId": "m3", "messages": tree}}}


def test_pictures_of_chats_of_applications_are_those_of_their_question(tmp_path):
    _, found, _ = landed(tmp_path / "a", shown_in_open_webui([{"type": "image", "url": data_url(png())}], []))
    file = normalise(png(), LIMITS).file
    assert {one["turn"]: files(one) for one in found} == {0: [(file, 0)], 1: [(file, 2)]}
    for asked, said in (
        ([{"type": "file", "url": "an-id", "content_type": "image/png"}], []),
        ([], [{"type": "image", "url": data_url(png())}]),
    ):
        _, found, _ = landed(tmp_path / str(len(said)), shown_in_open_webui(asked, said))
        assert all(json.loads(one["metadata"])[IMAGE_LEFT_OUT] and not files(one) for one in found)
    message = {"id": "d1", "conversation_id": "c", "query": "What is this?", "answer": "A leaf of a mango tree.",
               "retriever_resources": [], "created_at": int(START.timestamp())}  # fmt: skip
    remote = [{"type": "image", "url": "https://example.org/leaf.png", "belongs_to": "user"}]
    _, found, _ = landed(
        tmp_path / "d", message | {"message_files": remote}, message | {"id": "d2", "conversation_id": "e"}
    )
    assert [IMAGE_LEFT_OUT in (one["metadata"] or "") for one in found] == [True, False]


@pytest.mark.parametrize("reason", LOST)
def test_a_picture_that_cannot_be_taken_in_marks_its_row_and_takes_the_others_along(tmp_path, reason):
    lake, [found], report = landed(tmp_path, chat(TEXT, PICTURES["OpenAI chat"], LOST[reason]))
    assert found["images"] is None and not list(stored_images(lake))
    assert json.loads(found["metadata"]) == {IMAGE_LEFT_OUT: True, reason: True}
    assert report.notes[TOLD[reason]] == 1


def test_more_pictures_than_the_limit_are_none(tmp_path):
    many = [PICTURES["OpenAI chat"]] * (LIMITS.most_per_row + 1)
    _, [found, fits], _ = landed(tmp_path, chat(TEXT, *many), chat(TEXT, *many[1:]))
    assert "image_too_many" in found["metadata"] and len(fits["images"]) == LIMITS.most_per_row


def test_earlier_turns_keep_their_pictures_and_an_answer_with_one_is_marked(tmp_path, known):
    def shown(number: int) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": data_url(png(number))}}

    talk = chat(TEXT, shown(1), shown(2))
    talk["messages"] += [
        {"role": "user", "content": [shown(3)]},
        {"role": "assistant", "content": "A circle."},
        {"role": "user", "content": [{"type": "text", "text": "And this?"}, shown(4)]},
        {"role": "assistant", "content": "A square."},
    ]
    drawn = chat(TEXT)
    drawn["messages"][-1]["content"] = [{"type": "text", "text": "Here it is."}, shown(5)]
    _, [found, other], _ = landed(tmp_path, talk, drawn)
    assert files(found) == [(known[1], 4), (known[2], 4), (known[3], 2), (known[4], 0)]
    assert [turn["content"] for turn in found["history"]][2] == IMAGE_ONLY
    assert other["images"] is None and json.loads(other["metadata"]) == {IMAGE_LEFT_OUT: True}


def test_a_question_of_a_picture_alone_is_a_question(tmp_path, known):
    _, [found], _ = landed(tmp_path, chat(PICTURES["OpenAI chat"]))
    assert found["question"] == IMAGE_ONLY and files(found) == [(known[1], 0)]


def test_turns_that_came_one_by_one_get_the_pictures_of_those_before_them(tmp_path, known):
    asked = {"conversation_id": "c", "history": None, "user_id": "u"}
    first = row(0, **asked, turn=0, images=[data_url(png(1))])
    then = row(1, **asked, turn=1)
    lost = {"conversation_id": "d", "history": None}
    _, found, _ = landed(
        tmp_path, first, then, row(2, **lost, turn=0, images=["https://example.org/a.png"]), row(3, **lost, turn=1)
    )
    assert [files(one) for one in found] == [[(known[1], 0)], [(known[1], 2)], [], []]
    assert [IMAGE_LEFT_OUT in one["metadata"] for one in found] == [False, False, True, True]


def test_a_tool_that_returned_a_picture_marks_the_row(tmp_path):
    seen = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "a page"}, PICTURES["Anthropic"]],
    }
    talk = chat(TEXT)
    call = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    talk["messages"][1:1] = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [seen]}]
    _, [found], _ = landed(tmp_path, talk)
    assert found["images"] is None and json.loads(found["metadata"])[IMAGE_LEFT_OUT] is True


@pytest.mark.parametrize("zipped", [False, True])
def test_pictures_beside_an_export_are_read_and_nothing_outside_of_it(tmp_path, zipped, known):
    export = tmp_path / "export"
    (export / "images").mkdir(parents=True)
    (export / "images" / "a.png").write_bytes(png(1))
    (tmp_path / "secret.png").write_bytes(png(2))
    (export / "link.png").symlink_to(tmp_path / "secret.png")
    names = ["images/a.png", "../secret.png", str(tmp_path / "secret.png"), "link.png", "log.jsonl", "images/none.png"]
    log = jsonl(export / "log.jsonl", [row(number, images=[name]) for number, name in enumerate(names)])
    if zipped:
        log = tmp_path / "export.zip"
        with zipfile.ZipFile(log, "w") as archive:
            archive.write(export / "log.jsonl", "export/log.jsonl")
            archive.write(export / "images" / "a.png", "export/images/a.png")
    lake = lake_at(tmp_path / "data")
    land(lake, log)
    found = build(lake).sort_by("source_line").to_pylist()
    assert [files(one) for one in found] == [[(known[1], 0)], [], [], [], [], []]
    assert all("image_missing" in one["metadata"] for one in found[1:])
    assert list(stored_images(lake)) == [known[1]]


def test_the_zip_of_an_export_is_opened_once_for_all_rows_that_are_read_together(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log.jsonl", "{}")
        for number in range(3):
            archive.writestr(f"images/{number}.png", png(number))
    with Beside(zipped=str(path)).opened() as beside:
        assert beside.read("images/0.png", 10_000) == png(0)
        path.unlink()
        assert [beside.read(f"images/{number}.png", 10_000) for number in (1, 2, 9)] == [png(1), png(2), None]
    with Beside(zipped=str(path)).opened() as beside:
        assert beside.read("images/0.png", 10_000) is None


def test_the_columns_of_hugging_face_and_llava(tmp_path, known):
    lake = lake_at(tmp_path / "data")
    places = [{"type": "image", "text": None}, {"type": "text", "text": "Compare."}, {"type": "image", "text": None}]
    rows = [
        {
            **chat(*places),
            "messages": [
                {"role": "user", "content": places},
                {"role": "assistant", "content": [{"type": "text", "text": "Same."}]},
            ],
            "images": [{"bytes": png(1), "path": "x.png"}, {"bytes": png(2), "path": None}],
        }
    ]
    path = tmp_path / "hf.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    land(lake, path)
    (tmp_path / "pic.png").write_bytes(png(3))
    talk = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A line."}]
    fields = {"created_at": START.isoformat(), "language": "en", "task": "tutoring"}
    unclear = {"conversations": talk, "image": ["pic.png", "pic.png"], **fields}
    land(lake, jsonl(tmp_path / "llava.jsonl", [{"conversations": talk, "image": "pic.png", **fields}, unclear]))
    found = {(one["source"], one["source_line"]): one for one in build(lake).to_pylist()}
    assert files(found["openai_messages", 1]) == [(known[1], 0), (known[2], 0)]
    assert files(found["sharegpt", 1]) == [(known[3], 0)] and found["sharegpt", 1]["question"] == "What is it?"
    assert "image_missing" in found["sharegpt", 2]["metadata"]  # one place, two pictures: nobody can tell


def test_what_no_row_names_is_swept_and_what_is_gone_is_told_and_mended(tmp_path, known):
    lake, _, _ = landed(tmp_path, row(0, images=[data_url(png(1))]), row(1, images=[data_url(png(2))]))
    spare = normalise(png(9), LIMITS)
    path = Path(image_path(lake, spare.file))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(spare.data)
    told = verify_lake(lake, deep=True, now=NOW)
    assert [(one.path, one.kind) for one in told.findings] == [(str(path), "leftover")] and told.checked[
        "pictures"
    ] == 3
    assert sweep_images(lake) == 1 and set(stored_images(lake)) == {known[1], known[2]}
    Path(image_path(lake, known[1])).write_bytes(b"other")
    Path(image_path(lake, known[2])).unlink()
    assert {one.path for one in verify_lake(lake, deep=True, now=NOW).damage} == {
        image_path(lake, known[n]) for n in (1, 2)
    }
    Path(image_path(lake, known[1])).unlink()
    assert not land(lake, tmp_path / "log.jsonl").already_landed
    assert read_image(lake, known[1]) and not verify_lake(lake, deep=True, now=NOW).findings


def test_the_gateway_refuses_an_image_by_name():
    body = {"model": "auto", "messages": [{"role": "user", "content": [TEXT, PICTURES["OpenAI chat"]]}]}
    with pytest.raises(RefusedError, match="none answers a question without its image"):
        parse_request(json.dumps(body).encode())
