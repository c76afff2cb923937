"""Every built-in metric on examples whose value is known, in three languages, and a team's own metric from a folder."""

from __future__ import annotations

from inspect import Parameter, Signature

import pytest

from lyo_pipelines.evaluation.measures.catalogue import (
    INPUTS,
    MetricError,
    MetricModule,
    load_metric,
    load_metrics,
    metric_files,
)
from lyo_pipelines_tests.evaluation import sample_reports


@pytest.fixture(scope="module")
def metrics() -> dict[str, MetricModule]:
    return {metric.name: metric for metric in load_metrics(metric_files())}


def values(metric: MetricModule, predictions: list[str], **columns):
    inputs = {name: columns.get(name, ["?"] * len(predictions)) for name in INPUTS} | {"predictions": predictions}
    return list(metric.compute(inputs).values)


def test_the_built_in_metrics_say_what_they_are(metrics):
    assert set(metrics) == {
        "above_grade", "checked_answer", "chrf", "language_match", "length_ratio", "loss", "relevance", "repetition", "rouge_l",
        "sentence_length", "solution_first", "tells_solution",
    }  # fmt: skip
    for metric in metrics.values():
        assert metric.direction in {"higher", "lower", "neutral"}
        assert metric.unit
        assert metric.sentence.endswith(".")


@pytest.mark.parametrize("name", ["rouge_l", "chrf"])
@pytest.mark.parametrize("reference", ["The sum of 2 and 2 is 4.", "दो और दो का योग चार है।", "இரண்டும் இரண்டும் நான்கு."])
def test_overlap_is_full_with_itself_none_with_another_script_and_between_for_a_part(metrics, name, reference):
    full = {"rouge_l": 1, "chrf": 100}[name]
    half = " ".join(reference.split()[:2])
    same, part, nothing, empty = values(
        metrics[name], [reference, half, "ξένο κείμενο", ""], references=[reference] * 4
    )
    assert same == pytest.approx(full)
    assert nothing == empty == 0
    assert 0 < part < full


def test_rouge_l_is_the_longest_common_subsequence_of_words(metrics):
    # 3 of 4 words in order on both sides
    assert values(metrics["rouge_l"], ["राम फल खाता है"], references=["राम मीठा खाता है"]) == [pytest.approx(0.75)]


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        ("Two and two.\nAnswer: 4", "4", 1),
        ("जोड़ें।\nउत्तर: ४", "4", 1),
        ("கூட்டு.\nவிடை: ௪", "4", 1),
        ("Answer: 4", "५", 0),
        ("Answer: 0.75", "3/4", 1),
        ("Answer: 75%", "75 %", 1),
        ("Answer: 1,200 m", "1200", 1),
        ("Answer: 12 cm", "12 m", 0),
        ("Answer: 12", "12 m", 1),
        ("Answer: Photosynthesis.", "photosynthesis", 1),
        ("Answer: x = 1, y = 3", "x=1, y=3", 1),
        ("Answer: x = 2, y = 3", "x=1, y=3", 0),
        ("Answer: x = 9 or x = 5", "5 and 9", 1),
        ("उत्तर: 9 और 5", "5 and 9", 1),
        ("Answer: 5 and 8", "5 and 9", 0),
        ("Answer: 5", "5 and 9", 0),
        ("Answer: (9 and 5)", "(5 and 9)", 0),
        ("It is 3 and then 4", "4", 1),
        ("4 at first, in the end 5", "4", 0),
        ("", "4", 0),
        ("", "photosynthesis", 0),
        ("anything", "", None),
    ],
)
def test_a_checked_answer_is_right_or_wrong(metrics, answer, expected, right):
    assert values(metrics["checked_answer"], [answer], expected_answers=[expected]) == [right]


@pytest.mark.parametrize(
    ("answer", "language", "match"),
    [
        ("The answer is four.", "en", 1),
        ("उत्तर चार है", "en", 0),
        ("उत्तर x + y = चार है", "hi", 1),
        ("The answer is चार", "hi", 0),
        ("விடை நான்கு", "ta", 1),
        ("uttar chaar hai", "hi_latn", 1),
        ("x = 4", "hi", None),
        ("", "hi", 0),
        ("whatever", "xx", None),
        ("எண்களைக் கூட்டலாம்:\n\n```python\nvalues = [4, 5]\nprint(sum(values))\n```", "ta", 1),
        ("இதை இயக்குங்கள்:\ntotal = 0\nfor mark in marks:\n    total += mark\nprint(total)", "ta", 1),
        ("हल: \\frac{\\text{total marks}}{\\text{subjects}} = \\text{mean mark}", "hi", 1),
        ("```python\nprint(sum(values))\n```", "ta", None),
        ("#include <stdio.h>\nint main() {\n    return 0;\n}", "hi", None),
        ("$$s = ut + \\frac{1}{2} a t^2$$", "ta", None),
        ("https://example.org/a/long/page", "hi", None),
        ("Use a loop that adds the marks:\n```\ntotal += mark\n```", "ta", 0),
        ("Multiply the length by the breadth and you have the area.", "hi_latn", 0),
        ("Lambai ko chaudai se guna karo, yahi kshetrafal hai", "hi_latn", 1),
        ("Lambai ko chaudai se guna karo, yahi kshetrafal hai", "en", 0),
        ("लंबाई को चौड़ाई से गुणा कर दो और यह क्षेत्रफल है", "mr", 0),
        ("लांबीला रुंदीने गुणा करा म्हणजे क्षेत्रफळ मिळते आणि ते चौरस सेमी मध्ये असते", "mr", 1),
    ],
)
def test_language_match_goes_by_script_and_words_and_not_by_code_or_formulas(metrics, answer, language, match):
    assert values(metrics["language_match"], [answer], languages=[language]) == [match]


