"""Ratings of windows in which chance chose whom to ask for one: sums like those of Frames, for the corrected mean and for what came
unasked.

The correction of each segment and window rests on the users who are asked (see UserSums). Its mean is that over all answers of which
the log says whether a rating was invited. How means are corrected stands in statistics/invitations.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lyo_pipelines.retraining.signals import Change, InvitedRatings, Level
from lyo_pipelines.retraining.user_spread import UserSums
from lyo_pipelines.retraining.window_sums import Days, Floats, Frames, Quantity
from lyo_pipelines.retraining.windows import WindowPair
from lyo_pipelines.statistics.deciding_mean import Gap, gaps_at_one_look
from lyo_pipelines.statistics.invitations import (
    Correction,
    Responses,
    fit_correction,
    influence_error,
    mean_influence,
    worst_case_bounds,
)
from lyo_pipelines.statistics.random_groups import grouped_degrees_of_freedom

CORRECTED: Quantity = ("known_n", "corrected_sum", "corrected_squares")
UNASKED: Quantity = ("unasked_n", "unasked_sum", "unasked_squares")
"""All ratings but the invited ones."""

_OTHER_SHARE = 0.5
"""Where the share of answers with an invitation differs by more than this part of the larger one, the means of all ratings in the two
windows are of different mixtures of asked and unasked ones."""
_Column = Callable[[str], Floats]


class CorrectedSums:
    """The sums of Frames over one pair of windows, with the columns of CORRECTED and UNASKED beside the others."""

    def __init__(self, frames: Frames, pair: WindowPair) -> None:
        self.segments, self._frames, self._pair = frames.segments, frames, pair
        self._now, self._base = (_responses(frames.users(days).__getitem__) for days in (pair.now, pair.base))
        sizes = [invited.n + uninvited.n for invited, uninvited in (self._now, self._base)]
        self._asked = UserSums(sizes[0], sizes[0], sizes[1], sizes[1])
        self._corrections = [self._fit(*of) for of in (self._now, self._base)]

    def _fit(self, invited: Responses, uninvited: Responses) -> Correction:
        return fit_correction(invited.where(self._asked.kept), uninvited.where(self._asked.kept))

    def strata(self, pair: WindowPair) -> pl.DataFrame:
        """See Frames."""
        frame = self._frames.strata(pair)
        code = frame["code"].to_numpy()
        more = dict[str, Floats]()
        for end, correction in zip(("", "_base"), self._corrections, strict=True):
            found = _columns(lambda name, end=end: frame[name + end].to_numpy(), correction.at(code), squares=True)
            more |= {name + end: values for name, values in found.items()}
        return frame.hstack(pl.DataFrame(more))

    def by_day(self, pair: WindowPair) -> Days:
        """See Frames."""
        return self._frames.by_day(pair)

    def values(self, days: Days, name: str) -> NDArray[np.generic]:
        """See Frames."""
        return self._by_day[name]

    @cached_property
    def _by_day(self) -> dict[str, Floats]:
        days, code = self._frames.by_day(self._pair), self._frames.strata(self._pair)["code"].to_numpy()
        now, base = (correction.at(code[days.at]) for correction in self._corrections)
        is_now = days.day < len(self._pair.now)

        def column(name: str) -> Floats:
            return self._frames.values(days, name).astype(np.float64)

        found, other = (_columns(column, correction) for correction in (now, base))
        return {name: np.where(is_now, found[name], other[name]) for name in found}

    def users(self, days: tuple[date, ...]) -> dict[str, Floats]:
        """See Frames."""
        found = self._frames.users(days)
        correction = self._corrections[0 if days == self._pair.now else 1]
        return {**found, **_columns(found.__getitem__, correction, squares=True)}

    @cached_property
    def other_mixture(self) -> NDArray[np.bool_]:
        """Segments in whose two windows very different shares of the answers came with an invitation; shape (segments,)."""
        shares = []
        for days in (self._pair.now, self._pair.base):
            users = self._frames.users(days)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares.append(np.nan_to_num(users["invited_n"].sum(axis=1) / users["served"].sum(axis=1)))
        return np.abs(shares[0] - shares[1]) > _OTHER_SHARE * np.maximum(*shares)

    def invited_ratings(self, changes: list[Change], levels: list[Level]) -> list[InvitedRatings | None]:
        """What invitations tell of each segment; None where neither window knows of any. changes, levels: of CORRECTED."""
        sizes = [of[0].where(self._asked.kept).rated.sum(axis=1).astype(int).tolist() for of in (self._now, self._base)]
        level_gap, change_gap, volunteering_gap = self._gaps()
        lowest, highest = (values.tolist() for values in worst_case_bounds(self._now[0].where(self._asked.kept)))
        here, there = (correction.volunteering.tolist() for correction in self._corrections)
        response, other = self._corrections[0].response.tolist(), self.other_mixture.tolist()
        asked = (self._now[0].n.sum(axis=1) + self._base[0].n.sum(axis=1)) > 0
        return [
            InvitedRatings(
                change=changes[at].counting(sizes[0][at], sizes[1][at]), level=levels[at].counting(sizes[0][at]),
                lowest=lowest[at], highest=highest[at], response=response[at], volunteering=(here[at], there[at]),
                gap=level_gap[at], change_gap=change_gap[at], volunteering_gap=volunteering_gap[at], unasked=other[at],
            ) if asked[at] else None
            for at in range(len(self.segments))
        ]  # fmt: skip

    def _gaps(self) -> tuple[list[Gap], list[Gap], list[Gap]]:
        """(plain mean less corrected mean; the same of their changes; change of the share that rates unasked), by segment."""
        kept = self._asked.kept
        values, influences = list[Floats](), list[Floats]()
        shares, share_influences, sizes = list[Floats](), list[Floats](), list[Floats]()
        for days, of, correction in zip(
            (self._pair.now, self._pair.base), (self._now, self._base), self._corrections, strict=True
        ):
            users = self._frames.users(days)
            invited, uninvited = (some.where(kept) for some in of)
            n, rated, total = (
                np.where(kept, values, 0.0) for values in (invited.n + uninvited.n, users["rated"], users["rating_sum"])
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                values.append(total.sum(axis=1) / rated.sum(axis=1) - correction.value)
            influences.append(mean_influence(rated, total) - mean_influence(n, correction.totals(invited, uninvited)))
            shares.append(correction.volunteering)
            share_influences.append(mean_influence(uninvited.n, uninvited.rated))
            sizes.append(invited.rated)
        with np.errstate(invalid="ignore", divide="ignore"):
            known = grouped_degrees_of_freedom(sizes[0] / sizes[0].sum(axis=1, keepdims=True))
        return (
            self._bounded(values[0], influences[0], known),
            self._bounded(values[0] - values[1], influences[0] - influences[1], known),
            self._bounded(
                shares[0] - shares[1], share_influences[0] - share_influences[1], self._asked.degrees_of_freedom
            ),
        )

    def _bounded(self, values: Floats, influence: Floats, degrees_of_freedom: Floats) -> list[Gap]:
        error = influence_error(influence, self._asked.n * self._asked.kept)
        return gaps_at_one_look(values, np.where(self._asked.unnamed, np.nan, error), degrees_of_freedom)


def _responses(column: _Column) -> tuple[Responses, Responses]:
    """(invited, uninvited) out of the columns of INVITATIONS."""
    invited, uninvited = (
        Responses(*(column(f"{name}_{end}").astype(np.float64) for end in ("n", "rated", "sum", "squares")))
        for name in ("invited", "uninvited")
    )
    return invited, uninvited


def _columns(column: _Column, correction: Correction, *, squares: bool = False) -> dict[str, Floats]:
    """CORRECTED and UNASKED out of sums; where there is no correction, nothing was counted."""
    invited, uninvited = _responses(column)
    value = correction.value if correction.value.ndim == invited.n.ndim else correction.value[:, None]
    known = np.isfinite(value)
    of = {"known_n": invited.n + uninvited.n, "corrected_sum": correction.totals(invited, uninvited)}
    if squares:
        of["corrected_squares"] = correction.squares(invited, uninvited)
    found = {name: np.where(known, values, 0.0) for name, values in of.items()}
    ends = [("n", "rated"), ("sum", "rating_sum"), *([("squares", "rating_squares")] if squares else [])]
    for end, name in ends:
        found[f"unasked_{end}"] = column(name) - column(f"invited_{'rated' if end == 'n' else end}")
    return found
