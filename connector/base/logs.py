"""Structured logs: one line per fact, redacted by a function before anything is written (design rule 9)."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from connector.base.errors import where
from connector.base.redact import redact_event

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Unfailing(io.TextIOBase):
    """Writes to `stream` as long as it can: a full disk under the log must never stop the work it tells about."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        # What cannot be written can be told to nobody: the state of the work is in the journal.
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure_logs(level: str, style: Literal["console", "json"]) -> None:
    """At start, and again when the level changes. Lines go to stderr: stdout belongs to `--json` output."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if style == "console"
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Unfailing(sys.stderr))),
        cache_logger_on_first_use=False,
    )


class _Libraries(logging.Handler):
    """What libraries log by themselves: that they did, and where; their words may quote what they were given."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log = logger("library")
        say = log.error if record.levelno >= logging.ERROR else log.warning
        place = f"{record.filename}:{record.lineno}"
        say("library", library=record.name, place=place, error=type(error).__name__ if error else "", where=_at(error))


def guard_process() -> None:
    """Once in a process of ours, after `configure_logs`: nothing that Python or a library prints by itself gets out.

    Their warnings, the exceptions of a thread or of the whole process become one redacted line each.
    """
    root = logging.getLogger()
    root.handlers = [_Libraries(logging.WARNING)]
    logging.captureWarnings(True)
    threading.excepthook = lambda told: _uncaught("thread ended", told.exc_value)
    sys.excepthook = lambda _kind, error, _trace: _uncaught("process ended", error)
    sys.unraisablehook = lambda told: _uncaught("error ignored", told.exc_value)


def _uncaught(event: str, error: BaseException | None) -> None:
    logger("process").error(event, error=type(error).__name__, where=_at(error))


def _at(error: BaseException | None) -> str:
    return where(error) if error is not None else ""


def logger(room: str) -> FilteringBoundLogger:
    """Logger whose lines carry `room`."""
    # bound again at each line: a level changed later counts for loggers made before
    lazy: FilteringBoundLogger = structlog.get_logger(room=room)
    return lazy
