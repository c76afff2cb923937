"""A tokenizer of transformers as llama.cpp keeps it: tokens with their kinds, merges or scores, and how a text is split before them.

Only byte-pair encodings: split by a pattern that llama.cpp knows by name, or SentencePiece's with spaces as letters. That both give
the same tokens is proven when a model is exported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gguf

from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.training.engine.prompt_cut import prompt_ids

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_NAMED = {_GPT2: "gpt-2", _LLAMA3: "llama-bpe", _QWEN2: "qwen2"}
"""Pattern by which a text is split -> what llama.cpp calls it."""
_SPACE = "▁"
_ELSEWHERE = "Use `lyo merge` (or --to merged) and a server that reads tokenizer.json, such as vLLM."


@dataclass(frozen=True)
class Vocabulary:
    """What a GGUF file says of the tokenizer. model: gpt2 (merges) or llama (scores); pre: the name of its splitting pattern.

    tokens, kinds: by id, as many as the model has rows. special: GGUF's name of a mark (bos, eos, unk, pad) -> its id.
    """

    model: str
    pre: str
    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    merges: tuple[str, ...]
    scores: tuple[float, ...]
    special: Mapping[str, int]
    adds_bos: bool
    adds_space: bool


def vocabulary_of(tokenizer: Any, rows: int) -> Vocabulary:
    """Read a fast tokenizer. rows: of the model's embedding, which may be more than there are tokens. Raises CannotExportError."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise CannotExportError("the base model's tokenizer has no tokenizer.json", hint=_ELSEWHERE)
    told = json.loads(backend.to_str())
    model = told["model"]
    if model.get("type") != "BPE":
        raise CannotExportError(
            f"a tokenizer of the kind {model.get('type')!r} is not written as GGUF here", hint=_ELSEWHERE
        )
    known: dict[str, int] = model["vocab"]
    added = {int(one["id"]): one for one in told["added_tokens"]}
    names = {number: token for token, number in known.items()} | {n: str(one["content"]) for n, one in added.items()}
    if names and max(names) >= rows:
        raise CannotExportError(
            f"the tokenizer has token {max(names)}, the model only {rows} rows",
            hint="Resize the model's embedding before training.",
        )
    spm, adds_space = _spaces_are_letters(told)
    pairs = _pairs(model["merges"])
    tokens = tuple(names.get(number, f"[PAD{number}]") for number in range(rows))
    ranks = _scores(pairs) if spm else {}
    return Vocabulary(
        model="llama" if spm else "gpt2",
        pre="default" if spm else _split_by(told.get("pre_tokenizer")),
        tokens=tokens,
        kinds=tuple(_kind(number, names, added, tokenizer, spm=spm) for number in range(rows)),
        merges=() if spm else tuple(f"{left} {right}" for left, right in pairs),
        scores=tuple(ranks.get(token, -float(len(ranks) + 1)) for token in tokens) if spm else (),
        special={
            short: int(number)
            for short in ("bos", "eos", "unk", "pad")
            if (number := getattr(tokenizer, f"{short}_token_id")) is not None
        },
        adds_bos=_adds_bos(tokenizer),
        adds_space=adds_space,
    )


def write_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    """Write it into a GGUF file's metadata."""
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    if vocabulary.merges:
        writer.add_token_merges(list(vocabulary.merges))
    if vocabulary.scores:
        writer.add_token_scores(list(vocabulary.scores))
    for short, number in vocabulary.special.items():
        getattr(writer, f"add_{short}_token_id")(number)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(vocabulary.adds_space)


def _adds_bos(tokenizer: Any) -> bool:
    """Whether a prompt begins with the mark that the tokenizer puts there; where the template leaves it out, so did training."""
    bos = tokenizer.bos_token_id
    if bos is None or tokenizer("")["input_ids"][:1] != [bos]:
        return False
    return prompt_ids([{"role": "user", "content": "u"}], tokenizer)[:1] == [bos]


def _spaces_are_letters(told: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether this is SentencePiece's way of splitting, and whether a text begins with a space of its own."""
    normalizers = _listed(told.get("normalizer"), "normalizers")
    before = _listed(told.get("pre_tokenizer"), "pretokenizers")
    if any(one.get("type") == "Metaspace" for one in before):
        return True, False  # it adds a space only where there is none; llama.cpp would add one to a template's own
    if any(one.get("type") == "Replace" and one.get("content") == _SPACE for one in normalizers):
        return True, any(one.get("type") == "Prepend" for one in normalizers)
    if normalizers and any(one.get("type") != "NFC" for one in normalizers):
        kinds = ", ".join(str(one.get("type")) for one in normalizers)
        raise CannotExportError(f"llama.cpp does not normalise texts as this tokenizer ({kinds})", hint=_ELSEWHERE)
    return False, False


def _split_by(told: Mapping[str, Any] | None) -> str:
    """llama.cpp's name of what splits a text before its bytes are merged."""
    steps = _listed(told, "pretokenizers")
    kinds = [one.get("type") for one in steps]
    if kinds and kinds[-1] == "ByteLevel" and not steps[-1].get("add_prefix_space"):
        own = bool(steps[-1].get("use_regex", True))
        if kinds == ["ByteLevel"] and own:
            return "gpt-2"
        if kinds == ["Digits", "ByteLevel"] and own and steps[0].get("individual_digits"):
            return "smollm"
        if kinds == ["Split", "ByteLevel"] and not own:
            pattern = str((steps[0].get("pattern") or {}).get("Regex"))
            if name := _NAMED.get(pattern):
                return name
    raise CannotExportError(
        f"llama.cpp has no name for the way in which this tokenizer splits texts ({', '.join(map(str, kinds)) or 'not at all'})",
        hint=_ELSEWHERE,
    )


def _kind(number: int, names: Mapping[int, str], added: Mapping[int, Any], tokenizer: Any, *, spm: bool) -> int:
    if number not in names:
        return gguf.TokenType.UNUSED
    if spm and number == tokenizer.unk_token_id:
        return gguf.TokenType.UNKNOWN
    if number in added:
        return gguf.TokenType.CONTROL if added[number].get("special") else gguf.TokenType.USER_DEFINED
    if spm and len(names[number]) == 6 and names[number].startswith("<0x"):
        return gguf.TokenType.BYTE
    return gguf.TokenType.NORMAL


def _scores(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """SentencePiece joins what scores highest; a tokenizer.json keeps only in which order."""
    found: dict[str, float] = {}
    for rank, (left, right) in enumerate(pairs):
        found.setdefault(left + right, -float(rank))
    return found


def _pairs(merges: Sequence[Any]) -> list[tuple[str, str]]:
    split = (one.split(" ", 1) if isinstance(one, str) else one for one in merges)
    return [(left, right) for left, right in split]


def _listed(told: Mapping[str, Any] | None, within: str) -> list[Mapping[str, Any]]:
    if not told:
        return []
    return list(told[within]) if told.get("type") == "Sequence" else [told]
