"""A page is told once and whole: formulas as TeX, nested parts in their order, lessons whatever they are called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.documents.chunks import text_of
from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.documents.reading.html import read_html
from lyo_pipelines_tests.hypothesis_profile import draws


def read(body: str) -> str:
    return text_of(read_html(f"<html><body>{body}</body></html>").blocks)


_LEAF = st.just("<w>")
_INLINE = st.sampled_from(["b", "em", "span", "code", "u", "label"])
_BLOCK = st.sampled_from(["div", "section", "blockquote", "h3", "figure", "details", "center", "p"])
_NAME = st.sampled_from(
    ["", ' id="share-capital"', ' class="related-rates"', ' class="social ad"', ' id="menu"', ' class="toc"']
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=3).map(" ".join)
    return st.one_of(
        st.builds(lambda tag, name, text: f"<{tag}{name}>{text}</{tag}>", _INLINE, _NAME, several),
        st.builds(lambda tag, name, text: f"<{tag}{name}>{text}</{tag}> <w>", _BLOCK, _NAME, several),
        st.builds(
            lambda tag, text: f"<{tag}><li>{text}</li><li><w></li></{tag}>", st.sampled_from(["ul", "ol"]), several
        ),
        st.builds(lambda text: f"<table><caption><w></caption><tr><td>{text}</td><td><w></td></tr></table>", several),
        st.builds(lambda text: f"<dl><dt><w></dt><dd>{text}</dd></dl>", several),
        st.builds(lambda text: f"<pre>{text}<br><w></pre>", st.just("<w> <b><w></b>")),
    )


@settings(max_examples=draws(300))
@given(st.lists(st.recursive(_LEAF, _grown, max_leaves=12), min_size=1, max_size=4).map("".join))
def test_every_word_of_a_page_is_told_once_and_in_its_place(page):
    count = page.count("<w>")
    for number in range(count):
        page = page.replace("<w>", f" word{number} ", 1)
    assert re.findall(r"word\d+", read(page)) == [f"word{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<msup><mi>r</mi><mn>2</mn></msup>", "r^2"),
        ("<msup><mrow><mo>(</mo><mi>a</mi><mo>+</mo><mi>b</mi><mo>)</mo></mrow><mn>10</mn></msup>", "(a + b)^{10}"),
        ("<mfrac><mrow><mi>x</mi><mo>−</mo><mn>1</mn></mrow><mn>7</mn></mfrac>", r"\frac{x - 1}{7}"),
        ("<msqrt><mi>b</mi><mo>+</mo><mn>1</mn></msqrt>", r"\sqrt{b + 1}"),
        ("<mroot><mn>8</mn><mn>3</mn></mroot>", r"\sqrt[3]{8}"),
        ("<msubsup><mi>a</mi><mi>i</mi><mi>k</mi></msubsup>", "a_i^k"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>0</mn></mrow><mi>n</mi></munderover><mi>i</mi>",
            "∑_{i = 0}^ni",
        ),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr><mtr><mtd><mn>2</mn></mtd><mtd><mn>5</mn></mtd></mtr></mtable>",
         r"\begin{matrix} 1 & 0 \\ 2 & 5 \end{matrix}"),
        ("<mi>cos</mi><mo>&#x2061;</mo><mi>t</mi>", r"\cos t"),
        ("<mn>2</mn><mo>&#x2062;</mo><mn>3</mn>", "2 3"),
        ("<mo>{</mo><mn>4</mn><mo>}</mo>", r"\{4\}"),
        ("<mover><mi>v</mi><mo>→</mo></mover>", r"\vec{v}"),
        ("<mfenced open='[' close=')'><mn>0</mn><mn>9</mn></mfenced>", "[0,9)"),
        ("<mi>y</mi><mtext> if </mtext><mi>z</mi>", r"y\text{ if }z"),
        ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "{}_6^{14}C"),
        ("<mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac>", r"{n \atop k}"),
        ("<mo>-</mo><mn>3</mn><mo>&lt;</mo><mi>u</mi>", "-3 < u"),
    ],
)  # fmt: skip
def test_mathml_becomes_tex(mathml, tex):
    assert read(f"<p>So <math>{mathml}</math>.</p>") == f"So ${tex}$."


_POWER = "<msup><mi>q</mi><mn>2</mn></msup>"
_SOURCE = f'<math><semantics><mrow>{_POWER}</mrow><annotation encoding="application/x-tex">q^2</annotation></semantics></math>'


@pytest.mark.parametrize(
    "page",
    [
        f'<span class="katex"><span class="katex-mathml">{_SOURCE}</span><span class="katex-html" aria-hidden="true">q2</span></span>',
        '<span class="MathJax_Preview">q2</span><span class="MathJax">q2</span><script type="math/tex">q^2</script>',
        f'<span class="MathJax" data-mathml="x"><span>q2</span><span class="MJX_Assistive_MathML">{_SOURCE}</span></span>',
        f'<mjx-container><mjx-math aria-hidden="true">q2</mjx-math>'
        f"<mjx-assistive-mml><math>{_POWER}</math></mjx-assistive-mml></mjx-container>",
        f'<span class="mwe-math-element"><span style="display:none">{_SOURCE}</span>'
        '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle q^{2}}"></span>',
        '<img class="latex" alt="q^2" src="f.png">',
        '<math><semantics><mi>?</mi><annotation encoding="application/x-tex">{\\displaystyle q^2}</annotation></semantics></math>',
        "<m:math><m:msup><m:mi>q</m:mi><m:mn>2</m:mn></m:msup></m:math>",
        '<script type="math/mml"><math><msup><mi>q</mi><mn>2</mn></msup></math></script>',
    ],
)
def test_a_formula_is_told_once(page):
    assert read(f"<p>It is {page} here.</p>") == "It is $q^2$ here."


def test_a_displayed_formula_stands_on_a_line_of_its_own():
    page = '<p>We get <script type="math/tex; mode=display">k &lt; 5</script> and go on.</p>'
    assert read(page) == "We get\n$$k < 5$$\nand go on."


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('5<sup><a href="/powers#two">2</a></sup> and cm<sup><a href="#fn3">3</a></sup>', "5² and cm"),
        ('as said<sup><a href="#n4">4</a></sup> by x<sup><a href="u">k+1</a></sup>', "as said by x^(k+1)"),
        ('word<sup class="reference"><a href="#c">[7]</a></sup>', "word"),
        ("4<sup>th</sup> of 10<sup>−3</sup>, 2<sup>3<sup>2</sup></sup>, a<sub>ij</sub>", "4th of 10⁻³, 2^(3²), a_(ij)"),
        ("if k<m and m>n", "if k<m and m>n"),
    ],
)
def test_raised_text_and_relations(page, said):
    assert read(f"<p>{page}</p>") == said


@pytest.mark.parametrize(
    "name", ["share-capital", "related-rates", "social-reform", "comments", "ad", "menu", "cookies", "promo-code"]
)
def test_a_lesson_is_never_dropped_for_its_name(name):
    lesson = "<h2>On it</h2><p>This part is written in sentences, and so it is a part of the lesson.</p>"
    text = read(
        f'<p>{"More of the page. " * 20}</p><section id="{name}">{lesson}</section><div class="{name}">Short words.</div>'
    )
    assert "written in sentences" in text and "Short words." in text


def test_menus_banners_and_lists_of_links_are_no_text():
    text = read(
        f"<p>{'The page is about rivers. ' * 9}</p>"
        '<div class="cookie-notice">We use cookies.</div>'
        '<div id="related-links"><a href="/a">Lakes</a> <a href="/b">Seas</a></div>'
        '<ul class="menu"><li><a href="/">Start</a></li></ul><div class="share-buttons">Tell others</div>'
        '<form><input name="q"><button>Find</button></form><ol class="breadcrumb"><li>Home</li></ol>'
    )
    assert not any(word in text for word in ("cookies", "Lakes", "Start", "Tell", "Find", "Home"))


def test_a_quiz_in_a_form_is_text():
    assert "Which is even?" in read(
        '<form><p>Which is even?</p><label><input type="radio">12</label><input type="submit"></form>'
    )


def test_a_table_within_a_table_is_told_once_and_its_caption_too():
    page = "<table><caption>Kinds</caption><tr><td>out</td><td><table><tr><td>in</td><td>deep</td></tr></table></td></tr></table>"
    assert read(page) == "Kinds\n\nout\n\nin | deep"


@pytest.mark.parametrize("tag", ["div", "span", "blockquote", "ul", "table", "sup", "math", "dl"])
def test_deep_nesting_is_read_or_said(tag):
    opened = {"ul": "<ul><li>", "table": "<table><tr><td>", "dl": "<dl><dd>"}.get(tag, f"<{tag}>")
    levels = opened.count("<")
    assert read(opened * (600 // levels) + "ground").count("ground") == 1
    with pytest.raises(RejectedError) as error:
        read(opened * 3000 + "ground")
    assert error.value.reason == "too_deep"


@pytest.mark.parametrize(
    "code",
    [
        "<pre><div>x = 1</div><div>    y = 2</div></pre>",
        "<pre><p>x = 1</p>\n<p>    y = 2</p></pre>",
        '<pre><span class="line"><b>x</b> = 1</span>\n<span class="line">    y <i>=</i> 2</span></pre>',
        "<pre>x = 1<br>    y = 2<button>Copy <span>this</span></button></pre>",
    ],
)
def test_code_keeps_its_lines_whatever_they_are_made_of(code: str):
    assert read(code) == "```\nx = 1\n    y = 2\n```"


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ('<mjx-container data-tex="\\frac{p}{q}"><svg></svg></mjx-container>', "$\\frac{p}{q}$"),
        ('<mjx-container><svg><g data-latex="k^9"></g></svg></mjx-container>', "$k^9$"),
        ('<span class="ql-formula" data-value="k^9">k9</span>', "$k^9$"),
        ('<img src="a.png" class="ql-img-inline quicklatex-auto" alt="\\sqrt{k}">', "$\\sqrt{k}$"),
        ('<img src="plot.png" alt="x^2 + y = 4">', "$x^2 + y = 4$"),
    ],
)
def test_formulas_in_attributes_and_pictures(formula: str, told: str):
    assert read(f"<p>So {formula} holds.</p>") == f"So {told} holds."


def test_all_articles_and_notes_beside_the_text_are_told_and_marks_of_a_wiki_are_not():
    body = (
        "<article><h2>Seeds<span class='mw-editsection'>[edit]</span></h2><p>A seed sleeps in the soil.</p>"
        "<aside><p>Did you know? Some seeds sleep for years.</p></aside></article><article><p>A root goes down.</p></article>"
    )
    told = read(body)
    assert "sleep for years" in told
    assert "A root goes down." in told
    assert "edit" not in told
