"""The control API: plain HTTP on the loopback, JSON both ways. It drives the simulator, it judges nothing.

GET    /control/faults            rules and their counters
POST   /control/faults            one rule (faults.FaultRule) or a list; answers the ids
DELETE /control/faults[/<id>]     one rule, or all
GET    /control/log               calls judged
GET    /control/acceptances       document uniqueId -> accepted ITI-41
GET    /control/documents/<uid>   fate of one document: accepted, operations, status, version, replaced_by…
POST   /control/psc-tokens        {"professional": "...", "seconds": 300} -> {"access_token": "..."}
POST   /control/patients          {"ins": "...", "dmp": "CLOSED"}
GET    /control/urls              where everything listens
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

from connector.simulator.calls import CallLog
from connector.simulator.directory import DmpStatus
from connector.simulator.faults import Faults, rule_from_json
from connector.simulator.http import HttpRequest, HttpResponse, simple_response
from connector.simulator.psc import ProSanteConnect
from connector.simulator.registry_fate import Fate
from connector.simulator.world import World


@dataclass(frozen=True, slots=True)
class Control:
    """The application of the control port."""

    faults: Faults
    log: CallLog
    world: World
    psc: ProSanteConnect
    urls: Callable[[], Mapping[str, str]]
    fate: Callable[[str], Fate]

    def application(self, request: HttpRequest) -> HttpResponse:
        path = request.path.partition("?")[0].removeprefix("/control/")
        try:
            return self._route(request.method, path, request)
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def _route(self, method: str, path: str, request: HttpRequest) -> HttpResponse:
        match method, path.split("/"):
            case "GET", ["faults"]:
                return _json(200, self.faults.describe())
            case "POST", ["faults"]:
                data = _body(request)
                rules = [rule_from_json(item) for item in (data if isinstance(data, list) else [data])]
                return _json(201, {"ids": [self.faults.add(rule) for rule in rules]})
            case "DELETE", ["faults"]:
                self.faults.clear()
                return _json(200, {})
            case "DELETE", ["faults", rule_id]:
                return _json(200 if self.faults.remove(int(rule_id)) else 404, {})
            case "GET", ["log"]:
                return _json(200, {"calls": [line.as_dict() for line in self.log.lines()], "events": self.log.events()})
            case "GET", ["acceptances"]:
                return _json(200, self.world.acceptances())
            case "GET", ["documents", unique_id]:
                return _json(200, self.fate(unique_id).as_dict())
            case "GET", ["urls"]:
                return _json(200, dict(self.urls()))
            case "POST", ["psc-tokens"]:
                data = _body(request)
                lifetime = timedelta(seconds=float(data.get("seconds", 300)))
                return _json(201, {"access_token": self.psc.issue(str(data["professional"]), lifetime)})
            case "POST", ["patients"]:
                return self._set_dmp(_body(request))
        return _json(404, {"error": "unknown"})

    def _set_dmp(self, data: Mapping[str, Any]) -> HttpResponse:
        status = data["dmp"]
        if status not in get_args(DmpStatus):
            raise ValueError(f"dmp must be one of {', '.join(get_args(DmpStatus))}")
        if self.world.patient(str(data["ins"])) is None:
            return _json(404, {"error": "unknown patient"})
        self.world.set_dmp(str(data["ins"]), status)
        return _json(200, {})


def _body(request: HttpRequest) -> Any:
    return json.loads(request.body.read())


def _json(status: int, data: object) -> HttpResponse:
    return simple_response(status, json.dumps(data, ensure_ascii=False).encode(), "application/json; charset=utf-8")
