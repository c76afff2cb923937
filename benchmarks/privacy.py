"""Recall and precision of personal data by type: ours beside plain presidio, on texts with marked spans.

    python benchmarks/privacy.py PATH/pii_spans.json

A finding is right when it overlaps a marked span of its type; a marked span is found when a finding of its type overlaps it.
"Covered" counts a marked span as found when findings of any type cover it whole: what matters for privacy. Plain presidio is
its AnalyzerEngine with its predefined recognisers for English and its NoOpNlpEngine (no language model), threshold 0.35; it is no
dependency of ours (`pip install presidio-analyzer==2.2.366`, which brings spaCy), and left out where it is not installed.
Writes benchmarks/out/privacy.json.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

Found = tuple[str, int, int]

CLAIMED = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "PERSON": "PERSON",
}
"""Types of the data set that we claim, and our names for them."""


def ours(titled: bool) -> Callable[[str], list[Found]]:
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.curation.privacy.engine import find_personal_data

    threshold = load_config().curation.personal_data_threshold
    back = {mine: theirs for theirs, mine in CLAIMED.items()}
    return lambda text: [
        (back.get(s.kind, s.kind), s.start, s.end)
        for s in find_personal_data(text, threshold=threshold, titled_names=titled)
    ]


def plain() -> Callable[[str], list[Found]]:
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine
    from presidio_analyzer.predefined_recognizers.generic import email_recognizer

    # its e-mail recogniser would fetch the list of domain suffixes from the network; the one that comes with the package is enough
    email_recognizer.tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    nlp.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
    engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    return lambda text: [
        (r.entity_type, r.start, r.end) for r in engine.analyze(text, language="en", score_threshold=0.35)
    ]


def judged(texts: list[dict], find: Callable[[str], list[Found]]) -> dict:
    marked, recalled, covered = Counter(), Counter(), Counter()
    right, claimed = Counter(), Counter()
    wrong: dict[str, list[str]] = defaultdict(list)
    missed: dict[str, list[str]] = defaultdict(list)
    find("warm up")
    begin = time.perf_counter()
    for item in texts:
        text = item["full_text"]
        found = find(text)
        spans = [(s["entity_type"], s["start_position"], s["end_position"]) for s in item["spans"]]
        for kind, start, end in spans:
            marked[kind] += 1
            hit = any(k == kind and s < end and start < e for k, s, e in found)
            recalled[kind] += hit
            inside = sum(
                1
                for place in range(start, end)
                if any(s <= place < e for _, s, e in found) or not text[place].isalnum()
            )
            covered[kind] += inside == end - start
            if not hit:
                missed[kind].append(text[max(0, start - 40) : end + 15])
        for kind, start, end in found:
            claimed[kind] += 1
            ok = any(k == kind and s < end and start < e for k, s, e in spans)
            right[kind] += ok
            if not ok:
                wrong[kind].append(f"{text[start:end]} << {text[max(0, start - 40) : end + 15]}")
    seconds = time.perf_counter() - begin
    kinds = {
        kind: {
            "marked": marked[kind],
            "found": recalled[kind],
            "recall": _share(recalled[kind], marked[kind]),
            "covered": _share(covered[kind], marked[kind]),
            "claimed": claimed[kind],
            "precision": _share(right[kind], claimed[kind]),
        }
        for kind in sorted(set(marked) | set(claimed))
    }
    return {"types": kinds, "texts_per_second": round(len(texts) / seconds), "_missed": missed, "_wrong": wrong}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="pii_spans.json of microsoft/presidio-research")
    parser.add_argument("--show", help="print what was missed and wrong of this type")
    arguments = parser.parse_args()
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    texts = json.loads(arguments.path.read_text(encoding="utf-8"))
    sides = {
        "ours": judged(texts, ours(False)),
        "ours, titled names too": judged(texts, ours(True)),
    }
    if find_spec("presidio_analyzer"):
        sides["plain presidio"] = judged(texts, plain())
    if arguments.show:
        for name in ("ours",):
            for what in ("_missed", "_wrong"):
                for example in sides[name][what].get(arguments.show, []):
                    print(what, repr(example))
    header = f"{'type':16} {'marked':>6}  " + "  ".join(f"{name:>24}" for name in sides)
    print(header)
    print(f"{'':16} {'':>6}  " + "  ".join(f"{'recall  covered precision':>24}" for _ in sides))
    every = sorted({kind for side in sides.values() for kind in side["types"]}, key=lambda k: (k not in CLAIMED, k))
    for kind in every:
        cells = []
        for side in sides.values():
            row = side["types"].get(kind, {})
            cells.append("  ".join(f"{_shown(row.get(name)):>7}" for name in ("recall", "covered", "precision")))
        count = max((side["types"].get(kind, {}).get("marked", 0) for side in sides.values()), default=0)
        print(
            f"{kind:16} {count:>6}  "
            + "  ".join(f"{cell:>24}" for cell in cells)
            + ("" if kind in CLAIMED else "   (not claimed)")
        )
    print("texts/s: " + ", ".join(f"{name} {side['texts_per_second']:,}" for name, side in sides.items()))
    out = ROOT / "benchmarks" / "out"
    out.mkdir(parents=True, exist_ok=True)
    # counts and shares only: no value of the data set is written
    public = {
        name: {key: value for key, value in side.items() if not key.startswith("_")} for name, side in sides.items()
    }
    (out / "privacy.json").write_text(json.dumps({"texts": len(texts), "claimed": CLAIMED, **public}, indent=2))


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
