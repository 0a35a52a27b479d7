"""The daemon as a process of its own: signals in, systemd told, and an end that waits for nobody beyond the drain."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from connector.base.logs import configure_logs, guard_process, logger
from connector.base.notify import Notifier, watchdog_seconds
from connector.daemon import Daemon
from connector.settings import Settings, load_settings

HURRIED: Final = 1
"""Exit code after a second SIGTERM or SIGINT: deliveries in progress are left to the next start."""

_GRACE: Final = 1.0
"""Seconds for threads that are ending anyway."""


def run_daemon(config: Path, role: str = "all") -> None:
    """Runs `config` until SIGTERM or SIGINT, after the work in progress; SIGHUP reads the file again.

    A second SIGTERM or SIGINT ends at once, like a power cut: nothing is lost, the next start recovers. Raises
    SettingsError or JournalError when it cannot start.
    """
    settings = load_settings(config)
    configure_logs(settings.log.level, settings.log.format)
    guard_process()
    # documents retrieved are for the hospital's own import: its group may read them, nobody else
    os.umask(0o027)
    if settings.engine.one_processor and settings.journal.url.dialect == "sqlite":
        _keep_to_one_processor()
    asyncio.run(_serve(settings, config, role))
    _leave()


def _keep_to_one_processor() -> None:
    """Before any thread is made: all inherit it. Where it is forbidden, the connector runs as it did."""
    allowed = sorted(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, {allowed[os.getpid() % len(allowed)]})
    except OSError as error:
        logger("daemon").warning("cannot keep to one processor", cause=error.strerror)


async def _serve(settings: Settings, config: Path, role: str) -> None:
    daemon = Daemon(settings, role=role, manager=Notifier.of(), watchdog=watchdog_seconds())
    stop = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if stop.is_set():
            logger("daemon").warning("stopped at once by a second signal")
            os._exit(HURRIED)
        stop.set()

    def read_again() -> None:
        if not stop.is_set():
            task = loop.create_task(daemon.reload_and_tell(lambda: load_settings(config)))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, read_again)
    await daemon.serve(stop)


def _leave() -> None:
    """Python waits at its end for every thread: one that hangs on a far end beyond the drain must not hold us."""
    end = time.monotonic() + _GRACE
    late = [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]
    for thread in late:
        thread.join(max(0.0, end - time.monotonic()))
    if any(thread.is_alive() for thread in late):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
