"""Small Python programs with lists, strings and dictionaries, and what they print."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Values, pick
from lyo_pipelines.sample.problems.kinds import between, kind

_LISTS = ("marks", "nums", "items", "runs", "values", "data", "ages", "scores", "prices", "temps")
_INDEX = ("i", "n", "k", "j", "x", "num")
_WORDS = (
    "mango",
    "cricket",
    "python",
    "school",
    "ganga",
    "monsoon",
    "peacock",
    "rocket",
    "banana",
    "pencil",
    "kaveri",
    "lotus",
    "planet",
    "coconut",
    "jasmine",
    "samosa",
    "tiger",
    "garden",
    "window",
    "kolam",
    "rangoli",
    "monkey",
    "elephant",
    "teacher",
)


@kind("programming", "lists", 9, 10)
def list_slice(rng: Random) -> Values:
    """A slice of a list."""
    numbers = rng.sample(range(2, 99), between(rng, 5, 7))
    low = between(rng, 0, 2)
    high = between(rng, low + 2, len(numbers) - 1)
    name = pick(rng, _LISTS)
    return {
        "code": f"{name} = {numbers}\nprint({name}[{low}:{high}])",
        "var": name,
        "low": low,
        "high": high,
        "last": high - 1,
        "count": high - low,
        "out": str(numbers[low:high]),
    }


@kind("programming", "lists", 9, 10)
def list_append(rng: Random) -> Values:
    """Append and length."""
    numbers, extra = rng.sample(range(2, 99), between(rng, 2, 5)), rng.sample(range(2, 99), between(rng, 1, 3))
    name = pick(rng, _LISTS)
    lines = "\n".join(f"{name}.append({value})" for value in extra)
    return {
        "code": f"{name} = {numbers}\n{lines}\nprint(len({name}), {name}[-1])",
        "var": name,
        "before": len(numbers),
        "more": len(extra),
        "after": len(numbers) + len(extra),
        "end": extra[-1],
        "out": f"{len(numbers) + len(extra)} {extra[-1]}",
    }


@kind("programming", "lists", 10, 11)
def comprehension(rng: Random) -> Values:
    """A list comprehension with a condition."""
    stop, factor, keep = between(rng, 6, 16), between(rng, 2, 9), between(rng, 2, 4)
    name, i = pick(rng, _LISTS), pick(rng, _INDEX)
    kept = [v for v in range(1, stop) if v % keep == 0]
    return {
        "code": f"{name} = [{i} * {factor} for {i} in range(1, {stop}) if {i} % {keep} == 0]\nprint({name})",
        "i": i,
        "keep": keep,
        "factor": factor,
        "kept": ", ".join(map(str, kept)),
        "out": str([v * factor for v in kept]),
    }


@kind("programming", "strings", 8, 9)
def string_slice(rng: Random) -> Values:
    """A slice of a word in capitals."""
    word = pick(rng, _WORDS)
    low = between(rng, 0, 2)
    high = between(rng, low + 2, len(word))
    name = pick(rng, ("word", "text", "s", "name", "title"))
    return {
        "code": f"{name} = '{word}'\nprint({name}[{low}:{high}].upper())",
        "word": word,
        "low": low,
        "high": high,
        "last": high - 1,
        "cut": word[low:high],
        "out": word[low:high].upper(),
    }


@kind("programming", "strings", 8, 9)
def string_length(rng: Random) -> Values:
    """Length of a repeated and joined string."""
    word, other, times = *rng.sample(_WORDS, 2), between(rng, 2, 6)
    a, b = pick(rng, (("a", "b"), ("first", "second"), ("x", "y"), ("left", "right"), ("s", "t")))
    return {
        "code": f"{a} = '{word}'\n{b} = '{other}'\nprint(len({a} * {times} + {b}))",
        "word": word,
        "other": other,
        "times": times,
        "wl": len(word),
        "ol": len(other),
        "wt": len(word) * times,
        "out": len(word) * times + len(other),
    }


@kind("programming", "dictionaries", 10, 11)
def dict_total(rng: Random) -> Values:
    """Values of a dictionary added after one update."""
    k1, k2, k3 = rng.sample(("pen", "book", "bag", "milk", "tea", "rice", "dal", "bus", "ball", "bat"), 3)
    a, b, c = between(rng, 5, 90), between(rng, 5, 90), between(rng, 5, 90)
    name = pick(rng, ("price", "stock", "bill", "cart", "d", "cost"))
    return {
        "code": f"{name} = {{'{k1}': {a}, '{k2}': {b}}}\n{name}['{k3}'] = {c}\nprint(sum({name}.values()))",
        "var": name,
        "k3": k3,
        "a": a,
        "b": b,
        "c": c,
        "out": a + b + c,
    }
