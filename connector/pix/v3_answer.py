"""PRPA_IN201310UV02, the ITI-45 answer (hl7v2-interface §2.7, ihe-rules D-100 to D-107)."""

from __future__ import annotations

import re

from lxml import etree

from connector.base import ns
from connector.base.errors import ServerError, ServerRefusal
from connector.base.ns import q
from connector.pix.config import PixConfig
from connector.pix.errors import PixAnswerError
from connector.pix.model import Case, CrossReference, PixAnswer, answer_of
from connector.pix.v3_query import V3Query

INTERACTION = "PRPA_IN201310UV02"
UNKNOWN_KEY = "204"
_NS = {"v3": ns.HL7V3}
_PATIENT = "v3:controlActProcess/v3:subject/v3:registrationEvent/v3:subject1/v3:patient"


def read_answer(body: etree._Element, query: V3Query, config: PixConfig) -> PixAnswer:
    """The case that `body` answers `query` with.

    Raises PixAnswerError (another message, an inconsistent one, or the echo of another query) and ServerRefusal
    (AR, CR, CE, or an AE that is none of the three UNKNOWN cases).
    """
    if body.tag != q(ns.HL7V3, INTERACTION):
        raise _wrong("soap:Body", str(body.tag)[:80], INTERACTION)
    acknowledgement = body.find("v3:acknowledgement", _NS)
    if acknowledgement is None:
        raise _wrong("acknowledgement", "nothing", "one element")
    _echo("targetMessage/id", acknowledgement.find("v3:targetMessage/v3:id", _NS), config, query.message_id)
    query_ack = body.find("v3:controlActProcess/v3:queryAck", _NS)
    if query_ack is not None:
        _echo("queryAck/queryId", query_ack.find("v3:queryId", _NS), config, query.query_id)
    code = _code(acknowledgement)
    errors = tuple(_error(detail) for detail in acknowledgement.iterfind("v3:acknowledgementDetail", _NS))
    if code == "AE" and (case := _unknown(errors)) is not None:
        return PixAnswer(case, errors=errors)
    status = _attribute(query_ack, "v3:queryResponseCode", "code")
    if code == "AA" and status == "NF":
        return PixAnswer(Case.NO_CROSS_REFERENCE)
    if code == "AA" and status == "OK":
        asked = CrossReference(config.oid_of(query.domain), query.domain.namespace, query.value)
        return answer_of(_identifiers(body, config), asked)
    if code in ("AE", "AR", "CE", "CR") or status in ("AE", "AR", "QE"):
        raise ServerRefusal(errors)
    raise _wrong("acknowledgement, queryResponseCode", f"{code}, {status}", "AA with OK or NF, AE, AR")


def _code(acknowledgement: etree._Element) -> str:
    """typeCode as an element (the standard) or as an attribute (the DMP's HL7v3 dialect, dmp-interface a.3)."""
    return acknowledgement.get("typeCode") or _attribute(acknowledgement, "v3:typeCode", "code")


def _error(detail: etree._Element) -> ServerError:
    places = (text.strip() for text in (e.text or "" for e in detail.iterfind("v3:location", _NS)))
    return ServerError(
        code=_attribute(detail, "v3:code", "code"),
        text=(detail.findtext("v3:text", "", _NS) or "").strip(),
        severity={"W": "warning", "I": "info"}.get(detail.get("typeCode", "E"), "error"),
        location=" ".join(filter(None, places)),
        channel="ack",
    )


def _unknown(errors: tuple[ServerError, ...]) -> Case | None:
    """The UNKNOWN case that the 204 details spell by their XPath location, the most fundamental one first."""
    # Servers write the steps with prefixes, URIs, indices and in either case: only their last words matter.
    places = [error.location.lower() for error in errors if error.code == UNKNOWN_KEY]
    on_queried = [place for place in places if "patientidentifier" in place]
    if any(re.search(r"@(root|assigningauthorityname)\W*$", place) for place in on_queried):
        return Case.UNKNOWN_QUERY_DOMAIN
    if on_queried:
        return Case.UNKNOWN_ID
    if any("datasource" in place for place in places):
        return Case.UNKNOWN_WANTED_DOMAIN
    return None


def _identifiers(body: etree._Element, config: PixConfig) -> list[CrossReference]:
    found = []
    for patient in body.iterfind(_PATIENT, _NS):
        for path in ("v3:id", "v3:patientPerson/v3:asOtherIDs/v3:id"):
            for element in patient.iterfind(path, _NS):
                root, value = element.get("root", ""), element.get("extension", "")
                if root and value:
                    namespace = config.namespace_of(root) or element.get("assigningAuthorityName", "")
                    found.append(CrossReference(root, namespace, value, universal_type="ISO"))
    if not found:
        raise _wrong("patient/id", "no identifier", "at least one, as queryResponseCode says OK")
    return found


def _attribute(element: etree._Element | None, path: str, name: str) -> str:
    child = element.find(path, _NS) if element is not None else None
    return child.get(name, "") if child is not None else ""


def _echo(field: str, found: etree._Element | None, config: PixConfig, expected: str) -> None:
    got = (found.get("root", ""), found.get("extension", "")) if found is not None else ("", "")
    if got != (config.sender_oid, expected):
        raise _wrong(field, " ".join(got)[:120], f"{config.sender_oid} {expected}")


def _wrong(field: str, found: str, expected: str) -> PixAnswerError:
    return PixAnswerError(
        f"{field} of the answer is not what was expected", field=field, found=found, expected=expected
    )
