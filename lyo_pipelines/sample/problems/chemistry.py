"""Chemistry of classes 9 to 12: masses, moles, acids, atoms, and balancing by exact linear algebra."""

from __future__ import annotations

import re
from fractions import Fraction
from math import gcd, lcm
from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, decimal, kind

MASSES = {
    "H": 1,
    "C": 12,
    "N": 14,
    "O": 16,
    "Na": 23,
    "Mg": 24,
    "Al": 27,
    "S": 32,
    "K": 39,
    "Ca": 40,
    "Fe": 56,
    "P": 31,
}
"""Atomic masses in u, rounded to whole numbers as school tables give them."""

FORMULAS = (
    "H2O", "CO2", "NH3", "CH4", "H2SO4", "HNO3", "NaOH", "CaCO3", "Na2CO3", "C6H12O6", "C2H5OH", "CaO", "MgO", "Fe2O3", "Al2O3",
    "SO2", "SO3", "NaNO3", "KOH", "K2SO4", "Na2SO4", "NaHCO3", "H3PO4", "C2H6", "C3H8", "C6H6", "KNO3", "MgSO4", "H2O2", "N2O",
    "NO2", "P2O5", "C12H22O11", "CaSO4", "H2S", "CH3OH",
)  # fmt: skip

EQUATIONS = (
    "H2 + O2 -> H2O", "N2 + H2 -> NH3", "CH4 + O2 -> CO2 + H2O", "Fe + O2 -> Fe2O3", "Al + O2 -> Al2O3", "Mg + O2 -> MgO",
    "C3H8 + O2 -> CO2 + H2O", "C2H6 + O2 -> CO2 + H2O", "Na + H2O -> NaOH + H2", "Fe2O3 + C -> Fe + CO2", "SO2 + O2 -> SO3",
    "CaCO3 + HCl -> CaCl2 + CO2 + H2O", "Al + HCl -> AlCl3 + H2", "KClO3 -> KCl + O2", "H2O2 -> H2O + O2", "P + O2 -> P2O5",
    "C2H5OH + O2 -> CO2 + H2O", "Fe + H2O -> Fe3O4 + H2", "NaOH + H2SO4 -> Na2SO4 + H2O", "Zn + HCl -> ZnCl2 + H2",
    "NH3 + O2 -> NO + H2O", "C6H12O6 + O2 -> CO2 + H2O", "K + Cl2 -> KCl", "Pb + O2 -> PbO", "Fe + Cl2 -> FeCl3", "Ca + N2 -> Ca3N2",
    "C6H6 + O2 -> CO2 + H2O", "KOH + H3PO4 -> K3PO4 + H2O", "Al2O3 + HCl -> AlCl3 + H2O", "Na2O + H2O -> NaOH",
    "H2S + O2 -> SO2 + H2O", "CO + Fe2O3 -> Fe + CO2",
)  # fmt: skip
"""Skeleton equations; the coefficients are computed, never typed."""

ATOMS = {
    "H": (1, 1), "He": (2, 4), "Li": (3, 7), "Be": (4, 9), "B": (5, 11), "C": (6, 12), "N": (7, 14), "O": (8, 16), "F": (9, 19),
    "Ne": (10, 20), "Na": (11, 23), "Mg": (12, 24), "Al": (13, 27), "Si": (14, 28), "P": (15, 31), "S": (16, 32), "Cl": (17, 35),
    "Ar": (18, 40), "K": (19, 39), "Ca": (20, 40),
}  # fmt: skip
"""Symbol -> (atomic number, mass number of the commonest isotope)."""

_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")


def atoms(formula: str) -> dict[str, int]:
    """Count the atoms of a formula without brackets: "C2H5OH" -> {"C": 2, "H": 6, "O": 1}."""
    counts: dict[str, int] = {}
    for symbol, number in _ELEMENT.findall(formula):
        counts[symbol] = counts.get(symbol, 0) + int(number or 1)
    return counts


