"""The languages of the log, by code."""

from __future__ import annotations

from lyo_pipelines.sample import english, hindi, hindi_roman, tamil
from lyo_pipelines.sample.voice import Voice

VOICES: dict[str, Voice] = {
    voice.language: voice for voice in (english.VOICE, hindi.VOICE, tamil.VOICE, hindi_roman.VOICE)
}
