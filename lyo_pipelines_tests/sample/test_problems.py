"""Every number of every problem is right: solved here once more, in another way."""

from __future__ import annotations

import contextlib
import io
import math
import statistics
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.sample.problems import KINDS
from lyo_pipelines.sample.problems.chemistry import EQUATIONS, FORMULAS, MASSES, atoms, balance
from lyo_pipelines.sample.problems.kinds import decimal

DRAWS = 200

CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "linear": lambda v: v["a"] * v["x"] + v["b"] == v["c"],
    "linear_both_sides": lambda v: v["a"] * v["x"] + v["b"] == v["c"] * v["x"] + v["d"],
    "ages": lambda v: (
        v["child"] + v["elder"] == v["sum"] and v["elder"] == v["k"] * v["child"] and v["elder"] >= v["child"] + 18
    ),
    "consecutive": lambda v: sum(range(v["smallest"], v["largest"] + 1)) == v["sum"],
    "two_prices": lambda v: (v["a"] * v["x"] + v["y"], v["b"] * v["x"] + v["y"]) == (v["p"], v["q"]),
    "quadratic": lambda v: all(r * r - v["sum"] * r + v["product"] == 0 for r in (v["p"], v["q"])),
    "nth_term": lambda v: [v["a"] + v["d"] * i for i in range(v["n"])][-1] == v["term"],
    "sum_of_terms": lambda v: sum(v["a"] + v["d"] * i for i in range(v["n"])) == v["sum"],
    "fraction_sum": lambda v: Fraction(v["a"], v["b"]) + Fraction(v["c"], v["d"]) == Fraction(v["num"], v["lcd"]),
    "fraction_of": lambda v: v["total"] * (1 - Fraction(v["p"], v["q"])) == v["rest"],
    "ratio_share": lambda v: v["larger"] + v["smaller"] == v["total"] and v["larger"] * v["n"] == v["smaller"] * v["m"],
    "unitary": lambda v: Fraction(v["cost"], v["n"]) * v["m"] == v["new_cost"],
    "mean": lambda v: statistics.mean(map(int, v["list"].split(", "))) == v["mean"],
    "median": lambda v: statistics.median(map(int, v["list"].split(", "))) == v["median"],
    "lcm_bells": lambda v: math.lcm(v["a"], v["b"]) == v["lcm"],
    "hcf_packets": lambda v: math.gcd(v["a"], v["b"]) == v["hcf"],
    "travel_time": lambda v: v["speed"] * v["hours"] == v["distance"],
    "travel_speed": lambda v: Fraction(v["d1"] + v["d2"], v["t1"] + v["t2"]) == v["speed"],
    "work_together": lambda v: v["days"] * (Fraction(1, v["a"]) + Fraction(1, v["b"])) == 1,
    "metres": lambda v: v["total"] == 1000 * v["km"] + v["m"],
    "probability": lambda v: Fraction(v["chance"]) == Fraction(v["red"], v["red"] + v["blue"]),
    "powers": lambda v: Fraction(v["a"] ** v["m"] * v["a"] ** v["n"], v["a"] ** v["k"]) == v["value"],
    "shopping": lambda v: v["n"] * v["price"] + v["change"] == v["paid"] and v["change"] > 0,
    "two_items": lambda v: v["n"] * v["p"] + v["m"] * v["q"] == v["total"],
    "discount": lambda v: v["marked"] * Fraction(100 - v["rate"], 100) == v["pay"],
    "marks_percent": lambda v: Fraction(v["got"], v["total"]) == Fraction(v["percent"], 100),
    "population": lambda v: v["before"] * Fraction(100 + v["rate"], 100) == v["after"],
    "profit_percent": lambda v: v["cost"] * Fraction(100 + v["percent"], 100) == v["selling"],
    "selling_after_loss": lambda v: v["cost"] * Fraction(100 - v["percent"], 100) == v["selling"],
    "simple_interest": lambda v: v["P"] * Fraction(v["R"], 100) * v["T"] == v["interest"],
    "compound_interest": lambda v: v["P"] * Fraction(100 + v["R"], 100) ** 2 == v["amount"],
    "rectangle_fence": lambda v: (v["l"] + v["b"] + v["l"] + v["b"]) * v["rate"] == v["cost"],
    "rectangle_area": lambda v: v["l"] * v["b"] * v["per"] == v["tiles"],
    "triangle_area": lambda v: Fraction(v["base"] * v["h"], 2) == v["area"],
    "circle_turns": lambda v: 2 * Fraction(22, 7) * v["r"] * v["turns"] == v["way"],
    "box_volume": lambda v: v["l"] * v["b"] * v["h"] == v["volume"],
    "ladder": lambda v: math.hypot(v["a"], v["b"]) == v["c"],
    "third_angle": lambda v: v["a"] + v["b"] + v["c"] == 180 and v["c"] > 0,
    "acceleration": lambda v: v["u"] + v["acc"] * v["t"] == v["v"],
    "average_speed": lambda v: v["v"] * v["t"] == v["s"],
    "braking": lambda v: Fraction(1, 2) * v["acc"] * v["t"] ** 2 == v["s"],
    "force": lambda v: Fraction(v["F"], v["m"]) == v["acc"],
    "momentum": lambda v: Fraction(v["p"], v["m"]) == v["v"],
    "weight": lambda v: Fraction(v["W"], v["m"]) == 10,
    "work_done": lambda v: Fraction(v["W"], v["s"]) == v["F"],
    "kinetic_energy": lambda v: Fraction(v["m"] * v["v"] ** 2, 2) == v["E"],
    "potential_energy": lambda v: v["m"] * 10 * v["h"] == v["E"],
    "pressure": lambda v: v["P"] * v["A"] == v["F"],
    "ohm_current": lambda v: Fraction(v["I"]) * v["R"] == Fraction(v["V"]),
    "series": lambda v: v["I"] * (v["R1"] + v["R2"]) == v["V"],
    "energy_units": lambda v: Fraction(v["watts"] * v["hours"] * v["days"], 1000) == Fraction(v["units"]),
    "electric_power": lambda v: Fraction(v["P"]) / Fraction(v["I"]) == v["V"],
    "wave_speed": lambda v: Fraction(v["v"]) / Fraction(v["w"]) == v["f"],
    "echo": lambda v: 2 * v["d"] == 340 * v["t"],
    "balancing": lambda v: _atoms_of_side(v["balanced"], 0) == _atoms_of_side(v["balanced"], 1),
    "molar_mass": lambda v: _molar(v["formula"]) == v["M"],
    "moles_from_mass": lambda v: Fraction(v["moles"]) * _molar(v["formula"]) == Fraction(v["mass"]),
    "mass_from_moles": lambda v: Fraction(v["moles"]) * _molar(v["formula"]) == Fraction(v["mass"]),
    "strong_acid_ph": lambda v: round(-math.log10(float(v["conc"])), 9) == v["pH"],
    "neutrons": lambda v: v["Z"] + v["N"] == v["A"],
    "valence_electrons": lambda v: (
        sum(map(int, v["shells"].split(", "))) == v["Z"] and v["shells"].endswith(str(v["last"]))
    ),
    "molarity": lambda v: Fraction(v["M"]) * v["litres"] == Fraction(v["moles"]),
    "mass_percent": lambda v: (
        Fraction(v["solute"]) * 100 == v["percent"] * (Fraction(v["solute"]) + Fraction(v["water"]))
    ),
    "kelvin": lambda v: v["K"] - 273 == v["C"],
    "density": lambda v: Fraction(v["density"]) * v["volume"] == Fraction(v["mass"]),
    "density_of_metal": lambda v: Fraction(v["density"]) * v["volume"] == Fraction(v["mass"]),
}


