"""Rules on who is named in the metadata: authors, authenticator, recipients (ihe-rules D.2 D-09, D-10, D-16, D.8)."""

from __future__ import annotations

from collections.abc import Iterator

from connector.base.oid import is_oid
from connector.rules.case import Case, Fault, Rule, authors
from connector.rules.forms import Xon, read_cx, read_xcn, read_xon
from connector.rules.model import Classification

_TELECOM_TYPES = frozenset({"PH", "FX", "MD", "CP", "SAT", "BP", "Internet", "X.400"})
"""XTN-3 (HL7 table 0202)."""


def _author(case: Case) -> Iterator[Fault]:
    for item in case.described:
        for author in authors(item):
            for attribute, found, expected in _author_faults(author, pure=case.settings.ihe_pure):
                yield Fault(item.id, attribute, found, expected)


def _author_faults(author: Classification, *, pure: bool) -> Iterator[tuple[str, str, str]]:
    people, houses = author.values("authorPerson"), author.values("authorInstitution")
    if author.representation:
        yield "author/@nodeRepresentation", author.representation, "vide"
    if not (any(people) or any(houses) or any(author.values("authorTelecommunication"))):
        yield "author", "vide", "une personne, une structure ou une télécommunication"
    if len(people) > 1:
        yield "authorPerson", f"{len(people)} valeurs", "au plus une valeur"
    for value in people:
        if not _is_person(value):
            yield "authorPerson", "ni XCN-1 ni XCN-2", "un identifiant ou un nom (XCN)"
    for value in houses:
        if not _is_house(read_xon(value), pure=pure):
            yield "authorInstitution", value, "nom^^^^^&oid&ISO^^^^identifiant (XON)"
    for name in ("authorRole", "authorSpecialty"):
        for value in author.values(name):
            if not _is_term(value, pure=pure):
                yield name, value, "code^^^&oid&ISO" if pure else "un code ou un libellé en première composante"
    for value in author.values("authorTelecommunication"):
        if not is_xtn(value):
            # The value itself is somebody's number or address.
            yield "authorTelecommunication", "une autre forme", "^usage^type^adresse ou numéro (XTN)"


def _is_person(value: str) -> bool:
    xcn = read_xcn(value)
    return bool(xcn.id or xcn.family)


def _is_house(xon: Xon, *, pure: bool) -> bool:
    """A name or an id; an authority that is an OID. IHE asks one of an id that is no OID itself, and no type (D.8)."""
    if not (xon.name or xon.id) or (xon.oid and not is_oid(xon.oid)):
        return False
    if not pure:
        return True
    return bool(xon.name) and (not xon.id or is_oid(xon.id) or bool(xon.oid)) and not xon.id_type


def _is_term(value: str, *, pure: bool) -> bool:
    """A role or a specialty: CX-1, and in pure IHE nothing beside but an authority (ihe-rules D.8)."""
    cx = read_cx(value)
    if not cx.value or not pure:
        return bool(cx.value)
    bare = not (cx.namespace or cx.oid or cx.oid_type)
    return not (cx.rest or cx.type or cx.namespace) and (bare or cx.well_formed)


def is_xtn(value: str) -> bool:
    """A telecommunication whose parts agree: an address for Internet and X.400, a number for the others."""
    parts = value.split("^") + [""] * 12
    if parts[2] not in _TELECOM_TYPES:
        return False
    if parts[2] in ("Internet", "X.400"):
        return bool(parts[3])
    return bool(parts[0] or parts[6] or parts[11])


def _recipients(case: Case) -> Iterator[Fault]:
    for item in case.sets:
        for slot in (found for found in item.slots if found.name == "intendedRecipient"):
            if not slot.values:
                yield Fault(item.id, "SubmissionSet.intendedRecipient", "slot vide", "une valeur, ou pas de slot")
            for value in slot.values:
                if not _is_recipient(value, pure=case.settings.ihe_pure):
                    expected = "structure|personne|télécommunication (XON, XCN, XTN), une au moins"
                    yield Fault(item.id, "SubmissionSet.intendedRecipient", "une autre forme", expected)


def _is_recipient(value: str, *, pure: bool) -> bool:
    house, person, telecom = (*value.split("|"), "", "")[:3]
    good = (
        bool(house) and _is_house(read_xon(house), pure=pure),
        bool(person) and _is_person(person),
        bool(telecom) and is_xtn(telecom),
    )
    return any(good) and value.count("|") <= 2


def _legal_authenticator(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        values = item.values("legalAuthenticator")
        if len(values) > 1:
            yield Fault(item.id, "DocumentEntry.legalAuthenticator", f"{len(values)} valeurs", "au plus une valeur")
        for value in values:
            if not _is_person(value):
                expected = "un identifiant ou un nom (XCN)"
                yield Fault(item.id, "DocumentEntry.legalAuthenticator", "ni XCN-1 ni XCN-2", expected)


PEOPLE_RULES: tuple[Rule[Case], ...] = (
    Rule("D-09", "ihe-rules D.2 D-09", _author),
    Rule("D-10", "ihe-rules D.2 D-10", _recipients),
    Rule("D-16", "ihe-rules D.2 D-16", _legal_authenticator),
)
