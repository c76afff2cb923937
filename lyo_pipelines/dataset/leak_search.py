"""Questions that stand in two splits, searched for by a method of its own: the builder's normalisation and measures are not used.

So that one mistake cannot pass both, wordings are read here by the properties that Unicode gives to each character (the builder has
tables of spellings), compared exactly and by one stretch of edits found through equal halves (the builder: n-grams, MinHash and
deletions), and what everybody says is told by single words (the builder: runs of words). Whatever is found here the builder would have
tied, had it worked; so this is the stricter sense of "the same".
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from lyo_pipelines.storage.working_space import IN_MEMORY, EqualHashes

_NUMBER = re.compile("[0-9]+")
_GROUPED = re.compile(r"\b\d{1,3}(?:,\d{2,3}){0,2},\d{3}\b")
_LABEL = re.compile(r"\s*(?:q(?:ues(?:tion)?)?\s?\.?\s?\d{1,3}\s?[.):]|\d{1,3}[.)])\s+(?=\S)")
_NASAL = re.compile(r"LETTER (NGA|NYA|NNA|NA|MA)$")
_BINDU = re.compile(r"ANUSVARA|CANDRABINDU|CHANDRABINDU|BINDI|TIPPI")
_CHILLU = {"NN": "ണ", "N": "ന", "RR": "ര", "L": "ല", "LL": "ള", "K": "ക", "M": "മ", "Y": "യ", "LLL": "ഴ"}
_NUKTA, _VIRAMA = 7, 9
"""Canonical combining classes."""
LETTER_PER = 25
"""Letters of a text for each one in which it may differ; every text may differ in one, none in more than four."""
EVERYDAY_AT_LEAST = 6
"""Conversations that must hold a word before it can be everybody's."""
_AT_ONCE = 200_000
"""Halves that are Python's own before they are put aside."""
LONGEST_RUN = 500
"""Texts with one half in common that are compared pair by pair; of more, each with so many."""


def _bindu(name: str) -> str:
    """One sign for each script, whose name a character's name begins with."""
    return "\u0902" + name.partition(" ")[0].lower()


