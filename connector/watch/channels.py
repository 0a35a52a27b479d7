"""How a notice leaves: the log always, mail and webhook where set. Each channel says whether it was taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, Protocol

import requests

from connector.base.credentials import secret
from connector.base.errors import ConnectorError, SettingsError
from connector.base.redact import redact_text
from connector.watch import french
from connector.watch.config import SmtpConfig, WebhookConfig
from connector.watch.model import Notice

SIGNATURE: Final = "X-Connector-Signature"
"""`sha256=` and the hex HMAC-SHA256 of the body under the shared secret."""


class NotTaken(ConnectorError):
    """The channel did not take the notice, it is tried again; `context` has `cause` (never a text of the far end)."""


class Channel(Protocol):
    """`deliver` raises NotTaken. `key` is the same at each attempt, so that the far end can know a repetition."""

    @property
    def name(self) -> str: ...

    def deliver(self, notice: Notice, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SmtpChannel:
    """One mail per notice to all recipients."""

    config: SmtpConfig
    password: str = ""
    name: str = "smtp"

    def deliver(self, notice: Notice, key: str) -> None:
        try:
            with self._connect() as server:
                if self.config.user:
                    server.login(self.config.user, self.password)
                refused = server.send_message(self._mail(notice, key))
        except smtplib.SMTPResponseException as error:
            raise NotTaken("mail refused", cause=f"SMTP {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotTaken("mail not sent", cause=type(error).__name__) from error
        if len(refused) == len(self.config.recipients):
            raise NotTaken("mail refused", cause="recipients")

    def _connect(self) -> smtplib.SMTP:
        config = self.config
        if config.security == "none":
            return smtplib.SMTP(config.host, config.port, timeout=config.timeout)
        context = ssl.create_default_context(cafile=config.ca_file)
        if config.security == "tls":
            return smtplib.SMTP_SSL(config.host, config.port, timeout=config.timeout, context=context)
        server = smtplib.SMTP(config.host, config.port, timeout=config.timeout)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, notice: Notice, key: str) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = redact_text(french.subject(notice))
        mail["From"] = self.config.sender
        mail["To"] = ", ".join(self.config.recipients)
        mail["Date"] = format_datetime(notice.at)
        mail["Message-ID"] = f"<{key}@{self.config.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if notice.severity == "critical" and notice.kind != "cleared":
            mail["X-Priority"] = "1"
        mail.set_content(redact_text(french.body(notice)))
        return mail


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """One POST of JSON per notice, signed where a secret is set."""

    config: WebhookConfig
    secret: str = ""
    name: str = "webhook"

    def deliver(self, notice: Notice, key: str) -> None:
        body = json.dumps(as_json(notice, key), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self.secret:
            headers[SIGNATURE] = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        try:
            with requests.Session() as session:
                # no proxy and no .netrc of the environment: the address is the one the settings say
                session.trust_env = False
                answer = session.post(
                    self.config.url,
                    data=body,
                    headers=headers,
                    timeout=self.config.timeout,
                    verify=str(self.config.ca_file) if self.config.ca_file else True,
                    allow_redirects=False,
                    stream=True,
                )
                answer.close()
        except (requests.RequestException, OSError) as error:
            raise NotTaken("webhook not reached", cause=type(error).__name__) from error
        if not 200 <= answer.status_code < 300:
            raise NotTaken("webhook refused", cause=f"HTTP {answer.status_code}")


def as_json(notice: Notice, key: str) -> Mapping[str, Any]:
    """What a webhook receives; `id` is the same at each attempt, times are ISO 8601, UTC."""
    return {
        "id": key,
        "kind": notice.kind,
        "cause": notice.cause,
        "severity": notice.severity,
        "title": redact_text(notice.title),
        "text": redact_text(french.body(notice)),
        "since": notice.since.isoformat(),
        "at": notice.at.isoformat(),
    }


def open_channels(smtp: SmtpConfig, webhook: WebhookConfig) -> tuple[Channel, ...]:
    """The channels the settings want. Raises SettingsError when a secret they name is not in the environment."""
    channels: list[Channel] = []
    if smtp.host:
        channels.append(SmtpChannel(smtp, _secret("alerts.smtp.password_env", smtp.password_env)))
    if webhook.url:
        channels.append(WebhookChannel(webhook, _secret("alerts.webhook.secret_env", webhook.secret_env)))
    return tuple(channels)


def _secret(name: str, variable: str) -> str:
    if not variable:
        return ""
    found = secret(variable)
    if found is None:
        raise SettingsError(
            f"no environment variable {variable}, no credential of that name",
            name=name,
            found=variable,
            allowed='a variable that is set, a credential, or ""',
        )
    return found
