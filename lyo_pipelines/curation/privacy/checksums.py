"""Check digits: Luhn (cards, ISO/IEC 7812-1), Verhoeff (Aadhaar), ISO 7064 mod 97 (IBAN), Luhn mod 36 (GSTIN).

Pure arithmetic on digit strings.
"""

from __future__ import annotations

# Verhoeff, J. (1969), Error Detecting Decimal Codes: multiplication in the dihedral group D5, and the position permutation
_MULTIPLY = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6), (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1), (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4), (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PERMUTE = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2), (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1), (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the right Verhoeff check digit of the others."""
    state = 0
    for position, digit in enumerate(reversed(digits)):
        state = _MULTIPLY[state][_PERMUTE[position % 8][int(digit)]]
    return state == 0


def luhn(digits: str) -> bool:
    """Whether the last digit is the right Luhn check digit of the others."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod97(iban: str) -> bool:
    """Whether an IBAN (upper case, no spaces) has the right check digits."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def gstin(number: str) -> bool:
    """Whether the last of the 15 signs of a GSTIN (upper case, no spaces) is the right check sign: Luhn's method, mod 36."""
    total = 0
    for position, sign in enumerate(number[:-1]):
        value = _BASE_36.index(sign) * (1 + position % 2)
        total += value // 36 + value % 36
    return _BASE_36[-total % 36] == number[-1]
