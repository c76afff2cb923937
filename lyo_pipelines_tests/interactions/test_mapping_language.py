"""What a mapping can say beside renames: scales, picks, first paths, conditions, conversations; and where a wrong one is wrong."""

from __future__ import annotations

import json

import pytest

from lyo_pipelines.interactions.errors import MappingError
from lyo_pipelines.interactions.fields.mapping import lookup, parse_mapping
from lyo_pipelines.interactions.fields.notes import NOTES
from lyo_pipelines.interactions.formats.mapped import mapped
from lyo_pipelines_tests.interactions.landing_lake import as_csv, build, jsonl, lake_at, land, rejected

HEAD = "constants: {task: tutoring, language: en}\n"


def mapping(text: str):
    return parse_mapping(text.encode(), "m.yaml")


def landed(tmp_path, text: str, rows: list[dict], write=jsonl, suffix: str = "jsonl"):
    lake = lake_at(tmp_path / "data")
    report = land(lake, write(tmp_path / f"rows.{suffix}", rows), mapping=mapping(text))
    return report, build(lake).to_pylist(), rejected(lake)


def asked(**changes):
    return {"id": "a", "at": "2026-10-02T08:00:00Z", "q": "Why is ice slippery?", "a": "A thin film melts."} | changes


FIELDS = "fields:\n  interaction_id: id\n  occurred_at: at\n  question: q\n  answer: a\n"


@pytest.mark.parametrize(
    ("scale", "given", "expected"),
    [
        ("[0, 10]", [0, 10, 5, 7.5], [1, 5, 3, 4]),
        ("[1, 7]", [1, 7, 4], [1, 5, 3]),
        ("[-1, 1]", [-1, 1, 0], [1, 5, 3]),
        ("[0, 100]", ["25", "100"], [2, 5]),
        ("[6, 1]", [6, 1], [1, 5]),
    ],
)
def test_a_declared_scale_is_converted_to_1_to_5(tmp_path, scale, given, expected):
    rows = [asked(id=f"r{n}", mark=value) for n, value in enumerate(given)]
    _, found, _ = landed(tmp_path, f"{HEAD}{FIELDS}  rating: {{from: mark, scale: {scale}}}\n", rows)
    assert [row["rating"] for row in found] == pytest.approx(expected)


@pytest.mark.parametrize("where", ["field", "file"])
def test_numbers_with_decimal_commas_are_read_where_the_mapping_says_so(tmp_path, where):
    given = {"1,95": 1950, "0,4": 400, "12": 12_000, "1.234,5": 1_234_500, "2.5": None, "1,2,3": None, 0.5: 500}
    rows = [asked(id=f"r{n}", took=value) for n, value in enumerate(given)]
    head, key = (f"decimal: ','\n{HEAD}", "") if where == "file" else (HEAD, ", decimal: ','")
    _, found, _ = landed(tmp_path, f"{head}{FIELDS}  response_time_ms: {{from: took, unit: s{key}}}\n", rows)
    assert [row["response_time_ms"] for row in found] == list(given.values())


def test_a_text_is_no_number_and_has_no_decimal_sign(tmp_path):
    with pytest.raises(MappingError, match=r"question\.decimal: only rating, .* are numbers"):
        mapping(f"{HEAD}fields:\n  question: {{from: q, decimal: ','}}\n  answer: a\n")
    rows = [asked(a="It weighs 1,5 kg."), asked(id="b", a="2,5")]
    _, found, _ = landed(tmp_path, f"decimal: ','\n{HEAD}{FIELDS}", rows)
    assert [row["answer"] for row in found] == ["It weighs 1,5 kg.", "2,5"]


@pytest.mark.parametrize(
    ("scale", "given", "expected"),
    [("[0, 1]", [0, 1, True, False, "0"], [-1, 1, 1, -1, -1]), ("[-1, 1]", [-1, 1, 0], [-1, 1, None])],
)
def test_thumbs_are_told_by_their_scale(tmp_path, scale, given, expected):
    rows = [asked(id=f"r{n}", liked=value) for n, value in enumerate(given)]
    _, found, _ = landed(tmp_path, f"{HEAD}{FIELDS}  thumbs: {{from: liked, scale: {scale}}}\n", rows)
    assert [row["thumbs"] for row in found] == expected


