"""A real Chromium without a window, driven over its debugging protocol: pages are opened, scripts run in them, keys pressed."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

OPTIONS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--remote-debugging-port=0",
        "--lang=en",
    ),
    *(
        "--no-first-run",
        "--disable-extensions",
        "--disable-component-update",
        "--disable-background-networking",
        "--disable-sync",
    ),
)
_PATIENCE = 240
"""Seconds: a machine with much to do starts a browser slowly."""
NAMES = ("chromium", "chromium-browser", "google-chrome")


def found_browser() -> str | None:
    """The browser of this machine, if it has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One open page."""

    connection: ClientConnection
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._ids)
        self.connection.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            told = json.loads(self.connection.recv(timeout=_PATIENCE))
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]

    def open(self, url: str, *, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def script(self, code: str) -> Any:
        told = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, condition: str) -> None:
        for _ in range(_PATIENCE * 20):
            if self.script(condition):
                return
            time.sleep(0.05)
        raise AssertionError(f"it did not come to {condition}")

    def press(self, key: str, code: int, *, modifiers: int = 0, text: str = "") -> None:
        pressed = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"])


@contextmanager
def browser(path: str) -> Iterator[Page]:
    """Start it and yield its first page; it is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        command = [path, *OPTIONS, f"--user-data-dir={home}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet, start_new_session=True) as process:
            try:
                port = _port(Path(home))
                pages = [
                    one
                    for one in httpx.get(f"http://127.0.0.1:{port}/json", timeout=_PATIENCE).json()
                    if one["type"] == "page"
                ]
                address = pages[0]["webSocketDebuggerUrl"]
                with connect(
                    address, max_size=None, open_timeout=_PATIENCE, ping_interval=None, proxy=None
                ) as connection:
                    yield Page(connection)
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # with all of its helpers


def _port(home: Path) -> int:
    """The port that the browser says it listens on."""
    file = home / "DevToolsActivePort"
    for _ in range(_PATIENCE * 20):
        if file.exists() and (told := re.match(r"(\d+)\n", file.read_text())):
            return int(told.group(1))
        time.sleep(0.05)
    raise AssertionError("the browser did not start")