def balance(left: list[str], right: list[str]) -> list[int]:
    """Smallest positive whole coefficients of a reaction: the null space of its atom matrix, by Gauss-Jordan on fractions.

    Raises ValueError when the reaction has no unique balance.
    """
    counts = [atoms(formula) for formula in left + right]
    signs = [1] * len(left) + [-1] * len(right)
    elements = sorted({symbol for count in counts for symbol in count})
    rows = [
        [Fraction(sign * count.get(symbol, 0)) for sign, count in zip(signs, counts, strict=True)]
        for symbol in elements
    ]
    pivots: list[int] = []
    for column in range(len(counts)):
        at = len(pivots)
        found = next((i for i in range(at, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[at], rows[found] = rows[found], rows[at]
        rows[at] = [cell / rows[at][column] for cell in rows[at]]
        for i, row in enumerate(rows):
            if i != at and row[column]:
                rows[i] = [cell - row[column] * top for cell, top in zip(row, rows[at], strict=True)]
        pivots.append(column)
    free = [column for column in range(len(counts)) if column not in pivots]
    if len(free) != 1:
        raise ValueError(f"{left} -> {right} has no unique balance")
    exact = [Fraction(1)] * len(counts)
    for at, column in enumerate(pivots):
        exact[column] = -rows[at][free[0]]
    scale = lcm(*(value.denominator for value in exact))
    whole = [int(value * scale) for value in exact]
    common = gcd(*whole)
    if min(whole) <= 0:
        raise ValueError(f"{left} -> {right} cannot be balanced with positive numbers")
    return [value // common for value in whole]


def _balanced(equation: str) -> Values:
    left, right = (side.split(" + ") for side in equation.split(" -> "))
    numbers = balance(left, right)
    terms = [f"{number if number > 1 else ''}{formula}" for number, formula in zip(numbers, left + right, strict=True)]
    count = dict(zip(left, numbers, strict=False))
    per_element = {symbol: sum(count[f] * atoms(f).get(symbol, 0) for f in left) for symbol in atoms("".join(left))}
    return {
        "skeleton": equation,
        "balanced": " + ".join(terms[: len(left)]) + " -> " + " + ".join(terms[len(left) :]),
        "check": ", ".join(f"{symbol}: {number} = {number}" for symbol, number in per_element.items()),
        "coefficients": ", ".join(map(str, numbers)),
    }


_BALANCED = [_balanced(equation) for equation in EQUATIONS]
_MOLAR = [
    {"formula": f, "M": sum(MASSES[s] * n for s, n in atoms(f).items()),
     "terms": " + ".join(f"{n} × {MASSES[s]}" for s, n in atoms(f).items())}
    for f in FORMULAS
]  # fmt: skip


@kind("chemistry", "chemical_equations", 10)
def balancing(rng: Random) -> Values:
    """Balance one of the skeleton equations."""
    return dict(_BALANCED[int(rng.random() * len(_BALANCED))])


@kind("chemistry", "mole_concept", 9, 11)
def molar_mass(rng: Random) -> Values:
    """Molar mass from atomic masses."""
    return dict(_MOLAR[int(rng.random() * len(_MOLAR))])


@kind("chemistry", "mole_concept", 9, 11)
def moles_from_mass(rng: Random) -> Values:
    """n = m / M with a multiple of a quarter mole."""
    values = molar_mass(rng)
    moles = Fraction(between(rng, 1, 24), 4 if values["M"] % 4 == 0 else 2 if values["M"] % 2 == 0 else 1)
    return values | {"mass": decimal(values["M"] * moles), "moles": decimal(moles)}


@kind("chemistry", "mole_concept", 11)
def mass_from_moles(rng: Random) -> Values:
    """m = n M."""
    values = molar_mass(rng)
    moles = Fraction(between(rng, 1, 20), 2)
    return values | {"moles": decimal(moles), "mass": decimal(values["M"] * moles)}


@kind("chemistry", "acids_and_bases", 10, 11)
def strong_acid_ph(rng: Random) -> Values:
    """pH of a strong monoprotic acid of concentration 10^-n mol/L."""
    power = between(rng, 1, 6)
    return {
        "acid": ("HCl", "HNO3", "HBr", "HI")[int(rng.random() * 4)],
        "power": power,
        "conc": f"{10**-power:.{power}f}",
        "pH": power,
    }


@kind("chemistry", "atomic_structure", 9)
def neutrons(rng: Random) -> Values:
    """Neutrons = mass number - atomic number."""
    symbol = ("He", *list(ATOMS)[2:])[int(rng.random() * 19)]
    number, mass = ATOMS[symbol]
    return {"symbol": symbol, "Z": number, "A": mass, "N": mass - number}


@kind("chemistry", "atomic_structure", 9)
def valence_electrons(rng: Random) -> Values:
    """Shells 2, 8, 8 of the first twenty elements; the electrons of the last shell."""
    symbol = list(ATOMS)[int(rng.random() * 20)]
    left, shells = ATOMS[symbol][0], []
    for capacity in (2, 8, 8, 2):
        if left > 0:
            shells.append(min(capacity, left))
            left -= shells[-1]
    return {"symbol": symbol, "Z": ATOMS[symbol][0], "shells": ", ".join(map(str, shells)), "last": shells[-1]}


@kind("chemistry", "solutions", 9, 12)
def molarity(rng: Random) -> Values:
    """Moles per litre."""
    value, litres = Fraction(between(rng, 1, 12), 2), between(rng, 2, 8)
    return {"moles": decimal(value * litres), "litres": litres, "M": decimal(value)}


@kind("chemistry", "solutions", 9)
def mass_percent(rng: Random) -> Values:
    """Mass of solute per hundred of solution."""
    percent, solution = between(rng, 2, 40), between(rng, 100, 900, 50)
    solute = Fraction(percent * solution, 100)
    return {"solute": decimal(solute), "solution": solution, "water": decimal(solution - solute), "percent": percent}


@kind("chemistry", "matter", 9)
def kelvin(rng: Random) -> Values:
    """Degrees Celsius into kelvin, with 273."""
    celsius = between(rng, 5, 480)
    return {"C": celsius, "K": celsius + 273}


@kind("chemistry", "matter", 9)
def density(rng: Random) -> Values:
    """Mass over volume of a liquid in g/cm³."""
    return _density(Fraction(between(rng, 7, 14), 10), between(rng, 15, 250, 5))


@kind("chemistry", "matter", 9)
def density_of_metal(rng: Random) -> Values:
    """Mass over volume of a metal in g/cm³."""
    return _density(Fraction(between(rng, 18, 90), 10), between(rng, 5, 60, 5))


def _density(value: Fraction, volume: int) -> Values:
    return {"mass": decimal(value * volume), "volume": volume, "density": decimal(value)}
