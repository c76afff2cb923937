"""Equations, sequences and the problems in words that lead to them."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, kind


@kind("math", "linear_equations", 7, 8)
def linear(rng: Random) -> Values:
    """a·x + b = c."""
    a, x, b = between(rng, 2, 15), between(rng, 2, 24), between(rng, 3, 60)
    return {"a": a, "b": b, "c": a * x + b, "ax": a * x, "x": x}


@kind("math", "linear_equations", 8)
def linear_both_sides(rng: Random) -> Values:
    """a·x + b = c·x + d with a > c."""
    c, more, x, b = between(rng, 2, 8), between(rng, 2, 7), between(rng, 2, 18), between(rng, 1, 30)
    a = c + more
    d = more * x + b
    return {"a": a, "b": b, "c": c, "d": d, "ac": more, "db": d - b, "x": x}


@kind("math", "linear_equations", 8)
def ages(rng: Random) -> Values:
    """An elder is k times as old as a child; together they are s years."""
    k, child = between(rng, 3, 6), between(rng, 9, 15)  # the elder is at least 18 years older
    return {"k": k, "k1": k + 1, "sum": (k + 1) * child, "child": child, "elder": k * child}


@kind("math", "linear_equations", 8)
def consecutive(rng: Random) -> Values:
    """Three consecutive whole numbers with a given sum: the largest."""
    middle = between(rng, 12, 420)
    return {"sum": 3 * middle, "middle": middle, "smallest": middle - 1, "largest": middle + 1}


@kind("math", "simultaneous_equations", 9, 10)
def two_prices(rng: Random) -> Values:
    """a·x + y = p and b·x + y = q with a > b."""
    b, more, x, y = between(rng, 2, 5), between(rng, 1, 5), between(rng, 6, 60), between(rng, 4, 90)
    a = b + more
    return {"a": a, "b": b, "p": a * x + y, "q": b * x + y, "ab": more, "pq": more * x, "x": x, "bx": b * x, "y": y}


@kind("math", "quadratic_equations", 10)
def quadratic(rng: Random) -> Values:
    """x² - (p + q)·x + p·q = 0 with two different positive roots."""
    p = between(rng, 1, 12)
    q = p + between(rng, 1, 9)
    return {"p": p, "q": q, "sum": p + q, "product": p * q}


@kind("math", "arithmetic_progression", 10)
def nth_term(rng: Random) -> Values:
    """The n-th term of an arithmetic progression."""
    first, step, n = between(rng, 2, 45), between(rng, 2, 15), between(rng, 10, 50)
    return {
        "a": first,
        "d": step,
        "n": n,
        "n1": n - 1,
        "n1d": (n - 1) * step,
        "term": first + (n - 1) * step,
        "start": ", ".join(str(first + i * step) for i in range(3)),
    }


@kind("math", "arithmetic_progression", 10)
def sum_of_terms(rng: Random) -> Values:
    """The sum of the first n terms, n even."""
    first, step, n = between(rng, 1, 30), between(rng, 2, 12), between(rng, 8, 40, 2)
    last = first + (n - 1) * step
    return {
        "a": first,
        "d": step,
        "n": n,
        "n1": n - 1,
        "last": last,
        "half": n // 2,
        "ends": first + last,
        "sum": n // 2 * (first + last),
    }
