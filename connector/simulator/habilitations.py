"""TD0.2 (existence and authorisation) and TD0.3 (add or remove an authorisation), dmp-interface a.3 and a.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lxml import etree

from connector.base.hl7time import utc_digits
from connector.base.ns import DMP_HABILITATIONS, HL7V3, XSI, q
from connector.simulator.directory import Patient
from connector.simulator.model import SimContext, SimFault, SoapReply, SoapRequest, VerifiedAssertion
from connector.simulator.rights import Rights, denied, holder

TD02_RESPONSE = "urn:hl7-org:v3:PRPA_IN201308UV02"
TD03_RESPONSE = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorizationResponse"
_INTERACTIONS = "2.16.840.1.113883.1.6"
_DMP_OID = "1.2.250.1.213.4.1.1.1"
_REASONS = "1.2.250.1.213.1.1.4.11"


@dataclass(frozen=True, slots=True)
class Patients:
    """The `patients` service: TD0.2."""

    context: SimContext
    rights: Rights

    def handle(self, request: SoapRequest) -> SoapReply:
        assertion = _assertion(request)
        body = request.body
        _expect(body.tag == q(HL7V3, "PRPA_IN201307UV02"), "PRPA_IN201307UV02 attendu")
        _expect(body.get("ITSVersion") == "XML_1.0", "ITSVersion XML_1.0 attendu")
        self._check_transmission(body)
        reason = body.find(f"{q(HL7V3, 'controlActProcess')}/{q(HL7V3, 'reasonCode')}")
        known = reason is not None and (reason.get("code"), reason.get("codeSystem")) == ("TEST_EXST", _REASONS)
        _expect(known, "reasonCode TEST_EXST attendu")
        values = body.findall(f".//{q(HL7V3, 'parameterList')}/{q(HL7V3, 'patientIdentifier')}/{q(HL7V3, 'value')}")
        _expect(len(values) == 1, "un seul patientIdentifier/value attendu")
        root, extension = values[0].get("root", ""), values[0].get("extension", "")
        if (extension, root) != (assertion.resource_ins, assertion.resource_oid):
            raise SimFault("Sender", "XDSPatientIdDoesNotMatch", "Le patient demandé n'est pas celui du VIHF")
        patient = self.context.world.patient(extension)
        if patient is None or patient.dmp == "ABSENT" or patient.oid != root:
            return SoapReply(self._answer(body, assertion, None), TD02_RESPONSE, outcome="NF")
        return SoapReply(self._answer(body, assertion, patient), TD02_RESPONSE, outcome=patient.dmp)

    def _check_transmission(self, body: etree._Element) -> None:
        """The fixed values of the transmission wrapper (a.3)."""
        fixed = (
            ("interactionId", "extension", "PRPA_IN201307UV02"),
            ("interactionId", "root", _INTERACTIONS),
            ("processingModeCode", "code", "T"),
            ("acceptAckCode", "code", "AL"),
        )
        for local, attribute, expected in fixed:
            element = body.find(q(HL7V3, local))
            _expect(
                element is not None and element.get(attribute) == expected, f"{local}/@{attribute} {expected} attendu"
            )
        receiver = body.find(f"{q(HL7V3, 'receiver')}/{q(HL7V3, 'device')}/{q(HL7V3, 'id')}")
        _expect(receiver is not None and receiver.get("root") == _DMP_OID, f"receiver {_DMP_OID} attendu")
        for path in ("id", "creationTime", "sender"):
            _expect(body.find(q(HL7V3, path)) is not None, f"élément {path} absent")
        query = body.find(f".//{q(HL7V3, 'queryByParameter')}")
        _expect(query is not None and query.find(q(HL7V3, "queryId")) is not None, "queryByParameter/queryId absent")

    def _answer(self, request: etree._Element, assertion: VerifiedAssertion, patient: Patient | None) -> etree._Element:
        context = self.context
        root = transmission(context, request, "PRPA_IN201308UV02", "AA")
        act = _add(root, "controlActProcess", classCode="CACT", moodCode="EVN")
        status = self.rights.status(assertion)
        _keyword(root, act, "AUTORISATION", "1.2.250.1.213.4.1.2.6.1", _cv(status, "1.2.250.1.213.4.1.2.6.2"))
        treating = patient is not None and assertion.name_id in patient.doctors
        _keyword(root, act, "STATUT_MT", "1.2.250.1.213.4.1.2.6.3", _bl(treating))
        if patient is not None:
            _registration(act, patient)
        sent = request.find(f".//{q(HL7V3, 'queryByParameter')}")
        ack = _add(act, "queryAck")
        query_id = None if sent is None else sent.find(q(HL7V3, "queryId"))
        if query_id is not None:
            _add(ack, "queryId", **{str(name): str(value) for name, value in query_id.attrib.items()})
        _add(ack, "queryResponseCode", code="OK" if patient is not None else "NF")
        return root


@dataclass(frozen=True, slots=True)
class Habilitations:
    """The `habilitations` service: TD0.3, the patient coming from the VIHF only."""

    context: SimContext
    rights: Rights

    def handle(self, request: SoapRequest) -> SoapReply:
        assertion = _assertion(request)
        _expect(request.body.tag == q(DMP_HABILITATIONS, "setAuthorization"), "setAuthorization attendu")
        action = (request.body.findtext(q(DMP_HABILITATIONS, "action")) or "").strip()
        role = (request.body.findtext(q(DMP_HABILITATIONS, "role")) or "").strip()
        _expect(action in ("AJOUT", "SUPPRESSION"), "action AJOUT ou SUPPRESSION attendue")
        _expect(role in ("", "MEDECIN_TRAITANT"), "role MEDECIN_TRAITANT ou absent attendu")
        ins, who = assertion.resource_ins, holder(assertion)
        patient = self.context.world.patient(ins)
        if patient is None or patient.dmp == "ABSENT":
            return status_reply("DMPPatientNotFound", "Aucun DMP pour ce patient")
        if patient.dmp == "CLOSED":
            return status_reply("DMPClosed", "Le DMP est fermé")
        if self.rights.status(assertion) == "INTERDIT":
            raise denied("le patient a bloqué cet accès")
        if role:
            return self._treating_doctor(action, patient, assertion)
        return self._authorization(action, ins, who)

    def _authorization(self, action: str, ins: str, who: str) -> SoapReply:
        world, lifetime = self.context.world, self.rights.lifetime
        valid = world.authorization_status(ins, who, lifetime) == "VALIDE"
        if action == "AJOUT" and valid:
            return status_reply("DMPOk", "L'autorisation existe déjà et reste valable : aucune action effectuée")
        if action == "AJOUT":
            world.authorize(ins, who)
            return status_reply("DMPOk", "Autorisation ajoutée")
        if world.authorization(ins, who) is None:
            return status_reply("DMPOk", "Aucune autorisation à supprimer : aucune action effectuée")
        world.revoke(ins, who)
        return status_reply("DMPOk", "Autorisation supprimée")

    def _treating_doctor(self, action: str, patient: Patient, assertion: VerifiedAssertion) -> SoapReply:
        if assertion.roles[0].code != "10":
            raise denied("seul un médecin peut se déclarer médecin traitant")
        others = tuple(name for name in patient.doctors if name != assertion.name_id)
        doctors = (*others, assertion.name_id) if action == "AJOUT" else others
        self.context.world.change_patient(patient.ins, doctors=doctors)
        return status_reply("DMPOk", "Déclaration de médecin traitant enregistrée")


def status_reply(status: str, text: str) -> SoapReply:
    """`setAuthorizationResponse/output/{status,context}`."""
    root = etree.Element(q(DMP_HABILITATIONS, "setAuthorizationResponse"), nsmap={"hab": DMP_HABILITATIONS})
    output = etree.SubElement(root, q(DMP_HABILITATIONS, "output"))
    etree.SubElement(output, q(DMP_HABILITATIONS, "status")).text = status
    etree.SubElement(output, q(DMP_HABILITATIONS, "context")).text = text
    return SoapReply(root, TD03_RESPONSE, outcome=status)


def ack_reply(context: SimContext, request: etree._Element, code: str, text: str) -> SoapReply:
    """PRPA_IN201308UV02 refusing with one acknowledgementDetail (programmed faults)."""
    root = transmission(context, request, "PRPA_IN201308UV02", "AE", code, text)
    act = _add(root, "controlActProcess", classCode="CACT", moodCode="EVN")
    ack = _add(act, "queryAck")
    _add(ack, "queryResponseCode", code="AE")
    return SoapReply(root, TD02_RESPONSE, outcome=code)


def transmission(
    context: SimContext, request: etree._Element, interaction: str, ack_type: str, code: str = "", text: str = ""
) -> etree._Element:
    """Transmission wrapper of an HL7 V3 answer, with its acknowledgement of `request`."""
    root = etree.Element(q(HL7V3, interaction), nsmap={"v3": HL7V3, "xsi": XSI})
    root.set("ITSVersion", "XML_1.0")
    _add(root, "id", root=_DMP_OID, extension=str(context.new_uuid()))
    _add(root, "creationTime", value=utc_digits(context.clock()))
    _add(root, "interactionId", root=_INTERACTIONS, extension=interaction)
    for local, value in (("processingCode", "P"), ("processingModeCode", "T"), ("acceptAckCode", "NE")):
        _add(root, local, code=value)
    asked = request.find(f"{q(HL7V3, 'sender')}/{q(HL7V3, 'device')}/{q(HL7V3, 'id')}")
    for local, oid in (("receiver", "" if asked is None else asked.get("root", "")), ("sender", _DMP_OID)):
        side = _add(root, local, typeCode="RCV" if local == "receiver" else "SND")
        device = _add(side, "device", classCode="DEV", determinerCode="INSTANCE")
        _add(device, "id", root=oid)
    acknowledgement = _add(root, "acknowledgement", typeCode=ack_type)
    target = _add(acknowledgement, "targetMessage")
    asked_id = request.find(q(HL7V3, "id"))
    if asked_id is not None:
        _add(target, "id", **{str(name): str(value) for name, value in asked_id.attrib.items()})
    if code:
        detail = _add(acknowledgement, "acknowledgementDetail", typeCode="E")
        _add(detail, "code", code=code)
        _add(detail, "text").text = text
    return root


def _registration(act: etree._Element, patient: Patient) -> None:
    subject = _add(act, "subject", typeCode="SUBJ")
    event = _add(subject, "registrationEvent", classCode="REG", moodCode="EVN")
    _add(event, "statusCode", code="completed")
    role = _add(_add(event, "subject1", typeCode="SBJ"), "patient", classCode="PAT")
    _add(role, "id", root=patient.oid, extension=patient.ins)
    _add(role, "statusCode", code="active" if patient.dmp == "ACTIVE" else "terminated")
    person = _add(role, "patientPerson", classCode="PSN", determinerCode="INSTANCE")
    name = _add(person, "name")
    _add(name, "given").text = patient.given
    _add(name, "family", qualifier="SP").text = patient.used_name
    _add(name, "family", qualifier="BR").text = patient.birth_name
    _add(person, "administrativeGenderCode", code=patient.sex)
    _add(person, "birthTime", value=patient.birth_date)
    _observation(role, "COMPTE_INTERNET_OUVERT", "1.2.250.1.213.4.1.2.9", False)
    _observation(role, "RATTACHEMENT_ENS", "1.2.250.1.213.4.1.2.3", patient.attached_to_ens)
    custodian = _add(_add(event, "custodian", typeCode="CST"), "assignedEntity", classCode="ASSIGNED")
    _add(custodian, "id", root=_DMP_OID)
    if patient.dmp == "CLOSED":
        # Where the closing reason sits in the real answer was not seen (a.3); a.6 names this code for TD1.4.
        issue = _add(_add(act, "reasonOf", typeCode="RSON"), "detectedIssueEvent", classCode="ALRT", moodCode="EVN")
        _add(issue, "code", code=patient.closing_reason, codeSystem="1.2.250.1.213.4.1.2.4")


def _observation(role: etree._Element, code: str, system: str, value: bool) -> None:
    subject = _add(role, "subjectOf", typeCode="SBJ")
    observation = _add(subject, "administrativeObservation", classCode="OBS", moodCode="EVN")
    _add(observation, "code", code=code, codeSystem=system)
    _typed(observation, _bl(value))


def _keyword(root: etree._Element, before: etree._Element, code: str, system: str, value: dict[str, str]) -> None:
    line = etree.Element(q(HL7V3, "attentionLine"))
    _add(line, "keyWordText", code=code, codeSystem=system)
    _typed(line, value)
    before.addprevious(line)


def _typed(parent: etree._Element, value: dict[str, str]) -> None:
    element = _add(parent, "value")
    for name, text in value.items():
        element.set(q(XSI, "type") if name == "type" else name, text)


def _cv(code: str, system: str) -> dict[str, str]:
    return {"type": "CV", "code": code, "codeSystem": system}


def _bl(value: bool) -> dict[str, str]:
    return {"type": "BL", "value": "true" if value else "false"}


def _add(parent: etree._Element, local: str, **attributes: Any) -> etree._Element:
    return etree.SubElement(parent, q(HL7V3, local), attributes)


def _expect(condition: bool, text: str) -> None:
    if not condition:
        raise SimFault("Sender", "", f"Requête mal formée : {text}", rule="BODY")


def _assertion(request: SoapRequest) -> VerifiedAssertion:
    if request.assertion is None:
        raise SimFault("Sender", "wsse:InvalidSecurity", "VIHF absent de wsse:Security", rule="VIHF-ABSENT")
    return request.assertion
