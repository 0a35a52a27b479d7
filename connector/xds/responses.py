"""RegistryResponse and its error list, kept word for word (ihe-rules D-53)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connector.base.errors import CodecError, ServerError
from connector.base.ns import RS, q
from connector.xds.model import STATUS_FAILURE, STATUS_PARTIAL, STATUS_SUCCESS, RegistryError

REGISTRY_RESPONSE = q(RS, "RegistryResponse")
REGISTRY_ERROR_LIST = q(RS, "RegistryErrorList")
REGISTRY_ERROR = q(RS, "RegistryError")

_STATUSES = frozenset({STATUS_SUCCESS, STATUS_FAILURE, STATUS_PARTIAL})


@dataclass(frozen=True, slots=True)
class RegistryResponse:
    """Status URI and every error in the server's order; warnings may come with Success."""

    status: str
    errors: tuple[RegistryError, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.status == STATUS_SUCCESS


def parse_registry_response(node: etree._Element) -> RegistryResponse:
    """The outcome carried by a RegistryResponse, or by any element of that shape.

    Raises CodecError when the element is another one or its status is not one of the three known.
    """
    expect(node, REGISTRY_RESPONSE)
    return RegistryResponse(read_status(node), read_errors(node))


def expect(node: etree._Element, tag: str) -> None:
    """CodecError unless `node` is the element `tag`."""
    if node.tag != tag:
        raise CodecError("unexpected answer element", field="soap:Body/*", found=str(node.tag), expected=tag)


def read_status(node: etree._Element) -> str:
    status = node.get("status") or ""
    if status not in _STATUSES:
        raise CodecError(
            "unknown response status", field="@status", found=status[:200], expected=" | ".join(sorted(_STATUSES))
        )
    return status


def read_errors(node: etree._Element) -> tuple[RegistryError, ...]:
    """Every RegistryError below `node`, verbatim; an absent or unknown severity counts as an error."""
    return tuple(
        RegistryError(
            code=error.get("errorCode") or "",
            context=error.get("codeContext") or "",
            severity="warning" if (error.get("severity") or "").endswith("Warning") else "error",
            location=error.get("location") or "",
        )
        for listing in node.iterchildren(REGISTRY_ERROR_LIST)
        for error in listing.iterchildren(REGISTRY_ERROR)
    )


def as_server_errors(errors: tuple[RegistryError, ...]) -> tuple[ServerError, ...]:
    """The same errors in the form every channel shares."""
    return tuple(ServerError(e.code, e.context, e.severity, e.location, "registry") for e in errors)
