"""One token by chance, from a row's own stream of chance: its neighbours in a batch have no part in it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch

_LIKELY = 512
"""Tokens among which the nucleus is looked for first: sorting a whole vocabulary costs as much as a small model's step."""


class Sampler:
    """Draws by temperature and nucleus (top_p, Holtzman et al. 2020, https://arxiv.org/abs/1904.09751), one number for each token."""

    def __init__(self, temperature: float, top_p: float, seed: int | None) -> None:
        """temperature: above 0. seed: the same answers for the same questions; None: others each time."""
        self._temperature, self._top_p = temperature, top_p
        self._random = random.Random(seed)

    def __call__(self, logits: torch.Tensor, written: Sequence[int]) -> int:
        """The next token for logits [vocabulary]."""
        shares = torch.softmax(logits.double() / self._temperature, dim=-1)
        drawn = self._random.random()
        if self._top_p >= 1:
            return _drawn(shares, drawn)
        kept, tokens = self._nucleus(shares)
        return int(tokens[_drawn(kept, drawn)])

    def _nucleus(self, shares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The likeliest tokens that together have the share top_p, the one that reaches it included."""
        for size in (min(_LIKELY, shares.numel()), shares.numel()):
            best, tokens = shares.topk(size)
            before = best.cumsum(0) - best
            if float(before[-1] + best[-1]) >= self._top_p:
                break
        count = max(int((before < self._top_p).sum()), 1)
        return best[:count], tokens[:count]


def _drawn(shares: torch.Tensor, drawn: float) -> int:
    """The place whose share of the sum holds the number drawn from [0, 1)."""
    sums = shares.cumsum(0)
    place = int(torch.searchsorted(sums, drawn * sums[-1], right=True))
    return min(place, shares.numel() - 1)
