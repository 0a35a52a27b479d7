"""Health, readiness and metrics of a running connector, over a real socket."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request

import pytest

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
    code, body = get(port, "/health")
    assert (code, json.loads(body)["alive"], json.loads(body)["role"]) == (200, True, "all")
    code, body = get(port, "/ready")
    assert (code, json.loads(body)["ready"], json.loads(body)["role"]) == (200, True, "all")
    assert {"listener", "engine", "certificates", "clock"} <= json.loads(body)["checks"].keys()
    metrics = get(port, "/metrics")[1]
    moves = [line for line in metrics.splitlines() if line.startswith("connector_moves_total{") and '"succeed"' in line]
    assert [line.split()[-1] for line in moves if 'kind="publication"' in line] == ["1.0"]
    days = [line for line in metrics.splitlines() if line.startswith('connector_certificate_days{certificate="SIGN"}')]
    assert 0 < float(days[0].split()[-1]) < 100
    site.stop()
    with pytest.raises(urllib.error.URLError):
        get(port, "/health")
    site.start()
