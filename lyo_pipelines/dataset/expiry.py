"""Which examples no longer hold, or not yet: they leave training, and stay where they are held out. Pure but for the columns read.

What holds until when is validity.py's; a held-out example keeps its split in every version, so an expired one is still measured on, as
a slice of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.dataset.scope import DOCUMENTS, Scope
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.validity import CURRENT, DECLARED, EXPIRED, NOT_YET, State, Validity, Window, state_on

EXPIRY_COLUMNS = ("segment", "topic", "grade", "board", *DECLARED)
"""What is read of each example beside its time."""
_STATES: tuple[State, ...] = (CURRENT, EXPIRED, NOT_YET)
_UNSAID = -1


@dataclass(frozen=True)
class RowValidity:
    """Of N rows: valid_from, valid_until (date32, null: open) and state (int8: place in current, expired, not_yet; -1: not said)."""

    valid_from: pa.Array
    valid_until: pa.Array
    state: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        """(N,) mask of what may not be trained on."""
        return self.state > 0

    @property
    def states(self) -> pa.Array:
        """The states by name; null where nobody says anything."""
        return pa.array(_STATES).take(pa.array(self.state, mask=self.state == _UNSAID))

    def filter(self, mask: np.ndarray) -> RowValidity:
        """The rows that a mask wants."""
        wanted = pa.array(mask)
        return RowValidity(self.valid_from.filter(wanted), self.valid_until.filter(wanted), self.state[mask])

    def slice(self, start: int, length: int) -> RowValidity:
        """So many rows from a place."""
        return RowValidity(
            self.valid_from.slice(start, length),
            self.valid_until.slice(start, length),
            self.state[start : start + length],
        )


def may_expire(scope: Scope, validity: Validity) -> bool:
    """Whether anything in a scope can have a validity: else no column needs to be read."""
    return DOCUMENTS in scope.tasks or any(validity.touches(segment) for segment in scope.segments)


def editions_told(segments: Iterable[str], validity: Validity) -> list[str]:
    """The editions that are about any of these segments, for a manifest."""
    mine = set(segments)
    return sorted(one.told for one in validity.editions if mine.intersection(one.segments))


def unsaid(count: int) -> RowValidity:
    """Of rows of which nobody says anything."""
    nothing = pa.nulls(count, pa.date32())
    return RowValidity(nothing, nothing, np.full(count, _UNSAID, np.int8))


def row_validity(table: pa.Table, validity: Validity, day: date) -> RowValidity:
    """How the rows of a table (EXPIRY_COLUMNS and occurred_at) stand on a day."""
    asked = pl.Series("asked", pl.from_arrow(pc.cast(table["occurred_at"], pa.timestamp("us")))).cast(pl.Date)
    frame = pl.DataFrame(
        [pl.Series(name, pl.from_arrow(table[name].combine_chunks())) for name in EXPIRY_COLUMNS]
        + [_period(asked, validity)]
    )
    keys = [*EXPIRY_COLUMNS, "period"]
    kinds = frame.with_columns(asked=asked).group_by(keys, maintain_order=True).agg(pl.col("asked").first())
    windows = [_window(row, validity) for row in kinds.iter_rows(named=True)]
    found = kinds.select(keys).with_columns(
        pl.Series("first", [w and w[0] for w in windows], dtype=pl.Date),
        pl.Series("last", [w and w[1] for w in windows], dtype=pl.Date),
        pl.Series("state", [_UNSAID if w is None else _STATES.index(state_on(w, day)) for w in windows], dtype=pl.Int8),
    )
    rows = frame.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return RowValidity(
        rows["first"].to_arrow().cast(pa.date32()), rows["last"].to_arrow().cast(pa.date32()), rows["state"].to_numpy()
    )


def joined_validity(parts: Iterable[RowValidity]) -> RowValidity:
    """The rows of several parts, one after the other."""
    every = list(parts)
    if not every:
        return unsaid(0)
    return RowValidity(
        pa.concat_arrays([part.valid_from for part in every]),
        pa.concat_arrays([part.valid_until for part in every]),
        np.concatenate([part.state for part in every]),
    )


def _period(asked: pl.Series, validity: Validity) -> pl.Series:
    """Between which first days of editions each question was asked: all that its day decides."""
    borders = np.array(validity.borders, "datetime64[D]")
    return pl.Series("period", np.searchsorted(borders, asked.to_numpy().astype("datetime64[D]"), side="right"))


def _window(row: dict[str, Any], validity: Validity) -> Window | None:
    """How long a kind of row holds; None where nobody says."""
    if row["segment"].partition(".")[0] == DOCUMENTS:
        return validity.of_document(board=row["board"], **{name: row[name] for name in DECLARED})
    window = validity.of_question(row["segment"], row["topic"], row["grade"], row["board"], row["asked"])
    return None if window == (None, None) else window
