"""Mean ratings of a day: of all ratings, corrected by whom chance invited, and at worst and best; nothing where nobody was invited."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from lyo_pipelines.health.aggregate import aggregate_day
from lyo_pipelines.health.contract import HEALTH, USERS
from lyo_pipelines.health.ratings import rating_means
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import CULTURAL, frame, row

DAY = date(2026, 1, 5)
HINDI = "tutoring.hi.math"


def day_of(tmp_path, rows: list[dict]) -> Lake:
    lake = Lake(str(tmp_path))
    health, users = aggregate_day(frame(rows), CULTURAL)
    lake.write_table(users.to_arrow().cast(USERS), lake.health_users(DAY))
    lake.write_table(health.to_arrow().cast(HEALTH), lake.health(DAY))
    return lake


def asked(n: int = 900, vocal: float = 0.6) -> list[dict]:
    """One answer of each user; the discontented rate unasked four times as often as the others."""
    rng = np.random.default_rng(2)
    made = []
    for user in range(n):
        stars, invited = float(rng.choice(5, p=(0.04, 0.06, 0.15, 0.25, 0.5)) + 1), bool(rng.random() < 0.3)
        unasked = vocal if stars <= 3 else 0.15
        rates = rng.random() < (unasked + (1 - unasked) * 0.55 if invited else unasked)
        made.append(row(user_pseudonym=f"u_{user}", rating=stars if rates else None, rating_invited=invited))
    return made


def test_only_segments_in_which_somebody_was_invited_have_means(tmp_path):
    rows = [*asked(), row(segment=HINDI), row(segment=HINDI, rating_invited=False)]
    assert [one.segment for one in rating_means(day_of(tmp_path, rows), DAY, 40)] == ["tutoring.en.math"]
    assert rating_means(day_of(tmp_path, [row(), row(rating_invited=False)]), DAY, 40) == ()


def test_a_day_says_all_three_means_and_which_decides(tmp_path):
    rows = asked()
    (found,) = rating_means(day_of(tmp_path, rows), DAY, 40)
    ratings = [r["rating"] for r in rows if r["rating"] is not None]
    assert (found.rated, found.plain) == (len(ratings), pytest.approx(np.mean(ratings)))
    assert found.invited == sum(r["rating_invited"] and r["rating"] is not None for r in rows)
    assert found.plain < found.corrected - 0.15
    assert found.corrected == pytest.approx(4.11, abs=0.25)  # as all would rate
    assert found.lowest < found.corrected < found.highest
    assert found.choice.by == "corrected"
    assert "with those given unasked it would be" in found.choice.why


def test_a_day_with_few_invited_ratings_says_that_all_decide(tmp_path):
    rows = [{**r, "rating_invited": number % 10 == 0} for number, r in enumerate(asked(400, vocal=0.15))]
    rows = [{**r, "rating": r["rating"] or 4.0} if r["rating_invited"] else r for r in rows]
    (found,) = rating_means(day_of(tmp_path, rows), DAY, 100)
    assert (found.choice.by, "of 100 invited ones" in found.choice.why) == ("plain", True)
