"""Which rows with pictures may be learnt from: what is known of each picture against the settings. Pure, on columns.

Off by default: nothing here finds a face, so whoever lets a source's pictures be learnt says that they may be. Looking at the pictures
themselves (text in them) belongs to image_texts.py, whose word comes as the column `image_text`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT
from lyo_pipelines.json_types import RawRow

if TYPE_CHECKING:
    from lyo_pipelines.config.curation import CurationConfig, ImageRules

TEXT_COLUMN = "image_text"
"""What reading the text in a row's pictures gave: CLEAR, FOUND, GONE, or UNREAD where nobody could read them."""
CLEAR, FOUND, GONE, UNREAD = "clear", "personal_data", "gone", "unread"

LEFT_OUT = ("image_remote", "image_missing", "image_format", "image_broken", "image_too_large", "image_too_many")
"""Reasons of the landing, which stand in the metadata."""
IMAGE_RULES: dict[str, str] = {
    "image_remote": "A picture of the row is behind an address, which is never fetched.",
    "image_missing": "A picture of the row is not in its export, nor beside it.",
    "image_format": "A picture of the row is no PNG, JPEG, WebP or GIF.",
    "image_broken": "A picture of the row cannot be read.",
    "image_too_large": "A picture of the row has more bytes or pixels than are taken in.",
    "image_too_many": "The row has more pictures than are taken in.",
    "image_left_out": "The answer, a tool or an earlier turn showed a picture that is not carried (or the row landed before any was).",
    "image_not_allowed": "The row shows a picture, and its source is not among those whose pictures may be learnt.",
    "image_gone": "A picture of the row is no longer in the lake, or is not what it was.",
    "image_too_small": "A picture of the row is too small to show anything.",
    "image_blank": "A picture of the row shows one colour and nothing else.",
    "image_personal_data": "The text in a picture of the row holds personal data, which cannot be taken out of it.",
    "image_not_checked": "Nobody could read the text in a picture of the row, and a person has not allowed that.",
}
"""Rules over pictures, in the order in which they are asked; all before ratings: nor is such an answer a bad one to learn from."""


def image_findings(frame: pl.DataFrame, config: CurationConfig) -> pl.Series:
    """The first of IMAGE_RULES against each row, null where there is none. frame: `metadata`, `images`, `source`, and TEXT_COLUMN."""
    nothing = pl.Series("image_finding", [None] * frame.height, dtype=pl.String)
    metadata = frame["metadata"].cast(pl.String).fill_null("")
    marked = metadata.str.contains(_flag(IMAGE_LEFT_OUT))
    shown = (
        frame["images"].list.len().fill_null(0) > 0
        if "images" in frame.columns and frame["images"].dtype != pl.Null
        else pl.repeat(False, frame.height, eager=True)
    )
    rows = (marked | shown).arg_true()
    if not len(rows):
        return nothing
    texts = frame[TEXT_COLUMN] if TEXT_COLUMN in frame.columns else pl.repeat(UNREAD, frame.height, eager=True)
    found = [
        _left_out(metadata[row]) if marked[row] else _against(frame.row(row, named=True), texts[row], config.images)
        for row in rows.to_list()
    ]
    return nothing.scatter(rows, pl.Series(found, dtype=pl.String))


def may_be_learnt(source: str, rules: ImageRules) -> bool:
    """Whether somebody said that the pictures of a source may be learnt."""
    return source in rules.learn_from or "*" in rules.learn_from


def _against(row: RawRow, text: str | None, rules: ImageRules) -> str | None:
    images, history = row["images"], row["history"] or []
    roles = [*(message["role"] for message in history), "user"]
    if any(image["turns_back"] > len(history) or roles[-1 - image["turns_back"]] != "user" for image in images):
        return "image_left_out"
    if not may_be_learnt(row["source"], rules):
        return "image_not_allowed"
    against = {
        "image_gone": text == GONE,
        "image_too_small": any(min(image["width"], image["height"]) < rules.minimum_side for image in images),
        "image_blank": any(image["contrast"] < rules.minimum_contrast for image in images),
        "image_personal_data": text == FOUND,
        "image_not_checked": text != CLEAR and not rules.allow_unread,
    }
    return next((name for name, holds in against.items() if holds), None)


def _left_out(metadata: str) -> str:
    return next((name for name in LEFT_OUT if re.search(_flag(name), metadata)), "image_left_out")


def _flag(name: str) -> str:
    return rf'"{name}"\s*:\s*true'
