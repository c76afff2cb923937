"""The picture of a replay: its size follows what it shows, and the same replay gives the same bytes."""

from __future__ import annotations

import io
from dataclasses import replace

from lyo_pipelines.retraining.backtest import Backtest
from lyo_pipelines.retraining.plots import MAXIMUM_SEGMENTS, backtest_plot
from lyo_pipelines_tests.retraining.health_histories import launched, of


def size(png: bytes) -> tuple[int, int]:
    from PIL import Image

    return Image.open(io.BytesIO(png)).size


def made(segments: int) -> Backtest:
    quiet = [
        replace(launched(n, "volume.minimum#1", segment=f"tutoring.en.s{s}"), outcome="hold", reason="quiet")
        for s in range(segments) for n in range(3)
    ]  # fmt: skip
    return of(*quiet, launched(5, "quality.relevance#1", "volume.minimum#1", segment=f"tutoring.en.s{segments - 1}"))


def test_the_picture_grows_with_segments_up_to_its_limit() -> None:
    three, full, beyond = (
        size(backtest_plot([made(n)], ["in force"])) for n in (3, MAXIMUM_SEGMENTS, MAXIMUM_SEGMENTS + 60)
    )
    assert three[1] < full[1] == beyond[1]
    assert three[0] == full[0]


def test_two_policies_make_a_taller_picture_and_none_an_empty_one() -> None:
    one, two = size(backtest_plot([made(4)], ["a"])), size(backtest_plot([made(4), made(4)], ["a", "b"]))
    assert one[1] < two[1]
    assert size(backtest_plot([of()], ["a"]))[0] == one[0]


def test_the_same_replay_makes_the_same_picture_and_another_another() -> None:
    once, again = (backtest_plot([made(4)], ["a"]) for _ in range(2))
    assert once == again
    late = of(*made(4).steps[:-1], launched(9, "quality.relevance#1"))
    assert once != backtest_plot([late], ["a"])
