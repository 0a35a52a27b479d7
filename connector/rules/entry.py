"""Rules on what a SubmissionSet and a DocumentEntry must say (ihe-rules D.2, D-07…D-32)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.base.oid import is_oid
from connector.rules import names
from connector.rules.case import Case, Fault, Rule, label, patient_id
from connector.rules.forms import is_dtm, is_hash, is_language, is_size, read_cx
from connector.rules.model import RegistryObject

PID_LINES = frozenset({"PID-3", "PID-5", "PID-7", "PID-8", "PID-11"})
"""PID fields an IHE sourcePatientInfo may repeat."""

REFERENCE_IDS = "urn:ihe:iti:xds:2013:referenceIdList"

_ONCE = (names.CLASS_CODE, names.FORMAT_CODE, names.FACILITY_TYPE, names.PRACTICE_SETTING, names.TYPE_CODE)


def _set_content(case: Case) -> Iterator[Fault]:
    for item in case.sets:
        times = item.values("submissionTime")
        if len(times) != 1:
            yield Fault(item.id, "SubmissionSet.submissionTime", f"{len(times)} valeurs", "exactement une valeur")
        sources = item.identified(names.SET_SOURCE_ID)
        if len(sources) != 1 or not is_oid(sources[0].value):
            seen = sources[0].value if len(sources) == 1 else f"{len(sources)} identifiants"
            yield Fault(item.id, "SubmissionSet.sourceId", seen, "un OID d'au plus 64 caractères")
        contents = item.classified(names.SET_CONTENT_TYPE)
        if len(contents) != 1:
            yield Fault(item.id, "SubmissionSet.contentTypeCode", f"{len(contents)} codes", "exactement un code")


def _creation_time(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        count = len(item.values("creationTime"))
        if count != 1:
            yield Fault(item.id, "DocumentEntry.creationTime", f"{count} valeurs", "exactement une valeur")


def _service_times(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        starts, stops = item.values("serviceStartTime"), item.values("serviceStopTime")
        for name, found in (("serviceStartTime", starts), ("serviceStopTime", stops)):
            if len(found) > 1:
                yield Fault(item.id, f"DocumentEntry.{name}", f"{len(found)} valeurs", "au plus une valeur")
        if starts and stops and is_dtm(starts[0]) and is_dtm(stops[0]):
            length = min(len(starts[0]), len(stops[0]))
            if starts[0][:length] > stops[0][:length]:
                seen = f"{starts[0]} > {stops[0]}"
                yield Fault(item.id, "DocumentEntry.serviceStartTime", seen, "début avant la fin (serviceStopTime)")


def _hash(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        values = item.values("hash")
        if len(values) > 1 or not all(is_hash(value) for value in values):
            yield Fault(item.id, "DocumentEntry.hash", " ".join(values), "40 chiffres hexadécimaux (SHA-1), ou rien")
        elif not values and case.transaction == "ITI-42":
            yield Fault(item.id, "DocumentEntry.hash", "absent", "40 chiffres hexadécimaux (SHA-1)")


def _size(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        values = item.values("size")
        if len(values) > 1 or not all(is_size(value) for value in values):
            yield Fault(item.id, "DocumentEntry.size", " ".join(values), "un entier positif (octets), ou rien")
        elif not values and case.transaction == "ITI-42":
            yield Fault(item.id, "DocumentEntry.size", "absent", "un entier positif (octets)")


def _repository(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        values = item.values("repositoryUniqueId")
        if len(values) > 1 or not all(is_oid(value) for value in values):
            yield Fault(item.id, "DocumentEntry.repositoryUniqueId", " ".join(values), "un OID, ou rien")
        elif not values and case.transaction == "ITI-42":
            yield Fault(item.id, "DocumentEntry.repositoryUniqueId", "absent", "l'OID de l'entrepôt")


def _language(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        values = item.values("languageCode")
        if len(values) != 1 or not is_language(values[0]):
            yield Fault(item.id, "DocumentEntry.languageCode", " ".join(values), "exactement une langue (RFC 3066)")


def _source_patient(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        ids = item.values("sourcePatientId")
        if len(ids) != 1 or not read_cx(ids[0]).well_formed:
            seen = _shape(ids[0]) if len(ids) == 1 else f"{len(ids)} valeurs"
            yield Fault(item.id, "DocumentEntry.sourcePatientId", seen, "exactement un CX id^^^&oid&ISO^type")
        for value in item.values("sourcePatientInfo"):
            line = value.partition("|")[0]
            if line not in PID_LINES or "|" not in value:
                # Only the name of the line: what follows the bar is an identity.
                seen = f"{line}|…" if "|" in value else "pas de barre"
                yield Fault(item.id, "DocumentEntry.sourcePatientInfo", seen, "lignes PID-n|valeur")


def _reference_ids(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        for value in item.values(REFERENCE_IDS):
            cx = read_cx(value)
            if not cx.well_formed or not cx.type.startswith("urn:"):
                yield Fault(item.id, "DocumentEntry.referenceIdList", value, "id^^^&oid&ISO^urn:type")


def _uri(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        for slot in (found for found in item.slots if found.name == "URI"):
            if not slot.values or any(re.fullmatch(r"[!-~]+", value) is None for value in slot.values):
                yield Fault(item.id, "DocumentEntry.URI", " ".join(slot.values), "une URI, ou pas de slot")


def _codes(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        for scheme in _ONCE:
            count = len(item.classified(scheme))
            if count != 1:
                attribute = f"DocumentEntry.{names.CODED_SCHEMES[scheme]}"
                yield Fault(item.id, attribute, f"{count} codes", "exactement un code")
        if not item.classified(names.CONFIDENTIALITY):
            yield Fault(item.id, "DocumentEntry.confidentialityCode", "0 code", "au moins un code")


def _patient_form(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        value = patient_id(item)
        cx = read_cx(value)
        pure = cx.well_formed and not cx.namespace and not cx.rest
        if not pure or (case.settings.ihe_pure and cx.type):
            expected = "id^^^&oid&ISO" if case.settings.ihe_pure else "id^^^&oid&ISO^NH"
            yield Fault(item.id, f"{label(item)}.patientId", _shape(value), expected)


def _folder(case: Case) -> Iterator[Fault]:
    for item in case.folders:
        if not item.classified(names.FOLDER_CODES):
            yield Fault(item.id, "Folder.codeList", "0 code", "au moins un code")
        if not item.name:
            yield Fault(item.id, "Folder.title", "absent", "un titre")
        times = item.values("lastUpdateTime")
        if len(times) > 1 or any(len(value) != 14 for value in times):
            yield Fault(item.id, "Folder.lastUpdateTime", " ".join(times), "au plus une valeur, à la seconde")


def _same_patient(case: Case) -> Iterator[Fault]:
    if case.set is None:
        return
    reference = _identity(case.set)
    for item in (*case.entries, *case.folders):
        if _identity(item) != reference:
            seen = _shape(patient_id(item))
            yield Fault(item.id, f"{label(item)}.patientId", seen, "le patientId du SubmissionSet")


def _identity(item: RegistryObject) -> tuple[str, str]:
    cx = read_cx(patient_id(item))
    return cx.value, cx.oid


def _shape(value: str) -> str:
    """A CX without its id: enough to see what is wrong, nobody is named."""
    head, separator, tail = value.partition("^")
    return f"{'…' if head else ''}{separator}{tail}" if value else "absent"


ENTRY_RULES: tuple[Rule[Case], ...] = (
    Rule("D-07", "ihe-rules D.2 D-07, dmp-interface c.2", _set_content),
    Rule("D-11", "ihe-rules D.2 D-11", _creation_time),
    Rule("D-12", "ihe-rules D.2 D-12", _service_times),
    Rule("D-13", "ihe-rules D.2 D-13", _hash),
    Rule("D-14", "ihe-rules D.2 D-14", _size),
    Rule("D-15", "ihe-rules D.2 D-15", _language),
    Rule("D-17", "ihe-rules D.2 D-17", _source_patient),
    Rule("D-18", "ihe-rules D.2 D-18, dmp-interface c.3", _reference_ids),
    Rule("D-19", "ihe-rules D.2 D-19", _uri),
    Rule("D-20", "ihe-rules D.2 D-20", _codes),
    Rule("D-22", "ihe-rules D.2 D-22, dmp-interface c.2", _patient_form),
    Rule("D-23", "ihe-rules D.2 D-23", _repository),
    Rule("D-30", "ihe-rules D.2 D-30", _folder),
    Rule("D-32", "ihe-rules D.2 D-32", _same_patient, "XDSPatientIdDoesNotMatch"),
)
