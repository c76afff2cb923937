"""What happens to finished rows in a log with stories: other ratings, slower answers, and the label that says so.

Ratings change only where the answer is a good one: what a planted flaw got from its student stays. Which questions are asked
stands in story_lessons.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.sample.flaws import Label
from lyo_pipelines.sample.people import Chances
from lyo_pipelines.sample.rows import Row
from lyo_pipelines.sample.story_commerce import LAUNCHED_DAYS
from lyo_pipelines.sample.story_lessons import HARD_TOPICS, RECENT_DAYS

_SLUMP = Chances({5: 0.12, 4: 0.19, 3: 0.26, 2: 0.27, 1: 0.16})
_HARD = Chances({5: 0.16, 4: 0.68, 3: 0.13, 2: 0.03})
_EASY = Chances({5: 0.89, 4: 0.10, 3: 0.01})
_SLOWER = 1.6
BAD_LUCK = (4, 2, 5, 1, 3, 5, 2, 4, 1, 4)
"""The recent ratings of the small segment: a low mean (3.1), but so far apart that ten of them prove nothing."""
_LUCK_DAYS = 16  # ratings may come a little early, so that quiet days at the end leave none over

_HARMLESS = {"near_duplicate", "exact_duplicate", "romanised", "mojibake", "boilerplate"}

Details = JsonObject


@dataclass(frozen=True, slots=True)
class _Scene:
    """A finished row, its age in days at the end of the log, and the kinds of flaws planted in it."""

    rng: Random
    row: Row
    age: int
    kinds: list[str]

    @property
    def is_recent(self) -> bool:
        return self.age <= RECENT_DAYS

    @property
    def is_rated(self) -> bool:
        return self.row["rating"] is not None

    @property
    def is_good(self) -> bool:
        """Whether the answer gave no reason to complain."""
        return all(kind in _HARMLESS or kind.startswith("pii_") for kind in self.kinds)

    def rerate(self, rating: int) -> None:
        """Give another rating; a thumb that stands beside it agrees."""
        self.row["rating"] = rating
        if self.row["thumbs"] is not None:
            self.row["thumbs"] = 1 if rating >= 4 else -1


@dataclass(slots=True)
class StoryRows:
    """Tells the stories of one log, day by day. `_luck` holds what is still to come in the small segment."""

    end: date
    _luck: list[int] = field(default_factory=lambda: list(BAD_LUCK))

    def tell(self, rng: Random, row: Row, day: date, label: Label | None) -> Label | None:
        """Change a finished row as its segment's story wants it; return its label with what was done added."""
        found = _TELLERS.get(f"{row['task']}.{row['language']}.{row['subject']}")
        if found is None:
            return label
        name, teller = found
        kinds, details = label or ([], {})
        told = teller(self, _Scene(rng, row, (self.end - day).days, kinds))
        return label if told is None else ([*kinds, f"story_{name}"], details | told)

    def rating_slump(self, scene: _Scene) -> Details | None:
        """Good answers are rated as if they were poor ones."""
        if not (scene.is_recent and scene.is_rated and scene.is_good):
            return None
        scene.rerate(_SLUMP.draw(scene.rng))
        return {"rating": scene.row["rating"]}

    def slow_answers(self, scene: _Scene) -> Details | None:
        """Both times grow by one factor; an error keeps its time-out."""
        if not scene.is_recent or scene.row["error"] is not None:
            return None
        for name in ("response_time_ms", "time_to_first_token_ms"):
            scene.row[name] = round(scene.row[name] * _SLOWER, 1)
        return {"factor": _SLOWER}

    def new_subject(self, _: _Scene) -> Details:
        """The row is there: that is the story."""
        return {"launched": (self.end - timedelta(days=LAUNCHED_DAYS)).isoformat()}

    def mix_only(self, scene: _Scene) -> Details:
        """A good answer's rating comes from its topic alone, in every week the same."""
        is_hard = scene.row["topic"] in HARD_TOPICS
        if scene.is_rated and scene.is_good:
            scene.rerate((_HARD if is_hard else _EASY).draw(scene.rng))
        return {"topics": "hard" if is_hard else "easy"}

    def noisy_small(self, scene: _Scene) -> Details | None:
        """Most ratings are withheld; those that stay are the bad luck, in its order, spread over the days."""
        if not (scene.is_recent and scene.is_rated):
            return None
        if "low_rating" in scene.kinds:  # the flaw's own rating stays, in the place of the nearest one that was to come
            if self._luck:
                self._luck.remove(min(self._luck, key=lambda rating: abs(rating - scene.row["rating"])))
            return None
        due = len(BAD_LUCK) * (RECENT_DAYS + 1 - scene.age) / _LUCK_DAYS
        if self._luck and scene.is_good and len(BAD_LUCK) - len(self._luck) < due:
            scene.rerate(self._luck.pop(0))
        else:
            scene.row["rating"] = scene.row["thumbs"] = None
        return {"rating": scene.row["rating"]}


_TELLERS: dict[str, tuple[str, Callable[[StoryRows, _Scene], Details | None]]] = {
    "tutoring.en.physics": ("rating_slump", StoryRows.rating_slump),
    "tutoring.en.chemistry": ("slow_answers", StoryRows.slow_answers),
    "tutoring.en.commerce": ("new_subject", StoryRows.new_subject),
    "tutoring.hi.math": ("mix_only", StoryRows.mix_only),
    "programming.ta.programming": ("noisy_small", StoryRows.noisy_small),
}
"""Segment -> the story that is told there, and by what. English maths has a story without anything planted."""
