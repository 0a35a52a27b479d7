"""The live session of a named professional, from a Pro Santé Connect access token (dmp-interface b.9)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from connector.base.calls import CallRecord, OnCall, nobody, recorded
from connector.base.clock import Clock
from connector.base.errors import ConnectorError
from connector.trust.psc import ProfessionalSession, session_from_userinfo


@dataclass(frozen=True, slots=True)
class PscConfig:
    """Where to ask who holds the token.

    userinfo_url       OIDC user-info of Pro Santé Connect; "" means no session at all
    token_file         access token the hospital's portal wrote after the professional logged on
    structure          activity to use when the professional has several ("" takes the connector's own)
    session_minutes    how long a log-on counts, from the moment the token file was written
    """

    userinfo_url: str = ""
    token_file: Path | None = None
    ca_file: Path | None = None
    structure: str = ""
    session_minutes: int = 240
    timeout: float = 10.0


class TokenSession:
    """Callable giving the current session, None when nobody is logged on or the token is refused."""

    def __init__(
        self, config: PscConfig, *, clock: Clock, tell: Callable[[str], None], on_call: OnCall = nobody
    ) -> None:
        self._config = config
        self._on_call = on_call
        self._clock = clock
        self._tell = tell

    def __call__(self) -> ProfessionalSession | None:
        config = self._config
        if not config.userinfo_url or config.token_file is None or not config.token_file.is_file():
            return None
        token = config.token_file.read_text(encoding="ascii").strip()

        written = datetime.fromtimestamp(config.token_file.stat().st_mtime, UTC)
        expires = written + timedelta(minutes=config.session_minutes)
        if expires <= self._clock():
            self._tell("session of the professional expired")
            return None
        userinfo = self._userinfo(token)
        if userinfo is None:
            return None
        try:
            return session_from_userinfo(userinfo, authenticated_at=written, expires_at=expires)
        except ConnectorError as error:
            self._tell(f"user-info unusable: {error}")
            return None

    def _userinfo(self, token: str) -> dict[str, object] | None:
        with recorded(self._on_call, CallRecord(self._clock(), "PSC-userinfo", self._config.userinfo_url)) as call:
            try:
                answer = self._get(token)
            except requests.RequestException as error:
                # whether the question left is not known, and it changes nothing at the far end
                call.learn(outcome="unknown", code=type(error).__name__)
                self._tell(f"Pro Santé Connect unreachable: {type(error).__name__}")
                return None
            if answer.status_code != 200:
                call.learn(outcome="refused", code=f"http-{answer.status_code}")
                self._tell(f"Pro Santé Connect answered HTTP {answer.status_code}")
                return None
            facts = _object(answer.content)
            if facts is None:
                call.learn(outcome="unknown", code="unreadable")
                self._tell("Pro Santé Connect answered no JSON object")
                return None
            call.learn(name_id=str(facts.get("SubjectNameID") or ""))
            return facts

    def _get(self, token: str) -> requests.Response:
        config = self._config
        with requests.Session() as session:
            session.trust_env = False
            return session.get(
                config.userinfo_url,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                verify=str(config.ca_file) if config.ca_file else True,
                timeout=config.timeout,
            )


def _object(content: bytes) -> dict[str, object] | None:
    try:
        facts = json.loads(content)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
