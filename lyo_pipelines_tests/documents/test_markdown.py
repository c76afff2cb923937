"""Markdown loses its marks and nothing else: arithmetic, TeX, code and names keep each of their signs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.documents.chunks import text_of
from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.documents.reading.markdown import read_markdown
from lyo_pipelines_tests.growth import faster_than_linear
from lyo_pipelines_tests.hypothesis_profile import draws


def read(text: str) -> str:
    return text_of(read_markdown(text).blocks)


def signs(text: str) -> str:
    return "".join(text.split())


operands = st.one_of(
    st.integers(0, 999).map(str),
    st.sampled_from(["x", "(n+1)", "speed", "f(t)", "(-5)", "कक्षा", "2m", "[k]", "sin(u)"]),
)
operators = st.sampled_from(["*", "**", "+", "-", "/", "^", "=", "<", ">", "<=", ">=", "_", "!=", "%"])


@settings(max_examples=draws(300))
@given(st.lists(st.tuples(operands, operators), min_size=1, max_size=12), operands, st.sampled_from(["", " "]))
def test_arithmetic_keeps_all_its_signs(terms, last, space):
    text = space.join([*(part for term in terms for part in term), last])
    assert signs(read(f"Work out {text} for me.")) == signs(f"Work out {text} for me.")


@settings(max_examples=draws(200))
@given(
    st.text(st.sampled_from("xyz019 *_{}^&<>|#~`[]()+-=,.\\\n"), min_size=1, max_size=40),
    st.sampled_from([(r"\begin{cases}", r"\end{cases}"), (r"\[", r"\]"), ("$$", "$$")]),
)
def test_a_formula_keeps_each_sign_between_its_delimiters(inside, delimiters):
    inside = " ".join(inside.replace("\\", r"\frac ").replace("\n#", " ").split("\n"))
    formula = f"{delimiters[0]}z {inside} z{delimiters[1]}"
    assert formula in read(f"Before *it*.\n\nHere is {formula} in a line.").replace("\n", " ")


@settings(max_examples=draws(300))
@given(st.text(st.sampled_from("cdef {}()^/$*_+->=\\\n"), max_size=80))
def test_signs_that_mark_nothing_survive_in_their_order(text):
    kept = [one for one in read(text) if one in "cdef{}()^/$"]
    assert kept == [one for one in text if one in "cdef{}()^/$"]


@pytest.mark.parametrize(
    "text",
    [
        "2*5*7 and (u+v)*(u-v)*(w) and 3(-4)**2-5*(-4)",
        "if a<b>c or k<s and s>t then i<u",
        "the file __setup__.py, my_own_name and __call__",
        r"C:\new\folder, \{5\}, 40\% and \(k_1*k_2\)",
        "[4](7-2) = 20 and g[i](j)",
        "[Solution]: 17",
        "x lies between -2 and 2, and so\n> 5 is too much",
        ">= 6",
        "Fill in: ____ + ____ = 9, f(__)=g(__)",
        "The <title> of a page, its <table> and <script> are told by tags",
        "class Box<Item> and #include <stdio.h>",
        "12\n+ 30\n----\n42",
        "It is $4 for *one and $7 for two",
    ],
)
def test_what_only_looks_like_a_mark_stays(text):
    assert signs(read(text)) == signs(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "A **force** is *not* a ***power***, __as we say__ and _mean_ it.",
            "A force is not a power, as we say and mean it.",
        ),
        ("The result is **17**; call it *w*, so *h*(x) = 17.", "The result is 17; call it w, so h(x) = 17."),
        ("talk**ing** and **U**nited", "talking and United"),
        ("**மரம்**போல **पेड़**", "மரம்போல पेड़"),
        ("See [the *map*](maps/one.html) and <b>this</b>: 10<sup>3</sup>.", "See the map and this: 10³."),
        (r"a \* b, 3\_4 and 1\. May", "a * b, 3_4 and 1. May"),
        (r"![\frac{3}{5}](https://latex.example/svg) ![a cat](cat.png)", r"$\frac{3}{5}$"),
        ("<details>\n<summary>Hint</summary>\n\nAdd *both*.\n\n</details>", "Hint\n\nAdd both."),
        ("A <span>plain <span>inner</span></span> word</div> and <u>this</u>", "A plain inner word and this"),
        ("> To be *read*\n> twice.", "To be read\ntwice."),
    ],
)
def test_marks_of_markdown_go(text, said):
    assert read(text) == said


def test_lines_of_a_formula_are_no_list():
    assert read("So it is\n$$g(t) = 7\n- 3t\n+ 5$$") == "So it is\n$$g(t) = 7\n- 3t\n+ 5$$"
    assert read("> $$\n> a > 1\n> - b\n> $$") == "$$\na > 1\n- b\n$$"
    assert read("g(t) = 7\n- 3t\n+ 5") == "g(t) = 7\n\n- 3t\n\n+ 5"


def test_a_list_keeps_its_marks_numbers_and_code():
    text = (
        "2. Type:\n\n   ```python\n   while k:\n       k -= 1\n   ```\n4. Stop.\n   + one\n\n     $$\n     x\n     $$"
    )
    assert read(text) == (
        "2. Type:\n  ```python\n  while k:\n      k -= 1\n  ```\n4. Stop.\n  + one\n    $$\n    x\n    $$"
    )
    assert read("1) a\n1) b") == "1) a\n2) b"


def test_code_is_left_alone():
    text = "```text\nTerm\n: no definition $a\nQ: no *question*\n```"
    assert read(text) == text
    assert read("Write `2**3` or ``a*b*c``.") == "Write 2**3 or a*b*c."
    assert read("````\n```\ninner\n```\n````") == "````\n```\ninner\n```\n````"


def test_short_lines_stay_lines_and_long_ones_are_joined():
    assert read("u = 4\nv = 5") == "u = 4\nv = 5"
    long = "This line is as long as a program makes them when it wraps a text"
    assert read(f"{long}\n{long}") == f"{long} {long}"


@pytest.mark.parametrize("text", ["> " * 200 + "deep", "\n".join("  " * n + "- deep" for n in range(80))])
def test_what_is_nested_too_deeply_is_said(text):
    with pytest.raises(RejectedError) as error:
        read_markdown(text)
    assert error.value.reason == "too_deep"


def test_time_grows_with_the_length_of_what_is_never_closed():
    units = ["[", "![", "[a](", "$5 ", r"\( ", r"\[ ", "`a ``b ", "<a ", "<!-- ", "<script> ", "*1 ", "**2 ", "1"]
    assert not faster_than_linear(read_markdown, units, size=4_000, floor=0.05)