def test_relevance_in_percent_is_converted_to_0_to_1(tmp_path):
    text = f"{HEAD}{FIELDS}  relevance_score: {{from: fit, scale: [0, 100]}}\n"
    _, found, _ = landed(tmp_path, text, [asked(fit=85)])
    assert found[0]["relevance_score"] == pytest.approx(0.85)


def test_question_history_and_system_prompt_are_picked_out_of_what_the_model_was_asked(tmp_path):
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "What is a lake?"},
        {"role": "assistant", "content": "Still water."},
        {"role": "user", "content": "And a river?"},
    ]
    text = HEAD + (
        "fields:\n  occurred_at: at\n  question: {from: sent, pick: question}\n  history: {from: sent, pick: history}\n"
        "  system_prompt: {from: sent, pick: system}\n  turn: {from: sent, pick: turn}\n  answer: {from: got, pick: text}\n"
    )
    got = {"choices": [{"message": {"role": "assistant", "content": "Moving water."}}]}
    for sent in (messages, json.dumps(messages), [messages]):
        _, found, _ = landed(tmp_path / str(type(sent)) / str(len(sent)), text, [asked(sent=sent, got=got)])
        row = found[0]
        assert (row["question"], row["answer"], row["system_prompt"], row["turn"]) == (
            "And a river?",
            "Moving water.",
            "Be kind.",
            1,
        )
        assert [turn["content"] for turn in row["history"]] == ["What is a lake?", "Still water."]


def test_question_and_answer_of_one_list_belong_together(tmp_path):
    talk = [{"role": "user", "content": "What is rust?"}, {"role": "assistant", "content": "Iron with oxygen."}]
    text = f"{HEAD}fields: {{occurred_at: at, question: {{from: talk, pick: question}}, answer: {{from: talk, pick: answer}}}}"
    _, found, _ = landed(tmp_path, text, [asked(talk=talk)])
    assert (found[0]["question"], found[0]["answer"]) == ("What is rust?", "Iron with oxygen.")


def test_single_messages_can_be_picked_by_role_and_place():
    talk = [{"role": role, "content": f"{role} {n}"} for n in (1, 2) for role in ("user", "assistant")]
    picks = {
        "question": "first_user",
        "answer": "first_assistant",
        "context": "last_user",
        "edited_answer": "last_assistant",
    }
    convert = mapped(
        mapping("fields:\n" + "".join(f"  {name}: {{from: talk, pick: {pick}}}\n" for name, pick in picks.items()))
    ).convert
    assert convert is not None
    assert convert({"talk": talk}) == {
        "question": "user 1",
        "answer": "assistant 1",
        "context": "user 2",
        "edited_answer": "assistant 2",
    }


def test_the_first_path_that_says_something_counts(tmp_path):
    text = f"{HEAD}fields:\n  occurred_at: at\n  interaction_id: id\n  question: {{first: [asked, body.q, q]}}\n"
    rows = [
        asked(id="1", asked="{}", body={"q": "from the body"}),
        asked(id="2", asked="itself"),
        asked(id="3", asked=None),
    ]
    _, found, _ = landed(tmp_path, text, rows)
    assert [row["question"] for row in found] == ["from the body", "itself", "Why is ice slippery?"]


def test_an_answer_that_is_an_empty_list_stays_an_answer(tmp_path):
    _, found, _ = landed(tmp_path, HEAD + FIELDS, [asked(a="[]")])
    assert found[0]["answer"] == "[]"


def test_only_the_rows_that_are_asked_for_are_read_and_the_others_counted(tmp_path):
    text = f"{HEAD}only: {{kind: [chat, 7], parent: null}}\n{FIELDS}"
    rows = [
        asked(id="1", kind="chat"),
        asked(id="2", kind=7.0, parent=""),
        asked(id="3", kind="embedding"),
        asked(id="4"),
        asked(id="5", kind="chat", parent="x"),
    ]
    report, found, refused = landed(tmp_path, text, rows)
    assert [row["interaction_id"] for row in found] == ["1", "2"]
    assert report.rejected_by_reason == {"not_selected": 3}
    assert refused[0]["detail"] == "kind is 'embedding', and only chat, 7 counts"


