"""Rules about the patient: an INS of the right domain, sound, that says what the traits say (hl7v2-interface §2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from connector.cda.checks import birthplace
from connector.cda.checks.displays import plain
from connector.cda.checks.model import Document, Fault
from connector.cda.nodes import attribute, child, children, text
from connector.ins.matricule import check_matricule, is_shaped
from connector.ins.model import ALLOWED_OIDS, INS_OIDS, OID_NIA, OID_NIR

_ROLE: Final = "recordTarget/patientRole"
_PLACE: Final = f"/ClinicalDocument/{_ROLE}"
_ID: Final = f"{_PLACE}/id"
_BIRTH: Final = f"{_PLACE}/patient/birthTime/@value"
_COUNTY: Final = f"{_PLACE}/patient/birthplace/place/addr/county"
_ARC: Final = "1.2.250.1.213.1.4."
_DATE: Final = re.compile(r"[0-9]{6}([0-9]{2})?([0-9]{2})?.*")
_MALE, _FEMALE = "137", "248"


def ins_present(document: Document) -> Iterator[Fault]:
    """Exactly one matricule under the OIDs of the INS."""
    found = {node.get("extension", "").strip() for node in _ids(document) if node.get("root") in INS_OIDS} - {""}
    if not found:
        yield Fault(
            _ID, "absent", "un matricule INS", "Le document ne porte pas d'INS : le DMP ne peut pas le recevoir"
        )
    elif len(found) > 1:
        yield Fault(_ID, f"{len(found)} matricules", "un seul", "Le document porte plusieurs matricules INS")


def ins_domain(document: Document) -> Iterator[Fault]:
    """An OID of the agency's arc that is none of the four of the INS."""
    for node in _ids(document):
        root = node.get("root", "")
        if root.startswith(_ARC) and root not in INS_OIDS:
            expected = ", ".join(sorted(INS_OIDS, key=len))
            yield Fault(f"{_ID}/@root", root[:64], expected, "Cet OID n'est pas un domaine connu de l'INS")


def ins_environment(document: Document) -> Iterator[Fault]:
    """In production no test identity; on a test platform no real one either."""
    for node in _ids(document):
        root = node.get("root", "")
        if root not in INS_OIDS:
            continue
        if root not in ALLOWED_OIDS[document.environment]:
            text = "Une identité de test ou de démonstration n'entre pas dans un DMP de production"
            yield Fault(f"{_ID}/@root", root, ", ".join(sorted(ALLOWED_OIDS[document.environment])), text)
        elif document.environment == "test" and root in (OID_NIR, OID_NIA):
            text = "Un matricule réel dans un environnement de test : vérifier qu'il s'agit d'un patient fictif"
            yield Fault(f"{_ID}/@root", root, "un OID de test sur une plateforme de test", text)


def ins_shape(document: Document) -> Iterator[Fault]:
    yield from _matricule(document, "INS-FORME", "Le matricule INS n'a pas la forme attendue")


def ins_key(document: Document) -> Iterator[Fault]:
    yield from _matricule(document, "INS-CLE", "La clé du matricule INS est fausse : un chiffre a changé")


def sex_agrees(document: Document) -> Iterator[Fault]:
    """The first digit says the sex known when the number was given."""
    ins, sex = _ins(document), attribute(document.clinical, "code", f"{_ROLE}/patient/administrativeGenderCode")
    if ins and sex in ("F", "M") and ins[0] not in (_MALE if sex == "M" else _FEMALE):
        text = "Le premier chiffre du matricule INS dit l'autre sexe : vérifier que l'INS est celui du patient"
        yield Fault(f"{_PLACE}/patient/administrativeGenderCode/@code", sex, "le sexe que dit le matricule", text)


