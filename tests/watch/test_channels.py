"""Mail and webhook on real sockets: what arrives, and what is said when it does not."""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.base.resources import resource_dir
from connector.watch.channels import SIGNATURE, NotTaken, SmtpChannel, WebhookChannel, open_channels
from connector.watch.config import AlertsConfig, SmtpConfig, Thresholds, WebhookConfig
from connector.watch.model import Notice
from tests.hl7_core.certificates import Pem
from tests.watch.servers import HookServer, MailServer
from tests.watch.test_evaluate import NOW

NOTICE = Notice(
    "raised",
    "destination:dmp",
    "critical",
    "Le DMP (alimentation) ne répond plus",
    "Les appels échouent.",
    "Vérifier le réseau.",
    NOW - timedelta(minutes=5),
    NOW,
)


def smtp(server: MailServer, ca: Path, password: str = "secret", **changes: object) -> SmtpChannel:
    config = SmtpConfig(
        "127.0.0.1", server.port, ca_file=ca, user="connector", password_env="X", sender="connector@example.org",
        recipients=("astreinte@example.org", "dsi@example.org"), timeout=5.0,
    )  # fmt: skip
    return SmtpChannel(replace(config, **changes), password)  # type: ignore[arg-type]


def test_a_mail_says_the_cause_since_when_and_what_to_do(mail: MailServer, ca: Path) -> None:
    smtp(mail, ca).deliver(NOTICE, "key-1")
    (received,) = mail.mails
    assert received["Subject"] == "[ALERTE] Connecteur DMP : Le DMP (alimentation) ne répond plus"
    assert received["Message-ID"] == "<key-1@example.org>"
    assert mail.recipients == [["astreinte@example.org", "dsi@example.org"]]
    text = received.get_content()
    assert "02/11/2026 à 08:25 UTC" in text
    assert "À faire : Vérifier le réseau." in text


def test_a_recovery_says_how_long_it_lasted(mail: MailServer, ca: Path) -> None:
    smtp(mail, ca).deliver(replace(NOTICE, kind="cleared"), "key-2")
    assert mail.mails[0]["Subject"].startswith("[RÉTABLI]")
    assert "(5 min)" in mail.mails[0].get_content()


def test_tls_from_the_first_byte(pem: Pem, ca: Path) -> None:
    server = MailServer(pem, tls=True)
    try:
        smtp(server, ca, security="tls").deliver(NOTICE, "key-3")
        assert len(server.mails) == 1
    finally:
        server.close()


def test_a_server_without_trusted_certificate_gets_no_password(mail: MailServer) -> None:
    with pytest.raises(NotTaken) as refused:
        smtp(mail, Path("/etc/ssl/certs/ca-certificates.crt"), ca_file=None).deliver(NOTICE, "key-4")
    assert refused.value.context["cause"] == "SSLCertVerificationError"
    assert mail.mails == []


def test_mail_not_taken_says_why_without_the_far_end_s_words(mail: MailServer, ca: Path) -> None:
    with pytest.raises(NotTaken) as wrong:
        smtp(mail, ca, password="wrong").deliver(NOTICE, "key-5")
    assert wrong.value.context["cause"] == "SMTP 535"
    mail.down = True
    with pytest.raises(NotTaken) as later:
        smtp(mail, ca).deliver(NOTICE, "key-6")
    assert later.value.context["cause"] == "SMTP 451"
    with pytest.raises(NotTaken) as nobody:
        smtp(mail, ca, port=1).deliver(NOTICE, "key-7")
    assert nobody.value.context["cause"] == "ConnectionRefusedError"


def test_one_recipient_unknown_does_not_keep_the_others_from_it(mail: MailServer, ca: Path) -> None:
    mail.refused = {"dsi@example.org"}
    smtp(mail, ca).deliver(NOTICE, "key-8")
    assert mail.recipients == [["astreinte@example.org"]]
    mail.refused |= {"astreinte@example.org"}
    with pytest.raises(NotTaken):
        smtp(mail, ca).deliver(NOTICE, "key-9")


