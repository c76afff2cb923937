"""Which stated results are the known one: pairs that are right, each kind with pairs that look like it and are wrong."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.correctness import is_correct
from lyo_pipelines.evaluation.answers.reading import read_result
from lyo_pipelines.evaluation.answers.values import Quantity
from lyo_pipelines_tests.growth import faster_than_linear

# known result, answer, whether the answer is right
PAIRS = [
    ("26 January 1950", "January 26th, 1950", True),
    ("26/01/1950", "Answer: 26 January 1950", True),
    ("26 January 1950", "Answer: 26 January 1905", False),
    ("2 अक्टूबर 1869", "2 October 1869", True),
    ("yes", "Yes, it does.", True),
    ("yes", "No, it does not.", False),
    ("नहीं", "नहीं, वह सम नहीं है।", True),
    ("no solution", "There is no solution.", True),
    ("no solution", "There is one solution.", False),
    ("Pune", "It is Pune", True),
    ("Pune", "It is not Pune", False),
    ("(6, -1)", "x = 6 and y = -1", True),
    ("(6, -1)", "y = -1, x = 6", True),
    ("(6, -1)", "x = -1 and y = 6", False),
    ("{5, 9}", "9, 5", True),
    ("±4", "x = 4 or x = -4", True),
    ("±4", "x = 4", False),
    ("250000", "Answer: 2.5 lakh", True),
    ("250000", "உத்தரம்: 2.5 லட்சம்", True),
    ("25000", "Answer: 2.5 lakh", False),
    ("12000000", "उत्तर: 1 करोड़ 20 लाख", True),
    ("12000000", "उत्तर: 1 करोड़ 2 लाख", False),
    ("3.5 crore", "Answer: 35000000", True),
    ("50000", "விடை: 50 ஆயிரம்", True),
    ("₹75,000", "Answer: 75 hazaar rupaye", True),
    ("1500000", "Answer: 1.5 million", True),
    ("1500000", "Answer: 1.5 lakh", False),
    ("24", "Answer: 2 dozen", True),
    ("3¼", "Answer: 3.25", True),
    ("3¼", "Answer: 13/4", True),
    ("3¼", "Answer: 3/4", False),
    ("7/2", "Answer: $3\\frac{1}{2}$", True),
    ("7/2", "Answer: 3 1/2", True),
    ("11/2", "Answer: 1 1/2", False),
    ("⅔", "Answer: 2/3", True),
    ("⅔", "Answer: 0.67", True),
    ("⅔", "Answer: 0.6", False),
    ("40%", "Answer: 0.4", True),
    ("40%", "Answer: 40", True),
    ("0.4", "Answer: 0.4%", False),
    ("0.05", "Answer: 5 percent", True),
    ("5", "Answer: 0.05", False),
    ("12.5%", "उत्तर: 12.5 प्रतिशत", True),
    ("3 km", "Answer: 3000 m", True),
    ("3 km", "Answer: 300 m", False),
    ("72 km/h", "Answer: 20 m/s", True),
    ("72 km/h", "Answer: 72 m/s", False),
    ("72 km/h", "Answer: 72 kmph", True),
    ("2.5 kg", "उत्तर: 2500 ग्राम", True),
    ("2.5 kg", "Answer: 2.5 g", False),
    ("1.5 L", "Answer: 1500 mL", True),
    ("1.5 L", "Answer: 1500 cm³", True),
    ("45 min", "Answer: 3/4 hour", True),
    ("45 min", "Answer: 45 s", False),
    ("1 hour 30 minutes", "Answer: 90 minutes", True),
    ("1 hour 30 minutes", "Answer: 1.3 hours", False),
    ("18 cm²", "Answer: 18 cm", False),
    ("18 cm²", "Answer: 18 square centimetres", True),
    ("18 cm²", "उत्तर: 18 वर्ग सेमी", True),
    ("18 cm²", "விடை: 18 சதுர செ.மீ", True),
    ("18 cm²", "Answer: 0.0018 m^2", True),
    ("27 cm³", "Answer: 27 cubic cm", True),
    ("27 cm³", "Answer: 27 cm^2", False),
    ("6 m/s²", "Answer: 6 m s^-2", True),
    ("6 m/s²", "Answer: 6 m/s", False),
    ("20 N", "Answer: 20 newtons", True),
    ("20 N", "Answer: 20 J", False),
    ("20 N", "Answer: 20 kg m/s^2", True),
    ("37 °C", "Answer: 37°C", True),
    ("37 °C", "Answer: 37°F", False),
    ("45°", "Answer: 45 degrees", True),
    ("₹50", "Answer: $50", False),
    ("50 paise", "Answer: ₹0.50", True),
    ("5 rupees", "Answer: 5 paise", False),
    ("x = 2, y = 5", "Answer: y = 5 and x = 2", True),
    ("x = 2, y = 5", "Answer: x = 5, y = 2", False),
    ("x = 2, y = 5", "Answer: (2, 5)", True),
    ("x = 2, y = 5", "Answer: (5, 2)", False),
    ("(2, 5)", "Answer: (5, 2)", False),
    ("{2, 5}", "Answer: {5, 2}", True),
    ("2 and 5", "Answer: 5, 2", True),
    ("2 and 5", "Answer: 2", False),
    ("x = 2 or x = 5", "Answer: x = 5, x = 2", True),
    ("x = -3", "Answer: x = 3", False),
    ("x = 7", "Answer: y = 7", False),
    ("±6", "Answer: x = 6 or x = -6", True),
    ("±6", "Answer: 6", False),
    ("6", "Answer: ±6", False),
    ("±√5", "Answer: \\pm\\sqrt{5}", True),
    ("3 ± √2", "Answer: 3 + √2 and 3 - √2", True),
    ("3√5", "Answer: √45", True),
    ("3√5", "Answer: 3√7", False),
    ("√2/2", "Answer: \\frac{1}{\\sqrt{2}}", True),
    ("16π", "Answer: 50.27", True),
    ("16π", "Answer: 16", False),
    ("16π cm²", "Answer: 50.24 cm^2", True),
    ("9π", "Answer: 9\\pi \\text{ cm}", True),
    ("2^8", "Answer: 256", True),
    ("2^8", "Answer: 28", False),
    ("3.0 × 10^8 m/s", "Answer: 3e8 m/s", True),
    ("3.0 × 10^8 m/s", "Answer: 3 × 10^7 m/s", False),
    ("10⁻⁴", "Answer: 0.0001", True),
    ("3:4", "Answer: 6:8", True),
    ("3:4", "Answer: 4:3", False),
    ("3:4", "Answer: 3/4", True),
    ("2:30 pm", "Answer: 14:30", True),
    ("2:30 pm", "Answer: 2:30 am", False),
    ("2x + 3", "Answer: 3 + 2x", True),
    ("2x + 3", "Answer: 2x - 3", False),
    ("2x + 3", "Answer: 2x", False),
    ("(x+2)(x-5)", "Answer: (x-5)(x+2)", True),
    ("(x+2)(x-5)", "Answer: x^2 - 3x - 10", False),
    ("x > 4", "Answer: 4 < x", True),
    ("x > 4", "Answer: x < 4", False),
    ("x > 4", "Answer: x ≥ 4", False),
    ("x > 4", "Answer: 4", False),
    ("[1, 3)", "Answer: [1, 3]", False),
    ("5ab²", "Answer: 5b^2a", True),
    ("5ab²", "Answer: 5ab", False),
    ("y = 2x + 1", "Answer: 2x + 1", True),
    ("15", "Answer: 15. Now you try 20 + 4!", True),
    ("15", "The answer is 15 because 3 × 5 = 15.", True),
    ("15", "Answer: 15 because 20 - 5 is 15", True),
    ("15", "उत्तर: 15 है क्योंकि 3 गुणा 5 = 15", True),
    ("15", "Answer: 16. 15 would be too small.", False),
    ("15", "Answer: 3 × 5 = 15 pencils", True),
    ("15", "I think it is 15. Shall we try 16?", True),
    ("15", "विडा नहीं पता", False),
    ("15", "", False),
    ("15", "Answer:", False),
    ("15", "Answer: 1.5", False),
    ("15", "Answer: 150", False),
    ("15", "Answer: -15", False),
    ("हाँ", "उत्तर: हां।", True),
    ("हाँ", "उत्तर: नहीं", False),
    ("True", "उत्तर: सत्य", True),
    ("True", "Answer: False", False),
    ("हिन्दी", "उत्तर: हिंदी", True),
    ("photosynthesis", "Answer: Photosynthesis.", True),
    ("photosynthesis", "Answer: respiration", False),
    ("NaCl", "Answer: NaCl", True),
    ("CO₂", "Answer: CO2", True),
    ("CO2", "Answer: CO", False),
    ("H2O", "Answer: H2O2", False),
    ("C", "Answer: (c)", True),
    ("C", "Answer: Option C", True),
    ("C", "Answer: (b)", False),
    ("(c) 14", "Answer: c", True),
    ("(c) 14", "Answer: 14", True),
    ("(c) 14", "Answer: (a) 14", False),
    ("ख", "उत्तर: (ख)", True),
    ("14", "Answer: c) 14", True),
    ("48", "उत्तर: ४८", True),
    ("48", "விடை: ௪௮", True),
    ("48", "సమాధానం: ౪౮", True),
    ("48", "উত্তর: ৪৮", True),
    ("48", "ഉത്തരം: ൪൮", True),
    ("48", "जवाब: ४९", False),
    ("1,00,000", "Answer: 100,000", True),
    ("1,00,000", "Answer: 10,000", False),
    ("12,345", "Answer: 12 345", True),
    ("five", "Answer: 5", True),
    ("12", "Answer: twelve", True),
    ("12", "उत्तर: बारह", True),
    ("12", "Answer: eleven", False),
    ("3 boys and 5 girls", "Answer: 5 girls and 3 boys", True),
    ("3 boys and 5 girls", "Answer: 5 boys and 3 girls", False),
    ("2.5", "Answer: 2.51", False),
    ("7.25", "Answer: 7.3", False),
    ("12.50", "Answer: 12.5", True),
    ("12.50", "Answer: 12.55", False),
    ("0.1666", "Answer: 1/6", True),
    ("1/7", "Answer: 0.143", True),
    ("1/7", "Answer: 0.15", False),
    ("7 lakh 25 thousand", "Answer: 7,25,000", True),
    ("₹3.2 crore", "Answer: ₹32000000", True),
    ("₹3.2 crore", "Answer: ₹3.2 lakh", False),
    ("45,00,000", "उत्तर: 45 लाख रुपये", True),
    ("900", "விடை: 9 நூறு", True),
    ("8 hundred", "Answer: 800", True),
    ("60000", "జవాబు: 60 వేలు", True),
    ("4⅜", "Answer: 35/8", True),
    ("4⅜", "Answer: 4.375", True),
    ("4⅜", "Answer: 43/8", False),
    ("-1½", "Answer: -1.5", True),
    ("-1½", "Answer: -0.5", False),
    ("\\frac{-3}{5}", "Answer: -0.6", True),
    ("\\dfrac{2}{9}", "Answer: 2/9", True),
    ("0.125 km", "Answer: 125 metres", True),
    ("2.4 m", "Answer: 240cm", True),
    ("2.4 m", "Answer: 24 cm", False),
    ("5.4 km/h", "Answer: 1.5 m/s", True),
    ("15 m/s", "Answer: 54 kmph", True),
    ("15 m/s", "Answer: 15 km/h", False),
    ("2 hours 15 minutes", "Answer: 135 min", True),
    ("2 hours 15 minutes", "Answer: 2.15 hours", False),
    ("3 kg 250 g", "Answer: 3.25 kg", True),
    ("1 m 5 cm", "Answer: 105 cm", True),
    ("1 m 5 cm", "Answer: 15 cm", False),
    ("250 mL", "Answer: 0.25 litres", True),
    ("64 sq. m", "Answer: 64 m²", True),
    ("64 sq. m", "Answer: 64 m³", False),
    ("125 cc", "Answer: 125 cm^3", True),
    ("9 वर्ग मीटर", "Answer: 9 m^2", True),
    ("9 वर्ग मीटर", "Answer: 9 m", False),
    ("100 J", "Answer: 100 N m", True),
    ("60 W", "Answer: 60 J/s", True),
    ("60 W", "Answer: 60 J", False),
    ("12 V", "Answer: 12 volts", True),
    ("0.5 A", "Answer: 500 mA", True),
    ("8000 kg/m³", "Answer: 8 g/cm³", True),
    ("8000 kg/m³", "Answer: 8000 g/cm³", False),
    ("p = 6, q = -2", "Answer: q = -2, p = 6", True),
    ("p = 6, q = -2", "Answer: p = -2, q = 6", False),
    ("x=1, x=4", "Answer: x = 4 or x = 1", True),
    ("x=1, x=4", "Answer: x = 1", False),
    ("(0, -7)", "Answer: (0,-7)", True),
    ("(0, -7)", "Answer: (-7, 0)", False),
    ("1, 4, 9, 16", "Answer: 1, 4, 9, 16", True),
    ("1, 4, 9, 16", "Answer: 16, 9, 4, 1", False),
    ("x = ±3", "Answer: 3 and -3", True),
    ("x = ±3", "Answer: x = 3", False),
    ("2 ± √3", "Answer: 2 + √3 or 2 - √3", True),
    ("√50", "Answer: 5√2", True),
    ("√50", "Answer: 7.07", True),
    ("√50", "Answer: 25", False),
    ("36π", "Answer: 113.1", True),
    ("36π", "Answer: 113.04", True),
    ("36π", "Answer: 36", False),
    ("4π/3", "Answer: \\frac{4\\pi}{3}", True),
    ("π/6", "Answer: 30", False),
    ("3x² - 5", "Answer: -5 + 3x^2", True),
    ("3x² - 5", "Answer: 3x - 5", False),
    ("x(x+1)", "Answer: (x+1)x", True),
    ("2ab", "Answer: 2ba", True),
    ("x ≤ 7", "Answer: 7 ≥ x", True),
    ("x ≤ 7", "Answer: x < 7", False),
    ("y = -2x + 9", "Answer: y = 9 - 2x", True),
    ("y = -2x + 9", "Answer: y = 2x + 9", False),
    ("e^2", "Answer: e^{2}", True),
    ("sin 30°", "Answer: cos 30°", False),
    ("5:7", "Answer: 10:14", True),
    ("5:7", "Answer: 7:5", False),
    ("1:2:3", "Answer: 2:4:6", True),
    ("6:45 am", "Answer: 6.45 am", True),
    ("6:45 am", "Answer: 6:45 pm", False),
    ("75%", "Answer: 3/4", True),
    ("75%", "Answer: 75", True),
    ("75%", "Answer: 7.5%", False),
    ("0.9", "Answer: 90 percent", True),
    ("हां", "Answer: Yes", True),
    ("नहीं", "उत्तर: हाँ", False),
    ("false", "Answer: False.", True),
    ("गलत", "Answer: false", True),
    ("Mahatma Gandhi", "Answer: Mahatma Gandhi.", True),
    ("Mahatma Gandhi", "Answer: Jawaharlal Nehru", False),
    ("chlorophyll", "Answer: chloroplast", False),
    ("O₂", "Answer: O2", True),
    ("Fe2O3", "Answer: Fe3O4", False),
    ("D", "The correct option is (d).", True),
    ("D", "Answer: A", False),
    ("(a)", "Answer: a", True),
    ("B. 25", "Answer: 25", True),
    ("B. 25", "Answer: C. 25", False),
    ("20", "Answer: 20 (because 4 × 5 = 20)", True),
    ("20", "**Answer: 20 apples** 🎉", True),
    ("20", "The answer is **20**. Great work!", True),
    ("20", "20", True),
    ("20", "It is 20", True),
    ("20", "Answer: 20, which is even", True),
    ("20", "Answer: about 21", False),
    ("20", "Answer: 20 or 21", False),
    ("20", "Answer: between 19 and 21", False),
    ("20", "Answer: not 20", False),
    ("20", "अतः कुल 20 आम हैं।", True),
    ("20", "மொத்தம் 20 பழங்கள் உள்ளன.", True),
    ("20", "So we have 4 × 5 = 20.", True),
    ("2.75", "Answer: 2.7", False),
    ("6.02×10^23", "Answer: 6.02 × 10^{23} atoms", True),
    ("6.02×10^23", "Answer: 6.02 × 10^22", False),
    ("0.00025", "Answer: 2.5 × 10⁻⁴", True),
    ("1,20,500", "Answer: 1 20 500", True),
    ("Rs. 120", "Answer: 120 rupees only", True),
    ("Rs. 120", "Answer: 120 paise", False),
    ("12 years", "Answer: 12", True),
    ("12 years", "Answer: 12 months", False),
]


@pytest.mark.parametrize(("known", "answer", "right"), PAIRS)
def test_an_answer_is_right_exactly_where_it_says_the_known_result(known, answer, right):
    assert is_correct(answer, known) is right


@given(st.fractions(min_value=-10_000, max_value=10_000, max_denominator=99))
def test_every_fraction_is_read_back_exactly(value):
    (part,) = read_result(f"{value.numerator}/{value.denominator}").parts
    assert isinstance(part.value, Quantity)
    assert part.value.node == value


@given(st.integers(-(10**9), 10**9), st.sampled_from(["०१२३४५६७८९", "௦௧௨௩௪௫௬௭௮௯", "০১২৩৪৫৬৭৮৯"]))
def test_a_whole_number_is_itself_in_any_script_and_no_other(value, digits):
    written = str(value).translate(str.maketrans("0123456789", digits))
    assert is_correct(f"Answer: {written}", str(value))
    assert not is_correct(f"Answer: {written}", str(value + 1))


@given(
    st.integers(1, 10**6),
    st.sampled_from(
        [
            ("km", "m", 1000),
            ("kg", "g", 1000),
            ("hours", "minutes", 60),
            ("m²", "cm²", 10_000),
            ("rupees", "paise", 100),
        ]
    ),
)
def test_a_conversion_is_right_and_the_same_number_in_another_unit_is_wrong(value, units):
    large, small, factor = units
    assert is_correct(f"Answer: {value * factor} {small}", f"{value} {large}")
    assert not is_correct(f"Answer: {value} {small}", f"{value} {large}")


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=4, unique=True), st.randoms())
def test_a_set_has_no_order_and_a_point_has_one(values, random):
    shuffled = random.sample(values, len(values))
    assert is_correct("Answer: " + " and ".join(map(str, shuffled)), " and ".join(map(str, values)))
    point = f"({', '.join(map(str, shuffled))})"
    assert is_correct(f"Answer: {point}", f"({', '.join(map(str, values))})") is (shuffled == values)


@pytest.mark.parametrize(
    ("expected", "stated", "right"),
    [
        ("1 < x < 7", "(1, 7)", True),
        ("1 < x < 7", "[1, 7]", False),
        ("1 ≤ x < 7", "[1, 7)", True),
        ("1 ≤ x < 7", "(1, 7]", False),
        ("x ≥ 4", "$x \\in [4, \\infty)$", True),
        ("x ≥ 4", "(4, ∞)", False),
        ("x < 0 or x > 9", "(-∞, 0) ∪ (9, ∞)", True),
        ("x < 0 or x > 9", "0 < x < 9", False),
        ("x > 0 and x < 9", "0 < x < 9", True),
        ("y < 5", "x < 5", False),
        ("-3 ≤ x ≤ 3", "±3", False),
        ("(1, 7)", "(7, 1)", False),
    ],
)
def test_inequalities_may_be_said_as_intervals(expected, stated, right):
    assert is_correct(f"Answer: {stated}", expected) is right


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        (r"\begin{bmatrix} 3 & 1 \\ 0 & 2 \end{bmatrix}", True),
        ("[[3, 1], [0, 2]]", True),
        (r"\begin{pmatrix} 3 & 0 \\ 1 & 2 \end{pmatrix}", False),
        (r"\begin{pmatrix} 3 & 1 & 0 & 2 \end{pmatrix}", False),
        ("3, 1, 0, 2", False),
    ],
)
def test_a_matrix_is_its_rows_whatever_its_brackets(stated, right):
    assert is_correct(f"Answer: {stated}", r"\begin{pmatrix} 3 & 1 \\ 0 & 2 \end{pmatrix}") is right


def test_a_column_is_no_row():
    column = r"\begin{pmatrix} 3 \\ 1 \end{pmatrix}"
    assert is_correct(r"Answer: \begin{bmatrix} 3 \\ 1 \end{bmatrix}", column)
    assert not is_correct(r"Answer: \begin{bmatrix} 3 & 1 \end{bmatrix}", column)


def test_a_product_may_be_multiplied_out_unless_the_question_asks_for_a_form_or_shows_it():
    garden, known = "A garden is x + 2 metres wide and x + 5 long. What is its area?", "(x+2)(x+5)"
    assert is_correct("Answer: x^2 + 7x + 10", known, garden)
    assert is_correct(f"Answer: {known}", "x^2 + 7x + 10", garden)
    assert not is_correct("Answer: x^2 + 7x + 7", known, garden)
    assert not is_correct("Answer: x^2 + 7x + 10", known, "Factorise x^2 + 7x + 10.")
    assert not is_correct("Answer: (x + 2)(x + 5)", "x^2 + 7x + 10", "What is (x+2)(x+5)?")
    assert not is_correct("Answer: x^2 + 7x + 10", known), "nobody can tell what was asked"


@given(st.lists(st.integers(-6, 6).filter(bool), min_size=2, max_size=3))
def test_multiplying_out_changes_no_value(roots):
    product = "".join(f"(x{-root:+d})" for root in roots)
    read = read_result(product).parts[0].value
    assert isinstance(read, Quantity)
    node = read.node

    def at(one: algebra.Node, x: int) -> Fraction:
        if isinstance(one, Fraction):
            return one
        if isinstance(one, algebra.Symbol):
            return Fraction(x)
        if isinstance(one, algebra.Power):
            assert isinstance(one.exponent, Fraction)
            return at(one.base, x) ** int(one.exponent)
        assert isinstance(one, algebra.Sum | algebra.Product)
        parts = one.terms if isinstance(one, algebra.Sum) else one.factors
        values = [at(part, x) for part in parts]
        return sum(values, Fraction(0)) if isinstance(one, algebra.Sum) else Fraction(math.prod(values))

    assert all(at(node, x) == at(algebra.expanded(node), x) for x in range(-3, 4))


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [
        ("an increase of 12%", "Answer: 12% increase", True),
        ("an increase of 12%", "Answer: 12% decrease", False),
        ("₹40 हानि", "उत्तर: ₹40 लाभ", False),
        ("₹40 हानि", "उत्तर: ₹40 हानि", True),
        ("21 °C", "Answer: 21 degrees Celsius", True),
        ("21 °C", "Answer: 21 degrees Fahrenheit", False),
        ("2 kWh", "Answer: 7.2 MJ", True),
        ("1/11", r"Answer: 0.\overline{09}", True),
        ("1/11", r"Answer: 0.\overline{9}", False),
        ("∅", "Answer: There is no solution.", True),
        ("∅", "Answer: {0}", False),
        ("half past 9", "Answer: 9:30", True),
        ("quarter to 9", "Answer: 9:15", False),
        ("12 noon", "Answer: 12:00 pm", True),
        ("12 noon", "Answer: 12:00 am", False),
        ("37", "Answer: thirty-seven", True),
        ("37", "Answer: thirty-six", False),
        ("30-x", "Answer: thirty-x", True),
        ("15", "Answer: twenty minus five", True),
        ("2.5", "उत्तर: ढाई", True),
        ("3/8", "Answer: three eighths", True),
        ("{p, q}", "Answer: {q, p}", True),
        ("{p, q}", "Answer: {q}", False),
        ("iron and carbon", "Answer: both iron and carbon", True),
    ],
)
def test_other_words_for_the_same_result(expected, answer, right):
    assert is_correct(answer, expected) is right


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_text_can_break_the_checking(answer, known):
    is_correct(answer, known)
    is_correct(f"Answer: {answer}", f"Answer: {known}")


@given(
    st.lists(
        st.sampled_from(
            [
                "1",
                "2.5",
                "x",
                "cm",
                "/",
                "^",
                "(",
                ")",
                "√",
                "±",
                "\\frac{",
                "}",
                "lakh",
                ":",
                "=",
                "<",
                " ",
                ",",
                "and",
                "%",
                "₹",
                "½",
            ]
        ),
        max_size=30,
    )
)
def test_no_heap_of_signs_can_break_the_checking(signs):
    text = "".join(signs)
    assert is_correct(f"Answer: {text}", "12 cm") in (True, False)
    read_result(text)


def test_powers_that_nobody_would_write_out_are_not_computed():
    assert not is_correct("Answer: 9^9^9^9^9", "9")
    assert not is_correct("Answer: 10^999999999", "1")
    assert read_result("2^999999").parts == ()
    assert read_result("6!/2").parts[0].value == Quantity(Fraction(360))
    assert read_result("9999!/2").parts == ()


def test_a_model_that_repeats_a_digit_for_ever_states_some_number():
    assert not is_correct("9" * 100_000, "9")
    assert not is_correct("Answer: " + "9" * 100_000, "9")


@pytest.mark.parametrize("known", ["2 × 3 × 7", "2^2 × 5"])
def test_a_product_that_was_asked_for_is_not_its_value(known):
    value = {"2 × 3 × 7": "42", "2^2 × 5": "20"}[known]
    assert not is_correct(f"Answer: {value}", known)
    assert is_correct(f"Answer: {known}", known)
    assert is_correct(f"Answer: {known} = {value}", value)


def test_a_decimal_is_right_as_far_as_it_is_written_out():
    assert is_correct("Answer: 0.67", "2/3")
    assert not is_correct("Answer: 0.7", "2/3")
    assert not is_correct("Answer: 0.68", "2/3")
    assert is_correct("Answer: 1.41", "√2")
    assert not is_correct("Answer: 1.42", "√2")
    assert read_result("0.25").parts[0].value == Quantity(Fraction(1, 4), places=2)


def test_checking_takes_time_in_proportion_to_the_text():
    units = (
        "(",
        "1/",
        "Answer. ",
        "Answer: ",
        "so the answer is ",
        "\\frac{",
        "\\boxed{",
        "$1 $",
        "= 1 ",
        "उत्तर ",
        "? ",
        "#### ",
        "1½",
        "| a |\n",
        "**",
    )
    assert not faster_than_linear(lambda text: is_correct(text, "12 cm"), units, size=5_000, floor=0.02)