def test_a_field_may_count_in_some_rows_only(tmp_path):
    text = f"{HEAD}{FIELDS}  complaint_text: {{from: comment, only: {{liked: [-1]}}}}\n"
    rows = [asked(id="1", comment="too long", liked=-1), asked(id="2", comment="lovely", liked=1)]
    _, found, _ = landed(tmp_path, text, rows)
    assert [row["complaint_text"] for row in found] == ["too long", None]


def test_durations_between_times_and_in_nanoseconds(tmp_path):
    text = (
        f"{HEAD}{FIELDS}  response_time_ms: {{from: begun, until: ended}}\n"
        "  time_to_first_token_ms: {from: waited, unit: ns}\n"
    )
    rows = [
        asked(id="1", begun="2026-10-02T08:00:00", ended="2026-10-02T08:00:02.5", waited=120_000_000),
        asked(id="2", begun="2026-10-02T08:00:00", ended="2026-10-02T07:00:00"),
    ]
    _, found, _ = landed(tmp_path, text, rows)
    assert [(row["response_time_ms"], row["time_to_first_token_ms"]) for row in found] == [
        (2500.0, 120.0),
        (None, None),
    ]


def test_one_time_zone_serves_all_times_without_offset(tmp_path):
    text = f"timezone: Asia/Kolkata\n{HEAD}{FIELDS}"
    _, found, _ = landed(
        tmp_path, text, [asked(id="1", at="2026-10-02 05:30:00"), asked(id="2", at="2026-10-02T05:30:00Z")]
    )
    assert [row["occurred_at"].hour for row in found] == [0, 5]


def test_values_meet_what_a_table_program_made_of_them(tmp_path):
    text = f"{HEAD}{FIELDS}  subject: {{from: code, values: {{1001: math, yes: art, true: music, '7.0': chemistry}}}}\n"
    codes = [1001.0, "1001.0", 1001, "yes", True, "TRUE", 7]
    rows = [asked(id=f"r{n}", code=code) for n, code in enumerate(codes)]
    _, found, _ = landed(tmp_path, text, rows)
    assert [row["subject"] for row in found] == ["math", "math", "math", "art", "music", "music", "chemistry"]


def test_a_text_that_says_it_was_cut_is_refused(tmp_path):
    text = f"{HEAD}{FIELDS.replace('answer: a', 'answer: {from: a, refuse: [(cut here]}')}"
    report, found, _ = landed(tmp_path, text, [asked(id="1", a="First half (cut here 40 chars)"), asked(id="2")])
    assert report.rejected_by_reason == {"cut_answer": 1}
    assert [row["interaction_id"] for row in found] == ["2"]


TREE = {
    "u1": {"id": "u1", "parentId": None, "role": "user", "content": "Is glass a liquid?"},
    "a1": {"id": "a1", "parentId": "u1", "role": "assistant", "content": "Yes.", "mark": -1},
    "a2": {"id": "a2", "parentId": "u1", "role": "assistant", "content": "No, a solid without order.", "mark": 1},
    "u2": {"id": "u2", "parentId": "a2", "role": "user", "content": "Why do people say so?"},
    "a3": {"id": "a3", "parentId": "u2", "role": "assistant", "content": "Old panes are uneven."},
}
TALK = (
    f"answers_of: talk\n{HEAD}fields:\n  interaction_id: {{first: [pair.answer.id, pair.answer.n]}}\n  occurred_at: at\n"
    "  question: pair.question.content\n  answer: pair.answer.content\n  history: pair.history\n  turn: pair.turn\n"
    "  thumbs: pair.answer.mark\n"
)


def test_each_answer_of_a_tree_of_messages_is_an_interaction_also_the_one_that_was_disliked_and_asked_for_again(
    tmp_path,
):
    report, found, _ = landed(tmp_path, TALK, [asked(talk=TREE)])
    assert report.read == 3
    assert [(row["interaction_id"], row["turn"], row["thumbs"]) for row in found] == [
        ("a1", 0, -1),
        ("a2", 0, 1),
        ("a3", 1, None),
    ]
    assert found[0]["question"] == found[1]["question"] == "Is glass a liquid?"
    assert [turn["content"] for turn in found[2]["history"]] == ["Is glass a liquid?", "No, a solid without order."]


