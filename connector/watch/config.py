"""The [alerts] section: when a cause is told, to whom, and through what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from connector.base.errors import SettingsError


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """Mail. `host` "" sends none. Raises SettingsError when a setting that mail needs is missing.

    security      'starttls' (587), 'tls' (465) or 'none' (a relay of the same machine)
    ca_file       PEM authorities of the mail server; the system's when absent
    password_env  name of the environment variable holding the password of `user`; never the password itself
    timeout       seconds per socket operation
    """

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password_env: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    timeout: float = 20.0

    def __post_init__(self) -> None:
        if self.host:
            _require("alerts.smtp.port", str(self.port), 0 < self.port < 65536, "1 to 65535")
            _require("alerts.smtp.sender", self.sender, "@" in self.sender, "an e-mail address")
            _require(
                "alerts.smtp.recipients",
                ", ".join(self.recipients),
                bool(self.recipients) and all("@" in one for one in self.recipients),
                "e-mail addresses",
            )
            _require("alerts.smtp.timeout", str(self.timeout), self.timeout > 0, "seconds above 0")
            _require(
                "alerts.smtp.password_env",
                self.password_env,
                bool(self.password_env) or not self.user,
                "the name of an environment variable, as user is given",
            )


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """One POST of JSON per notice. `url` "" sends none. Raises SettingsError on another address than http(s).

    ca_file     PEM authorities of that server; the system's when absent
    secret_env  name of the environment variable holding the key of the HMAC-SHA256 signature header; "" signs nothing
    timeout     seconds per socket operation
    """

    url: str = ""
    ca_file: Path | None = None
    secret_env: str = ""
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.url:
            right = self.url.startswith(("https://", "http://"))
            _require("alerts.webhook.url", self.url, right, "an http(s) address")
            _require("alerts.webhook.timeout", str(self.timeout), self.timeout > 0, "seconds above 0")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a condition is one.

    queue_seconds      age of the oldest delivery that could start, per destination; 0 never
    certificate_days   days left at which an expiring certificate is told, each once
    disk_free_bytes    room left under the journal
    disk_free_ratio    and share of the disk left: the first one reached counts
    clock_ratio        share of clock.limit_seconds from which a drift is told, before anything is refused
    follower_seconds   how long the audit repository may be behind
    node_seconds       how long a node may be silent beyond its lease (scale-out)
    """

    queue_seconds: float = 3600.0
    certificate_days: tuple[int, ...] = (60, 30, 7)
    disk_free_bytes: int = 1_073_741_824
    disk_free_ratio: float = 0.05
    clock_ratio: float = 0.5
    follower_seconds: float = 900.0
    node_seconds: float = 0.0

    def __post_init__(self) -> None:
        right = all(days > 0 for days in self.certificate_days)
        _require("alerts.thresholds.certificate_days", str(self.certificate_days), right, "days above 0")


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """One notice when a cause appears, one when it is over, whatever the number of messages it stops.

    every_seconds     between two looks; 0 switches alerts off
    raise_seconds     how long a cause must last before it is told
    clear_seconds     how long it must be gone before its end is told: a flapping cause is one cause
    remind_seconds    between two reminders of a cause that lasts; 0 for none
    give_up_seconds   after which a notice a channel does not take is dropped, and the log says so
    """

    every_seconds: float = 15.0
    raise_seconds: float = 0.0
    clear_seconds: float = 120.0
    remind_seconds: float = 0.0
    give_up_seconds: float = 86_400.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    smtp: SmtpConfig = field(default_factory=SmtpConfig)
    webhook: WebhookConfig = field(default_factory=WebhookConfig)

    def __post_init__(self) -> None:
        for name in ("every_seconds", "raise_seconds", "clear_seconds", "remind_seconds"):
            value = getattr(self, name)
            _require(f"alerts.{name}", str(value), value >= 0, "seconds, 0 or more")
        _require("alerts.give_up_seconds", str(self.give_up_seconds), self.give_up_seconds > 0, "seconds above 0")


def _require(name: str, found: str, right: bool, allowed: str) -> None:
    if not right:
        raise SettingsError(f"setting {name} is wrong or missing", name=name, found=found, allowed=allowed)
