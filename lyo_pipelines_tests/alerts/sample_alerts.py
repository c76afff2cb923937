"""Alerts made for tests, and real servers on this machine that take them: one for mail, one for webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from lyo_pipelines.alerts.alert import Alert
from lyo_pipelines.config.alerts import AlertConfig
from lyo_pipelines.config.loading import load_config

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "correct-horse-battery-staple"


def alert(number: int, **fields: Any) -> Alert:
    """One failed run."""
    made = {
        "kind": "run_failed",
        "key": f"run:{number}",
        "title": "run of retrain failed",
        "detail": f"step {number}",
        "url": f"http://127.0.0.1:3000/runs/{number}",
        "occurred_at": NOON + timedelta(seconds=number),
    }
    return Alert(**{**made, **fields})


def config(**sections: dict[str, Any]) -> AlertConfig:
    """The default figures with parts of their sections changed."""
    default = load_config().alerts.model_dump()
    for name, changes in sections.items():
        default[name].update(changes)
    return AlertConfig.model_validate(default)


class MailServer(Controller):
    """A real SMTP server; refuses recipients whose name begins with `nobody`."""

    def __init__(self, **options: Any) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        super().__init__(self, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # the free port that it was given
        super()._trigger_server()

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def email_config(self, **changes: Any) -> dict[str, Any]:
        """The section of the figures that leads here."""
        here = {"enabled": True, "host": "127.0.0.1", "port": self.port, "security": "none"}
        return {**here, "sender": "lyo@example.org", "recipients": ["data@example.org"], **changes}


@contextmanager
def mail_server(
    *, tls: SSLContext | None = None, ssl: SSLContext | None = None, auth: bool = False
) -> Iterator[MailServer]:
    """A mail server that is there while the test is; `tls` demands STARTTLS, `ssl` speaks TLS from the start."""

    def known(server, session, envelope, mechanism, data) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (b"lyo", PASSWORD.encode())
        # a server that is careless with what it was told
        return AuthResult(success=right, handled=False, message=f"535 {data.password.decode()} is wrong")

    options: dict[str, Any] = {"authenticator": known, "auth_required": True} if auth else {}
    if tls:
        options |= {"tls_context": tls, "require_starttls": True}
    if ssl:
        options |= {"ssl_context": ssl}
    if auth and not tls:
        options |= {"auth_require_tls": False}
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Webhook:
    """A real receiver of webhooks; answers `status` until it is changed."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.url = ""


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A receiver that is there while the test is; its path is the secret."""
    found = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.status == 200:
                found.got.append(body)
            answer = b"ok" if found.status == 200 else f"cannot serve {self.path}".encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/services/T000/B000/topsecretpath"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
