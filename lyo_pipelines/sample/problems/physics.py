"""Physics of classes 8 to 11 with whole-number or one-decimal results; g = 10 m/s² as most exercises say."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, decimal, kind


@kind("physics", "motion", 9)
def acceleration(rng: Random) -> Values:
    """(v - u) / t."""
    start, rate, time = between(rng, 0, 14), between(rng, 1, 4), between(rng, 2, 9)
    return {"u": start, "v": start + rate * time, "t": time, "vu": rate * time, "acc": rate}


@kind("physics", "motion", 8, 9)
def average_speed(rng: Random) -> Values:
    """Metres and seconds give m/s."""
    speed, time = between(rng, 2, 9), between(rng, 12, 95)
    return {"s": speed * time, "t": time, "v": speed}


@kind("physics", "motion", 9)
def braking(rng: Random) -> Values:
    """Distance covered from rest: half a t squared."""
    rate, time = between(rng, 2, 4, 2), between(rng, 3, 12)
    return {"acc": rate, "t": time, "tt": time * time, "half": rate // 2, "s": rate * time * time // 2}


@kind("physics", "force_and_laws_of_motion", 9)
def force(rng: Random) -> Values:
    """F = m a."""
    mass, rate = between(rng, 3, 90), between(rng, 2, 12)
    return {"m": mass, "acc": rate, "F": mass * rate}


@kind("physics", "force_and_laws_of_motion", 9)
def momentum(rng: Random) -> Values:
    """p = m v."""
    mass, speed = between(rng, 2, 80), between(rng, 2, 12)
    return {"m": mass, "v": speed, "p": mass * speed}


@kind("physics", "gravitation", 9)
def weight(rng: Random) -> Values:
    """W = m g with g = 10."""
    mass = between(rng, 2, 140)
    return {"m": mass, "W": mass * 10}


@kind("physics", "work_and_energy", 9)
def work_done(rng: Random) -> Values:
    """W = F s."""
    push, way = between(rng, 8, 240, 4), between(rng, 2, 35)
    return {"F": push, "s": way, "W": push * way}


@kind("physics", "work_and_energy", 9, 11)
def kinetic_energy(rng: Random) -> Values:
    """Half m v squared."""
    mass, speed = between(rng, 2, 60, 2), between(rng, 2, 20)
    return {"m": mass, "v": speed, "vv": speed * speed, "half": mass // 2, "E": mass * speed * speed // 2}


@kind("physics", "work_and_energy", 9)
def potential_energy(rng: Random) -> Values:
    """m g h with g = 10."""
    mass, height = between(rng, 2, 60), between(rng, 2, 40)
    return {"m": mass, "h": height, "W": mass * 10, "E": mass * 10 * height}


@kind("physics", "pressure", 8)
def pressure(rng: Random) -> Values:
    """P = F / A."""
    value, area = between(rng, 15, 400, 5), between(rng, 2, 16)
    return {"F": value * area, "A": area, "P": value}


@kind("physics", "electricity", 10)
def ohm_current(rng: Random) -> Values:
    """I = V / R."""
    current, resistance = Fraction(between(rng, 1, 8), 2), between(rng, 4, 60, 2)
    return {"V": decimal(current * resistance), "R": resistance, "I": decimal(current)}


@kind("physics", "electricity", 10)
def series(rng: Random) -> Values:
    """Two resistors in series with a battery: the current."""
    current, r1, r2 = between(rng, 1, 6), between(rng, 2, 28), between(rng, 2, 28)
    return {"R1": r1, "R2": r2, "R": r1 + r2, "V": current * (r1 + r2), "I": current}


@kind("physics", "electricity", 10)
def energy_units(rng: Random) -> Values:
    """Kilowatt-hours of an appliance over days, and the bill."""
    watts, hours, days = between(rng, 100, 2000, 50), between(rng, 2, 10), between(rng, 10, 30, 5)
    daily = Fraction(watts * hours, 1000)
    return {
        "watts": watts,
        "hours": hours,
        "days": days,
        "wh": watts * hours,
        "daily": decimal(daily),
        "units": decimal(daily * days),
    }


@kind("physics", "electricity", 10)
def electric_power(rng: Random) -> Values:
    """P = V I."""
    volts, current = (6, 9, 12, 110, 220, 230, 240)[int(rng.random() * 7)], Fraction(between(rng, 1, 20), 2)
    return {"V": volts, "I": decimal(current), "P": decimal(volts * current)}


@kind("physics", "sound_and_waves", 9)
def wave_speed(rng: Random) -> Values:
    """v = f times wavelength."""
    frequency, length = between(rng, 20, 680, 10), Fraction(between(rng, 2, 40), 10)
    return {"f": frequency, "w": decimal(length), "v": decimal(frequency * length)}


@kind("physics", "sound_and_waves", 9)
def echo(rng: Random) -> Values:
    """Distance of a cliff from its echo; sound at 340 m/s."""
    time = between(rng, 2, 12)
    return {"t": time, "way": 340 * time, "d": 170 * time}