def birth_date_agrees(document: Document) -> Iterator[Fault]:
    """Year and month; a month above 12 says that it was unknown, and says nothing here."""
    ins, date = _ins(document), attribute(document.clinical, "value", f"{_ROLE}/patient/birthTime")
    if not ins or not _DATE.fullmatch(date):
        return
    if ins[1:3] != date[2:4]:
        text = "L'année de naissance n'est pas celle du matricule INS : vérifier que l'INS est celui du patient"
        yield Fault(_BIRTH, "une autre année", "l'année que dit le matricule", text)
    elif "01" <= ins[3:5] <= "12" and ins[3:5] != date[4:6]:
        text = "Le mois de naissance n'est pas celui du matricule INS : vérifier que l'INS est celui du patient"
        yield Fault(_BIRTH, "un autre mois", "le mois que dit le matricule", text)


def birth_place_known(document: Document) -> Iterator[Fault]:
    """Shape and department of the COG code; the list of communes is not shipped."""
    county = _county(document)
    if county and (wrong := birthplace.fault_of(county)):
        yield Fault(
            _COUNTY,
            wrong,
            "le code INSEE (COG) de la commune ou du pays de naissance",
            "Ce code n'est pas un code INSEE",
        )


def birth_place_real(document: Document) -> Iterator[Fault]:
    """A code of the right shape that stands for no place; allowed when the matricule was given without one too."""
    if _county(document) in birthplace.NO_PLACE and not birthplace.unknown(_ins(document)[5:10]):
        text = "Ce code ne désigne aucun lieu : or le lieu de naissance est un trait strict de l'identité"
        yield Fault(_COUNTY, "un code sans lieu", "le code INSEE (COG) de la commune ou du pays de naissance", text)


def birth_place_agrees(document: Document) -> Iterator[Fault]:
    ins, county = _ins(document), _county(document)
    if not ins or birthplace.fault_of(county) or county in birthplace.NO_PLACE:
        return
    if not birthplace.agrees(ins[5:10], county):
        text = "Le lieu de naissance n'est pas celui du matricule INS : vérifier que l'INS est celui du patient"
        yield Fault(_COUNTY, "un autre lieu", "le lieu que dit le matricule", text)


def used_name(document: Document) -> Iterator[Fault]:
    families = children(document.clinical, f"{_ROLE}/patient/name/family")
    if not any("CL" in attribute(node, "qualifier").split() for node in families):
        text = "Le nom utilisé n'est pas donné, même quand il est le nom de naissance"
        yield Fault(f"{_PLACE}/patient/name/family", "aucun qualifier CL", "un nom de qualifier CL", text)


def first_given(document: Document) -> Iterator[Fault]:
    """The first given name of birth is one of the given names of birth, which are written in one element."""
    names = list(children(document.clinical, f"{_ROLE}/patient/name/given"))
    listed = " ".join(plain(text(node)) for node in names if not attribute(node, "qualifier"))
    for node in names:
        if "BR" in attribute(node, "qualifier").split() and listed and f" {plain(text(node))} " not in f" {listed} ":
            said = "Le premier prénom de naissance n'est pas dans la liste des prénoms de naissance"
            yield Fault(f"{_PLACE}/patient/name/given", "un autre prénom", "un prénom de la liste", said)


def _matricule(document: Document, rule: str, text: str) -> Iterator[Fault]:
    for node in _ids(document):
        # as written: readers take the blanks with it
        if node.get("root") not in INS_OIDS or not (value := node.get("extension", "")).strip():
            continue
        for finding in check_matricule(value):
            if finding.rule == rule:
                yield Fault(f"{_ID}/@extension", finding.found, finding.expected, text)


def _ids(document: Document) -> Iterator[etree._Element]:
    return children(document.clinical, f"{_ROLE}/id")


def _ins(document: Document) -> str:
    """The first matricule, "" when it has not the shape of one."""
    for node in _ids(document):
        if node.get("root") in INS_OIDS:
            value = node.get("extension", "").strip()
            return value if is_shaped(value) else ""
    return ""


def _county(document: Document) -> str:
    return text(child(document.clinical, f"{_ROLE}/patient/birthplace/place/addr/county"))
