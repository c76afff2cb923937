"""A draft of a mapping parses, marks its guesses, shows no value of a person, and lands the file that it was made for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.drafting.draft import draft_mapping
from lyo_pipelines.interactions.drafting.names import NAMES, plain_name
from lyo_pipelines.interactions.drafting.shapes import columns_of
from lyo_pipelines.interactions.fields.mapping import parse_mapping
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import as_csv, as_parquet, build, conversation, jsonl, lake_at, land

Row = dict[str, Any]

TABLE = [
    {
        "Logged At": f"0{1 + n}.10.2026 14:30",
        "Student": f"pupil{n % 3}@example.org",
        "chat_id": f"c{n // 2}",
        "turn_no": n % 2,
        "Question Text": f"How many corners has a shape with {n + 3} sides?",
        "Model Reply": f"It has {n + 3} corners.",
        "score": (0, 10, 7)[n % 3],
        "Vote": ("👍", "👎", None)[n % 3],
        "Course Name": "geometry",
        "latency": 1.25,
    }
    for n in range(9)
]
CHATS = [
    {
        "log_id": f"L{n}",
        "sent": 1790928000000 + n,
        "conv": [
            {"role": "system", "content": "Be patient."},
            {"role": "user", "content": f"What is {n} times two, please?"},
            {"role": "assistant", "content": f"It is {2 * n}."},
        ],
        "meta": {"user": {"id": f"u{n}"}, "lang": "en"},
    }
    for n in range(9)
]
CALLS = [
    {
        "event": {"ts": f"2026-10-02T08:00:0{n}Z", "id": f"e{n}"},
        "request": {"query": f"How does part {n} of a plant grow?", "user": f"u{n}"},
        "response": {
            "choices": [{"message": {"role": "assistant", "content": "With light."}, "finish_reason": "stop"}]
        },
        "took_seconds": 0.5,
    }
    for n in range(9)
]
GERMAN = [
    {
        "Zeitstempel": 1790928000 + n,
        "Frage": f"Warum ist {n} eine besondere Zahl?",
        "Antwort": "Sie hat Teiler.",
        "Sterne": 1 + n % 5,
    }
    for n in range(9)
]


def drafted(rows: list[Row]) -> str:
    return draft_mapping("rows.jsonl", rows)


def landed(tmp_path, rows: list[Row], write: Any = jsonl, name: str = "rows.jsonl") -> list[Row]:
    lake = lake_at(tmp_path / "data")
    report = land(lake, write(tmp_path / name, rows), mapping=parse_mapping(drafted(rows).encode(), "draft.yaml"))
    assert (report.accepted, report.rejected_by_reason) == (len(rows), {})
    return sorted(build(lake).to_pylist(), key=lambda row: row["occurred_at"])


@pytest.mark.parametrize(("write", "name"), [(jsonl, "rows.jsonl"), (as_csv, "rows.csv"), (as_parquet, "rows.parquet")])
def test_the_draft_of_a_table_lands_it(tmp_path, write, name):
    row = landed(tmp_path, TABLE, write, name)[1]
    assert (row["question"], row["answer"]) == ("How many corners has a shape with 4 sides?", "It has 4 corners.")
    assert (row["occurred_at"].isoformat(), row["conversation_id"], row["turn"]) == (
        "2026-10-02T14:30:00+00:00",
        conversation("c0"),
        1,
    )
    assert (row["rating"], row["thumbs"], row["subject"], row["response_time_ms"]) == (5, -1, "geometry", 1250)
    assert row["user_pseudonym"]


def test_the_draft_of_chats_picks_question_answer_and_instructions(tmp_path):
    row = landed(tmp_path, CHATS)[3]
    assert (row["interaction_id"], row["question"], row["answer"]) == ("L3", "What is 3 times two, please?", "It is 6.")
    assert (row["system_prompt"], row["language"]) == ("Be patient.", "en")
    assert row["user_pseudonym"]


def test_the_draft_of_logged_calls_takes_the_text_out_of_the_response(tmp_path):
    row = landed(tmp_path, CALLS)[2]
    assert (row["interaction_id"], row["question"], row["answer"]) == (
        "e2",
        "How does part 2 of a plant grow?",
        "With light.",
    )
    assert row["response_time_ms"] == 500


def test_columns_in_another_language_are_known(tmp_path):
    row = landed(tmp_path, GERMAN)[4]
    assert (row["question"], row["answer"], row["rating"]) == ("Warum ist 4 eine besondere Zahl?", "Sie hat Teiler.", 5)
    assert row["language"] == "de"


def test_the_only_text_left_beside_an_answer_is_the_question():
    rows = [
        {"ts": 1790928000 + n, "zzz": f"Why is {n} a number at all?", "reply": "It counts.", "k": "x"} for n in range(4)
    ]
    assert "question: zzz" in drafted(rows) and "# guess: the only text that is left" in drafted(rows)
    assert "# missing: question" in drafted([row | {"yyy": "another longer text beside it"} for row in rows])


def test_each_guess_is_marked_and_columns_left_over_are_listed_by_their_shape():
    text = drafted(
        [row | {"ward": n, "note": f"met Ms. Rao on day {n}, at noon, with her brother"} for n, row in enumerate(TABLE)]
    )
    fields = text.partition("fields:\n")[2].partition("\nconstants:")[0]
    assert all("# guess: " in line for line in fields.splitlines())
    assert "#   ward: whole numbers from 0 to 8" in text
    assert "#   note: text of about" in text
    assert "Rao" not in text and "@example.org" not in text


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ([1, 2, 4, 5], "\n  rating: stars"),
        ([0, 4, 10], "\n  rating: {from: stars, scale: [0, 10]}"),
        ([2, 3, 9], "\n  # rating: {from: stars, scale: [0, 10]}"),
        ([-1, 1, 1], "\n  thumbs: {from: stars, scale: [-1, 1]}"),
    ],
)
def test_a_scale_is_used_where_its_ends_were_seen_and_proposed_elsewhere(marks, said):
    assert said in drafted([{"question": f"q{n}", "stars": mark} for n, mark in enumerate(marks)])


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["02.10.2026 08:00", "13.10.2026 09:30"], '\n  occurred_at: {from: ts, time: "%d.%m.%Y %H:%M"}'),
        (["02/10/2026 08:00", "03/10/2026 09:30"], '\n  # occurred_at: {from: ts, time: "%d/%m/%Y %H:%M"}'),
        (["02/13/2026 08:00", "03/10/2026 09:30"], '\n  occurred_at: {from: ts, time: "%m/%d/%Y %H:%M"}'),
        (["yesterday", "today"], '\n  # occurred_at: {from: ts, time: "%d.%m.%Y %H:%M"}'),
        (["2026-10-02 08:00:00", "2026-10-03"], "\n  occurred_at: ts"),
    ],
)
def test_a_pattern_of_times_is_used_where_it_is_the_only_one(times, said):
    assert said in drafted([{"question": "Why?", "ts": at} for at in times])


def test_rows_in_a_known_format_are_told():
    assert "# They look like openai_messages" in drafted([{"messages": [{"role": "user", "content": "Why?"}]}])
    assert "They look like" not in drafted(TABLE)


def test_what_is_missing_is_said():
    text = drafted([{"a": 1}, {"a": 2}])
    assert "# missing: question:" in text and "# missing: occurred_at:" in text


def test_no_name_stands_for_two_fields_in_one_place_of_preference():
    for field, names in NAMES.items():
        plain = [plain_name(name) for name in names]
        assert len(plain) == len(set(plain)), field


names = st.text(min_size=1, max_size=12) | st.sampled_from([name for words in NAMES.values() for name in words])
cells = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
deep = st.recursive(
    cells, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


@settings(max_examples=draws(150))
@given(st.lists(st.dictionaries(names, deep, max_size=5), min_size=1, max_size=5))
def test_the_draft_of_any_rows_parses(rows):
    parsed = parse_mapping(drafted(rows).encode("utf-8", "surrogatepass"), "draft.yaml")
    known = {column.path for column in columns_of(rows)}
    assert {path for spec in parsed.fields.values() for path in spec.source} <= known


@pytest.mark.parametrize(
    ("values", "comma"),
    [(["1,95", "0,4", "12"], True), (["1,234", "5,678"], False), (["1,95", "soon"], False), (["3", "4"], False)],
)
def test_decimal_commas_are_told_by_fractions_that_are_no_thousands(values: list[str], comma: bool) -> None:
    (column,) = columns_of([{"took": value} for value in values])
    assert (column.kind == "number" and column.comma) == comma


def test_the_draft_of_a_list_with_decimal_commas_and_pupils_lands_them(tmp_path) -> None:
    rows = [
        {
            "Nr": f"OT-{n}", "asked at": f"0{n + 1}.10.2026 08:4{n}", "Pupil": f"p{n}@example.org", "Frage": f"What is {n} and {n}?",
            "Bot reply": f"It is {2 * n}.", "Sterne": "5", "took_s": f"1,{n + 1}", "Session key": f"s{n // 2}",
        }
        for n in range(9)
    ]  # fmt: skip
    text = draft_mapping("dump.csv", rows)
    lake = lake_at(tmp_path / "data")
    land(lake, as_csv(tmp_path / "dump.csv", rows), mapping=parse_mapping(text.encode(), "m.yaml"))
    landed = build(lake).to_pylist()
    assert sorted(row["response_time_ms"] for row in landed) == [1000 + 100 * (n + 1) for n in range(9)]
    assert len({row["conversation_id"] for row in landed}) == 5
    assert all(row["user_pseudonym"] for row in landed)


def test_what_a_database_keeps_of_a_row_is_not_its_time() -> None:
    rows = [
        {"question": f"How deep is lake {n}?", "_ts": 1791900000 + n, "start_time": str(1791709200 + n)}
        for n in range(5)
    ]
    assert parse_mapping(draft_mapping("a.json", rows).encode(), "a").fields["occurred_at"].source == ("start_time",)


def test_words_of_thumbs_under_the_name_of_a_rating_are_thumbs_and_only_the_dissatisfied_complain() -> None:
    rows = [
        {"question": "How deep is it?", "answer": "Ten metres deep.", "rating": word, "comment": "as I think"}
        for word in ("up", "down", "up")
    ]
    fields = parse_mapping(draft_mapping("a.json", rows).encode(), "a").fields
    assert fields["thumbs"].source == ("rating",)
    assert fields["thumbs"].values == {"up": 1, "down": -1}
    assert fields["complaint_text"].only == {"rating": ("down",)}


def test_a_comment_that_nothing_judges_is_proposed_and_not_used() -> None:
    rows = [{"question": "How deep is it?", "answer": "Ten metres deep.", "comment": "as I think"}]
    draft = draft_mapping("a.json", rows)
    assert "complaint_text" not in parse_mapping(draft.encode(), "a").fields
    assert "# complaint_text: comment" in draft


def test_the_input_of_an_instruction_is_not_lost() -> None:
    rows = [
        {"instruction": "Sort these words.", "input": f"plum, fig, pear {n}", "output": "fig, pear, plum"}
        for n in range(3)
    ]
    fields = parse_mapping(draft_mapping("a.json", rows).encode(), "a").fields
    assert {name: fields[name].source[0] for name in ("question", "context", "answer")} == {
        "question": "instruction",
        "context": "input",
        "answer": "output",
    }


def test_rows_of_single_messages_are_told(tmp_path) -> None:
    rows = [
        {"role": who, "content": f"said {n}", "timestamp": "2026-10-11"}
        for n in range(3)
        for who in ("user", "assistant")
    ]
    drafted = draft_mapping("a.csv", rows)
    assert "Each row seems to be one message of a conversation, but no column names its conversation" in drafted
    assert not {"question", "answer"} & parse_mapping(drafted.encode(), "a").fields.keys()
    report = land(lake_at(tmp_path / "data"), jsonl(tmp_path / "a.jsonl", rows))
    assert "each row seems to be one message" in (report.unreadable or "")


def test_an_expected_answer_is_no_answer_an_id_no_question_and_a_false_label_is_down() -> None:
    rows = [
        {
            "request_id": f"8f0{n}",
            "input": {"question": f"How deep is lake {n}?"},
            "expected_output": {"answer": "Ten metres."},
        }
        for n in range(3)
    ]
    fields = parse_mapping(draft_mapping("a.json", rows).encode(), "a").fields
    assert fields["question"].source == ("input.question",)
    assert "answer" not in fields
    pairs = [
        {
            "prompt": [{"role": "user", "content": "Why?"}],
            "completion": [{"role": "assistant", "content": "So."}],
            "label": n > 0,
        }
        for n in range(3)
    ]
    fields = parse_mapping(draft_mapping("a.json", pairs).encode(), "a").fields
    assert (fields["answer"].pick, fields["thumbs"].source) == ("text", ("label",))