@pytest.mark.parametrize("name", sorted(set(KINDS) - {k for k, v in KINDS.items() if v.subject == "programming"}))
def test_the_result_of_each_kind_is_right(name):
    rng = Random(f"check {name}")
    for _ in range(DRAWS):
        values = KINDS[name].make(rng)
        assert CHECKS[name](values), values


@pytest.mark.parametrize("name", sorted(name for name, kind in KINDS.items() if kind.subject == "programming"))
def test_each_program_prints_the_result_that_was_computed(name):
    rng = Random(f"check {name}")
    for _ in range(DRAWS):
        values = KINDS[name].make(rng)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(values["code"], {})
        assert printed.getvalue().strip() == str(values["out"])


def test_kinds_are_taught_in_the_grades_of_the_school():
    assert all(set(kind.grades) <= set(range(6, 13)) and kind.grades for kind in KINDS.values())


@pytest.mark.parametrize("equation", EQUATIONS)
def test_each_reaction_has_one_balance_in_smallest_whole_numbers(equation):
    left, right = (side.split(" + ") for side in equation.split(" -> "))
    numbers = balance(left, right)
    assert math.gcd(*numbers) == 1 and min(numbers) > 0


def test_a_reaction_that_cannot_be_balanced_is_refused():
    with pytest.raises(ValueError, match="balance"):
        balance(["H2"], ["O2"])
    with pytest.raises(ValueError, match="positive"):
        balance(["H2", "H2O"], ["O2"])


@given(st.integers(-(10**6), 10**6), st.sampled_from([1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100]))
def test_decimals_say_exactly_the_fraction(numerator, denominator):
    assert Fraction(decimal(Fraction(numerator, denominator))) == Fraction(numerator, denominator)


def test_a_decimal_that_does_not_end_is_refused():
    with pytest.raises(ValueError, match="no short decimal"):
        decimal(Fraction(1, 3))


def test_formulas_hold_only_elements_whose_mass_is_known():
    assert {symbol for formula in FORMULAS for symbol in atoms(formula)} <= set(MASSES)


def _molar(formula: str) -> int:
    return sum(MASSES[symbol] * count for symbol, count in atoms(formula).items())


def _atoms_of_side(equation: str, side: int) -> dict[str, int]:
    total: dict[str, int] = {}
    for term in equation.split(" -> ")[side].split(" + "):
        digits = len(term) - len(term.lstrip("0123456789"))
        for symbol, count in atoms(term[digits:]).items():
            total[symbol] = total.get(symbol, 0) + int(term[:digits] or 1) * count
    return total
