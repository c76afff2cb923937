"""The text of an answer while it is being written: told piece by piece, nothing taken back, ended before a stop text."""

from __future__ import annotations

from collections.abc import Callable

Emit = Callable[[str], None]


class Pieces:
    """Turns a growing list of tokens into pieces of text that are never taken back.

    Held back until more is known: half a character, space at the end, and what may be the beginning of a stop text.
    """

    def __init__(self, decode: Callable[[list[int], bool], str], stops: tuple[str, ...], emit: Emit) -> None:
        """decode: of tokens, and whether they are all there will be."""
        self._decode, self._stops, self._emit = decode, stops, emit
        self._told = ""
        self.met_stop = False

    def grow(self, tokens: list[int]) -> bool:
        """Tell what is certain of the text so far; whether a stop text has come."""
        text = self._cut(self._decode(tokens, False).lstrip())
        if not self.met_stop:
            text = text.rstrip("\ufffd")
            held = max((len(stop) - 1 for stop in self._stops), default=0)
            text = text[: len(text) - held] if held else text
        self._tell(text.rstrip())
        return self.met_stop

    def finish(self, tokens: list[int]) -> str:
        """Tell the rest and return the whole text."""
        text = self._cut(self._decode(tokens, True).lstrip()).rstrip()
        self._tell(text)
        return text

    def _cut(self, text: str) -> str:
        ends = [at for stop in self._stops if stop and (at := text.find(stop)) >= 0]
        self.met_stop = self.met_stop or bool(ends)
        return text[: min(ends)] if ends else text

    def _tell(self, text: str) -> None:
        if len(text) > len(self._told) and text.startswith(self._told):
            self._emit(text[len(self._told) :])
            self._told = text
