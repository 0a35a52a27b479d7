"""Pro Santé Connect as far as the connector sees it: the userinfo endpoint and tokens with an end (b.9)."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.base.clock import Clock
from connector.simulator.directory import Professional
from connector.simulator.http import HttpRequest, HttpResponse, simple_response
from connector.simulator.world import World

USERINFO = "/auth/realms/esante-wallet/protocol/openid-connect/userinfo"
_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Session:
    professional: str
    expires_at: datetime


class ProSanteConnect:
    """Issues tokens for professionals of `world`'s directory and answers userinfo for them."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def issue(self, professional: str, lifetime: timedelta) -> str:
        """An access token of `professional` (PS_IdNat). Raises KeyError when the directory does not know them."""
        if self._world.professional(professional) is None:
            raise KeyError("unknown professional")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[token] = _Session(professional, self._clock() + lifetime)
        return token

    def revoke(self, token: str) -> None:
        with self._lock:
            self._sessions.pop(token, None)

    def application(self, request: HttpRequest) -> HttpResponse:
        if request.path.partition("?")[0] != USERINFO:
            return simple_response(404, b"")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        with self._lock:
            session = self._sessions.get(token.strip()) if scheme.lower() == "bearer" else None
        professional = None if session is None else self._world.professional(session.professional)
        if session is None or professional is None or session.expires_at <= self._clock():
            body = json.dumps({"error": "invalid_token", "error_description": "Token verification failed"}).encode()
            return HttpResponse(401, _JSON, (body,), len(body), headers={"WWW-Authenticate": 'Bearer realm="esante"'})
        return simple_response(200, json.dumps(self._userinfo(professional)).encode(), _JSON)

    def _userinfo(self, professional: Professional) -> Mapping[str, Any]:
        activities = [
            {
                "raisonSocialeSite": structure.name,
                "ancienIdentifiantDeLaStructure": structure.id,
                "codeSecteurDactivite": "SA01",
            }
            for structure in map(self._world.structure, professional.structures)
            if structure is not None
        ]
        return {
            "sub": f"f:simulateur:{professional.id}",
            "preferred_username": professional.id,
            "family_name": professional.family,
            "given_name": professional.given,
            "SubjectNameID": professional.id,
            "SubjectRefPro": {
                "exercices": [
                    {
                        "codeProfession": professional.profession,
                        "codeSavoirFaire": professional.speciality,
                        "nomDexercice": professional.family,
                        "prenomDexercice": professional.given,
                        "activities": activities,
                    }
                ]
            },
        }
