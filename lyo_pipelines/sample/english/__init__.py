"""English: words, wording of every kind of problem, and the voice of the tutor."""

from lyo_pipelines.sample.english.voice import VOICE

__all__ = ["VOICE"]
