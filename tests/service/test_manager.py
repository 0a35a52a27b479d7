"""A real process tells a real socket what systemd needs to know, and falls silent when it is stuck."""

from __future__ import annotations

import signal

from tests.service.conftest import MakeService, Manager


def test_start_life_reload_and_end(make_service: MakeService, manager: Manager) -> None:
    service = make_service().start()
    assert manager.wait("READY") == {"READY": "1", "STATUS": "En service, rôle all"}
    assert manager.count("WATCHDOG", 2.0) >= 2

    service.signal(signal.SIGHUP)
    assert int(manager.wait("RELOADING")["MONOTONIC_USEC"]) > 0
    assert manager.wait("READY")["STATUS"] == "En service, rôle all"

    service.write(api={"port": 9})
    service.signal(signal.SIGHUP)
    manager.wait("RELOADING")
    assert manager.wait("READY")["STATUS"].endswith("nouveaux réglages refusés (api.port)")
    assert manager.count("WATCHDOG", 2.0) >= 2

    assert service.process.stop() == 0
    assert manager.wait("STOPPING")["STATUS"].startswith("Arrêt")


def test_a_stuck_writer_lets_the_watchdog_fire(make_service: MakeService, manager: Manager) -> None:
    service = make_service().start()
    manager.wait("WATCHDOG")
    holder = service.lock_journal()
    # what was on its way before the lock
    manager.count("WATCHDOG", 1.0)
    assert manager.count("WATCHDOG", 3.0) == 0
    holder.close()
    manager.wait("WATCHDOG")
    assert service.said("part stuck") == 1
