"""Health, readiness and metrics over plain HTTP on an operator's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.watch.health import Report


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """`port` 0 switches the API off; keep `host` on an address only operators reach."""

    host: str = "127.0.0.1"
    port: int = 0


class Watched(Protocol):
    """What the API asks (connector.watch.room.Watch); every answer comes within a time limit."""

    def alive(self) -> Report: ...
    def ready(self) -> Report: ...
    def metrics(self) -> bytes: ...


def build_app(watch: Watched, role: str = "all") -> Starlette:
    """GET /health (alive) and /ready: 200, or 503 with the reasons in JSON, and the role; /metrics (Prometheus text).

    The handlers are plain functions: Starlette runs them beside the loop, so that one that waits holds nobody up.
    """

    def health(_request: Request) -> Response:
        return _answer("alive", role, watch.alive())

    def ready(_request: Request) -> Response:
        return _answer("ready", role, watch.ready())

    def metrics(_request: Request) -> Response:
        return Response(watch.metrics(), media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)])


def _answer(what: str, role: str, report: Report) -> Response:
    checks = {name: name not in report.reasons for name in report.checks}
    content = {what: report.good, "role": role, "checks": checks, "reasons": dict(report.reasons)}
    return JSONResponse(content, 200 if report.good else 503)
