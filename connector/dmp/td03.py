"""TD0.3: add or withdraw the caller's own authorisation; the VIHF alone names the patient (dmp-interface a.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

from connector.base.errors import CodecError, ServerError, ServerRefusal
from connector.base.ns import DMP_HABILITATIONS, q

Action = Literal["AJOUT", "SUPPRESSION"]
OK = "DMPOk"
# lxml's stubs forget that None is the default namespace.
_NAMESPACES: dict[Any, str] = {None: DMP_HABILITATIONS}


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """`status` is DMPOk; `context` is the server's free text (it says so when nothing had to be done)."""

    status: str
    context: str = ""


def build(action: Action, *, medecin_traitant: bool = False) -> etree._Element:
    """The setAuthorization body; `medecin_traitant` declares (or undeclares) the caller as such."""
    root = etree.Element(q(DMP_HABILITATIONS, "setAuthorization"), nsmap=_NAMESPACES)
    etree.SubElement(root, q(DMP_HABILITATIONS, "action")).text = action
    if medecin_traitant:
        etree.SubElement(root, q(DMP_HABILITATIONS, "role")).text = "MEDECIN_TRAITANT"
    return root


def parse(node: etree._Element) -> StatusAnswer:
    """Raises ServerRefusal (channel 'status') unless the status is DMPOk, CodecError on another element."""
    if etree.QName(node).localname != "setAuthorizationResponse":
        raise CodecError(
            "unexpected answer element", field="soap:Body/*", found=str(node.tag), expected="setAuthorizationResponse"
        )
    status, context = _text(node, "status"), _text(node, "context")
    if not status:
        raise CodecError("answer without status", field="output/status", found="absent", expected="a status")
    if status != OK:
        raise ServerRefusal((ServerError(status, context, channel="status"),))
    return StatusAnswer(status, context)


def _text(node: etree._Element, name: str) -> str:
    # Samples disagree on whether the children are in the namespace.
    for child in node.iter(q(DMP_HABILITATIONS, name), name):
        return (child.text or "").strip()
    return ""
