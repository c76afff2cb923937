"""Lengths, areas, volumes and angles. Circles use pi = 22/7, as the school books do."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, kind


@kind("math", "mensuration", 6, 7)
def rectangle_fence(rng: Random) -> Values:
    """Fence around a rectangle and what it costs."""
    width, rate = between(rng, 6, 45), between(rng, 8, 60)
    length = width + between(rng, 2, 30)
    around = 2 * (length + width)
    return {"l": length, "b": width, "lb": length + width, "around": around, "rate": rate, "cost": around * rate}


@kind("math", "mensuration", 6, 7)
def rectangle_area(rng: Random) -> Values:
    """Floor area in square metres and tiles of a given area."""
    length, width, tiles = between(rng, 4, 24), between(rng, 3, 18), between(rng, 2, 9)
    area = length * width
    return {"l": length, "b": width, "area": area, "per": tiles, "tiles": area * tiles}


@kind("math", "mensuration", 7)
def triangle_area(rng: Random) -> Values:
    """Half of base times height."""
    base, height = between(rng, 6, 48, 2), between(rng, 5, 36)
    return {"base": base, "h": height, "product": base * height, "area": base * height // 2}


@kind("math", "mensuration", 7, 8)
def circle_turns(rng: Random) -> Values:
    """Circumference of a wheel and the way of n turns, in centimetres."""
    radius, turns = between(rng, 7, 63, 7), between(rng, 5, 60, 5)
    around = 44 * radius // 7
    return {"r": radius, "turns": turns, "around": around, "way": around * turns}


@kind("math", "mensuration", 8)
def box_volume(rng: Random) -> Values:
    """Volume of a box in cubic centimetres and how many cubes of 1 cm fit."""
    length, width, height = between(rng, 8, 40), between(rng, 5, 25), between(rng, 4, 20)
    return {"l": length, "b": width, "h": height, "base": length * width, "volume": length * width * height}


_TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41))


@kind("math", "pythagoras", 7, 8, 9)
def ladder(rng: Random) -> Values:
    """Two sides of a right triangle give the third (whole numbers)."""
    a, b, c = _TRIPLES[int(rng.random() * len(_TRIPLES))]
    scale = between(rng, 1, 4)
    a, b, c = a * scale, b * scale, c * scale
    if rng.random() < 0.5:
        a, b = b, a
    return {"a": a, "b": b, "c": c, "aa": a * a, "bb": b * b, "cc": c * c}


@kind("math", "angles", 6, 7)
def third_angle(rng: Random) -> Values:
    """Two angles of a triangle give the third."""
    a, b = between(rng, 22, 88), between(rng, 23, 89)
    return {"a": a, "b": b, "ab": a + b, "c": 180 - a - b}
