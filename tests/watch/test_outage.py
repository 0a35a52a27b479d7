"""An outage from end to end: a thousand letters, a breaker, a restart, real mail and a real webhook."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connector.base.clock import random_uuid, utc_now
from connector.journal import Done, Job, Journal, JournalConfig, Outcome, Retry, Tx
from connector.journal.engine.destinations import DestinationConfig
from connector.watch.config import AlertsConfig, SmtpConfig, WebhookConfig
from connector.watch.gather import Sources
from connector.watch.room import Watch
from tests.journal.support import active, eventually, working
from tests.watch.servers import HookServer, MailServer

LETTERS = 1000
SUBJECTS = [
    "[ALERTE] Connecteur DMP : Le DMP (alimentation) ne répond plus",
    "[RÉTABLI] Connecteur DMP : Le DMP (alimentation) ne répond plus",
]


class Dmp:
    """A destination that answers or not."""

    def __init__(self) -> None:
        self.down = True
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, job: Job) -> Outcome:
        with self._lock:
            self.calls += 1
        if self.down:
            return Retry("Service injoignable", timedelta(milliseconds=20), "transport", unreachable=True)
        return Done("fait")


@pytest.fixture
def alerts(mail: MailServer, hook: HookServer, ca: Path, monkeypatch: pytest.MonkeyPatch) -> AlertsConfig:
    monkeypatch.setenv("CONNECTOR_TEST_MAIL", mail.password)
    return AlertsConfig(
        every_seconds=0.05,
        clear_seconds=0.4,
        smtp=SmtpConfig(
            "127.0.0.1", mail.port, ca_file=ca, user="u", password_env="CONNECTOR_TEST_MAIL", sender="c@example.org",
            recipients=("a@example.org",),
        ),
        webhook=WebhookConfig(hook.url, ca),
    )  # fmt: skip


@asynccontextmanager
async def process(journal: Journal, dmp: Dmp, alerts: AlertsConfig) -> AsyncIterator[Watch]:
    """Engine and watch wired as the daemon wires them."""
    breaker = DestinationConfig(failures=5, cooldown=0.1, longest=0.2)
    async with working(journal, {"publication": dmp}, destinations={"dmp": breaker}) as engine:
        sources = Sources(breakers=engine.destinations.states, engine=lambda: engine.trouble)
        watch = Watch(journal, alerts, sources, clock=utc_now, uuid_factory=random_uuid)
        watch.start()
        yield watch
        watch.stop()


def queue_letters(tx: Tx) -> None:
    for number in range(LETTERS):
        owner = tx.resolve_patient([("1.2.250.1.999.1", str(number))])
        tx.deliver("publication", owner, {}, destination="dmp")


async def test_a_thousand_failing_letters_are_one_notice_and_one_recovery(
    tmp_path: Path, mail: MailServer, hook: HookServer, alerts: AlertsConfig
) -> None:
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"), utc_now)
    dmp = Dmp()
    journal.transact(queue_letters)
    async with process(journal, dmp, alerts):
        await eventually(lambda: len(mail.mails) == 1 and len(hook.received) == 1)
        await eventually(lambda: dmp.calls > 10)
    before = dmp.calls
    async with process(journal, dmp, alerts):
        await eventually(lambda: dmp.calls > before + 10)
        assert len(mail.mails) == 1, "a restart is no news"
        dmp.down = False
        await eventually(lambda: not active(journal), 30)
        await eventually(lambda: len(mail.mails) == 2 and len(hook.received) == 2)
    journal.close()
    assert [message["Subject"] for message in mail.mails] == SUBJECTS
    assert [body["kind"] for body in hook.received] == ["raised", "cleared"]
    assert {body["cause"] for body in hook.received} == {"destination:dmp"}


async def test_channels_that_are_down_are_served_later(
    tmp_path: Path, mail: MailServer, hook: HookServer, alerts: AlertsConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.watch.outbox.FIRST", timedelta(milliseconds=50))
    journal = Journal.open(JournalConfig(tmp_path / "journal.sqlite"), utc_now)
    dmp = Dmp()
    mail.down, hook.status = True, 503
    journal.transact(queue_letters)
    async with process(journal, dmp, alerts):
        await eventually(lambda: len(hook.raw) > 1)
        hook.status = 204
        await eventually(lambda: len(hook.received) == 1)
    assert len({body for _, body in hook.raw}) == 1, "each attempt is the same notice, under the same id"
    mail.down = False
    async with process(journal, dmp, alerts):
        await eventually(lambda: len(mail.mails) == 1)
    journal.close()
    assert len(hook.received) == 1
