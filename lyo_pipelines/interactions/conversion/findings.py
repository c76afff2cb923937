"""What was found while rows became columns: reasons against rows, values that were left out, a rating scale that cannot be right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import Bad
from lyo_pipelines.interactions.fields.notes import Notes
from lyo_pipelines.interactions.identity import plain_ids


@dataclass
class Findings:
    """Of one block of rows, by their index in it.

    bad: the first reason against each row that is not accepted. said: sentences for people about rows. off_scale: what shows that the
    ratings are not on the scale that they are read by; "" when nothing does.
    """

    bad: Bad = field(default_factory=dict)
    said: list[tuple[int, str]] = field(default_factory=list)
    off_scale: str = ""

    def leave_out(self, odd: Bad) -> None:
        """Optional values that are not understood: each costs itself and not its row."""
        self.said += [(index, f"{error.reason}: the value is left out") for index, error in odd.items()]

    def plain_ids(self, ids: pa.Array, name: str) -> pa.Array:
        """Ids without what table programs did to them (identity.plain_ids); those that are lost are told."""
        ids, rounded = plain_ids(ids)
        self.said += [(index, f"{name}: rounded by a spreadsheet, so it is none") for index in rounded]
        return ids

    def reject(self, index: int, reason: str, detail: str) -> None:
        """Count a reason against a row, unless there is one already."""
        self.bad.setdefault(index, RowError(reason, detail))

    def notes(self) -> Notes:
        """The sentences with the number of accepted rows that each is true of."""
        return Counter(sentence for index, sentence in self.said if index not in self.bad)

    def followed_by(self, other: Findings, rows: int) -> Findings:
        """Those of a block whose first `rows` rows are this one's."""
        bad = self.bad | {index + rows: error for index, error in other.bad.items()}
        said = self.said + [(index + rows, sentence) for index, sentence in other.said]
        return Findings(bad, said, self.off_scale or other.off_scale)
