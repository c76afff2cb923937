from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands.review import highlighted, run_review
from lyo_pipelines.curation.review import Review, read_queue, write_queue
from lyo_pipelines.storage.lake import Lake

DAY = "2026-01-05"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    lake = Lake(str(tmp_path))
    write_queue(
        lake,
        [
            Review("i1", DAY, "tutoring.en.math", "alcohol", "“Take 3 bottles of Beer, then one beer.”", phrase="beer"),
            Review("i2", DAY, "tutoring.hi.math", "insult", "“[bold]तुम मूर्ख[/bold] हो”", phrase="तुम मूर्ख"),
            Review("i3", DAY, "tutoring.en.math", "complaint", "“rude”"),
        ],
    )
    return lake


def reviewed(keys: str, *, interactive: bool = True) -> str:
    console = Console(file=StringIO(), width=100)
    presses = iter(keys)
    run_review(console, lambda: next(presses), interactive=interactive)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_keys_decide_and_quitting_says_what_was_done(lake):
    shown = reviewed("kq")
    assert [line.decision for line in read_queue(lake)] == ["keep", "", ""]
    assert "1 kept; 2 undecided" in shown
    assert "Finding 2 of 3" in shown
    assert "[bold]तुम मूर्ख[/bold]" in shown


def test_an_unknown_key_and_a_finding_without_phrase_change_nothing(lake):
    shown = reviewed("kdxanq")
    assert [line.decision for line in read_queue(lake)] == ["keep", "drop", ""]
    assert "'x' is none of the keys" in shown
    assert "No phrase stands behind this finding" in shown


def test_the_session_ends_when_nothing_is_left(lake):
    shown = reviewed("nuakd")
    assert [line.decision for line in read_queue(lake)] == ["always", "keep", "drop"]
    assert "0 undecided" in shown
    assert "Nothing waits" in reviewed("")


def test_without_a_terminal_it_says_how_many_wait_and_where(lake):
    shown = reviewed("", interactive=False)
    assert "3 findings wait" in shown
    assert "cultural.csv" in shown


def test_each_place_of_the_phrase_is_marked():
    assert len(highlighted("Beer or beer", "beer").spans) == 2
    assert highlighted("a+b", "").spans == []
