"""Why a picture is not taken in."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError


class ImageRefusedError(LyoError):
    """A picture that is not taken in. reason: the name of the curation rule that then keeps its row from being learnt."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ImageGoneError(LyoError):
    """A picture that a row names is not in the lake, or is not what it was."""