def hook_channel(hook: HookServer, ca: Path | None, secret: str = "") -> WebhookChannel:
    return WebhookChannel(WebhookConfig(hook.url, ca, timeout=5.0), secret)


def test_a_webhook_gets_signed_json(hook: HookServer, ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the environment's proxy is for people, not for this address
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    hook_channel(hook, ca, "shared").deliver(NOTICE, "key-1")
    ((headers, body),) = hook.raw
    assert headers[SIGNATURE] == "sha256=" + hmac.new(b"shared", body, hashlib.sha256).hexdigest()
    (received,) = hook.received
    assert (received["id"], received["kind"], received["cause"]) == ("key-1", "raised", "destination:dmp")
    assert received["since"] == "2026-11-02T08:25:00+00:00"
    assert "Vérifier le réseau." in received["text"]


def test_without_secret_nothing_is_signed(hook: HookServer, ca: Path) -> None:
    hook_channel(hook, ca).deliver(NOTICE, "key-2")
    assert SIGNATURE not in hook.raw[0][0]


@pytest.mark.parametrize("status", [302, 400, 500, 503])
def test_a_webhook_that_refuses_is_tried_again(hook: HookServer, ca: Path, status: int) -> None:
    hook.status = status
    with pytest.raises(NotTaken) as refused:
        hook_channel(hook, ca).deliver(NOTICE, "key-3")
    assert refused.value.context["cause"] == f"HTTP {status}"


def test_a_webhook_whose_certificate_is_not_trusted_gets_nothing(hook: HookServer) -> None:
    with pytest.raises(NotTaken) as refused:
        hook_channel(hook, None).deliver(NOTICE, "key-4")
    assert refused.value.context["cause"] == "SSLError"
    assert hook.raw == []


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = SmtpConfig("mail.example", user="u", password_env="CONNECTOR_TEST_MAIL", sender="a@b", recipients=("c@d",))
    web = WebhookConfig("https://hook.example", secret_env="CONNECTOR_TEST_HOOK")
    with pytest.raises(SettingsError) as missing:
        open_channels(mail, web)
    assert missing.value.context["name"] == "alerts.smtp.password_env"
    monkeypatch.setenv("CONNECTOR_TEST_MAIL", "one")
    with pytest.raises(SettingsError) as missing:
        open_channels(mail, web)
    assert missing.value.context["name"] == "alerts.webhook.secret_env"
    monkeypatch.setenv("CONNECTOR_TEST_HOOK", "two")
    assert open_channels(mail, web) == (SmtpChannel(mail, "one"), WebhookChannel(web, "two"))
    assert open_channels(SmtpConfig(), WebhookConfig()) == ()


WRONG = [
    (lambda: SmtpConfig("mail.example", sender="nobody", recipients=("a@b",)), "alerts.smtp.sender"),
    (lambda: SmtpConfig("mail.example", sender="a@b"), "alerts.smtp.recipients"),
    (lambda: SmtpConfig("mail.example", sender="a@b", recipients=("c@d",), user="u"), "alerts.smtp.password_env"),
    (lambda: SmtpConfig("mail.example", 0, sender="a@b", recipients=("c@d",)), "alerts.smtp.port"),
    (lambda: WebhookConfig("ftp://x"), "alerts.webhook.url"),
    (lambda: AlertsConfig(clear_seconds=-1), "alerts.clear_seconds"),
    (lambda: AlertsConfig(give_up_seconds=0), "alerts.give_up_seconds"),
    (lambda: Thresholds(certificate_days=(0,)), "alerts.thresholds.certificate_days"),
]


@pytest.mark.parametrize(("make", "name"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_setting_is_named(make: object, name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make()  # type: ignore[operator]
    assert refused.value.context["name"] == name


def test_production_names_every_setting_of_the_tables_below() -> None:
    text = (resource_dir("conf") / "production.toml").read_text(encoding="utf-8")
    told = tomllib.loads(re.sub(r"(?m)^# (?=\w+ = |\[)", "", text))["alerts"]
    for name, kind in (("thresholds", Thresholds), ("smtp", SmtpConfig), ("webhook", WebhookConfig)):
        assert set(told[name]) == {item.name for item in fields(kind)}, name
