"""School arithmetic: fractions, ratio, averages, factors, time and distance. Money stands in commerce.py."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, kind


@kind("math", "fractions", 6, 7)
def fraction_sum(rng: Random) -> Values:
    """a/b + c/d with a sum already in lowest terms."""
    while True:
        b, d = between(rng, 2, 12), between(rng, 2, 12)
        a, c = between(rng, 1, b - 1), between(rng, 1, d - 1)
        common = lcm(b, d)
        a_scaled, c_scaled = a * common // b, c * common // d
        total = a_scaled + c_scaled
        if b != d and gcd(a, b) == gcd(c, d) == gcd(total, common) == 1:
            return {"a": a, "b": b, "c": c, "d": d, "lcd": common, "a2": a_scaled, "c2": c_scaled, "num": total}


@kind("math", "fractions", 6, 7)
def fraction_of(rng: Random) -> Values:
    """p/q of a quantity, and what is left."""
    q = between(rng, 3, 9)
    p = between(rng, 2, q - 1) if q > 3 else 2
    while gcd(p, q) != 1:
        p -= 1
    one = between(rng, 4, 40)
    return {"p": p, "q": q, "total": one * q, "one": one, "part": one * p, "rest": one * (q - p)}


@kind("math", "ratio_and_proportion", 6, 7)
def ratio_share(rng: Random) -> Values:
    """Share a total in the ratio m:n."""
    while True:
        m, n = between(rng, 2, 9), between(rng, 1, 8)
        if gcd(m, n) == 1 and m > n:
            break
    one = between(rng, 6, 60)
    parts = m + n
    return {"m": m, "n": n, "parts": parts, "one": one, "total": one * parts, "larger": one * m, "smaller": one * n}


@kind("math", "ratio_and_proportion", 6, 7)
def unitary(rng: Random) -> Values:
    """n things cost c; what do m cost?"""
    n, each = between(rng, 3, 15), between(rng, 6, 85)
    m = n + between(rng, 2, 14)
    return {"n": n, "each": each, "cost": n * each, "m": m, "new_cost": m * each}


@kind("math", "averages", 7, 9)
def mean(rng: Random) -> Values:
    """Mean of five whole numbers, a whole number itself."""
    centre = between(rng, 24, 78)
    first = [centre + between(rng, -20, 20) for _ in range(4)]
    first.append(5 * centre - sum(first))
    if first[-1] <= 0:
        return mean(rng)
    return {
        "list": ", ".join(map(str, first)),
        "sum_text": " + ".join(map(str, first)),
        "sum": sum(first),
        "mean": centre,
    }


@kind("math", "averages", 9)
def median(rng: Random) -> Values:
    """Median of seven different whole numbers."""
    numbers = rng.sample(range(11, 99), 7)
    ordered = sorted(numbers)
    return {"list": ", ".join(map(str, numbers)), "ordered": ", ".join(map(str, ordered)), "median": ordered[3]}


@kind("math", "factors_and_multiples", 6)
def lcm_bells(rng: Random) -> Values:
    """Two events repeat every a and b minutes; when do they meet again?"""
    while True:
        a, b = between(rng, 4, 36), between(rng, 4, 36)
        common = gcd(a, b)
        if a < b and common > 1 and b % a:
            product = a * b
            return {"a": a, "b": b, "product": product, "hcf": common, "lcm": product // common}


@kind("math", "factors_and_multiples", 6)
def hcf_packets(rng: Random) -> Values:
    """The largest equal packets out of two amounts (Euclid's division, two steps)."""
    while True:
        common, m, n = between(rng, 3, 18), between(rng, 2, 9), between(rng, 3, 14)
        if gcd(m, n) == 1 and m < n:
            return {"a": common * m, "b": common * n, "m": m, "n": n, "hcf": common}


@kind("math", "time_and_distance", 7, 8)
def travel_time(rng: Random) -> Values:
    """Distance and speed give hours."""
    speed, hours = between(rng, 32, 96, 2), between(rng, 2, 12)
    return {"speed": speed, "hours": hours, "distance": speed * hours}


@kind("math", "time_and_distance", 7, 8)
def travel_speed(rng: Random) -> Values:
    """Two legs of a journey give the average speed, a whole number."""
    while True:
        t1, t2 = between(rng, 2, 5), between(rng, 2, 5)
        d1, d2 = between(rng, 30 * t1, 90 * t1, 5), between(rng, 30 * t2, 90 * t2, 5)
        distance, hours = d1 + d2, t1 + t2
        if distance % hours == 0:
            return {
                "d1": d1,
                "t1": t1,
                "d2": d2,
                "t2": t2,
                "distance": distance,
                "hours": hours,
                "speed": distance // hours,
            }


_WORK_PAIRS = [(a, b) for a in range(3, 61) for b in range(a + 1, 91) if (a * b) % (a + b) == 0]


@kind("math", "time_and_work", 8)
def work_together(rng: Random) -> Values:
    """One needs a days, the other b; together a·b / (a + b) days, a whole number."""
    a, b = _WORK_PAIRS[int(rng.random() * len(_WORK_PAIRS))]
    return {"a": a, "b": b, "product": a * b, "sum": a + b, "days": a * b // (a + b)}


@kind("math", "measurement", 6)
def metres(rng: Random) -> Values:
    """Kilometres and metres into metres."""
    km, m = between(rng, 2, 38), between(rng, 25, 975, 25)
    return {"km": km, "m": m, "km_m": km * 1000, "total": km * 1000 + m}


@kind("math", "probability", 9, 10)
def probability(rng: Random) -> Values:
    """Probability of one colour, in lowest terms."""
    while True:
        red, blue = between(rng, 3, 24), between(rng, 3, 30)
        total = red + blue
        if gcd(red, total) > 1:
            break
    chance = Fraction(red, total)
    common = gcd(red, total)
    return {
        "red": red,
        "blue": blue,
        "total": total,
        "hcf": common,
        "chance": f"{chance.numerator}/{chance.denominator}",
    }


@kind("math", "exponents", 8)
def powers(rng: Random) -> Values:
    """a^m x a^n divided by a^k, worked by the laws of exponents."""
    base = between(rng, 2, 7)
    left = between(rng, 2, 4 if base < 4 else 3)
    m, n = between(rng, 3, 9), between(rng, 2, 9)
    return {"a": base, "m": m, "n": n, "k": m + n - left, "mn": m + n, "left": left, "value": base**left}
