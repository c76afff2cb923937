"""Errors that the makers and the readers of a dataset version share; what goes wrong in one room only stands in that room."""

from __future__ import annotations

from lyo_pipelines.errors import LyoError


class DatasetError(LyoError):
    """A dataset version cannot be built, read or trained on as asked; the message says why."""
