"""Pictures that a row keeps in a column of its own, put where its messages show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lyo_pipelines.interactions.chats.pictures import Picture, pictures_of
from lyo_pipelines.interactions.chats.turns import Turn
from lyo_pipelines.interactions.fields.columns import NOTHING
from lyo_pipelines.json_types import RawRow

MARK = "<image>"
"""Stands in texts for a picture beside them (LLaVA, Hugging Face)."""
BESIDE = ("images", "image", "image_path", "image_file")
"""Columns of a row that hold the pictures of its messages."""
_MEDIA = ("videos", "video", "audios", "audio")
"""Columns of what is no picture, and is not read: a question about it is marked as one about a picture that is not there."""
_MEDIA_MARKS = ("<video>", "<audio>")


def with_pictures_beside(turns: Sequence[Turn], row: RawRow) -> list[Turn]:
    """Turns with the pictures of a row's own column in the places that messages keep for them (a part, or `<image>` in a text).

    Without any place they belong to the first question, as they do to whoever trains on such rows. Where places and pictures differ
    in number, the places stay empty: nobody can tell which picture is meant.
    """
    if any(row.get(name) not in NOTHING for name in _MEDIA):
        turns = _without_media(turns)
    beside = next((found for name in BESIDE if (found := pictures_of(row.get(name)))), [])
    if not beside:
        return list(turns)
    turns = [_marked(turn) for turn in turns]
    places = sum(picture.is_place for turn in turns for picture in turn.pictures)
    if not places and not any(turn.pictures for turn in turns):
        first = next((index for index, turn in enumerate(turns) if turn.role == "user"), None)
        if first is None:
            return turns
        turns[first] = replace(turns[first], pictures=(Picture(),) * len(beside), images=True, others=True)
        places = len(beside)
    if places != len(beside):
        return turns
    waiting = iter(beside)
    return [
        replace(turn, pictures=tuple(next(waiting) if one.is_place else one for one in turn.pictures))
        if turn.pictures
        else turn
        for turn in turns
    ]


def _without_media(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of which those that show a video or a sound (or, without any mark, the first question) are known to miss something."""
    shown = [any(mark in turn.text for mark in _MEDIA_MARKS) for turn in turns]
    first = next((index for index, turn in enumerate(turns) if turn.role == "user"), None)
    return [
        replace(turn, images=True, others=True) if shown[index] or (index == first and not any(shown)) else turn
        for index, turn in enumerate(turns)
    ]


def _marked(turn: Turn) -> Turn:
    """A question whose marks are places for pictures."""
    count = turn.text.count(MARK) if turn.role == "user" else 0
    if not count:
        return turn
    text = re.sub(rf"[ \t]*{MARK}[ \t]*\n?", " ", turn.text).strip()
    if turn.pictures:  # the parts say the same again
        return replace(turn, text=text)
    return replace(turn, text=text, pictures=(Picture(),) * count, images=True, others=True)
