"""A draft of a mapping parses, marks its guesses, shows no value of a person, and lands the file that it was made for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.drafting.draft import draft_mapping
from lyo_pipelines.interactions.drafting.names import NAMES, plain_name
from lyo_pipelines.interactions.drafting.shapes import columns_of
from lyo_pipelines.interactions.fields.mapping import FieldMapping, parse_mapping
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


def fields_of(rows: list[Row], subjects: tuple[str, ...] = ()) -> dict[str, FieldMapping]:
    return parse_mapping(draft_mapping("a.csv", rows, subjects).encode(), "a").fields


def sources(rows: list[Row]) -> dict[str, str]:
    return {name: spec.source[0] for name, spec in fields_of(rows).items()}


SHEET = [
    {
        "Ticket No.": f"T-{n:03d}",
        "Asked on (IST)": f"{n + 1:02d}/10/2026 0{n}:15 PM",
        "Pupil": f"p{n % 3}@school.example",
        "Doubt": f"Why does ice float on water, part {n}?",
        "Reply given by Bot": f"Because it is less dense than water, see {n}.",
        "Stars": ("5/5", "4/5", "2/5", None)[n % 4],
        "Paper": "Maths",
        "Std.": ("Class VI", "Class VII", "VIII")[n % 3],
        "Medium": "English",
        "Secs taken": f"{n},5",
    }
    for n in range(1, 10)
]


def test_a_list_that_a_school_keeps_lands_as_a_person_would_read_it(tmp_path) -> None:
    text = draft_mapping("doubts.csv", SHEET, ("math", "physics"))
    lake = lake_at(tmp_path / "data")
    report = land(lake, as_csv(tmp_path / "doubts.csv", SHEET), mapping=parse_mapping(text.encode(), "m.yaml"))
    assert (report.accepted, report.rejected_by_reason) == (9, {})
    row = min(build(lake).to_pylist(), key=lambda row: row["occurred_at"])
    assert row["occurred_at"].isoformat() == "2026-10-02T07:45:00+00:00"
    assert (row["rating"], row["grade"], row["subject"], row["language"]) == (4, "7", "math", "en")
    assert (row["interaction_id"], row["response_time_ms"]) == ("T-001", 1500)
    assert row["question"].startswith("Why does ice") and row["answer"].startswith("Because")


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("What is your doubt?", "Answer shown by the AI"),
        ("Student's question", "Answer to the question"),
        ("ask_ai_input", "ask_ai_output"),
        ("Pregunta del alumno", "Respuesta de la IA"),
        ("Schülerfrage", "KI-Antwort"),
        ("सवाल", "जवाब"),
        ("Incoming Message", "Outgoing Message"),
        ("UserUtterance", "SystemUtterance"),
        ("fields.req.prompt", "fields.res.answer"),
        ("column_1", "column_2"),
    ],
)
def test_question_and_answer_are_told_by_the_words_of_their_headers_or_by_their_question_marks(asked, answered) -> None:
    rows = [
        {"at": "2026-10-02", answered: f"It has {n} sides.", asked: f"How many sides has it, {n}?"} for n in range(9)
    ]
    assert sources(rows)["question"] == asked
    assert sources(rows)["answer"] == answered


def test_two_texts_of_which_neither_asks_are_proposed_and_not_used() -> None:
    rows = [{"x": f"The first text number {n}", "z": f"The other text number {n}"} for n in range(5)]
    assert "# question: x" in drafted(rows) and "# answer: z" in drafted(rows)
    assert not {"question", "answer"} & set(sources(rows))


def test_an_answer_that_was_wished_for_and_the_score_of_a_judge_are_not_what_users_saw_and_said() -> None:
    rows = [
        {"Query": f"How deep is lake {n}?", "Response": f"It is {n} m deep.", "Expected": f"{n} metres of water", "judge_score": n / 9}
        for n in range(9)
    ]  # fmt: skip
    assert sources(rows) == {"question": "Query", "answer": "Response", "reference_answer": "Expected"}


@pytest.mark.parametrize(
    ("words", "ratings"),
    [
        (["Excellent", "Good", "Average", "Poor", "Very poor"], [5, 4, 3, 2, 1]),
        (["★★★★★", "★★★☆☆", "★"], [5, 3, 1]),
        (["5 stars", "1 star"], [5, 1]),
        (["4 out of 5", "2 out of 5"], [4, 2]),
        (["5 - Excellent", "1 - Very poor"], [5, 1]),
    ],
)
def test_words_that_rate_become_ratings(words, ratings) -> None:
    spec = fields_of([{"question": "Why is it so?", "Feedback": word} for word in words])["rating"]
    assert spec.values == dict(zip(words, ratings, strict=True))


@pytest.mark.parametrize(
    "words", [["1 - sehr gut", "5 - mangelhaft"], ["Excellent", "Blue", "Poor"], ["7/10", "3/10"], ["Good", "Poor"]]
)
def test_words_whose_place_is_not_sure_are_no_ratings(words) -> None:
    assert "rating" not in fields_of([{"question": "Why is it so?", "Feedback": word} for word in words])


@pytest.mark.parametrize(
    ("header", "words", "thumbs"),
    [
        ("Satisfied (Y/N)", ["Y", "N"], {"Y": 1, "N": -1}),
        ("mood", ["😀", "😞", "😐"], {"😀": 1, "😞": -1}),
        ("¿Te sirvió?", ["Sí", "No"], {"Sí": 1, "No": -1}),
        ("anything", ["👍", "👎"], {"👍": 1, "👎": -1}),
    ],
)
def test_words_and_signs_that_speak_for_or_against_are_thumbs(header, words, thumbs) -> None:
    assert fields_of([{"question": "Why is it so?", header: word} for word in words])["thumbs"].values == thumbs


@pytest.mark.parametrize(
    ("texts", "header", "pattern", "zone"),
    [
        (["30/09/2026 07:25 PM", "01/10/2026 08:00 AM"], "when", "%d/%m/%Y %I:%M %p", None),
        (["03/10/2026 07:25 PM", "01/10/2026 08:00 AM"], "Asked on (IST)", "%d/%m/%Y %I:%M %p", "Asia/Kolkata"),
        (["9-Oct-26", "21-Oct-26"], "A", "%d-%b-%y", None),
        (["9 October 2026", "21 October 2026"], "Entry Date", "%d %B %Y", None),
        (["10/21/2026 4:05:09 PM", "10/3/2026 4:05:09 AM"], "Start time", "%m/%d/%Y %I:%M:%S %p", None),
        (["Tue Oct 06 14:05:09 2026", "Wed Oct 07 14:05:09 2026"], "logged", "%a %b %d %H:%M:%S %Y", None),
    ],
)
def test_times_as_tables_write_them(texts, header, pattern, zone) -> None:
    spec = fields_of([{"question": "Why is it so?", header: text} for text in texts])["occurred_at"]
    assert (spec.time, spec.timezone) == (pattern, zone)


def test_a_date_and_a_time_of_day_in_two_columns_are_one_time(tmp_path) -> None:
    rows = [
        {"Date": f"{n + 11}/10/2026", "Time": f"{n + 1}:05 PM", "Doubt": f"Why is ice {n}?", "Reply": f"It is less dense {n}."}
        for n in range(9)
    ]  # fmt: skip
    text = draft_mapping("a.csv", rows)
    assert '{from: Date, clock: "Time", time: "%d/%m/%Y %I:%M %p"}' in text
    lake = lake_at(tmp_path / "data")
    land(lake, as_csv(tmp_path / "a.csv", rows), mapping=parse_mapping(text.encode(), "a"))
    assert min(build(lake).column("occurred_at").to_pylist()).isoformat() == "2026-10-11T13:05:00+00:00"


def test_of_two_times_the_beginning_counts() -> None:
    rows = [
        {
            "question": "Why is it so?",
            "Completion time": f"2026-10-02T08:1{n}:00Z",
            "Start time": f"2026-10-02T08:0{n}:00Z",
        }
        for n in range(5)
    ]
    assert sources(rows)["occurred_at"] == "Start time"


def test_the_agent_of_a_user_is_nobody_and_the_model_of_a_judge_wrote_no_answer() -> None:
    rows = [{"user_message": f"How deep is lake {n}?", "user_agent": "curl/8", "judge_model": "m1"} for n in range(5)]
    assert sources(rows) == {"question": "user_message"}


def test_a_number_that_comes_twice_names_no_row_and_hours_are_no_unit() -> None:
    rows = [
        {"Query text": f"How deep is lake {n}?", "Ticket ID": n // 2, "response time (in hrs)": 0.5} for n in range(6)
    ]
    assert not {"interaction_id", "response_time_ms"} & set(sources(rows))


def test_subjects_take_the_names_of_the_curriculum_where_only_one_is_meant() -> None:
    rows = [{"question": "Why is it so?", "subject": word} for word in ("Maths", "Chem", "Music", "physics")]
    known = ("math", "physics", "chemistry", "chemical_engineering")
    assert fields_of(rows, known)["subject"].values == {"Maths": "math"}
    assert fields_of(rows, known[:3])["subject"].values == {"Maths": "math", "Chem": "chemistry"}


def test_the_draft_for_single_messages_says_how_their_times_are_written_whatever_their_column_is_called() -> None:
    rows = [
        {"chat": f"c{n // 2}", "who": ("student", "bot")[n % 2], "msg": f"Line {n}.", "sent (IST)": f"{13 + n}/10/2026 07:15 PM"}
        for n in range(8)
    ]  # fmt: skip
    draft = draft_mapping("a.csv", rows)
    messages = parse_mapping(draft.encode(), "a").messages
    assert messages is not None and messages.time is not None
    time = messages.time
    assert (time.source, time.time, time.timezone) == (("sent (IST)",), "%d/%m/%Y %I:%M %p", "Asia/Kolkata")
    assert draft.count("sent (IST)") == 1