def test_each_answered_question_of_a_list_is_an_interaction_and_what_one_side_said_in_turn_is_one_text(tmp_path):
    said = [("user", "One"), ("user", "more?"), ("assistant", "Two."), ("assistant", "Three."), ("user", "Thanks!")]
    talk = [{"role": role, "content": text, "n": f"m{n}"} for n, (role, text) in enumerate(said)]
    _, found, _ = landed(tmp_path, TALK, [asked(talk=talk)])
    assert [(row["question"], row["answer"]) for row in found] == [("One\n\nmore?", "Two.\n\nThree.")]


@pytest.mark.parametrize("talk", [None, [], {}, "no list", [{"role": "user", "content": "Anybody?"}]])
def test_a_conversation_without_an_answer_is_one_rejected_row(tmp_path, talk):
    report, _, _ = landed(tmp_path, TALK, [asked(talk=talk)])
    assert report.rejected_by_reason == {"no_answered_question": 1}


def test_a_circle_of_parents_ends(tmp_path):
    talk = {key: {**TREE[key], "parentId": parent} for key, parent in (("u1", "a1"), ("a1", "u1"))}
    report, _, _ = landed(tmp_path, TALK, [asked(talk=talk)])
    assert report.read == 1


def test_paths_count_from_the_end_and_meet_names_with_dots():
    source = {"talk": [{"text": "first"}, {"text": "last"}], "tags": {"user.id": 7}}
    assert lookup(source, "talk.-1.text") == "last"
    assert lookup(source, "talk.-3.text") is None
    assert lookup(source, "tags.user.id") == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "fields:\n  question: q\n  ratng: stars",
            "line 3: fields.ratng: is no field of interactions; did you mean rating?",
        ),
        ("fields:\n  question:\n    from: q\n    tiem: iso", "line 4: fields.question.tiem"),
        (
            "fields:\n  rating: {from: s,\n    scale: [3, 3]}",
            "line 3: fields.rating.scale: expected two numbers that differ",
        ),
        ("fields:\n  rating: {scale: [0, 1]}", "line 2: fields.rating: expected `from` (a path) or `first`"),
        (
            "fields:\n  model: {from: m, scale: [0, 1]}",
            "line 2: fields.model.scale: only rating, thumbs, relevance_score",
        ),
        ("fields:\n  rating: {from: m, pick: last_user}", "line 2: fields.rating.pick: last_user gives"),
        ("fields:\n  answer: {from: m, pick: newest}", "line 2: fields.answer.pick"),
        ("fields:\n  question: q\n\nconstants:\n  lang: en", "line 5: constants.lang: is no field"),
        ("fields:\n  question: q\ntimezone: Mars", "line 3: timezone: expected a time zone name"),
        ("fields:\n  question: q\n  question: p", "line 3: fields.question stands in line 2 already"),
        ("fields:\n  question: [q\n", "line 3: expected"),
        (
            "fields:\n  rating: {from: s, until: e}",
            "line 2: fields.rating.until: only fields ending in _ms are durations",
        ),
    ],
)
def test_a_wrong_mapping_says_the_line(text, said):
    with pytest.raises(MappingError) as error:
        mapping(text)
    assert said in str(error.value), str(error.value)


def test_a_mark_outside_the_declared_scale_is_never_a_rating():
    convert = mapped(mapping("fields: {question: q, relevance_score: {from: fit, scale: [0, 10]}}")).convert
    assert convert is not None
    assert convert({"q": "q", "fit": 8}) == {"question": "q", "relevance_score": 0.8}
    assert convert({"q": "q", "fit": 85}) == {
        "question": "q",
        NOTES: ["relevance_score_out_of_range: the value is left out"],
    }


def test_a_csv_file_reads_json_in_its_cells(tmp_path):
    text = f"{HEAD}fields: {{occurred_at: at, question: {{from: sent, pick: question}}, answer: got.reply}}"
    sent = json.dumps([{"role": "user", "content": "Who named the elements?"}])
    _, found, _ = landed(tmp_path, text, [asked(sent=sent, got=json.dumps({"reply": "Many people."}))], as_csv, "csv")
    assert (found[0]["question"], found[0]["answer"]) == ("Who named the elements?", "Many people.")
