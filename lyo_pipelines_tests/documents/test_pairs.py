"""Questions and answers are found where a document has them, and nowhere else."""

from __future__ import annotations

import pytest

from lyo_pipelines.documents.pairs import QuestionAnswer, pairs_in
from lyo_pipelines.documents.reading.html import read_html
from lyo_pipelines.documents.reading.markdown import read_markdown
from lyo_pipelines.documents.reading.plain import read_plain


def pairs(text: str) -> list[tuple[str, str]]:
    return [(pair.question, pair.answer) for pair in pairs_in(read_markdown(text).blocks)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# FAQ\n\n## What is soil?\n\nSand and clay.\n\n## Next\n\nText.", [("What is soil?", "Sand and clay.")]),
        (
            "# A\n\nQ: What is soil?\nA: Sand and clay.\n\nQ2: Why?\nA2: So.",
            [("What is soil?", "Sand and clay."), ("Why?", "So.")],
        ),
        ("# A\n\n**Q:** What is soil?\n**A:** Sand.", [("What is soil?", "Sand.")]),
        (
            "# A\n\nQuestion 1. What is soil?\n\nAnswer: Sand.\n\nAnd clay.\n\n## B\n\nMore.",
            [("What is soil?", "Sand.\n\nAnd clay.")],
        ),
        ("# पाठ\n\nप्रश्न: मिट्टी क्या है?\nउत्तर: रेत और चिकनी मिट्टी।", [("मिट्टी क्या है?", "रेत और चिकनी मिट्टी।")]),
        ("# பாடம்\n\nகேள்வி: மண் என்றால் என்ன?\nபதில்: மணலும் களிமண்ணும்.", [("மண் என்றால் என்ன?", "மணலும் களிமண்ணும்.")]),
        ("# A\n\nHumus\n: remains of plants\n", [("Humus", "remains of plants")]),
        (
            "## Exercises\n\n1. Add 2 and 3.\n2. Add 4.\n\n## Solutions\n\n1. 5\n2. 9",
            [("Add 2 and 3.", "5"), ("Add 4.", "9")],
        ),
        ("## अभ्यास\n\n1. 2 + 3 = ?\n\n## हल\n\n1. 5 है", [("2 + 3 = ?", "5 है")]),
    ],
)
def test_a_pattern_is_found(text, expected):
    assert [(q, a.replace("\n\n\n", "\n\n")) for q, a in pairs(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "# What does Anu see?\n\nAnu sees shapes everywhere.",  # the title of a story
        "## Exercises\n\n1. Add.\n2. Take.\n\n## Solutions\n\n1. 5",  # the numbers do not match
        "# A\n\nQuestion: Which one?\n\nA) this\n\nB) that",  # choices are no answers
        "# A\n\nProblem-solving is learnt by doing. Answers come later.",
        "# A\n\nWho knows? Nobody does.",
        "# A\n\nQ: What is soil?\n\n## B\n\nAnswer: no question stands before this.",
        "```\nQ: x\nA: y\n```",
    ],
)
def test_no_question_is_made_up(text):
    assert pairs(text) == []


def test_an_exercise_keeps_the_lines_below_its_first():
    text = "## Exercises\n\n1. Solve:\n   1. for u\n   2. for v\n2. Say why."
    text += "\n\n## Answers\n\n1. Both:\n\n   $$\n   u = 4\n   $$\n2. So."
    assert pairs(text) == [("Solve:\n1. for u\n2. for v", "Both:\n$$\nu = 4\n$$"), ("Say why.", "So.")]


def test_html_and_plain_text_have_them_too():
    page = read_html("<dl><dt>Humus</dt><dd>remains of plants</dd></dl>")
    assert pairs_in(page.blocks) == [QuestionAnswer("Humus", "remains of plants")]
    long = "Q: What is the soil of this garden made of, as far as anybody has looked?\nA: Sand and clay, and the remains of plants."
    assert [pair.answer for pair in pairs_in(read_plain(long))] == ["Sand and clay, and the remains of plants."]
