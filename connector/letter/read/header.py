"""The header of a CDA as plain data of a letter (cda-lettre-de-liaison §1)."""

from __future__ import annotations

from connector.base.ns import SDTC, q
from connector.ins.model import INS_OIDS
from connector.letter.read import people
from connector.letter.read.cursor import Cursor
from connector.letter.read.values import Plain, code, identifier, period, said, span, time


def header(document: Cursor) -> Plain:
    """All but the body. `act` is always what the document says; reader.py leaves it out when it goes without saying."""
    act = document.at("documentationOf/serviceEvent")
    stay = document.at("componentOf/encompassingEncounter")
    number = document.at("versionNumber").attribute("value")
    return {
        "id": identifier(document.at("id")),
        "set_id": identifier(document.at("setId")),
        "version": int(number) if number is not None and number.isdecimal() else number,
        "replaces": _replaced(document),
        "title": document.at("title").text(),
        "effective_time": time(document.at("effectiveTime"), "moment"),
        "language": document.at("languageCode").attribute("code"),
        "confidentiality": _confidentiality(document.at("confidentialityCode")),
        "patient": _patient(document.at("recordTarget/patientRole")),
        "stay": _stay(stay, act),
        "act": _act(act),
        "authors": [found for item in document.each("author") if (found := people.author(item))],
        "legal_authenticator": people.signatory(document.at("legalAuthenticator")),
        "authenticators": [found for item in document.each("authenticator") if (found := people.signatory(item))],
        "custodian": people.organization(document.at("custodian/assignedCustodian/representedCustodianOrganization")),
        "informants": [found for item in document.each("informant") if (found := people.informant(item))],
        "orders": [found for item in document.each("inFulfillmentOf/order") if (found := identifier(item.at("id")))],
        **_readers(document),
    }


def _confidentiality(node: Cursor) -> str | None:
    for name in ("codeSystem", "displayName"):
        node.attribute(name)
    return node.attribute("code")


def _replaced(document: Cursor) -> Plain | None:
    for related in document.each("relatedDocument"):
        parent = related.at("parentDocument")
        if related.peek("typeCode") == "RPLC" and parent.at("id").peek("root"):
            version = parent.at("versionNumber").attribute("value")
            return said({"id": identifier(parent.at("id")), "version": version})
    return None


def _readers(document: Cursor) -> Plain:
    """Recipients, médecin traitant and other participants."""
    recipients = [told for item in document.each("informationRecipient") if (told := people.recipient(item))]
    found: Plain = {"recipients": recipients, "participants": []}
    for item in document.each("participant"):
        if "primary_physician" not in found and people.is_primary_physician(item):
            item.attribute("typeCode")
            found["primary_physician"] = people.primary_physician(item)
        elif (told := people.participation(item)) and not people.describes(told, recipients):
            found["participants"].append(told)
    return found


def _patient(role: Cursor) -> Plain | None:
    ins: Plain | None = None
    ipp: Plain | None = None
    for item in role.each("id"):
        if item.peek("root") in INS_OIDS and ins is None:
            ins = said({"oid": item.attribute("root"), "value": item.attribute("extension")})
        elif item.peek("root") not in INS_OIDS and item.peek("extension") and ipp is None:
            ipp = identifier(item)
    patient = role.at("patient")
    gender = patient.at("administrativeGenderCode")
    for name in ("codeSystem", "displayName"):
        gender.attribute(name)
    patient.at(q(SDTC, "deceasedInd")).settle("value", "true" if patient.at(q(SDTC, "deceasedTime")) else "false")
    return said(
        {
            "ins": ins,
            "ipp": ipp,
            **patient_names(patient),
            "sex": gender.attribute("code"),
            "birth_date": (time(patient.at("birthTime"), "when") or "")[:10],
            "birth_place": _birth_place(patient.at("birthplace/place/addr")),
            "death": time(patient.at(q(SDTC, "deceasedTime")), "when"),
            "addresses": people.addresses(role),
            "telecoms": people.telecoms(role),
            "guardians": [found for item in patient.each("guardian") if (found := people.guardian(item))],
        }
    )


def patient_names(patient: Cursor) -> Plain:
    """Strict traits. Documents before 2021 qualify the used name SP (spouse), or qualify nothing."""
    families = _qualified(patient, "family")
    givens = _qualified(patient, "given")
    birth = _first(families, "BR") or _first(families, "")
    all_given = _first(givens, "") or _first(givens, "BR")
    return {
        "birth_family": birth,
        "birth_given_names": all_given.split() if all_given else None,
        "first_birth_given": _first(givens, "BR"),
        "used_family": _first(families, "CL") or _first(families, "SP"),
        "used_given": _first(givens, "CL"),
    }


def _qualified(patient: Cursor, tag: str) -> dict[str, Cursor]:
    found: dict[str, Cursor] = {}
    for item in patient.each(f"name/{tag}"):
        for qualifier in item.peek("qualifier").split() or [""]:
            if item.peek_text():
                found.setdefault(qualifier, item)
    return found


def _first(found: dict[str, Cursor], qualifier: str) -> str | None:
    if qualifier not in found:
        return None
    found[qualifier].attribute("qualifier")
    return found[qualifier].text()


def _birth_place(node: Cursor) -> Plain | None:
    """The COG code stands in county; its label is the commune, else the country (§1.1)."""
    insee = node.at("county").text()
    return said({"insee": insee, "label": node.at("city").text() or node.at("country").text()}) if insee else None


def _stay(stay: Cursor, act: Cursor) -> Plain | None:
    start, end = span(stay.at("effectiveTime"))
    if start is None or end is None:
        # The main act of a letter is the stay: what the encounter leaves out is said there (§1.7).
        start, end = _completed(start, end, act)
    place = stay.at("location/healthCareFacility")
    structure = act.at("performer/assignedEntity/representedOrganization")
    return said(
        {
            "admission": start,
            "discharge": end,
            "visit_number": identifier(stay.at("id")),
            "facility_type": code(place.at("code")),
            "practice_setting": code(structure.at("standardIndustryClassCode")),
            "encounter_type": code(stay.at("code")),
            "discharge_disposition": code(stay.at("dischargeDispositionCode")),
            "responsible": people.professional(stay.at("responsibleParty/assignedEntity")),
            "participants": [found for item in stay.each("encounterParticipant") if (found := _taking_part(item))],
            "place": place.at("location/name").text(),
            "place_address": people.address(place.at("location/addr")),
        }
    )


def _completed(start: str | None, end: str | None, act: Cursor) -> tuple[str | None, str | None]:
    told = act.at("effectiveTime")
    stay = act.at("code").peek("code") == "IMP"
    return start or time(told.at("low"), "when"), end or (time(told.at("high"), "when") if stay else None)


def _taking_part(node: Cursor) -> Plain | None:
    person = people.professional(node.at("assignedEntity"))
    if person is None:
        return None
    start, end = span(node.at("time"))
    return said({"type": node.attribute("typeCode"), "start": start, "end": end, "person": person})


def _act(event: Cursor) -> Plain | None:
    performer = event.at("performer")
    person = people.professional(performer.at("assignedEntity"))
    if person is None:
        return None
    start, end = period(event.at("effectiveTime"), "when")
    performed, finished = period(performer.at("time"), "when")
    return said(
        {
            "id": identifier(event.at("id")),
            "code": code(event.at("code")),
            "start": start,
            "end": end,
            "performer": person,
            "performed": finished or performed,
        }
    )
