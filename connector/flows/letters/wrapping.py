"""A CDA put into ONE message of the volet "CDA in HL7v2", as a hospital would send it (hl7v2-interface §3.1 to §3.7).

Same CDA, same facts, same bytes: the message is dated by its document and numbered by what it carries, so that the
journal knows a letter handed twice; one that was given back meanwhile is a message of its own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from connector.base.hl7time import local_ts, parse_ts
from connector.base.oid import is_oid
from connector.cda.model import CdaHeader, InstanceId, full_id
from connector.cda.people import PS_ROOT, STRUCTURE_ROOT
from connector.hl7.charset import UTF8
from connector.hl7.delimiters import NOMINAL, escape
from connector.hl7.model import Action, Authority, Flags, Identifier, Organization, Provider, Sender, Stay
from connector.hl7.writing import segment
from connector.ins.model import INS_OIDS, OID_NIA, Environment, Traits

PROFILE: Final = "2.1^CISIS_CDA_HL7_V2"
_EVENT: Final[dict[Action, str]] = {"create": "T02", "replace": "T10", "delete": "T04"}
_ORDER: Final[dict[Action, str]] = {"create": "NW", "replace": "RO", "delete": "CA"}
_STATUS: Final[dict[Action, str]] = {"create": "F", "replace": "C", "delete": "D"}
_LOINC: Final = "2.16.840.1.113883.6.1"

_SWITCHES: Final = (
    ("MASQUE_PS", "Masqué aux professionnels de Santé", "masque_ps"),
    ("INVISIBLE_PATIENT", "Document Non Visible par le patient", "invisible_patient"),
    ("INVISIBLE_REP_LEGAUX", "Non visible par les représentants Légaux du patient", "invisible_rep_legaux"),
    ("CONNEXION_SECRETE", "Connexion Secrete", "connexion_secrete"),
    ("MODIF_CONF_CODE", "Modification Confidentiality Code", "modif_conf_code"),
    ("DESTDMP", "Destinataire DMP", "dest_dmp"),
    (
        "DESTMSSANTEPS",
        "Destinataire (Professionnel de Santé, organisation ou BAL applicative)",
        "dest_mssante_ps",
    ),
    ("DESTMSSANTEPAT", "Destinataire Patient", "dest_mssante_pat"),
    ("ACK_RECEPTION", "Accusé de réception", "ack_reception"),
    ("ACK_LECTURE_MSS", "Accusé de lecture", "ack_lecture_mss"),
)
"""The ten metadata in the volet's order (§3.6), and the field of Flags each one says."""

TO_DMP: Final = Flags(dest_dmp=True)
"""To the DMP, by no mail, without restriction; nobody waits for a ZAM."""


@dataclass(frozen=True, slots=True, repr=False)
class Wrapping:
    """What the CDA does not say of its message.

    application, facility  MSH-3 and MSH-4, also MSH-5 and MSH-6
    sender       PRT Send by: whose request it is
    stay         PV1; its visit is the one admissions speak of
    ipp          the hospital's own number as its admissions write it, None to write the CDA's only
    flags        what is said Y; None is N
    environment  MSH-11
    """

    application: str
    facility: str
    sender: Sender
    stay: Stay
    ipp: Identifier | None = None
    flags: Flags = TO_DMP
    environment: Environment = "production"


def wrap(cda: bytes, header: CdaHeader, facts: Wrapping, *, action: Action | None = None, given_back: int = 0) -> bytes:
    """MDM^T02, T10 or T04 in version 2.6, UTF-8, segments ended by CR.

    action  None creates, or replaces when the CDA names a document it replaces
    given_back  number of the delivery that gave the same document back (refused, given up): handed in again, it is
            another message; 0 for the first time

    A CDA has an INS only where the identity is qualified (§2.3): PID-32 says VALI with one, and what admissions say
    against it is for the gate. Raises CodecError when the CDA's effectiveTime is no HL7 time.
    """
    done: Action = action or ("replace" if header.replaced_id is not None else "create")
    time = local_ts(parse_ts(header.effective_time))
    label, system = header.code.display, "LN" if header.code.system == _LOINC else "TRE_A05"
    document_type = _composite(header.code.code, label or header.code.code, system)
    party = (escape(facts.application), escape(facts.facility))
    segments = [
        segment(
            "MSH",
            NOMINAL.encoding_characters(),
            *(*party, *party, time, "", f"MDM^{_EVENT[done]}^MDM_T02", control_id(cda, header, done, given_back)),
            *("P" if facts.environment == "production" else "T", "2.6", "", "", "", "", "FRA", UTF8, "", "", PROFILE),
        ),
        segment("EVN", "", time),
        _pid(header, facts),
        _pv1(facts.stay),
        segment("ORC", _ORDER[done]),
        segment("OBR", "1", "", "", document_type),
        _txa(header, time, done),
        segment("OBX", "1", "ED", document_type, "", f"^TEXT^XML^Base64^{_text(cda)}", *_until_11(_STATUS[done])),
        _prt(facts.sender),
    ]
    for number, (code, meaning, name) in enumerate(_SWITCHES, start=2):
        said = "Y" if getattr(facts.flags, name) else "N"
        what = _composite(code, meaning, "MetaDMPMSS")
        segments.append(
            segment("OBX", str(number), "CWE", what, "", f"{said}^^expandedYes-NoIndicator", *_until_11("F"))
        )
    return ("\r".join(segments) + "\r").encode()


