"""Invented personal data with valid check digits: nobody's, but shaped like somebody's.

Verhoeff's dihedral check (J. Verhoeff, 1969) guards Aadhaar numbers, Luhn's (ISO/IEC 7812-1) guards cards.
"""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import Words, pick

_D = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6), (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1), (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4), (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_P = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2), (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1), (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_LOGINS = (
    "meena",
    "arjun.k",
    "ravi_92",
    "kavya.s",
    "imran.a",
    "lakshmi",
    "rohan.v",
    "divya.n",
    "joseph_t",
    "gurpreet",
    "karthik.m",
    "fatima",
)
_DOMAINS = ("example.org", "example.com", "mail.example.org", "school.example.com")


def verhoeff_valid(digits: str) -> bool:
    """Whether the last digit is the Verhoeff check of the others."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _D[check][_P[place % 8][int(digit)]]
    return check == 0


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the Luhn check of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def aadhaar(rng: Random) -> str:
    """Twelve digits, the first from 2 to 9, the last a Verhoeff check."""
    digits = str(2 + int(rng.random() * 8)) + _digits(rng, 10)
    number = next(digits + str(last) for last in range(10) if verhoeff_valid(digits + str(last)))
    return f"{number[:4]} {number[4:8]} {number[8:]}" if rng.random() < 0.7 else number


def card(rng: Random) -> str:
    """Sixteen digits of a Visa or Mastercard shape with a Luhn check."""
    digits = pick(rng, ("4", "51", "52", "55"))
    digits += _digits(rng, 15 - len(digits))
    number = next(digits + str(last) for last in range(10) if luhn_valid(digits + str(last)))
    return " ".join(number[at : at + 4] for at in range(0, 16, 4)) if rng.random() < 0.6 else number


def phone(rng: Random) -> str:
    """An Indian mobile number."""
    number = pick(rng, "6789") + _digits(rng, 9)
    return pick(rng, ("+91 {0}{1}", "+91-{0}-{1}", "0{0}{1}", "{0}{1}", "{0} {1}")).format(number[:5], number[5:])


def pan(rng: Random) -> str:
    """Five letters (the fourth P for a person), four digits, a letter."""
    return _letters(rng, 3) + "P" + _letters(rng, 1) + _digits(rng, 4) + _letters(rng, 1)


def email(rng: Random) -> str:
    """An address on a domain that is reserved for examples (RFC 2606)."""
    return f"{pick(rng, _LOGINS)}{int(rng.random() * 100)}@{pick(rng, _DOMAINS)}"


def ip_address(rng: Random) -> str:
    """An IPv4 address of a network that is reserved for documentation (RFC 5737)."""
    return pick(rng, ("192.0.2.", "198.51.100.", "203.0.113.")) + str(1 + int(rng.random() * 254))


def url(rng: Random) -> str:
    """A link that carries a secret."""
    key = pick(rng, ("token", "access_token", "api_key", "session"))
    return f"https://portal.example.org/hw/{_digits(rng, 4)}?{key}={rng.getrandbits(96):024x}"


def voter_id(rng: Random) -> str:
    """Three letters and seven digits."""
    return _letters(rng, 3) + _digits(rng, 7)


def passport(rng: Random) -> str:
    """A letter and seven digits that do not start with 0."""
    return _letters(rng, 1) + str(1 + int(rng.random() * 9)) + _digits(rng, 6)


def person(rng: Random, words: Words) -> str:
    """A full name in the script of the language."""
    return f"{pick(rng, words['girl'] if rng.random() < 0.5 else words['boy'])} {pick(rng, words['surname'])}"


MAKERS = {
    "phone": phone, "email": email, "aadhaar": aadhaar, "pan": pan, "card": card, "ip": ip_address, "url": url, "voter_id": voter_id,
    "passport": passport,
}  # fmt: skip
"""Kind of personal data -> maker; a name needs the words of a language, so `person` stands apart."""


def _digits(rng: Random, count: int) -> str:
    return f"{int(rng.random() * 10**count):0{count}d}"


def _letters(rng: Random, count: int) -> str:
    return "".join(pick(rng, _LETTERS) for _ in range(count))
