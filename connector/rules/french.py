"""What the DMP adds to IHE for a feed (dmp-interface a.7, c.2 to c.8): patient, set, authors, masks, value sets."""

from __future__ import annotations

from collections.abc import Iterator

from connector.base.oid import is_oid
from connector.codes import load
from connector.rules import names
from connector.rules.case import Case, Fault, Rule, authors, label, patient_id, unique_id
from connector.rules.forms import Xcn, is_mime_type, read_cx, read_xcn, read_xon
from connector.rules.model import RegistryObject

MIME_TYPES = frozenset({"text/xml", "application/xslt+xml", "application/dicom"})

# XCN-10 and XCN-13 by kind of author (c.4); EI and RI are the older forms for internal ids.
_PERSON_TYPES = frozenset({("D", "IDNPS"), ("D", "EI"), ("D", "RI"), ("U", "RI")})


def _patient_of_assertion(case: Case) -> Iterator[Fault]:
    if case.speaker is None:
        return
    wanted = (case.speaker.ins, case.speaker.oid)
    # The entries have the patient of the set, or D-32 says so.
    for item in case.sets:
        cx = read_cx(patient_id(item))
        if cx.well_formed and (cx.value, cx.oid) != wanted:
            seen = f"domaine {cx.oid or 'absent'}" if cx.oid != wanted[1] else "un autre matricule"
            yield Fault(item.id, f"{label(item)}.patientId", seen, "l'INS du resource-id du VIHF")


def _content_of_set(case: Case) -> Iterator[Fault]:
    wanted, found = case.settings.documents_per_set, len(case.documents)
    if found < 1 or (wanted and found != wanted):
        yield Fault("", "DocumentEntry", f"{found} document(s)", f"{wanted or 'au moins 1'} document(s)")
    if case.settings.signs_the_set and len(case.signatures) != 1:
        seen = f"{len(case.signatures)} document(s) de signature"
        yield Fault("", "DocumentEntry", seen, "exactement un document de signature (XAdES)")


def _signs(case: Case) -> Iterator[Fault]:
    links = [item for item in case.associations if item.association_type == names.SIGNS]
    if case.settings.signs_the_set and len(links) != 1:
        yield Fault("", "signs", f"{len(links)} association(s)", "une association signs, de la signature vers le lot")
    signatures, sets = {item.id for item in case.signatures}, {item.id for item in case.sets}
    for link in links:
        if link.source not in signatures or link.target not in sets:
            yield Fault(link.id, "signs", f"{link.source} vers {link.target}", "de la signature vers le SubmissionSet")
        if link.values("SubmissionSetStatus") != ("Original",):
            yield Fault(link.id, "SubmissionSetStatus", " ".join(link.values("SubmissionSetStatus")), "Original")
    for link in case.associations:
        if link.association_type == names.HAS_MEMBER and link.first("SubmissionSetStatus") == "Reference":
            yield Fault(link.id, "SubmissionSetStatus", "Reference", "Original")


def _author_may_feed(case: Case) -> Iterator[Fault]:
    speaker = case.speaker
    if speaker is None:
        return
    # An entry without any author is told by DMP-14.
    for entry in (item for item in case.documents if authors(item)):
        if speaker.mode == "DIRECTE":
            people = {read_xcn(value).id for value in _people(entry)}
            if speaker.name_id not in people:
                yield Fault(entry.id, "authorPerson", "NameID absent", "le NameID du VIHF parmi les auteurs")
        elif speaker.structure:
            houses = [read_xon(value).id for item in authors(entry) for value in item.values("authorInstitution")]
            if speaker.structure not in houses:
                expected = f"Identifiant_Structure du VIHF ({speaker.structure}) parmi les auteurs"
                yield Fault(entry.id, "authorInstitution", " ".join(houses), expected)


def _author_names(case: Case) -> Iterator[Fault]:
    for item in case.described:
        for author in authors(item):
            for value in author.values("authorPerson"):
                xcn = read_xcn(value)
                if not (xcn.id or xcn.family):
                    continue  # D-09
                for component, text in (("XCN-2 (nom)", xcn.family), ("XCN-3 (prénom)", xcn.given)):
                    if not text.strip():
                        yield Fault(item.id, f"authorPerson {component}", "vide", "une valeur (RG_2230)")


