"""`lyo show` and `lyo rejected`: rows that were kept, removed or rejected, with what was found in them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands.ingest import NothingReadError, NotWantedError, ingest_path, print_reports
from lyo_pipelines.commands.known_segments import UnknownSegmentError
from lyo_pipelines.commands.rejected import NothingRejectedError, RejectedFilter, show_rejected
from lyo_pipelines.commands.show import NothingFoundError, RowFilter, show_rows
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.interactions.landing.notices import noted_landings
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, row, table

ROW = {"occurred_at": "2026-01-05T10:00:00Z", "task": "tutoring", "language": "en", "subject": "math"}


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two curated days: rated 5, 4 and 2, one with a text of its own."""
    lake = Lake(str(tmp_path_factory.mktemp("show")))
    for day in (DAY, DAY + timedelta(days=1)):
        rows = [
            row(n, rating=(5.0, 4.0, 2.0)[n % 3], question=f"How do I solve {n}x = 2{n} on {day}?") for n in range(9)
        ]
        lake.write_table(table(*rows), lake.interactions(day))
        curate_day(lake, day, CONFIG)
    return lake


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LYO_PSEUDONYM_KEY", "k" * 32)
    return tmp_path


def shown(
    monkeypatch: pytest.MonkeyPatch, lake: Lake, what: str, wanted: RowFilter, *, limit: int = 5, as_json: bool = False
) -> str:
    monkeypatch.setenv("LYO_DATA_DIR", lake.root)
    console = Console(record=True, width=160)
    show_rows(console, what, wanted, limit=limit, as_json=as_json)  # pyright: ignore[reportArgumentType]
    return console.export_text()


def test_kept_rows_are_shown_newest_day_first(monkeypatch: pytest.MonkeyPatch, curated: Lake) -> None:
    told = json.loads(shown(monkeypatch, curated, "kept", RowFilter("tutoring.en"), limit=99, as_json=True))
    assert told["kept"] == len(told["rows"]) == 12
    assert [one["day"] for one in told["rows"]] == ["2026-01-06"] * 6 + ["2026-01-05"] * 6
    text = shown(monkeypatch, curated, "kept", RowFilter("tutoring.en.math"), limit=2)
    assert "12 examples" in text and "rated" in text and "10 more" in text


def test_filters_take_days_and_texts(monkeypatch: pytest.MonkeyPatch, curated: Lake) -> None:
    found = RowFilter(first=DAY, last=DAY, text="solve 3x")
    told = json.loads(shown(monkeypatch, curated, "kept", found, as_json=True))
    assert [one["interaction_id"] for one in told["rows"]] == ["i3"]
    with pytest.raises(NothingFoundError) as error:
        shown(monkeypatch, curated, "kept", RowFilter(first=date(2030, 1, 1)))
    assert "2026-01-05 to 2026-01-06" in error.value.hint
    with pytest.raises(UnknownSegmentError, match="maht"):
        shown(monkeypatch, curated, "kept", RowFilter("tutoring.en.maht"))


def test_removed_rows_name_their_rule_and_a_rule_that_is_none_says_which_there_are(
    monkeypatch: pytest.MonkeyPatch, curated: Lake
) -> None:
    told = json.loads(shown(monkeypatch, curated, "removed", RowFilter(), as_json=True))
    assert told["removed"] == sum(told["by_rule"].values()) == 6
    (rule,) = told["by_rule"]
    assert rule in shown(monkeypatch, curated, "removed", RowFilter(rule=rule))
    with pytest.raises(NothingFoundError) as error:
        shown(monkeypatch, curated, "removed", RowFilter(rule="no_rule"))
    assert f"{rule} (6)" in error.value.hint


def ingest(path: Path, **options: object) -> str:
    console = Console(record=True, width=160)
    ingest_path(console, path, format="auto", mapping=None, build=False, **options)  # pyright: ignore[reportArgumentType]
    return console.export_text()


