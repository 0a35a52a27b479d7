"""One discharge letter, the facts around it, and settings: everything the tests mutate."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.cda.model import (
    CdaHeader,
    CdaOrganization,
    CdaPerson,
    Coded,
    InstanceId,
    ServiceEvent,
)
from connector.dmp.config import DmpConfig
from connector.dmp.facts import DocumentFacts
from connector.dmp.feed import Feed, FeedIds
from connector.hl7.model import Authority, Flags, Identifier, Organization, Provider, Sender
from connector.ins.model import OID_NIR_TEST, MatriculeIns, Traits

NOW = datetime(2026, 11, 21, 9, 30, 15, 250_000, tzinfo=UTC)
INS = MatriculeIns("279035121518989", OID_NIR_TEST)
OTHER_INS = MatriculeIns("277076322082910", OID_NIR_TEST)
TRAITS = Traits(birth_name="PAT-TROIS", first_given="DOMINIQUE", birth_date="19790328", sex="F", birth_place="63220")

STRUCTURE = CdaOrganization(InstanceId("1.2.250.1.71.4.2.2", "1120456789"), "Organisation-Y")
GENERALIST = Coded("G15_10/SM26", "1.2.250.1.213.1.1.4.5", "Médecin - Qualifié en Médecine Générale (SM)")
DOCTOR = CdaPerson(
    id=InstanceId("1.2.250.1.71.4.2.1", "801234564895"),
    family="THOMAS",
    given="Eric",
    code=GENERALIST,
    organization=STRUCTURE,
    time="20260110090000+0100",
)
STAY = ServiceEvent(
    code=Coded("IMP", "2.16.840.1.113883.5.4", "Hospitalisation"),
    low="20260105080000+0100",
    high="20260110090000+0100",
    setting=Coded("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement de santé"),
)
HEADER = CdaHeader(
    id=InstanceId("1.2.250.1.999.1.1.42"),
    set_id=InstanceId("1.2.250.1.999.1.2.42"),
    version="1",
    templates=(
        InstanceId("2.16.840.1.113883.2.8.2.1"),
        InstanceId("1.2.250.1.213.1.1.1.1"),
        InstanceId("1.2.250.1.213.1.1.1.29", "2022.01"),
    ),
    code=Coded("11490-0", "2.16.840.1.113883.6.1", "Lettre de liaison à la sortie"),
    title="Lettre de liaison à la sortie",
    effective_time="20260110093000+0100",
    confidentiality=Coded("N", "2.16.840.1.113883.5.25", "Normal"),
    language="fr-FR",
    patient_ids=(InstanceId(INS.oid, INS.value), InstanceId("1.2.250.1.999.5", "000003")),
    traits=TRAITS,
    authors=(DOCTOR,),
    custodian=STRUCTURE,
    legal_authenticator=DOCTOR,
    service_events=(STAY,),
    facility=Coded("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé"),
    replaced_id=None,
    body="structured",
)

NATIONAL = Authority(oid="1.2.250.1.71.4.2.1", type="ISO")
SENDER = Sender(
    person=Provider("801234564895", "THOMAS", "Eric", NATIONAL, "IDNPS"),
    organization=Organization("Organisation-Y", Authority(oid="1.2.250.1.71.4.2.2", type="ISO"), "IDNST", "1120456789"),
)
FACTS = DocumentFacts(
    traits=TRAITS,
    ipp=Identifier("000003", Authority("CHU-X", "1.2.250.1.999.5", "ISO"), "PI"),
    flags=Flags(masque_ps=False, invisible_patient=False, invisible_rep_legaux=False, dest_dmp=True),
    patient_class="I",
    sender=SENDER,
)
CONFIG = DmpConfig(
    base_url="https://dmp.invalid/si-dmp-server/v2/services",
    lps_oid="1.2.250.1.999.9",
    lps_name="dmp-connector",
    source_id="1.2.250.1.999.9.1",
    environment="test",
)
CONTENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<ClinicalDocument xmlns="urn:hl7-org:v3"><!-- kept --><title>x</title></ClinicalDocument>\n'
)
IDS = FeedIds("2.25.1001", "2.25.1002", datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
FEED = Feed(HEADER, CONTENT, FACTS, IDS)
