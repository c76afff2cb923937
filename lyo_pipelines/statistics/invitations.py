"""A mean over all answers out of the ratings of some, where chance chose whom to ask for one.

Who rates unasked may do so because of the rating itself, and no weighting by what else is known mends that. A random invitation is an
instrument (Angrist, Imbens and Rubin, "Identification of Causal Effects Using Instrumental Variables", JASA 91, 1996): volunteers
rate either way, some are moved by the invitation, the others stay silent. The uninvited show how many volunteer and how they rate;
what the invited show beyond that are the moved. The corrected mean lets volunteers stand for themselves and the moved for everybody
else. It is exact where an invitation moves people whatever they think; an invitation is taken never to keep a volunteer from rating.
What the silent would say is assumed by nobody in `worst_case_bounds` (Manski, "Anatomy of the Selection Problem", Journal of Human
Resources 24, 1989).

The corrected mean is linear in sums, so its errors come from where those of other means do: `Correction.totals` over counts of answers
is a ratio for `cluster_robust` (by user) and `random_groups` (by group of users). Which mean decides stands in `deciding_mean`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 1.0, 5.0
"""Of a rating."""
STRENGTH = 4.0
"""By so many standard errors an invitation must raise the share that rates; else the corrected mean rests on a ratio near 0 / 0 (an F
of 10 is the usual rule, Staiger and Stock, Econometrica 65, 1997; this is 16)."""


@dataclass(frozen=True, eq=False)
class Responses:
    """Answers of which the log says that a rating was invited, or that none was, added up; all arrays have one shape.

    n: answers. rated, total, squares: those with a rating, the sum of the ratings and of their squares.
    """

    n: Floats
    rated: Floats
    total: Floats
    squares: Floats | None = None

    def over_units(self) -> Responses:
        """Sums over the last axis."""
        return Responses(self.n.sum(axis=-1), self.rated.sum(axis=-1), self.total.sum(axis=-1))

    def where(self, kept: NDArray[np.bool_]) -> Responses:
        """The same without the units that are not kept."""
        return Responses(*(np.where(kept, values, 0.0) for values in (self.n, self.rated, self.total)))


@dataclass(frozen=True, eq=False)
class Correction:
    """What makes a mean over all answers out of their ratings; arrays of shape (rows,), nan where it cannot be had.

    value: the corrected mean. moved: mean rating of the moved. offset: what the mean lies above that of the moved. invited_weight,
    uninvited_weight: of a rating's distance from the moved, per answer that the log knows of. volunteering, response: share of ratings
    among the uninvited and the invited.
    """

    value: Floats
    moved: Floats
    offset: Floats
    invited_weight: Floats
    uninvited_weight: Floats
    volunteering: Floats
    response: Floats

    def at(self, rows: NDArray[np.integer]) -> Correction:
        """The correction of each of these rows."""
        return Correction(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def totals(self, invited: Responses, uninvited: Responses) -> Floats:
        """Sums whose ratio to the number of answers is the corrected mean: over all units of a row exactly, and of any part of them as
        an estimate of that part's mean. Arrays of shape (rows,) or (rows, units)."""
        moved, offset, value = (_beside(one, invited.n) for one in (self.moved, self.offset, self.value))
        found = value * (invited.n + uninvited.n)
        for weight, some in ((self.invited_weight, invited), (self.uninvited_weight, uninvited)):
            found = found + _beside(weight, some.n) * (some.total - moved * some.rated - offset * some.n)
        return found

    def squares(self, invited: Responses, uninvited: Responses) -> Floats:
        """Sums of the squares of what each answer adds to `totals`."""
        moved, offset, value = (_beside(one, invited.n) for one in (self.moved, self.offset, self.value))
        found = np.zeros_like(invited.n)
        for weight, some in ((self.invited_weight, invited), (self.uninvited_weight, uninvited)):
            assert some.squares is not None
            beyond = some.total - moved * some.rated
            spread = (
                some.squares - 2 * moved * some.total + moved**2 * some.rated - 2 * offset * beyond + offset**2 * some.n
            )
            each = _beside(weight, some.n)
            found = found + value**2 * some.n + 2 * value * each * (beyond - offset * some.n) + each**2 * spread
        return found


def fit_correction(invited: Responses, uninvited: Responses) -> Correction:
    """The correction of each row; arrays of shape (rows, units). nan where nobody was invited, or an invitation moved too few.

    Where everybody was invited, nothing is known of volunteers, and the mean is that of those who answered.
    """
    asked, free = invited.over_units(), uninvited.over_units()
    n = asked.n + free.n
    with np.errstate(invalid="ignore", divide="ignore"):
        response, mean = asked.rated / asked.n, asked.total / asked.n
        volunteering, free_mean = (np.where(free.n > 0, part / free.n, 0.0) for part in (free.rated, free.total))
        effect = response - volunteering
        influence = (invited.rated - response[..., None] * invited.n) / asked.n[..., None]
        away = (uninvited.rated - volunteering[..., None] * uninvited.n) / free.n[..., None]
        error = influence_error(influence - np.where(free.n[..., None] > 0, away, 0.0), invited.n + uninvited.n)
        known = (asked.n > 0) & (effect > STRENGTH * np.nan_to_num(error, nan=np.inf))
        moved = np.where(known, (mean - free_mean) / effect, np.nan)
        worth = (1 - volunteering) / effect
        offset = free_mean - moved * volunteering
        return Correction(
            value=moved + offset,
            moved=moved,
            offset=offset,
            invited_weight=worth * n / asked.n,
            uninvited_weight=np.where(free.n > 0, (1 - worth) * n / free.n, 0.0),
            volunteering=np.where(free.n > 0, volunteering, np.nan),
            response=response,
        )


def mean_influence(n: Floats, total: Floats) -> Floats:
    """What each unit moves the ratio of the sums of `total` and `n` by, to first order; shape (rows, units), each row sums to 0."""
    count = n.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total - total.sum(axis=-1, keepdims=True) / count * n) / count


def influence_error(influence: Floats, n: Floats) -> Floats:
    """Standard error of a figure out of what each unit moves it by; n: how much each unit has in it. nan with fewer than two units."""
    units = (n > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(units / (units - 1) * np.square(influence).sum(axis=-1))
    return np.where(units >= 2, error, np.nan)


def worst_case_bounds(invited: Responses) -> tuple[Floats, Floats]:
    """(lowest, highest) mean that all answers may have, whatever the silent among the invited think; arrays of shape (rows, units)."""
    found = invited.over_units()
    silent = found.n - found.rated
    with np.errstate(invalid="ignore", divide="ignore"):
        return (found.total + LOWEST * silent) / found.n, (found.total + HIGHEST * silent) / found.n


def _beside(values: Floats, like: Floats) -> Floats:
    """One value per row, ready for arrays of shape (rows,) or (rows, units)."""
    return values[:, None] if like.ndim > values.ndim else values
