"""Tamil: words, wording of many kinds of problem, and the voice of the tutor."""

from lyo_pipelines.sample.tamil.voice import VOICE

__all__ = ["VOICE"]
