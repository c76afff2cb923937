"""Hindi in Latin letters, as it is typed on phones."""

from lyo_pipelines.sample.hindi_roman.voice import VOICE

__all__ = ["VOICE"]