def test_repetition_counts_repeated_four_word_runs(metrics):
    loop = "तीन चार पाँच छह " * 10
    assert values(metrics["repetition"], ["a b c d e f", loop, "short", ""]) == [0, pytest.approx(33 / 37), 0, 0]


@pytest.mark.parametrize(
    "loop",
    [
        "खीखीखी" * 30,
        "haha" * 60,
        "7" * 300,
        "ตอบ" * 40,
        "对的" * 60,
        "!" * 400,
        "| 3 | 4 |\n" * 40,
        "5 + 5 = 10\n" * 30,
        "0 1 " * 100,
    ],
)
def test_a_loop_is_seen_without_spaces_and_in_rows(metrics, loop):
    (share,) = values(metrics["repetition"], [loop])
    assert share > 0.9


@pytest.mark.parametrize(
    "pattern",
    [
        "\n".join("* " * row for row in range(1, 9)),
        "\n".join(["# # # #"] * 4),
        "\n".join(f"6 x {n} = {6 * n}" for n in range(1, 13)),
        "| p | q | p or q |\n|---|---|---|\n| true | true | true |\n| true | false | true |\n| false | true | true |",
        "\n".join(["1 0 0", "0 1 0", "0 0 1"]),
        "光合作用是植物利用阳光把水和二氧化碳变成糖和氧气的过程所以植物需要阳光水和空气才能生长得好",
        "-" * 60,
    ],
)
def test_tables_and_patterns_are_no_loops(metrics, pattern):
    assert values(metrics["repetition"], [pattern]) == [0]


def test_length_ratio_is_described_and_never_judged(metrics):
    assert values(metrics["length_ratio"], ["abcd", ""], references=["ab", "ab"]) == [2, 0]
    assert metrics["length_ratio"].direction == "neutral"


def test_loss_is_weighted_by_tokens(metrics):
    inputs = {name: ["?"] * 2 for name in INPUTS} | {"nll_sums": [3.0, 8.0], "nll_tokens": [3, 2]}
    measured = metrics["loss"].compute(inputs)
    assert measured.values == (1.0, 4.0)
    assert measured.weights == (3.0, 2.0)


def test_relevance_is_measured_in_english_only(metrics):
    same, other, hindi, empty = values(
        metrics["relevance"],
        ["Plants make food from light.", "The train leaves at noon.", "पौधे", ""],
        references=["Plants make their food using light."] * 4,
        languages=["en", "en", "hi", "en"],
    )
    assert same is not None
    assert other is not None
    assert same > 0.8
    assert other < 0.3
    assert hindi is None
    assert empty == 0


LONG = (
    "We add the numbers and write them in a row. Then we take half of it, and that is what was asked of us here today. "
)


@pytest.mark.parametrize(
    ("answer", "known", "first"),
    [
        ("The answer is 12.\nFirst multiply 3 by 4.", "12", 1),
        ("First multiply 3 by 4.\nAnswer: 12", "12", 0),
        ("उत्तर 12 है। पहले गुणा करें।", "12", 1),
        ("पहले गुणा करें। उत्तर: 12", "12", 0),
        ("It is 12.", "12", None),
        ("First this. Then that.", "", None),
    ],
)
def test_a_solution_is_given_away_where_the_first_sentence_tells_it(metrics, answer, known, first):
    found = values(metrics["solution_first"], [answer], expected_answers=[known], questions=["What is 3 times 4?"])
    assert found == [first]


def test_whether_the_solution_is_told_at_all_is_described_and_never_judged(metrics):
    metric = metrics["tells_solution"]
    told = ["First multiply.\nAnswer: 12", "Look at the 3 first.", "x"]
    assert values(metric, told, expected_answers=["12", "12", ""], questions=["3 times 4?"] * 3) == [1, 0, None]
    assert metric.direction == "neutral"


