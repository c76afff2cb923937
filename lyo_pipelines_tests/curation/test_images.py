"""Rows with pictures: off by default, then one named reason for each that goes; none is silently away."""

from __future__ import annotations

from typing import Any

import pytest

from lyo_pipelines.curation import image_texts
from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.image_rules import IMAGE_RULES
from lyo_pipelines.curation.image_texts import ImageTexts
from lyo_pipelines.curation.pool import apply_pool_rules
from lyo_pipelines.curation.rules import RULES
from lyo_pipelines.images.normalise import normalise
from lyo_pipelines.images.store import image_path, texts_path, write_image
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import DAY, config, row, table
from lyo_pipelines_tests.images.pictures import LIMITS, drawing, encoded, png

ALLOWED = {"learn_from": ("canonical",)}


def images(**changes: Any):
    return config(images=config().images.model_copy(update=changes))


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def shown(lake: Lake, data: bytes) -> dict[str, Any]:
    kept = normalise(data, LIMITS)
    write_image(lake, kept)
    return {
        "file": kept.file, "turns_back": 0, "width": kept.width, "height": kept.height,
        "contrast": kept.contrast, "likeness": kept.likeness,
    }  # fmt: skip


def removed(lake: Lake, settings: Any, *rows: dict[str, Any]) -> dict[str, int]:
    lake.write_table(table(*rows), lake.interactions(DAY))
    report = curate_day(lake, DAY, settings)
    assert report.conserved
    return report.removed_by_rule


def test_no_picture_is_learnt_until_somebody_says_so_and_none_unread(lake):
    one = row(0, images=[shown(lake, png(1))])
    assert removed(lake, config(), one, row(1)) == {"image_not_allowed": 1}
    assert removed(lake, images(learn_from=("sharegpt",)), one) == {"image_not_allowed": 1}
    assert removed(lake, images(**ALLOWED), one) == {"image_not_checked": 1}
    assert removed(lake, images(**ALLOWED, allow_unread=True), one) == {}
    [example] = lake.read_table(lake.examples(DAY)).to_pylist()
    assert [image["file"] for image in example["images"]] == [one["images"][0]["file"]]


def test_every_reason_shows_by_its_name(lake):
    left_out = {
        reason: row(n, metadata=f'{{"image_left_out": true, "{reason}": true}}') for n, reason in enumerate(IMAGE_RULES)
    }
    found = removed(lake, images(**ALLOWED, allow_unread=True), *left_out.values())
    told = [reason for reason in IMAGE_RULES if reason in found]
    assert told == [
        "image_remote",
        "image_missing",
        "image_format",
        "image_broken",
        "image_too_large",
        "image_too_many",
        "image_left_out",
    ]
    blank = shown(lake, encoded(drawing().point(lambda _: 255)))
    small = shown(lake, encoded(drawing(size=(80, 20))))
    gone = shown(lake, png(7)) | {"file": "0" * 64 + ".png"}
    found = removed(
        lake,
        images(**ALLOWED, allow_unread=True),
        *(row(n, images=[one]) for n, one in enumerate((blank, small, gone))),
    )
    assert found == {"image_gone": 1, "image_too_small": 1, "image_blank": 1}


def test_pictures_are_judged_before_ratings():
    names = [rule.name for rule in RULES]
    assert max(map(names.index, IMAGE_RULES)) < names.index("rated_low")


def test_personal_data_in_a_picture_takes_its_row_away_and_is_read_once(lake, monkeypatch):
    said = {png(1): "Find the area.\nMail asha.rao@example.org", png(2): "Find the area of 3 cm by 4 cm."}
    texts = {normalise(data, LIMITS).data: text for data, text in said.items()}
    read: list[bytes] = []

    def reader(data: bytes) -> str:
        read.append(data)
        return texts[data]

    monkeypatch.setattr(image_texts, "text_reader", lambda: reader)
    monkeypatch.setattr(image_texts, "reader_name", lambda: "a reader 1.0")
    rows = [row(n, images=[shown(lake, data)]) for n, data in enumerate(said)]
    assert removed(lake, images(**ALLOWED), *rows) == {"image_personal_data": 1}
    assert removed(lake, images(**ALLOWED), *rows) == {"image_personal_data": 1}
    assert len(read) == 2
    found = lake.read_json(texts_path(lake, rows[0]["images"][0]["file"]))
    assert found["kinds"] == ["EMAIL"] and "asha" not in str(found)
    monkeypatch.setattr(image_texts, "reader_name", lambda: "a reader 2.0")
    removed(lake, images(**ALLOWED), *rows)
    assert len(read) == 4  # another reader looks again


def test_a_picture_that_is_not_what_it_was_is_gone(lake):
    one = row(0, images=[shown(lake, png(1))])
    lake.write_text("other", image_path(lake, one["images"][0]["file"]))
    reader = ImageTexts(lake, images(**ALLOWED), lambda data: "", "a reader")
    [batch] = table(one).to_batches()
    assert reader.with_findings(batch)["image_text"].to_pylist() == ["gone"]


def test_the_same_words_to_another_picture_are_another_example(lake):
    rows = [
        row(n, question="What is this angle?", images=[shown(lake, png(number))]) for n, number in enumerate((1, 2, 1))
    ]
    assert removed(lake, images(**ALLOWED, allow_unread=True), *rows) == {}
    examples = lake.read_table(lake.examples(DAY)).cast(EXAMPLE)
    pooled = apply_pool_rules(examples, images(), None)
    assert pooled.removed_by_rule == {"exact_duplicate": 1}
    assert {image["file"] for images in pooled.kept["images"].to_pylist() for image in images} == {
        shown(lake, png(number))["file"] for number in (1, 2)
    }


def test_the_reader_that_is_installed_reads_an_address(lake):
    pytest.importorskip("rapidocr")
    from PIL import Image, ImageDraw, ImageFont

    from lyo_pipelines.images.reading_text import text_reader

    sheet = Image.new("RGB", (420, 60), "white")
    ImageDraw.Draw(sheet).text((10, 15), "Mail asha.rao@example.org", fill="black", font=ImageFont.load_default(24))
    reader = text_reader()
    assert reader is not None and "asha.rao@example.org" in reader(encoded(sheet)).replace(" ", "")
