"""Answers spoiled on purpose, after the service has done its work (faults.FaultRule says which)."""

from __future__ import annotations

from dataclasses import replace

from connector.simulator.faults import FaultRule
from connector.simulator.http import HttpResponse, simple_response

_PAGE = b"<!DOCTYPE html><html><head><title>Erreur</title><body><p>Service indisponible<br></body></html>"


def spoiled(rule: FaultRule | None, response: HttpResponse) -> HttpResponse:
    """What leaves instead of `response`; `response` itself when the rule spoils nothing here."""
    half = response.length // 2
    match rule.effect if rule is not None else "":
        case "cut-after" | "cut-then-accept":
            return replace(response, cut=True)
        case "cut-in-headers":
            return replace(response, cut_in_headers=True)
        case "cut-during":
            return replace(response, cut_after=half)
        case "truncated-multipart":
            return replace(response, length=half, cut_after=half)
        case "empty-answer":
            return HttpResponse(200, response.content_type)
        case "garbage-answer":
            return simple_response(200, _PAGE, "text/html; charset=utf-8")
        case "proxy-error-after":
            return proxy_error(rule)
    return response


def proxy_error(rule: FaultRule | None) -> HttpResponse:
    """The page of a proxy that has lost the server: HTTP `code`, 502 unless the rule names another."""
    return simple_response(int(rule.code or 502) if rule is not None else 502, _PAGE, "text/html; charset=utf-8")