def test_language_above_the_grade_is_told_in_school_years_for_english_only(metrics):
    hard = (
        "Photosynthesis transforms electromagnetic radiation into biochemical energy, consequently sustaining practically every "
        "terrestrial ecosystem. Photosynthetic organisms simultaneously liberate considerable quantities of atmospheric oxygen, "
        "continuously replenishing environmental concentrations indispensable for respiration. "
    )
    easy, above, hindi, no_grade, short = values(
        metrics["above_grade"],
        [LONG * 2, hard * 2, hard * 2, hard * 2, "Short."],
        languages=["en", "en", "hi", "en", "en"],
        grades=["6", "6", "6", "college", "6"],
    )
    assert easy == 0
    assert above is not None
    assert above > 8
    assert hindi is None
    assert no_grade is None
    assert short is None


def test_sentences_are_measured_against_the_references_in_any_language(metrics):
    long = "एक दो तीन चार पाँच छह।"
    twice, same, nothing = values(
        metrics["sentence_length"], [long, "एक दो तीन।", "x = 3"], references=["एक दो तीन। चार पाँच छह।"] * 3
    )
    assert (twice, same, nothing) == (2, 1, None)


def test_a_team_adds_a_metric_by_adding_a_file(tmp_path):
    sample_reports.own_metric(tmp_path, "sum(map(str.isupper, text)) / len(text)")
    files = metric_files(["shouting", "chrf"], extra=tmp_path)
    loaded = {metric.name: metric for metric in load_metrics(files)}
    assert values(loaded["shouting"], ["ABcd"]) == [0.5]
    assert loaded["shouting"].sentence == "How loud it is."


def test_fifteen_lines_on_the_shared_base_are_a_teams_own_metric(tmp_path):
    path = sample_reports.short_metric(tmp_path)
    assert len(path.read_text().splitlines()) == 15
    shouts = load_metric("shouts", path)
    assert (shouts.direction, shouts.unit, shouts.sentence) == (
        "lower",
        "marks",
        "Exclamation marks of an English answer.",
    )
    assert values(shouts, ["No!", "अरे!", "Yes"], languages=["en", "hi", "en"]) == [1, None, 0]
    assert (shouts.reads_answers, shouts.module.citation) == (True, "a team's own")
    nobody = sample_reports.short_metric(
        tmp_path, sample_reports.FIFTEEN_LINES.replace("prediction,", "mood,"), "moody"
    )
    with pytest.raises(
        MetricError, match=r"moody\.py: cannot be loaded .*Shouts\.value asks for mood; there are prediction"
    ):
        load_metric("moody", nobody)


def asking_for(names):
    """A method with these parameters."""

    def method(self, **_): ...

    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *names)]
    method.__signature__ = Signature(parameters)
    return method


def test_the_base_offers_every_input_of_an_evaluation_as_a_column_and_as_one_entry():
    from lyo_pipelines.evaluation.metrics.item_metric import BatchMetric, ItemMetric

    entries = [wanted.entry for wanted in INPUTS.values()]
    assert type("All", (BatchMetric,), {"measure": asking_for(INPUTS)}).columns() == [*INPUTS]
    assert type("Each", (ItemMetric,), {"value": asking_for(entries)}).columns() == [*INPUTS]


def test_a_metric_that_does_not_fit_is_named(tmp_path):
    with pytest.raises(MetricError, match="no metric called nosuch: there are above_grade, checked_answer"):
        metric_files(["nosuch"])
    broken = sample_reports.own_metric(tmp_path, "0", "broken")
    broken.write_text("import evaluate, no_such_library_at_all\n")
    with pytest.raises(MetricError, match=r"broken\.py: cannot be loaded"):
        load_metric("broken", broken)
    blind = sample_reports.own_metric(tmp_path, "0", "blind")
    blind.write_text(sample_reports.OWN_METRIC.replace("RESULT", "0").replace('direction = "lower"', ""))
    with pytest.raises(MetricError, match="must declare direction"):
        load_metric("blind", blind)
    greedy = sample_reports.own_metric(tmp_path, "0", "greedy")
    greedy.write_text(sample_reports.OWN_METRIC.replace('{"predictions"', '{"moods"').replace("RESULT", "0"))
    with pytest.raises(MetricError, match="ask for moods; there are predictions"):
        load_metric("greedy", greedy)


def test_a_metric_that_fails_while_it_measures_is_named(tmp_path):
    failing = load_metric("failing", sample_reports.own_metric(tmp_path, "1 / 0", "failing"))
    with pytest.raises(MetricError, match="metric failing failed: ZeroDivisionError"):
        values(failing, ["a"])
    short = load_metric("short", sample_reports.own_metric(tmp_path, '0 for text in "xy"] + [0', "short"))
    with pytest.raises(MetricError, match="expected"):
        values(short, ["a"])


def test_nan_counts_as_not_measured(tmp_path):
    assert values(load_metric("vague", sample_reports.own_metric(tmp_path, 'float("nan")', "vague")), ["a"]) == [None]
