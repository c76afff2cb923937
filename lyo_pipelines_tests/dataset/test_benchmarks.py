"""Registered benchmarks: read in the shapes they come in, refused when they cannot be used, found wherever they hide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.contracts.dataset import BenchmarkRecord
from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex, words_of
from lyo_pipelines.dataset.benchmarks import Benchmark, registered_benchmarks
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.errors import BenchmarkError, SegmentTooSmallError
from lyo_pipelines.dataset.leakage import leakage_checks
from lyo_pipelines.dataset.versions import read_split
from lyo_pipelines.dataset.word_windows import windows
from lyo_pipelines.interactions.hidden_ids import hide_ids
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, example, examples, lake_with

LONG = (
    "Four farmers share seventeen sacks of rice and three of them take five sacks each; how many sacks are left over?"
)
SHORT = "How many primes are there below one hundred?"
TINY = "What is 2 + 2?"


def folder_with(tmp_path: Path, **files: str) -> Lake:
    folder = tmp_path / "benchmarks"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return Lake(str(tmp_path))


def benchmark(*questions: str, answers: list[str] | None = None, ids: list[str] | None = None) -> Benchmark:
    columns = {
        "id": ids or [None] * len(questions),
        "question": list(questions),
        "answer": answers or [None] * len(questions),
    }
    return Benchmark(
        name="made",
        file="made.jsonl",
        on_overlap="block",
        table=pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()}),
    )


def found(text: str, *benchmarks: Benchmark) -> list[tuple[int, str]]:
    return [
        (hit.item, hit.how) for hit in BenchmarkIndex(benchmarks, CONFIG).texts(pa.array([text]), np.zeros(1, np.int64))
    ]


# -- reading -----------------------------------------------------------------------------------------------------------
def test_the_usual_shapes_are_read_without_a_word(tmp_path: Path):
    lake = folder_with(
        tmp_path,
        a__jsonl=json.dumps({"question": LONG, "answer": "2", "id": "x-1"}) + "\n\n",
        b__tsv=f"{LONG}\t2\n{SHORT}\t25\n",
        c__csv=f'Problem,Solution\n"{LONG}",2\n',
        d__json=json.dumps({"data": [{"prompt": LONG}, {"prompt": "  "}]}),
        README__md="not a benchmark",
    )
    benchmarks = registered_benchmarks(lake)
    assert [(b.name, b.table.num_rows, b.on_overlap) for b in benchmarks] == [
        ("a", 1, "block"), ("b", 2, "block"), ("c", 1, "block"), ("d", 1, "block")
    ]  # fmt: skip
    assert benchmarks[0].table.to_pylist() == [{"id": "x-1", "question": LONG, "answer": "2"}]
    assert benchmarks[1].table["answer"].to_pylist() == ["2", "25"]


def test_the_register_names_fields_and_what_to_do(tmp_path: Path):
    register = "benchmarks:\n- {file: a.jsonl, name: exam, question: q_text, id: number, on_overlap: exclude}\n"
    lake = folder_with(tmp_path, a__jsonl=json.dumps({"q_text": LONG, "number": 17}), benchmarks__yaml=register)
    (only,) = registered_benchmarks(lake)
    assert (only.name, only.on_overlap, only.table["id"].to_pylist()) == ("exam", "exclude", ["17"])


def test_no_folder_no_benchmark(tmp_path: Path):
    assert registered_benchmarks(Lake(str(tmp_path))) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a__jsonl": '{"foo": 1}'}, "no question field among foo"),
        ({"a__jsonl": "{broken"}, "cannot be read"),
        ({"a__jsonl": "[1, 2]"}, "one object per item"),
        ({"benchmarks__yaml": "benchmarks:\n- {file: gone.jsonl}"}, "names gone.jsonl, which is not there"),
        ({"benchmarks__yaml": "benchmarks:\n- {file: a.jsonl, on_overlap: shrug}"}, "does not fit"),
        ({"benchmarks__yaml": "benchmarks: [a.jsonl]"}, "does not fit"),
        (
            {
                "a__jsonl": json.dumps({"question": LONG}),
                "benchmarks__yaml": "benchmarks:\n- {file: a.jsonl, answer: nope}",
            },
            "names the field 'nope'; the file has question",
        ),
        (
            {"a__jsonl": json.dumps({"question": LONG}), "a__json": json.dumps([{"question": LONG}])},
            "two benchmarks have the same name",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, files: dict[str, str], message: str):
    with pytest.raises(BenchmarkError, match=message):
        registered_benchmarks(folder_with(tmp_path, **files))


# -- searching ---------------------------------------------------------------------------------------------------------
def test_thirteen_words_in_a_row_are_an_overlap_in_any_dress():
    assert found(f"please HELP me:\n\n{LONG.upper().replace(' ', '  ')} thanks", benchmark(SHORT, LONG)) == [
        (1, "words_in_a_row")
    ]
    assert found(" ".join(LONG.split()[3:16]), benchmark(LONG)) == [(0, "words_in_a_row")]
    assert found(" ".join(LONG.split()[3:12]), benchmark(LONG)) == []


@pytest.mark.parametrize(
    "changed",
    [
        LONG.replace("farmers", "framers").replace("sacks", "sakcs", 1).replace("take", "tkae"),
        LONG.replace("farmers", "bakers").replace("sacks", "bags"),
        LONG.replace("seventeen", "19").replace("five", "6"),
    ],
)
def test_a_question_is_found_behind_typos_other_names_and_other_numbers(changed: str):
    assert found(f"Can you help me? {changed}", benchmark(SHORT, LONG)) == [(1, "nearly")]


def test_a_question_is_found_in_the_digits_of_another_script():
    numbers = "A shop sells 12 pens on day 1 and 15 pens on day 2 so how many pens is that"
    digits = str.maketrans("0123456789", "௦௧௨௩௪௫௬௭௮௯")
    assert found(f"{numbers.translate(digits)} in all", benchmark(numbers)) == [(0, "words_in_a_row")]


def test_another_question_of_the_same_kind_is_no_overlap():
    other = "Six teachers share ninety sheets of paper and two of them need ten sheets each; how many sheets are left?"
    assert found(other, benchmark(LONG)) == []


def test_a_shorter_question_is_found_whole():
    assert found(f"Hello. {SHORT} Thank you", benchmark(SHORT)) == [(0, "words_in_a_row")]
    assert found("How many primes are there below one thousand?", benchmark(SHORT)) == []


def test_a_very_short_question_must_be_the_whole_message():
    assert found("what is 2 + 2", benchmark(TINY)) == [(0, "exact")]
    assert found("tell me what is 2 + 2 please", benchmark(TINY)) == []


def test_a_long_solution_is_found_and_a_short_answer_is_not():
    solution = "Each of three farmers takes five sacks so fifteen are gone, and that leaves <<17-15=2>>2 sacks over."
    index = benchmark(TINY, answers=[solution])
    assert found(solution.replace("<<17-15=2>>", ""), index) == [(0, "words_in_a_row")]
    assert (
        found("the answer is two and nothing else matters here", benchmark(LONG, answers=["the answer is two"])) == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "चार किसानों ने सत्रह बोरी चावल आपस में बाँटे और तीन ने पाँच पाँच बोरियाँ लीं",
        "நான்கு விவசாயிகள் பதினேழு மூட்டை அரிசியைப் பகிர்ந்து கொண்டு மூவர் ஐந்து எடுத்தனர்",
    ],
)
def test_other_scripts_are_words_too(text: str):
    assert all(" " not in word for word in words_of(pa.array([text]))[0].as_py())
    assert len(words_of(pa.array([text]))[0]) == len(text.split())
    assert found(f"कृपया {text}", benchmark(text)) == [(0, "words_in_a_row")]


def test_source_ids_count_unless_they_are_mere_numbers():
    index = BenchmarkIndex([benchmark(LONG, SHORT, ids=["gsm-17", "17"])], CONFIG)
    ids = pa.array(["gsm-17", "17", "made:17", None, "other"])
    assert [(hit.row, hit.item, hit.how) for hit in index.ids(ids, np.arange(5))] == [
        (0, 0, "source_id"),
        (2, 1, "source_id"),
    ]


def test_hashed_ids_of_the_lake_still_meet_a_benchmark(tmp_path: Path):
    items = [{"question": LONG, "id": "gsm-17"}, {"question": SHORT, "id": "17"}, {"question": f"{LONG} {SHORT}"}]
    lake = folder_with(
        tmp_path, made__jsonl="\n".join(map(json.dumps, items)), other__jsonl=json.dumps({"question": "Why?"})
    )
    pseudonyms = Pseudonyms("a key of the tests")
    index = BenchmarkIndex(registered_benchmarks(lake, pseudonyms), CONFIG)
    ids = hide_ids(pa.array(["gsm-17", "17", "made:17", None, "other"]), "question_id", pseudonyms)
    assert [(hit.row, hit.item, hit.how) for hit in index.ids(ids, np.arange(5))] == [
        (0, 0, "source_id"),
        (2, 1, "source_id"),
    ]
    assert (
        index.ids(
            hide_ids(pa.array(["gsm-17"]), "question_id", Pseudonyms("another key of the tests")), np.zeros(1, np.int64)
        )
        == []
    )


def test_without_benchmarks_nothing_is_found():
    index = BenchmarkIndex([], CONFIG)
    assert index.texts(pa.array([LONG]), np.zeros(1, np.int64)) == []
    assert index.ids(pa.array(["a"]), np.zeros(1, np.int64)) == []


@given(st.lists(st.lists(st.integers(-1, 3), max_size=6), max_size=5), st.integers(1, 4))
def test_windows_are_the_runs_of_known_words_within_one_text(texts: list[list[int]], size: int):
    offsets = np.cumsum([0, *map(len, texts)])
    codes = np.array([code for text in texts for code in text], np.int64)
    hashes, where = windows(codes, offsets, size)
    expected = [
        (n, tuple(text[i : i + size]))
        for n, text in enumerate(texts)
        for i in range(len(text) - size + 1)
        if -1 not in text[i : i + size]
    ]
    assert where.tolist() == [n for n, _ in expected]
    same_run = {run: set() for _, run in expected}
    for value, (_, run) in zip(hashes.tolist(), expected, strict=True):
        same_run[run].add(value)
    assert len({frozenset(values) for values in same_run.values()}) == len(same_run)
    assert all(len(values) == 1 for values in same_run.values())


# -- in a build --------------------------------------------------------------------------------------------------------
def lake_with_overlaps(tmp_path: Path, **places: Any) -> Lake:
    rows = [
        *examples(range(40)),
        *(example(200 + n, **{place: value}) for n, (place, value) in enumerate(places.items())),
    ]
    return lake_with(tmp_path, rows)


PLACES = {
    "question": f"{LONG}\n\nMy solution: 2",
    "context": f"From the book: {LONG}",
    "history": [{"role": "user", "content": LONG}, {"role": "assistant", "content": "Try it."}],
    "answer": f"You asked: {LONG} It is two.",
}


def test_overlap_is_found_in_question_context_history_and_answer(tmp_path: Path):
    lake = lake_with_overlaps(tmp_path, **PLACES)
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    folder_with(tmp_path, exam__jsonl=json.dumps({"question": LONG}))
    outcome = next(
        o for o in leakage_checks(lake, SEGMENT, version.fingerprint, CONFIG) if o.name == "no_benchmark_overlap"
    )
    assert not outcome.passed
    assert outcome.blocking
    assert (outcome.details["examples"], outcome.details["conversations"], outcome.details["items"]) == (4, 4, 1)
    (item,) = outcome.details["overlaps"]
    assert {e["example_id"] for e in item["examples"]} == {
        example(200 + n, **{p: v})["example_id"] for n, (p, v) in enumerate(PLACES.items())
    }
    assert "exam item 0" in outcome.message
    assert "on_overlap: exclude" in outcome.message


def test_excluding_reaches_turns_whose_opening_was_left_out_and_other_conversations_on_the_same_exercise(
    tmp_path: Path,
):
    opening = example(200, question=PLACES["question"], question_id="ex-1")
    twin = {
        **opening,
        "interaction_id": "int-201",
        "example_id": "f" * 16,
        "conversation_id": "conv-201",
    }  # an exact duplicate
    later = example(202, conversation_id="conv-201", turn=1, question="So is it two, or is it three after all?")
    other = example(203, question_id="ex-1", question="Could you explain the last step of this one to me?")
    lake = lake_with(tmp_path, [*examples(range(40)), opening, twin, later, other])
    folder_with(
        tmp_path, exam__tsv=f"{LONG}\t2", benchmarks__yaml="benchmarks:\n- {file: exam.tsv, on_overlap: exclude}"
    )
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    assert version.manifest.removed_by_rule == {"benchmark_overlap": 3, "exact_duplicate": 1}


def test_excluding_removes_the_whole_conversation_and_lets_the_dataset_pass(tmp_path: Path):
    follower = example(
        300, conversation_id=example(200)["conversation_id"], question="And why is that so, could you tell me?"
    )
    lake = lake_with(tmp_path, [*examples(range(40)), example(200, question=PLACES["question"]), follower])
    folder_with(
        tmp_path,
        exam__jsonl=json.dumps({"question": LONG}),
        benchmarks__yaml="benchmarks:\n- {file: exam.jsonl, on_overlap: exclude}",
    )
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    assert version.manifest.removed_by_rule == {"benchmark_overlap": 2}
    assert all(check.passed for check in version.manifest.leakage)
    assert version.manifest.benchmarks == (BenchmarkRecord(name="exam", items=1, on_overlap="exclude"),)
    train = read_split(lake, SEGMENT, version.fingerprint, "train", ["interaction_id"])
    assert "int-300" not in train["interaction_id"].to_pylist()


@pytest.mark.parametrize("place", [*PLACES, "system_prompt"])
def test_whatever_excluding_leaves_passes_the_check(tmp_path: Path, place: str):
    value = LONG if place == "system_prompt" else PLACES[place]
    lake = lake_with_overlaps(tmp_path, **{place: value})
    folder_with(
        tmp_path, exam__tsv=f"{LONG}\t2", benchmarks__yaml="benchmarks:\n- {file: exam.tsv, on_overlap: exclude}"
    )
    version = build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
    assert version.manifest.removed_by_rule == {"benchmark_overlap": 1}
    assert all(check.passed for check in version.manifest.leakage)


def test_a_dataset_that_is_all_benchmark_is_too_small(tmp_path: Path):
    lake = lake_with(tmp_path, [example(n, question=f"{LONG} {n}") for n in range(20)])
    folder_with(
        tmp_path, exam__tsv=f"{LONG}\t2", benchmarks__yaml="benchmarks:\n- {file: exam.tsv, on_overlap: exclude}"
    )
    with pytest.raises(SegmentTooSmallError, match=r"0 examples in 0 independent groups.*'benchmark_overlap': 20"):
        build_dataset(lake, SEGMENT, CONFIG, CURATION, now=NOW)
