"""Letters over HTTP: handed in, replaced, withdrawn, and what became of them. Never an identity in an address.

    POST   /letters               202 with a receipt; data, CDA, or a file with its header
    GET    /letters/awaiting      stays closed without their letter
    GET    /letters/{unique_id}   what became of a document
    POST   /letters/{unique_id}   the next version of a document
    DELETE /letters/{unique_id}   its deletion; {"reason": …}, or the CDA with the header Deletion-Reason

4xx, 500, 503: {"faults": [{path, found, expected, text}]}; nothing was stored, but for a 500 (a fault of ours).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.api.callers import Callers
from connector.api.uploads import TooLarge, WrongMedia, body_of, read_deletion, read_upload
from connector.base.errors import where
from connector.base.logs import logger
from connector.flows.letters import Asking, LetterDesk, LetterReceipt, entry_of
from connector.flows.letters.config import LetterClient
from connector.flows.letters.state import LetterState
from connector.journal import JournalError
from connector.letter.errors import Fault, LetterError, fault
from connector.patients.discharges import Awaiting

Work = Callable[[Request, LetterClient], Awaitable[Response]]


class Letters(Protocol):
    """What the endpoint asks of the connector."""

    def desk(self, client: str) -> LetterDesk:
        """The desk through which `client` hands letters in."""

    def state(self, unique_id: str) -> LetterState | None: ...
    def awaiting(self) -> Sequence[Awaiting]: ...


def build_letters_app(letters: Letters, callers: Callers, *, max_bytes: int) -> Starlette:
    """The application; every request is authenticated and counted before anything of it is read."""
    endpoint = _Endpoint(letters, callers, max_bytes)
    return Starlette(
        routes=[
            Route("/letters", endpoint.guarded(endpoint.submit, "send"), methods=["POST"]),
            Route("/letters/awaiting", endpoint.guarded(endpoint.awaiting, "read"), methods=["GET"]),
            Route("/letters/{unique_id}", endpoint.guarded(endpoint.state, "read"), methods=["GET"]),
            Route("/letters/{unique_id}", endpoint.guarded(endpoint.submit, "send"), methods=["POST"]),
            Route("/letters/{unique_id}", endpoint.guarded(endpoint.delete, "send"), methods=["DELETE"]),
        ],
        exception_handlers={HTTPException: _not_served},
    )


class _Endpoint:
    def __init__(self, letters: Letters, callers: Callers, max_bytes: int) -> None:
        self._letters = letters
        self._callers = callers
        self._max_bytes = max_bytes
        self._log = logger("letters")

    def guarded(self, work: Work, role: str) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            client = self._callers.known(
                request.headers.get("authorization", ""), request.scope.get("client_names", ())
            )
            address = request.client.host if request.client else ""
            seconds = self._callers.wait(f"client:{client.name}" if client else f"address:{address}")
            if seconds:
                return _refusal(429, "trop de demandes", {"Retry-After": str(math.ceil(seconds))})
            if client is None:
                self._log.warning("caller of letters refused", peer=address)
                return _refusal(401, "appelant inconnu", {"WWW-Authenticate": "Bearer"})
            if role == "send" and client.role != "send":
                return _refusal(403, "cet appelant ne peut que lire")
            try:
                return await work(request, client)
            except JournalError:
                return _refusal(503, "le journal ne répond pas : à renvoyer plus tard", {"Retry-After": "30"})
            except Exception as error:  # noqa: BLE001 - one bad request never costs its caller the answer
                self._log.error("request for letters failed", what=type(error).__name__, where=where(error))
                return _refusal(500, "erreur interne, à signaler")

        return handle

    async def submit(self, request: Request, client: LetterClient) -> Response:
        of = request.path_params.get("unique_id", "")
        try:
            content = await body_of(request, self._max_bytes)
            # off the loop: a letter of many megabytes takes a while to parse
            source = await asyncio.to_thread(read_upload, content, request.headers.get("content-type", ""))
        except TooLarge as large:
            return _refusal(413, f"{large.limit} octets au plus", {"Connection": "close"})
        except WrongMedia:
            return _refusal(415, "attendu : application/json, application/yaml, application/xml, multipart/form-data")
        except LetterError as error:
            return _faults(400, error.faults)
        # two clients may number their letters alike
        key = source.key or request.headers.get("idempotency-key", "")
        source = replace(source, key=key, caller=client.name)
        desk = self._letters.desk(client.name)
        receipt = await (desk.replace_letter(source, of) if of else desk.submit_letter(source))
        return self._answer(receipt, client)

    async def delete(self, request: Request, client: LetterClient) -> Response:
        unique_id, told = request.path_params["unique_id"], request.headers
        try:
            body = await body_of(request, self._max_bytes)
            cda, reason = read_deletion(body, told.get("content-type", ""), told.get("deletion-reason", ""))
        except TooLarge as large:
            return _refusal(413, f"{large.limit} octets au plus", {"Connection": "close"})
        except LetterError as error:
            return _faults(400, error.faults)
        desk = self._letters.desk(client.name)
        if not cda:
            await desk.caught_up()
            if await asyncio.to_thread(self._letters.state, unique_id) is None:
                return _refusal(404, "aucun document de cet identifiant : donner son CDA pour le supprimer")
        receipt = await desk.delete_letter(unique_id, cda, Asking(client.name, entry_of(client.name), reason))
        return self._answer(receipt, client)

    async def state(self, request: Request, client: LetterClient) -> Response:
        # what was answered 202 a moment ago is known here, even while its message waits to be routed
        await self._letters.desk(client.name).caught_up()
        found = await asyncio.to_thread(self._letters.state, request.path_params["unique_id"])
        return JSONResponse(found.as_dict()) if found else _refusal(404, "aucun document de cet identifiant")

    async def awaiting(self, _request: Request, _client: LetterClient) -> Response:
        found = await asyncio.to_thread(self._letters.awaiting)
        return JSONResponse({"stays": [_stay(one) for one in found]})

    def _answer(self, receipt: LetterReceipt, client: LetterClient) -> Response:
        self._log.info("letter handed in", verdict=receipt.verdict, document=receipt.unique_id, client=client.name)
        match receipt.verdict:
            case "accepted" | "known":
                return JSONResponse(receipt.as_dict(), 202, {"Location": f"/letters/{receipt.unique_id}"})
            case "unavailable":
                return _refusal(503, "rien n'est enregistré : à renvoyer plus tard", {"Retry-After": "30"})
        if receipt.conflict:
            return _faults(409, receipt.findings)
        return _faults(422 if receipt.unique_id else 400, receipt.findings)


async def _not_served(_request: Request, error: Exception) -> Response:
    """An address or a method that is not served, said as everything else is."""
    assert isinstance(error, HTTPException)
    text = {404: "cette adresse n'est pas servie", 405: "cette méthode n'est pas servie à cette adresse"}
    headers = dict(error.headers) if error.headers else None
    return _refusal(error.status_code, text.get(error.status_code, "demande refusée"), headers)


def _stay(one: Awaiting) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "patient_id"}


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return _faults(status, (fault("(requête)", text),), headers)


def _faults(status: int, faults: Sequence[Fault], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"faults": [one.as_dict() for one in faults]}, status, headers)
