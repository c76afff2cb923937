"""School maths about money: shopping, discount, profit, interest, percentages."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Values
from lyo_pipelines.sample.problems.kinds import between, kind


@kind("math", "arithmetic", 6)
def shopping(rng: Random) -> Values:
    """n things at one price, paid with round notes: the change."""
    n, price = between(rng, 3, 24), between(rng, 6, 95)
    total = n * price
    paid = (total // 100 + 1) * 100
    return {"n": n, "price": price, "total": total, "paid": paid, "change": paid - total}


@kind("math", "arithmetic", 6)
def two_items(rng: Random) -> Values:
    """Two kinds of things: the whole bill."""
    n, p, m, q = between(rng, 2, 12), between(rng, 8, 90), between(rng, 2, 12), between(rng, 8, 90)
    return {"n": n, "p": p, "m": m, "q": q, "np": n * p, "mq": m * q, "total": n * p + m * q}


@kind("math", "percentages", 7, 8)
def discount(rng: Random) -> Values:
    """Marked price less a percentage."""
    marked, rate = between(rng, 200, 4800, 20), between(rng, 5, 45, 5)
    saved = marked * rate // 100
    return {"marked": marked, "rate": rate, "saved": saved, "pay": marked - saved}


@kind("math", "percentages", 7)
def marks_percent(rng: Random) -> Values:
    """Marks out of a total as a whole percentage."""
    total = (20, 25, 40, 50, 60, 75, 80, 120, 150, 200, 250, 300)[int(rng.random() * 12)]
    while True:
        got = between(rng, total * 2 // 5, total - 1)
        if got * 100 % total == 0:
            return {"got": got, "total": total, "percent": got * 100 // total}


@kind("math", "percentages", 8)
def population(rng: Random) -> Values:
    """A number that grows by a percentage."""
    before, rate = between(rng, 400, 9600, 100), between(rng, 2, 35)
    more = before * rate // 100
    return {"before": before, "rate": rate, "more": more, "after": before + more}


@kind("math", "profit_and_loss", 7, 8)
def profit_percent(rng: Random) -> Values:
    """Cost and selling price give the profit per cent."""
    cost, percent = between(rng, 120, 2400, 20), between(rng, 5, 60, 5)
    profit = cost * percent // 100
    return {"cost": cost, "selling": cost + profit, "profit": profit, "percent": percent}


@kind("math", "profit_and_loss", 8)
def selling_after_loss(rng: Random) -> Values:
    """Cost and loss per cent give the selling price."""
    cost, percent = between(rng, 300, 6000, 100), between(rng, 2, 32)
    loss = cost * percent // 100
    return {"cost": cost, "percent": percent, "loss": loss, "selling": cost - loss}


@kind("math", "simple_interest", 7, 8)
def simple_interest(rng: Random) -> Values:
    """P x R x T / 100."""
    principal, rate, years = between(rng, 800, 24000, 100), between(rng, 3, 14), between(rng, 2, 7)
    interest = principal * rate * years // 100
    return {
        "P": principal,
        "R": rate,
        "T": years,
        "product": principal * rate * years,
        "interest": interest,
        "amount": principal + interest,
    }


@kind("math", "compound_interest", 8, 9)
def compound_interest(rng: Random) -> Values:
    """Two years of compound interest, year by year."""
    principal, rate = between(rng, 2000, 40000, 1000), (5, 8, 10, 12, 15, 20)[int(rng.random() * 6)]
    while principal * rate * rate % 10000:
        principal += 1000
    first = principal * rate // 100
    after_first = principal + first
    second = after_first * rate // 100
    return {
        "P": principal,
        "R": rate,
        "first": first,
        "after_first": after_first,
        "second": second,
        "amount": after_first + second,
        "interest": first + second,
    }
