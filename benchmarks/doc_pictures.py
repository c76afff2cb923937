"""The pictures of docs/, taken from the product itself: the UI on a finished demo, page by page, in a real browser.

    LYO_DATA_DIR=... DAGSTER_HOME=... python benchmarks/doc_pictures.py [--out docs/pictures] [--only NAME] [--dark] [--height 2200]

Starts the UI's webserver read-only on a free port, opens each page in a headless Chromium and writes one PNG for each. Nothing is
launched, and nothing but these files is written. Needs a Chromium on the machine.
"""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines_tests.serving.browser import Page, browser, found_browser

WIDTH = 1440
PATIENCE_SECONDS = 180
SEGMENT = "tutoring.en.math"
PAGES = {
    "landed_files": "/assets/landed_files",
    "raw_interactions": "/assets/raw_interactions",
    "filtered_examples": "/assets/filtered_examples",
    "filtered_examples_day": "/assets/filtered_examples?view=partitions",
    "segment_health": "/assets/segment_health",
    "retraining_signals": "/assets/retraining_signals",
    "train_split": "/assets/train_split",
    "adapter": "/assets/adapter",
    "eval_report": "/assets/eval_report",
    "eval_report_checks": "/assets/eval_report?view=checks",
    "release": "/assets/release",
    "inbox": "/assets/inbox",
    "automation": "/automation",
    "runs": "/runs",
}
READY = "document.querySelectorAll('.bp5-skeleton, .bp4-skeleton, [class*=Skeleton]').length === 0"


@contextmanager
def webserver() -> Iterator[str]:
    """The UI's server on this installation, read-only; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "dagster_webserver", "-w", str(PROJECT_ROOT / "workspace.yaml"), "--read-only",
        "-h", "127.0.0.1", "-p", str(port),
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(address)
            yield address
        finally:
            process.terminate()
            process.wait(60)


def _wait(address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/server_info", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise TimeoutError(f"the UI did not start at {address} within {PATIENCE_SECONDS} s")


def taken(page: Page, url: str, height: int, *, dark: bool) -> bytes:
    """One page as it looks once everything is there."""
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    page.call("Emulation.setEmulatedMedia", features=scheme)
    page.open(url, width=WIDTH, height=height)
    time.sleep(4)  # the page asks again and again; nothing of it says when it is done
    page.until(f"{READY} && [...document.images].every(one => one.complete)")
    time.sleep(1)
    return page.picture()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=PROJECT_ROOT / "docs" / "pictures")
    options.add_argument("--only", choices=sorted(PAGES), action="append")
    options.add_argument("--dark", action="store_true")
    options.add_argument("--height", type=int, default=2200)
    given = options.parse_args()
    chromium = found_browser()
    if chromium is None:
        sys.exit("No Chromium on this machine: the pictures are taken with one.")
    if "DAGSTER_HOME" not in os.environ:
        sys.exit("Set DAGSTER_HOME and LYO_DATA_DIR to those of a finished demo.")
    given.out.mkdir(parents=True, exist_ok=True)
    with webserver() as address, browser(chromium) as page:
        for name in given.only or PAGES:
            image = Image.open(io.BytesIO(taken(page, f"{address}{PAGES[name]}", given.height, dark=given.dark)))
            path = given.out / f"{name}.png"
            image.convert("RGB").quantize(128).save(path, optimize=True)
            print(path)


if __name__ == "__main__":
    main()
