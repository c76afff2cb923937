"""A real HTTP server in the shape of the OpenAI API whose answers follow a rule: opinions and moods that no model has on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Odd:
    """Anything but a chat answer."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


Rule = Callable[[dict[str, Any], int], "str | Odd"]
"""(request, how many came before it) -> the answer's text."""


@dataclass
class Ruled:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def ruled(rule: Rule) -> Iterator[Ruled]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                number = len(server.requests)
                server.requests.append(asked)
                server.keys.append(self.headers.get("authorization"))
            told = rule(asked, number)
            if isinstance(told, str):
                choice = {"message": {"role": "assistant", "content": told}, "finish_reason": "stop"}
                body = {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
                told = Odd(200, json.dumps(body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            content = told.body.encode()
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked may have gone
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Ruled(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
