"""Health, readiness and metrics of a running connector, over a real socket."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest

from connector.api.app import Status, build_app
from tests.e2e.conftest import MakeSite
from tests.e2e.messages import admission, letter
from tests.e2e.process import fixed_port


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_running_connector_says_how_it_is(make_site: MakeSite) -> None:
    port = fixed_port(random.Random(11))
    site = make_site(api={"port": port})
    site.send(admission("ADT3001"))
    message, document = letter("MDM3001")
    site.send(message)
    site.wait_state("done", document_id=document)
    assert get(port, "/health") == (200, '{"status":"alive","role":"all"}')
    code, body = get(port, "/ready")
    assert (code, json.loads(body)["ready"]) == (200, True)
    metrics = get(port, "/metrics")[1]
    assert 'connector_deliveries{kind="publication",state="done"} 1.0' in metrics
    days = [line for line in metrics.splitlines() if line.startswith('connector_certificate_days{certificate="SIGN"}')]
    assert 0 < float(days[0].split()[-1]) < 100
    site.stop()
    with pytest.raises(urllib.error.URLError):
        get(port, "/health")
    site.start()


@pytest.mark.parametrize("checks", [{"clock": False}, {"certificates": False, "clock": True}])
def test_one_failing_check_is_enough_not_to_be_ready(checks: Mapping[str, bool]) -> None:
    ready = next(route for route in build_app(lambda: Status(checks, {}, {})).routes if route.path == "/ready")  # type: ignore[attr-defined]
    answer = ready.endpoint(None)  # type: ignore[attr-defined]
    assert answer.status_code == 503
    assert json.loads(answer.body) == {"ready": False, "role": "all", "checks": dict(checks)}
