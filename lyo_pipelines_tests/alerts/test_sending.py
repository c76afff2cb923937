"""Messages reach a real mail server and a real webhook; what goes wrong is said without any secret."""

from __future__ import annotations

import logging
import socket
import ssl
import traceback

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from lyo_pipelines.alerts.channels import open_channels
from lyo_pipelines.alerts.errors import ChannelError
from lyo_pipelines.alerts.mail import send_email
from lyo_pipelines.alerts.message import compose_message
from lyo_pipelines.alerts.slack import send_slack
from lyo_pipelines.config.alerts import AlertSecrets
from lyo_pipelines.config.settings import Settings
from lyo_pipelines_tests.alerts.sample_alerts import NOON, PASSWORD, alert, config, mail_server, webhook

MESSAGE = compose_message([alert(1), alert(2)], most_listed=20)


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> ssl.SSLContext:
    """A server's certificate that this test's clients trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def mail(section: dict, password: str = "") -> tuple[str, ...]:
    return send_email(MESSAGE, config(email=section).email, password, now=NOON, timeout_seconds=5)


def test_a_message_arrives_by_mail_at_all_recipients():
    with mail_server() as server:
        assert mail(server.email_config(recipients=["a@example.org", "b@example.org"])) == ()
    (letter,) = server.letters
    assert server.recipients == [["a@example.org", "b@example.org"]]
    assert letter["Subject"] == "Lyo pipelines: 2 failed runs"
    assert letter.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert letter["Message-ID"].endswith("@example.org>")


def test_login_goes_by_starttls(certificate):
    with mail_server(tls=certificate, auth=True) as server:
        mail(server.email_config(security="starttls", username="lyo"), PASSWORD)
    assert len(server.letters) == 1


def test_a_password_is_not_sent_without_tls():
    with mail_server() as server, pytest.raises(ChannelError, match="as it is") as error:
        mail(server.email_config(security="none", username="lyo"), PASSWORD)
    assert server.letters == []
    shown_nowhere(error.value, PASSWORD)
    section = {
        "enabled": True,
        "host": "h",
        "sender": "a@b.c",
        "recipients": ["d@e.f"],
        "username": "u",
        "security": "none",
    }
    (channel,) = open_channels(config(email=section), AlertSecrets(SecretStr(PASSWORD), SecretStr("")), NOON)
    assert "starttls" in channel.problem


def test_mail_goes_by_tls_from_the_start(certificate):
    with mail_server(ssl=certificate) as server:
        mail(server.email_config(security="ssl"))
    assert len(server.letters) == 1


def test_a_server_that_nobody_vouches_for_gets_nothing(certificate, monkeypatch, tmp_path):
    (tmp_path / "nobody.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
    with mail_server(tls=certificate, auth=True) as server, pytest.raises(ChannelError, match="SSL"):
        mail(server.email_config(security="starttls", username="lyo"), PASSWORD)
    assert server.letters == []


def test_a_wrong_password_is_said_but_not_shown(certificate):
    with mail_server(tls=certificate, auth=True) as server, pytest.raises(ChannelError) as failure:
        mail(server.email_config(security="starttls", username="lyo"), "a-wrong-password")
    assert "535" in str(failure.value)
    shown_nowhere(failure.value, "a-wrong-password")


def test_refused_recipients_are_returned_and_the_others_are_served():
    with mail_server() as server:
        assert mail(server.email_config(recipients=["a@example.org", "nobody@example.org"])) == ("nobody@example.org",)
        with pytest.raises(ChannelError, match="550"):
            mail(server.email_config(recipients=["nobody@example.org"]))
    assert len(server.letters) == 1


def test_a_mail_server_that_is_not_there_is_named():
    port = free_port()
    with pytest.raises(ChannelError, match=f"127.0.0.1:{port}"):
        mail({"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@b.c", "recipients": ["d@e.f"]})


def test_a_sender_with_a_line_break_cannot_add_headers():
    with mail_server() as server, pytest.raises(ChannelError):
        mail(server.email_config(sender="lyo@example.org\nBcc: all@example.org"))
    assert server.letters == []


def test_slack_gets_one_payload_and_its_address_is_logged_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    with webhook() as receiver:
        send_slack(MESSAGE, receiver.url, timeout_seconds=5)
    (payload,) = receiver.got
    assert payload["text"] == "Lyo pipelines: 2 failed runs"
    assert payload["blocks"][0]["type"] == "header"
    assert "topsecretpath" not in caplog.text


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_what_slack_answers_is_said_without_its_address(status):
    with webhook() as receiver:
        receiver.status = status
        with pytest.raises(ChannelError, match=str(status)) as failure:
            send_slack(MESSAGE, receiver.url, timeout_seconds=5)
    shown_nowhere(failure.value, "topsecretpath")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/services/topsecretpath",
        "hooks.example.org/services/topsecretpath",
        "http://127.0.0.1:topsecretpath/",
        "http://[topsecretpath/",
        "ftp://127.0.0.1/topsecretpath",
        "http://127.0.0.1/top\x00topsecretpath",
    ],
)
def test_an_address_that_leads_nowhere_is_not_shown(address):
    with pytest.raises(ChannelError, match="Slack was not told") as failure:
        send_slack(MESSAGE, address.format(port=free_port()), timeout_seconds=5)
    shown_nowhere(failure.value, "topsecretpath")


def test_both_channels_are_off_until_configured():
    assert open_channels(config(), AlertSecrets(SecretStr("password"), SecretStr("http://127.0.0.1/hook")), NOON) == []


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"email": {"enabled": True}}, "alerts.email.host, alerts.email.sender, alerts.email.recipients"),
        (
            {"email": {"enabled": True, "host": "h", "sender": "a@b.c", "recipients": ["d@e.f"], "username": "u"}},
            "LYO_SMTP_PASSWORD",
        ),
        ({"slack": {"enabled": True}}, "LYO_SLACK_WEBHOOK"),
    ],
)
def test_a_channel_that_lacks_something_says_what_to_set(sections, said):
    (channel,) = open_channels(config(**sections), AlertSecrets(SecretStr(""), SecretStr("")), NOON)
    assert said in channel.problem


def test_secrets_come_from_the_environment_and_are_not_shown(monkeypatch):
    monkeypatch.setenv("LYO_SMTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("LYO_SLACK_WEBHOOK", "http://h/topsecretpath\n")
    settings = Settings.from_env()
    secrets = settings.alert_secrets
    assert secrets.smtp_password.get_secret_value() == PASSWORD
    assert secrets.slack_webhook.get_secret_value() == "http://h/topsecretpath"
    shown = repr(secrets) + repr(settings) + settings.model_dump_json()
    assert PASSWORD not in shown and "topsecretpath" not in shown


def test_a_kind_that_does_not_exist_is_refused():
    assert config(slack={"kinds": ["run_failed"]}).slack.kinds == ("run_failed",)
    with pytest.raises(ValidationError, match="run_faild"):
        config(slack={"kinds": ["run_faild"]})


def shown_nowhere(error: BaseException, secret: str) -> None:
    """No text of the error or of anything that it carries along holds the secret."""
    carried: BaseException | None = error
    while carried is not None:
        assert secret not in "".join(traceback.format_exception_only(carried)) + repr(carried)
        carried = carried.__cause__ or carried.__context__


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
