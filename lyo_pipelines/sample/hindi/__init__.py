"""Hindi in Devanagari: words, wording of many kinds of problem, and the voice of the tutor (a woman)."""

from lyo_pipelines.sample.hindi.voice import VOICE

__all__ = ["VOICE"]
