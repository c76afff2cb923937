"""Curation at size: rows/s and peak memory at N and 3N rows of one day, beside a short Polars script for the part it can do.

    python benchmarks/curation.py [--rows 1000000] [--workers 2] [--once]

The rows are made here: English, Hindi, Tamil and romanised Hindi, maths and programming, with personal data, low ratings,
refusals, cut answers, cultural slips and duplicates in known shares. Writes benchmarks/out/curation.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

DAY = date(2026, 1, 5)
START = datetime(2026, 1, 5, tzinfo=UTC)
NAMES = [
    "Asha Rao",
    "Ravi Kumar",
    "Meena Iyer",
    "Arjun Singh",
    "Kavitha S",
    "Imran Khan",
    "Lakshmi Nair",
    "John Mathew",
]
PRAISE = ("Good thinking so far!", "Your first step was right.", "Mistakes like this are normal.")
SYSTEM = [
    f"You are Lyo, a patient tutor for grade {grade}. Explain step by step, ask one question at the end, and answer in {language}."
    for grade in range(6, 13)
    for language in ("English", "Hindi", "Tamil")
]


def english(r: random.Random) -> tuple[str, str]:
    a, b, c = r.randint(2, 99), r.randint(2, 999), r.randint(2, 40)
    question = r.choice(
        (
            f"How do I solve {a}x + {b} = {a * c + b} for x? I tried moving terms and got {c + 1}.",
            f"A shop sells {a} pens for ₹{b} each. How much do {c} boxes cost if each box has {a} pens?",
            f"Write a Python function that returns the sum of the first {b} multiples of {a}.",
            f"What is the derivative of {a}x^{c} + {b}x, and why does the power rule work here?",
        )
    )
    answer = (
        f"Let us go step by step. We start with {a}x + {b} = {a * c + b}. First subtract {b} from both sides, "
        "because we want the term with x alone: "
        f"{a}x = {a * c}. Then divide both sides by {a}, which is allowed since {a} is not zero. So x = {c}. "
        f"You can check it: {a} × {c} + {b} = {a * c + b}. {r.choice(PRAISE)} "
        f"Now try the same with {a + 1}x + {b} = {(a + 1) * c + b}. What do you get?"
    )
    return question, answer


def hindi(r: random.Random) -> tuple[str, str]:
    a, b = r.randint(2, 99), r.randint(2, 999)
    question = f"{a}x + {b} = {a * 7 + b} में x का मान कैसे निकालें? मुझे यह समझ नहीं आ रहा है।"
    answer = (
        f"चलिए इसे चरणों में हल करते हैं। पहले दोनों पक्षों से {b} घटाइए, क्योंकि हमें x वाला पद अकेला चाहिए: {a}x = {a * 7}। "
        f"अब दोनों पक्षों को {a} से भाग दीजिए। इसलिए x = 7 है। आप जाँच भी सकते हैं: {a} × 7 + {b} = {a * 7 + b}। "
        "बहुत अच्छा प्रयास था, अब अगला सवाल करके देखिए।"
    )
    return question, answer


def tamil(r: random.Random) -> tuple[str, str]:
    a, b = r.randint(2, 99), r.randint(2, 999)
    question = f"{a}x + {b} = {a * 7 + b} என்ற சமன்பாட்டில் x இன் மதிப்பை எப்படி காண்பது?"
    answer = (
        f"படிப்படியாகப் பார்ப்போம். "
        f"முதலில் இரு பக்கங்களிலிருந்தும் {b} ஐக் கழிக்க வேண்டும்: {a}x = {a * 7}. "
        f"பிறகு இரு பக்கங்களையும் {a} ஆல் வகுக்க வேண்டும். "
        f"எனவே x = 7 ஆகும். சரிபார்க்கலாம்: {a} × 7 + {b} = {a * 7 + b}. "
        f"நல்ல முயற்சி, அடுத்த கணக்கை நீங்களே செய்து பாருங்கள்."
    )
    return question, answer


def romanised(r: random.Random) -> tuple[str, str]:
    a, b = r.randint(2, 99), r.randint(2, 999)
    question = f"{a}x + {b} = {a * 7 + b} ko kaise solve karte hain? Mujhe samajh nahi aa raha hai."
    answer = (
        f"Pehle dono taraf se {b} ghatao, kyunki humein x wala term akela chahiye: {a}x = {a * 7}. "
        f"Phir dono taraf ko {a} se bhaag do. "
        f"Isliye x = 7 hai. Aap check bhi kar sakte hain: {a} × 7 + {b} = {a * 7 + b}. Bahut accha prayas tha."
    )
    return question, answer


MAKERS = ((english, "en", 0.62), (hindi, "hi", 0.2), (tamil, "ta", 0.13), (romanised, "hi", 0.05))


def personal(r: random.Random, language: str) -> str:
    mobile = f"{r.randint(6, 9)}{r.randint(10**8, 10**9 - 1)}"
    name = r.choice(NAMES)
    if language == "hi":
        return r.choice(
            (
                "मेरा नाम राहुल शर्मा है। ",
                f"मेरा फ़ोन नंबर {mobile} है। ",
                f"{name.split()[0].lower()}{r.randint(1, 999)}@example.com पर भेज दीजिए। ",
            )
        )
    if language == "ta":
        return r.choice(("என் பெயர் கவிதா. ", f"என் கைபேசி எண் {mobile}. "))
    return r.choice(
        (
            f"My name is {name}. ",
            f"Call me on +91 {mobile[:5]} {mobile[5:]}. ",
            f"Mail {name.split()[0].lower()}@example.org please. ",
            f"My PAN is ABCPK{r.randint(1000, 9999)}Z. ",
        )
    )


def row(r: random.Random, number: int) -> dict:
    make, language, _ = r.choices(MAKERS, [share for *_, share in MAKERS])[0]
    question, answer = make(r)
    error = finish = category = None
    if r.random() < 0.04:
        question = personal(r, language) + question
    if r.random() < 0.01:
        answer = "I'm sorry, but I can't help with that request."
    elif r.random() < 0.02:
        answer, finish = answer[: r.randint(60, 120)], "length"
    elif r.random() < 0.01:
        answer = "As an AI language model, " + answer
    elif r.random() < 0.005 and language == "hi":
        answer += " मैं आपको और समझाता हूँ।"
    elif r.random() < 0.01:
        answer = None
        error = "timeout"
    history = None
    if r.random() < 0.3:
        history = [
            {"role": "user", "content": question[:80]},
            {"role": "assistant", "content": "Let us look at it together. " + (answer or "")[:150]},
        ]
    return {
        "interaction_id": f"i{number:09d}",
        "source": "benchmark",
        "occurred_at": START + timedelta(milliseconds=80 * (number % 1_000_000)),
        "task": "programming" if "Python" in question else "tutoring",
        "language": language,
        "subject": r.choice(("math", "physics", "chemistry")),
        "topic": "equations",
        "grade": str(r.randint(6, 12)),
        "reasoning_mode": "standard",
        "system_prompt": r.choice(SYSTEM),
        "context": None,
        "history": history,
        "question": question,
        "answer": answer,
        "rating": r.choice((None, None, None, 5.0, 4.0, 4.0, 3.0, 2.0)),
        "thumbs": r.choice((None, None, None, 1, -1)),
        "complaint_category": category,
        "user_pseudonym": f"u_{r.randint(0, 20000):020x}",
        "conversation_id": f"c{number // 3}",
        "turn": number % 3,
        "model": "base",
        "retries": r.choice((0, 0, 0, 0, 1)),
        "error": error,
        "finish_reason": finish or "stop",
        "response_time_ms": 900.0,
        "metadata": '{"app": "tutor"}',
        "source_file": "benchmark",
        "source_line": number,
    }


def write_day(data: Path, rows: int, seed: int = 7) -> int:
    """Write one raw day; returns the bytes of text in it."""
    from lyo_pipelines.interactions.contract import INTERACTION
    from lyo_pipelines.storage.lake import Lake

    path = Path(Lake(str(data)).interactions(DAY))
    path.parent.mkdir(parents=True, exist_ok=True)
    r, size = random.Random(seed), 0
    with pq.ParquetWriter(path, INTERACTION, compression="zstd", compression_level=1) as writer:
        for begin in range(0, rows, 20_000):
            part = [row(r, number) for number in range(begin, min(rows, begin + 20_000))]
            table = pa.Table.from_pylist(part, schema=INTERACTION)
            size += table.nbytes
            writer.write_table(table)
    return size


def run_curation(data: str, workers: int) -> dict:
    from lyo_pipelines.config.loading import load_config
    from lyo_pipelines.curation.day import curate_day
    from lyo_pipelines.storage.lake import Lake

    config = load_config().curation.model_copy(update={"workers": workers})
    begin = time.perf_counter()
    report = curate_day(Lake(data), DAY, config)
    return {
        "seconds": time.perf_counter() - begin,
        "rows": report.read,
        "kept": report.kept,
        "removed": report.removed_by_rule,
        "pii": report.pii_counts,
        "languages": report.languages,
        "pending": report.review_pending,
    }


def run_polars(data: str) -> dict:
    """What a short script can do: the owner's rating rules, an NFC pass, e-mails and mobiles by two patterns, exact duplicates."""
    import polars as pl

    from lyo_pipelines.storage.lake import Lake

    begin = time.perf_counter()
    rated = pl.col("rating").is_not_null()
    unspoilt = (
        (pl.col("retries").fill_null(0) == 0)
        & (pl.col("thumbs").fill_null(0) >= 0)
        & pl.col("complaint_category").is_null()
    )
    clean = [
        pl.col(name)
        .str.normalize("NFC")
        .str.replace_all(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+", "<EMAIL>")
        .str.replace_all(r"(\+91[ -]?)?\b[6-9]\d{4}[ -]?\d{5}\b", "<PHONE>")
        for name in ("question", "answer", "system_prompt", "context")
    ]
    frame = (
        pl.scan_parquet(Lake(data).interactions(DAY))
        .filter(pl.col("error").is_null() & pl.col("answer").is_not_null())
        .filter((rated & (pl.col("rating") >= 4)) | (~rated & unspoilt & (pl.col("answer").str.len_chars() >= 50)))
        .with_columns(clean)
        .unique(["question", "answer"])
    )
    frame.sink_parquet(Path(data) / "polars.parquet")
    return {"seconds": time.perf_counter() - begin, "rows": pq.read_metadata(Lake(data).interactions(DAY)).num_rows}


def measured(kind: str, data: Path, workers: int) -> dict:
    """Run one side in a process of its own and watch the memory of it and its children."""
    import psutil

    environment = os.environ | {"LYO_BENCH_SIDE": kind}
    command = [sys.executable, __file__, "--side", kind, "--data", str(data), "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    peak = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [watched, *watched.children(recursive=True)]
            peak = max(peak, sum(_private(member) for member in family))
        except psutil.Error:
            pass  # a worker ended between listing and looking
        time.sleep(0.1)
    out = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"{kind} ended with {process.returncode}")
    result = json.loads(out.strip().splitlines()[-1])
    return result | {"peak_mb": round(peak / 1e6), "rows_per_second": round(result["rows"] / result["seconds"])}


def _private(process) -> int:
    """Memory of a process; pages that processes share are counted in each."""
    return process.memory_info().rss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--once", action="store_true", help="only N, not 3N")
    parser.add_argument("--side", choices=("curation", "polars"))
    parser.add_argument("--data")
    arguments = parser.parse_args()
    if arguments.side:
        result = (
            run_curation(arguments.data, arguments.workers)
            if arguments.side == "curation"
            else run_polars(arguments.data)
        )
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps(result | {"cpu_seconds": round(used.ru_utime + used.ru_stime, 2)}))
        return
    results = []
    for rows in [arguments.rows] if arguments.once else [arguments.rows, 3 * arguments.rows]:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            size = write_day(data, rows)
            for kind in ("curation", "polars"):
                found = measured(kind, data, arguments.workers)
                results.append({"what": kind, "text_mb": round(size / 1e6), **found})
                print(
                    f"{kind:10} {rows:>10,} rows {found['seconds']:8.1f} s ({found['cpu_seconds']:6.1f} cpu) "
                    f"{found['rows_per_second']:>10,} rows/s {found['peak_mb']:>7,} MB peak",
                    flush=True,
                )
    out = ROOT / "benchmarks" / "out"
    out.mkdir(parents=True, exist_ok=True)
    (out / "curation.json").write_text(
        json.dumps(
            {"cores": os.cpu_count(), "workers": arguments.workers, "results": results}, indent=2, ensure_ascii=False
        )
    )
    print(json.dumps({k: results[0].get(k) for k in ("removed", "pii", "languages", "pending")}, ensure_ascii=False))


if __name__ == "__main__":
    main()