def rejected(wanted: RejectedFilter, *, as_json: bool = False, limit: int = 5) -> str:
    console = Console(record=True, width=160)
    show_rejected(console, wanted, limit=limit, as_json=as_json)
    return console.export_text()


def test_a_rejected_row_says_its_value_and_what_mends_it(data: Path) -> None:
    rows = [{**ROW, "question": "Why?"}, {**ROW, "question": "Why?", "rating": "splendid"}, {**ROW, "question": ""}]
    (data / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows) + "no json\n")
    said = ingest(data / "log.jsonl")
    assert "lyo rejected" in said
    told = json.loads(rejected(RejectedFilter(), as_json=True))
    assert told["rejected"] == len(told["rows"])
    by_reason = {one["reason"]: one["mend"] for one in told["rows"]}
    assert "a mapping names the column" in by_reason["missing_question"]
    assert set(by_reason) >= {"missing_question", "broken_json"}
    assert "line 4" in rejected(RejectedFilter(reason="broken"))
    assert json.loads(rejected(RejectedFilter(file="other*"), as_json=True))["rejected"] == 0
    with pytest.raises(NothingRejectedError) as error:
        rejected(RejectedFilter(reason="bad_weather"))
    assert "broken_json (1)" in error.value.hint


def test_without_a_rejected_row_it_says_so(data: Path) -> None:
    assert "No row was rejected" in rejected(RejectedFilter())


def test_a_file_of_which_nothing_is_taken_is_an_error_and_leaves_a_note_for_dagster(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "log.jsonl").write_text("no json\nno json\n")
    (data / "logs").mkdir()
    (data / "logs" / "good.jsonl").write_text(json.dumps({**ROW, "question": "Why?"}) + "\n")
    (data / "logs" / "bad.bin").write_bytes(bytes(range(256)))
    with pytest.raises(NothingReadError):
        ingest(data / "log.jsonl")
    with pytest.raises(NothingReadError, match=r"bad\.bin: not read"):
        ingest(data / "logs" / "bad.bin")
    ingest(data / "logs")
    assert "bad.bin: not read" in capsys.readouterr().err, "what is told aside goes to stderr"
    ingest(data / "logs")  # read before: nothing is new, and that is no error
    notes = [note.files for note in noted_landings(Lake(str(data / "data")))]
    assert sorted(len(files) for files in notes) == [1, 1, 1, 2], "what cannot be read is told each time"
    names = {str(file["name"]) for files in notes for file in files}
    assert not names & {"bad.bin", "good.jsonl", "log.jsonl"}, "Dagster's pages know files by their digests"
    assert sum(bool(file["unreadable"]) for files in notes for file in files) == 4


def test_a_subject_that_nobody_knows_is_asked_about_before_it_is_read(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "log.jsonl").write_text(json.dumps({**ROW, "subject": "Phisics", "question": "Why?"}) + "\n")
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(NotWantedError):
        ingest(data / "log.jsonl", ask=no)
    assert "'phisics'" in asked[0] and "physics" in asked[0]
    assert not (data / "data" / "lake").exists(), "a no leaves nothing behind"
    ingest(data / "log.jsonl")
    assert "'phisics'" in capsys.readouterr().err, "where nobody can be asked it is said"
    ingest(data / "log.jsonl", ask=lambda question: pytest.fail("it is known by then, or was read"))


def test_what_became_of_files_is_json_for_programs(data: Path) -> None:
    (data / "log.jsonl").write_text(json.dumps({**ROW, "question": "Why?"}) + "\n")
    reports = ingest_path(Console(record=True), data / "log.jsonl", format="auto", mapping=None, build=False)
    console = Console(record=True, width=60)
    print_reports(console, reports)
    (told,) = json.loads(console.export_text())
    assert (told["name"], told["read"], told["accepted"], told["days"]) == ("log.jsonl", 1, 1, ["2026-01-05"])
