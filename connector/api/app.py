"""Health, readiness and metrics over plain HTTP on an operator's address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """`port` 0 switches the API off; keep `host` on an address only operators reach."""

    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """What the daemon says of itself. `checks` are all true when it is ready; counts are by kind and state.

    `alive` is False once a part of it is stuck: nothing but a new start helps.
    """

    checks: Mapping[str, bool]
    deliveries: Mapping[tuple[str, str], int]
    certificate_days: Mapping[str, float]
    role: str = "all"
    alive: bool = True


class _StatusCollector(Collector):
    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> list[GaugeMetricFamily]:
        now = self._status()
        queue = GaugeMetricFamily("connector_deliveries", "Deliveries by kind and state", labels=["kind", "state"])
        for (kind, state), count in now.deliveries.items():
            queue.add_metric([kind, state], count)
        days = GaugeMetricFamily("connector_certificate_days", "Days left per certificate", labels=["certificate"])
        for name, left in now.certificate_days.items():
            days.add_metric([name], left)
        return [queue, days]


def build_app(status: Callable[[], Status]) -> Starlette:
    """GET /health (200, or 503 when stuck), /ready (200, or 503 with the failing checks), /metrics (Prometheus)."""
    registry = CollectorRegistry()
    registry.register(_StatusCollector(status))

    def health(_request: Request) -> Response:
        now = status()
        return JSONResponse({"status": "alive" if now.alive else "stuck", "role": now.role}, 200 if now.alive else 503)

    def ready(_request: Request) -> Response:
        now = status()
        good = all(now.checks.values())
        return JSONResponse({"ready": good, "role": now.role, "checks": dict(now.checks)}, 200 if good else 503)

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)])