def control_id(cda: bytes, header: CdaHeader, action: Action, given_back: int = 0) -> str:
    """MSH-10, 20 characters: the same for the same bytes, the same action and the same time they were given back."""
    what = action if not given_back else f"{action} after {given_back}"
    digest = hashlib.sha256(b"|".join((what.encode(), full_id(header.id).encode(), cda))).hexdigest()
    return f"L{digest[:19]}"


def _text(cda: bytes) -> str:
    return base64.b64encode(cda).decode("ascii")


def _until_11(status: str) -> tuple[str, ...]:
    """OBX-6 to OBX-11."""
    return ("", "", "", "", "", status)


def _pid(header: CdaHeader, facts: Wrapping) -> str:
    ids = [_cx_of_cda(one) for one in header.patient_ids if one.root and one.extension]
    written = {(one.extension, one.root) for one in header.patient_ids}
    ipp = facts.ipp
    # A number under an OID the CDA does not know would contradict it (§3.2 working rule); a local one cannot.
    if ipp is not None and (ipp.value, ipp.authority.oid) not in written and not is_oid(ipp.authority.key()):
        ids.insert(0, _cx(ipp.value, ipp.authority, "PI"))
    account = facts.stay.account
    fields = {
        1: "1",
        3: "~".join(ids),
        5: _names(header.traits),
        7: header.traits.birth_date,
        8: header.traits.sex,
        11: f"^^^^^^BDL^^{escape(header.traits.birth_place)}" if header.traits.birth_place else "",
        18: _cx(account.value, account.authority, "AN") if account else "",
        32: "VALI" if header.ins() is not None else "",
    }
    return segment("PID", *(fields.get(number, "") for number in range(1, 33)))


def _names(traits: Traits) -> str:
    legal = _composite(traits.birth_name, traits.first_given, traits.given_names, "", "", "", "L")
    if not (traits.used_name or traits.used_given):
        return legal
    used = _composite(traits.used_name or traits.birth_name, traits.used_given, "", "", "", "", "D")
    return f"{legal}~{used}"


def _pv1(stay: Stay) -> str:
    visit = stay.visit
    fields = {
        1: "1",
        2: stay.patient_class,
        3: escape(stay.unit),
        19: _cx(visit.value, visit.authority, "VN") if visit else "",
        44: stay.admitted,
        45: stay.discharged,
    }
    return segment("PV1", *(fields.get(number, "") for number in range(1, 46)))


def _txa(header: CdaHeader, time: str, action: Action) -> str:
    replaced = header.replaced_id if action == "replace" else None
    fields = {
        1: "1",
        2: escape(header.code.code),
        3: "TEXT",
        4: time,
        12: _entity(header.id),
        13: _entity(replaced) if replaced is not None else "",
        17: "AU",
    }
    return segment("TXA", *(fields.get(number, "") for number in range(1, 18)))


def _entity(identifier: InstanceId) -> str:
    """EI of TXA-12: `extension^^root^ISO`, or the root alone (§3.3)."""
    if identifier.extension:
        return _composite(identifier.extension, "", identifier.root, "ISO")
    return escape(identifier.root)


def _prt(sender: Sender) -> str:
    """PRT SB: the person if there is one, the structure, the device (§3.5)."""
    person, structure = sender.person, sender.organization
    fields = {
        2: "UC",
        4: "SB^Send by^participation",
        5: _xcn(person) if person else "",
        8: _xon(structure) if structure else "",
        10: escape(sender.device),
    }
    return segment("PRT", *(fields.get(number, "") for number in range(1, 11)))


def _xcn(person: Provider) -> str:
    authority = _hd(Authority("ASIP-SANTE-PS", PS_ROOT, "ISO"))
    name = [escape(part) for part in (person.id, person.family, person.given)]
    return "^".join([*name, "", "", "", "", "", authority, "D", "", "", "IDNPS"])


def _xon(structure: Organization) -> str:
    authority = _hd(Authority("ASIP-SANTE-ST", STRUCTURE_ROOT, "ISO"))
    return "^".join([escape(structure.name), "", "", "", "", authority, "IDNST", "", "", escape(structure.id)])


def _cx_of_cda(identifier: InstanceId) -> str:
    if identifier.root in INS_OIDS:
        namespace = "ASIP-SANTE-INS-NIA" if identifier.root == OID_NIA else "ASIP-SANTE-INS-NIR"
        return _cx(identifier.extension, Authority(namespace, identifier.root, "ISO"), "INS")
    return _cx(identifier.extension, Authority("", identifier.root, "ISO"), "PI")


def _cx(value: str, authority: Authority, kind: str) -> str:
    return "^".join([escape(value), "", "", _hd(authority), kind])


def _hd(authority: Authority) -> str:
    parts = (authority.namespace, authority.oid, authority.type)
    return "&".join(escape(part) for part in parts).rstrip("&")


def _composite(*components: str) -> str:
    return "^".join(escape(component) for component in components).rstrip("^")