class _Signs(dict[int, str]):
    """What each character is read as, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        category, name = unicodedata.category(sign), unicodedata.name(sign, "")
        read = sign
        if category == "Nd":
            read = str(unicodedata.decimal(sign))
        elif name.startswith("MALAYALAM LETTER CHILLU"):
            read = _CHILLU[name.rpartition(" ")[2]] + "\u0d4d"
        elif category == "Cf" or (category[0] == "M" and unicodedata.combining(sign) == _NUKTA):
            read = ""
        elif category[0] == "M" and _BINDU.search(name):
            read = _bindu(name)
        elif category[0] not in "LMN":
            read = " "
        self[code] = read
        return read


class _Nasals(dict[str, str]):
    """The same for two characters: a nasal without its vowel is an anusvara."""

    def __missing__(self, pair: str) -> str:
        nasal = _NASAL.search(unicodedata.name(pair[0], ""))
        self[pair] = _bindu(unicodedata.name(pair[0])) if nasal else pair
        return self[pair]


_SIGNS, _PAIRS = _Signs(), _Nasals()
_VIRAMAS = "".join(chr(code) for code in range(0x900, 0xE00) if unicodedata.combining(chr(code)) == _VIRAMA)
_WITH_VIRAMA = re.compile(f".[{_VIRAMAS}]")


def plain_words(text: str) -> str:
    """Return a text as lower-case words of letters and numbers, joined by single spaces; see the module for what counts as equal."""
    plain = unicodedata.normalize("NFKD", text.lower()).lower()
    label = _LABEL.match(plain)
    plain = plain[label.end() :] if label else plain
    read = _GROUPED.sub(lambda found: found[0].replace(",", ""), plain).translate(_SIGNS)
    if not read.isascii():
        read = _WITH_VIRAMA.sub(lambda found: _PAIRS[found[0]], read)
    return " ".join(read.split())


def wording(words: str) -> tuple[str, str]:
    """Return (letters with 0 for each number, the numbers) of plain words."""
    numbers = _NUMBER.findall(words)
    letters = _NUMBER.sub("0", words) if numbers else words
    return letters.replace(" ", ""), " ".join(numbers)


def everyday_words(texts: Iterable[Iterable[str]], share: float) -> frozenset[str]:
    """Return the words that at least `share` of the conversations hold; texts: the plain texts of each conversation."""
    count, conversations = Counter[str](), 0
    for said in texts:
        count.update({word for text in said for word in text.split()})
        conversations += 1
    return frozenset(word for word, held in count.items() if held >= max(share * conversations, EVERYDAY_AT_LEAST))


def content(words: str, letters: str, everyday: frozenset[str]) -> int:
    """Count the letters (a number is one) of a text that not everybody says; letters: of its wording."""
    return len(letters) - (sum(len(word) for word in words.split() if word in everyday) if everyday else 0)


class Letters:
    """Letters that are compared many times: as one number from their beginning and one from their end, so that where two differ first
    and last are two operations, however long they are."""

    __slots__ = ("backward", "forward", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.forward = int.from_bytes(text.encode("utf-32-le"), "little")
        self.backward = int.from_bytes(text[::-1].encode("utf-32-le"), "little")


def _common(one: int, other: int, most: int) -> int:
    """Letters that two of those numbers have in common, counted from where they begin."""
    differs = one ^ other
    return min(((differs & -differs).bit_length() - 1) // 32, most) if differs else most


def nearly_equal(a: Letters, b: Letters, most: int) -> bool:
    """Whether two texts differ in one stretch of at most `most` letters, or in two neighbours that are swapped."""
    one, other = len(a.text), len(b.text)
    shorter = min(one, other)
    if max(one, other) - shorter > most:
        return False
    start = _common(a.forward, b.forward, shorter)
    end = _common(a.backward, b.backward, shorter - start)
    if max(one, other) - start - end <= most:
        return True
    left, right = a.text[start : one - end], b.text[start : other - end]
    return len(left) == 2 and left == right[::-1]


def near_pairs(
    wordings: Sequence[tuple[str, str]], contents: Sequence[int], split: Sequence[int], mapped_from: int = IN_MEMORY
) -> Iterator[tuple[int, int]]:
    """Yield the pairs (positions) of different wordings in different splits that are nearly equal and have the same numbers.

    wordings: as `wording` returns them; contents: as `content` does. One letter may differ, in long texts one stretch of LETTER_PER:
    such texts share nearly their first half or nearly their second, by which they are found. mapped_from: bytes from which on the list
    of halves lies on disk.
    """
    side, seen = np.array(split, np.int8), set[tuple[int, int]]()
    for run in _runs_across(_halved(wordings, mapped_from), side):
        texts = {position: wordings[position] for position in set(run.tolist())}
        members = sorted(texts, key=texts.__getitem__)
        letters_of = {position: Letters(texts[position][0]) for position in members}
        for one, other in _across(members, split):
            pair = (min(one, other), max(one, other))
            most = min(_most(contents[one]), _most(contents[other]))
            (a, numbers), (b, others) = texts[one], texts[other]
            if numbers != others or a == b or pair in seen:
                continue
            if nearly_equal(letters_of[one], letters_of[other], most):
                seen.add(pair)
                yield pair


def _halved(wordings: Sequence[tuple[str, str]], mapped_from: int) -> EqualHashes:
    """The position of each wording under the hashes of its halves."""
    found, hashes, owners = EqualHashes(8 * len(wordings), mapped_from), list[int](), list[int]()
    for position, (letters, numbers) in enumerate(wordings):
        for half in _halves(len(letters)):
            for end in (letters[:half], letters[len(letters) - half :] + "\x1f"):
                hashes.append(hash((numbers, half, end)))
                owners.append(position)
        if len(hashes) >= _AT_ONCE or position == len(wordings) - 1:
            found.add(np.array(hashes, np.int64), np.array(owners, np.int64))
            hashes, owners = [], []
    return found


def _runs_across(found: EqualHashes, side: np.ndarray) -> Iterator[np.ndarray]:
    """Positions that share a half and do not all stand in one split."""
    for halves, owner in found.parts():
        if not len(owner):
            continue
        starts = np.flatnonzero(np.concatenate([[True], halves[1:] != halves[:-1]]))
        there = side[owner]
        across = np.minimum.reduceat(there, starts) != np.maximum.reduceat(there, starts)
        ends = np.append(starts[1:], len(owner))
        for start, end in zip(starts[across].tolist(), ends[across].tolist(), strict=True):
            yield owner[start:end]


def _across(run: list[int], split: Sequence[int]) -> Iterator[tuple[int, int]]:
    for place, one in enumerate(run):
        yield from ((one, other) for other in run[place + 1 : place + LONGEST_RUN] if split[one] != split[other])


def _most(letters: int) -> int:
    return min(max(letters // LETTER_PER, 1), 4)


def _halves(length: int) -> set[int]:
    """How much of its beginning or end a text shares with any nearly equal one; rounded, so that few lengths do for all."""
    shared = {(shorter - _most(shorter)) // 2 for shorter in range(length - _most(length), length + 1)}
    return {half if half < 20 else half // 8 * 8 for half in shared if half > 0}
