"""Guesses at the next tokens of an answer, from what the prompt and the answer itself said before: no second model.

Whoever repeats a question, counts in steps or writes a formula twice is guessed right, and several tokens are then checked in one
pass. A guess never changes an answer: each token is still the one that the model chooses. The method is prompt lookup decoding
(Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding).
"""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST, _SHORTEST = 3, 2
"""Tokens that must have come before in the same order; the longer match is preferred."""


class Drafts:
    """The guesses of one row. They grow while they are right, and pause while they are not."""

    def __init__(self, most: int) -> None:
        """most: tokens of one guess."""
        self._most = most
        self._size = min(2, most)
        self._pause = 0
        self._known = 0
        self._ends: dict[tuple[int, ...], int] = {}

    def guess(self, tokens: Sequence[int], room: int) -> list[int]:
        """What may come after these tokens, at most `room` of it. tokens: all so far; they only ever grow from call to call."""
        self._learn(tokens)
        if self._pause:
            self._pause -= 1
            return []
        for size in range(_LONGEST, _SHORTEST - 1, -1):
            end = self._ends.get(tuple(tokens[-size:])) if len(tokens) > size else None
            if end is not None:
                text = list(tokens[end:])
                for at in range(min(self._size, room) - len(text)):  # what repeats itself goes on doing so
                    text.append(text[at])
                return text[: min(self._size, room)]
        return []

    def judged(self, guessed: int, right: int) -> None:
        """How many tokens of the last guess were right."""
        if not guessed:
            return
        if right == guessed:
            self._size = min(self._most, self._size * 2)
        elif right:
            self._size = max(2, right)
        else:
            self._size, self._pause = min(2, self._most), 2 * self._size

    def _learn(self, tokens: Sequence[int]) -> None:
        """Remember where each run of tokens ended last; the run at the very end has nothing after it yet."""
        for end in range(self._known, len(tokens)):
            for size in range(_SHORTEST, _LONGEST + 1):
                if end >= size:
                    self._ends[tuple(tokens[end - size : end])] = end
        self._known = len(tokens)