def _author_present(case: Case) -> Iterator[Fault]:
    for item in case.described:
        found = authors(item)
        if not found or (item.kind == "RegistryPackage" and len(found) > 1):
            expected = "un auteur" if item.kind == "RegistryPackage" else "au moins un auteur"
            yield Fault(item.id, f"{label(item)}.author", f"{len(found)} auteur(s)", expected)
        for author in found:
            if not any(author.values("authorPerson")):
                yield Fault(item.id, "authorPerson", "absent", "une personne ou un système par auteur")


def _normal_first(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        codes = [code for code, _ in item.codes(names.CONFIDENTIALITY)]
        if codes and codes[0] != "N":
            yield Fault(item.id, "confidentialityCode", " ".join(codes), "N en premier")


def _masks(case: Case) -> Iterator[Fault]:
    for item in case.documents:
        codes = [code for code, _ in item.codes(names.CONFIDENTIALITY)]
        restricted = {names.MASKED, names.INVISIBLE_PATIENT} <= set(codes)
        if restricted and not case.settings.mask_and_invisible:
            yield Fault(item.id, "confidentialityCode", " ".join(codes), "MASQUE_PS ou INVISIBLE_PATIENT, pas les deux")
        if {"R", "V"} & set(codes):
            yield Fault(
                item.id, "confidentialityCode", " ".join(codes), "ni R ni V : ces documents ne se partagent pas"
            )
        if len(codes) > 4 or len(set(codes)) != len(codes):
            yield Fault(item.id, "confidentialityCode", " ".join(codes), "1 à 4 codes différents")


def _secret_session(case: Case) -> Iterator[Fault]:
    if case.speaker is None or not case.speaker.secret:
        return
    for item in case.documents:
        codes = [code for code, _ in item.codes(names.CONFIDENTIALITY)]
        if names.INVISIBLE_REPRESENTATIVES not in codes:
            expected = f"{names.INVISIBLE_REPRESENTATIVES} en connexion secrète"
            yield Fault(item.id, "confidentialityCode", " ".join(codes), expected)


def _plain_oid(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        root, caret, _ = unique_id(item).partition("^")
        if caret and is_oid(root):
            expected = "un OID simple, sans ^extension (EX_2.1-1130)"
            yield Fault(item.id, "DocumentEntry.uniqueId", unique_id(item), expected)


def _specialty(case: Case) -> Iterator[Fault]:
    for item in case.described:
        for author in authors(item):
            for value in author.values("authorSpecialty"):
                parts = [*value.split("^"), "", ""]
                if load("J56").get(parts[0], parts[2]) is None:
                    expected = "code^libellé^système du jeu de valeurs JDV_J56"
                    yield Fault(item.id, "authorSpecialty", value, expected)


def _xcn_form(case: Case) -> Iterator[Fault]:
    for item in case.described:
        for value in (*_people(item),):
            xcn = read_xcn(value)
            if xcn.id and not _good_person(xcn, case.settings.ins_oids):
                seen = f"autorité {xcn.oid or 'absente'}, XCN-10 {xcn.name_type or '-'}, XCN-13 {xcn.id_type or '-'}"
                expected = f"id^NOM^PRENOM^^^^^^&{names.PS_OID}&ISO^D^^^IDNPS (ou U/RI pour un système)"
                yield Fault(item.id, "authorPerson ou legalAuthenticator", seen, expected)


def _good_person(xcn: Xcn, ins_oids: frozenset[str]) -> bool:
    if xcn.oid in ins_oids:
        return (xcn.name_type, xcn.id_type) == ("D", "NH")
    if xcn.oid == names.PS_OID:
        return (xcn.name_type, xcn.id_type) in _PERSON_TYPES
    return is_oid(xcn.oid) and (xcn.name_type, xcn.id_type) == ("U", "RI")


def _xon_form(case: Case) -> Iterator[Fault]:
    for item in case.described:
        for author in authors(item):
            for value in author.values("authorInstitution"):
                xon = read_xon(value)
                form = (xon.oid, xon.id_type)
                known = form in ((names.STRUCTURE_OID, "IDNST"), ("1.3.2", "SIREN")) and xon.id
                unknown = form == ("", "") and not xon.id and xon.name
                if not (known or unknown):
                    expected = f"NOM^^^^^&{names.STRUCTURE_OID}&ISO^IDNST^^^<Struct_IdNat>"
                    yield Fault(item.id, "authorInstitution", value, expected)


def _cx_form(case: Case) -> Iterator[Fault]:
    for item in case.described:
        cx = read_cx(patient_id(item))
        if cx.well_formed and (cx.type != "NH" or cx.oid not in case.settings.ins_oids):
            seen = f"domaine {cx.oid or 'absent'}, type {cx.type or 'absent'}"
            expected = f"type NH, domaine {' ou '.join(sorted(case.settings.ins_oids))}"
            yield Fault(item.id, f"{label(item)}.patientId", seen, expected)
    for item in case.entries:
        for value in item.values("sourcePatientId"):
            cx = read_cx(value)
            if cx.well_formed and cx.type not in ("PI", "NH"):
                yield Fault(item.id, "DocumentEntry.sourcePatientId", f"type {cx.type or 'absent'}", "type PI ou NH")


def _required(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        for name in ("legalAuthenticator", "serviceStartTime"):
            if not item.values(name):
                yield Fault(item.id, f"DocumentEntry.{name}", "absent", "exactement une valeur")
        if not item.name:
            yield Fault(item.id, "DocumentEntry.title", "absent", "un titre")
        if is_mime_type(item.mime_type) and item.mime_type not in MIME_TYPES:
            yield Fault(item.id, "DocumentEntry.mimeType", item.mime_type, " ou ".join(sorted(MIME_TYPES)))
    for item in case.sets:
        time = item.first("submissionTime")
        if time and len(time) != 14:
            yield Fault(item.id, "SubmissionSet.submissionTime", time, "14 chiffres, UTC")


def _signature_entry(case: Case) -> Iterator[Fault]:
    for item in case.signatures:
        seen = {
            "mimeType": item.mime_type,
            "languageCode": item.first("languageCode"),
            "classCode": "^^".join(next(iter(item.codes(names.CLASS_CODE)), ("", ""))),
            "typeCode": "^^".join(next(iter(item.codes(names.TYPE_CODE)), ("", ""))),
            "eventCodeList": "^^".join(next(iter(item.codes(names.EVENT_CODE)), ("", ""))),
            "confidentialityCode": " ".join(sorted(code for code, _ in item.codes(names.CONFIDENTIALITY))),
        }
        expected = {
            "mimeType": "text/xml",
            "languageCode": "art",
            "classCode": "^^".join(names.SIGNATURE_CLASS),
            "typeCode": "^^".join(names.SIGNATURE_TYPE),
            "eventCodeList": "^^".join(names.SIGNATURE_EVENT),
            "confidentialityCode": " ".join(sorted((names.INVISIBLE_PATIENT, names.MASKED, "N"))),
        }
        for attribute, value in expected.items():
            if seen[attribute] != value:
                yield Fault(item.id, f"signature.{attribute}", seen[attribute], value)


def _people(item: RegistryObject) -> tuple[str, ...]:
    """Every XCN of an object: authors, then legalAuthenticator."""
    found = tuple(value for author in authors(item) for value in author.values("authorPerson"))
    return found + item.values("legalAuthenticator")


FRENCH_RULES: tuple[Rule[Case], ...] = (
    Rule("DMP-01", "dmp-interface a.11", _patient_of_assertion, "XDSPatientIdDoesNotMatch"),
    Rule("DMP-02", "dmp-interface a.7", _content_of_set),
    Rule("DMP-03", "dmp-interface a.7", _signs),
    Rule("DMP-04", "dmp-interface a.7 EX_2.1-1140", _author_may_feed),
    Rule("DMP-05", "dmp-interface a.7 RG_2230", _author_names),
    Rule("DMP-06", "dmp-interface c.3", _normal_first),
    Rule("DMP-07", "dmp-interface a.7 EX_2.1-1050, c.5", _masks),
    Rule("DMP-08", "dmp-interface a.7 EX_2.1-1130", _plain_oid),
    Rule("DMP-09", "dmp-interface c.4", _xcn_form),
    Rule("DMP-10", "dmp-interface c.4", _xon_form),
    Rule("DMP-11", "dmp-interface c.2, c.3", _cx_form),
    Rule("DMP-12", "dmp-interface c.8", _signature_entry),
    Rule("DMP-13", "dmp-interface c.2, c.3", _required),
    Rule("DMP-14", "dmp-interface c.2, c.3", _author_present),
    Rule("DMP-15", "dmp-interface a.7 (minors), b.5", _secret_session),
    Rule("DMP-16", "dmp-interface c.4", _specialty),
)
