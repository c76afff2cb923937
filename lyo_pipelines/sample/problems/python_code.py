"""Small Python programs with loops, conditions and functions, and what they print.

The result is computed beside the text, and the tests run the text. Lists, strings and dictionaries stand in python_data.py.
"""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Values, pick
from lyo_pipelines.sample.problems.kinds import between, kind

_NUMBERS = ("total", "s", "result", "score", "count", "acc", "answer", "runs", "points", "coins")
_INDEX = ("i", "n", "k", "j", "x", "num")
_FUNCTIONS = ("area", "f", "change", "work", "step", "make", "compute", "update")


@kind("programming", "loops", 8, 9)
def sum_loop(rng: Random) -> Values:
    """A for loop that adds up a range."""
    low, step = between(rng, 1, 12), between(rng, 1, 4)
    numbers = list(range(low, low + step * between(rng, 3, 5), step))
    stop = numbers[-1] + between(rng, 1, step)
    name, i = pick(rng, _NUMBERS), pick(rng, _INDEX)
    call = f"range({low}, {stop})" if step == 1 else f"range({low}, {stop}, {step})"
    return {
        "code": f"{name} = 0\nfor {i} in {call}:\n    {name} += {i}\nprint({name})",
        "var": name,
        "i": i,
        "call": call,
        "seen": ", ".join(map(str, numbers)),
        "sum_text": " + ".join(map(str, numbers)),
        "out": sum(numbers),
    }


@kind("programming", "loops", 9)
def halving(rng: Random) -> Values:
    """A while loop that halves a number and counts the rounds."""
    start, limit = between(rng, 20, 400), between(rng, 1, 6)
    seen, now = [], start
    while now > limit:
        now //= 2
        seen.append(now)
    n, steps = (
        pick(rng, ("n", "x", "value", "size", "num", "left")),
        pick(rng, ("steps", "count", "rounds", "turns", "c")),
    )
    return {
        "code": f"{n} = {start}\n{steps} = 0\nwhile {n} > {limit}:\n    {n} = {n} // 2\n    {steps} += 1\nprint({steps})",
        "n": n,
        "start": start,
        "limit": limit,
        "seen": ", ".join(map(str, seen)),
        "out": len(seen),
    }


@kind("programming", "loops", 9, 10)
def nested_loops(rng: Random) -> Values:
    """Two nested loops that count."""
    a, b = between(rng, 2, 12), between(rng, 2, 12)
    name, i, j = pick(rng, _NUMBERS), *rng.sample(("i", "j", "row", "col", "x", "y"), 2)
    return {
        "code": f"{name} = 0\nfor {i} in range({a}):\n    for {j} in range({b}):\n        {name} += 1\nprint({name})",
        "a": a,
        "b": b,
        "out": a * b,
    }


@kind("programming", "conditions", 8, 9)
def remainder(rng: Random) -> Values:
    """Whole division and remainder."""
    a, b = between(rng, 23, 240), between(rng, 3, 19)
    x, y = rng.sample(("a", "b", "p", "q", "m", "n", "sweets", "boxes"), 2)
    return {
        "code": f"{x} = {a}\n{y} = {b}\nprint({x} // {y}, {x} % {y})",
        "a": a,
        "b": b,
        "div": a // b,
        "mod": a % b,
        "prod": a // b * b,
        "out": f"{a // b} {a % b}",
    }


@kind("programming", "conditions", 8, 9)
def if_else(rng: Random) -> Values:
    """An if/elif/else over a mark."""
    low, high = between(rng, 30, 50, 5), between(rng, 65, 90, 5)
    mark = between(rng, 10, 99)
    best, middle, worst = pick(
        rng, (("gold", "silver", "bronze"), ("high", "medium", "low"), ("A", "B", "C"), ("hot", "warm", "cold"))
    )
    name = pick(rng, ("marks", "score", "value", "points", "temp", "level"))
    out = best if mark >= high else middle if mark >= low else worst
    code = (
        f"{name} = {mark}\nif {name} >= {high}:\n    print('{best}')\nelif {name} >= {low}:\n    print('{middle}')\n"
        f"else:\n    print('{worst}')"
    )
    return {
        "code": code,
        "var": name,
        "mark": mark,
        "high": high,
        "low": low,
        "first": mark >= high,
        "second": mark >= low,
        "out": out,
    }


@kind("programming", "functions", 9, 10)
def function_call(rng: Random) -> Values:
    """A function of one line called twice."""
    m, c, a, b = between(rng, 2, 9), between(rng, 1, 20), between(rng, 1, 12), between(rng, 1, 12)
    name, x = pick(rng, _FUNCTIONS), pick(rng, ("x", "n", "a", "side", "t"))
    fa, fb = m * a + c, m * b + c
    return {
        "code": f"def {name}({x}):\n    return {m} * {x} + {c}\n\nprint({name}({a}) + {name}({b}))",
        "f": name,
        "m": m,
        "c": c,
        "a": a,
        "b": b,
        "fa": fa,
        "fb": fb,
        "out": fa + fb,
    }
