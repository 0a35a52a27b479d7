"""Who feeds: which legal entity, under which structure, as whom; one fact of the message or the document at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.base.errors import SettingsError
from connector.base.resources import resource_dir
from connector.cda.model import CdaHeader, CdaOrganization, Coded, InstanceId
from connector.dmp.structures import StructurePolicy
from connector.flows.config import CallerConfig, IntakeConfig
from connector.flows.document_check import read_request
from connector.flows.feeders import Feeder, Feeders, UnknownEntity, UnknownRole
from connector.flows.french import in_french
from connector.hl7.er7 import parse
from connector.hl7.model import DocumentRequest, Organization
from connector.hl7.volet import read_document
from connector.trust.config import EntityConfig
from connector.trust.roles import (
    CARE_ROLE,
    OTHER_PROFESSION,
    PHARMACIST_SECTION,
    PRODUCER,
    PROFESSION,
    SKILL,
    SOCIAL_PROFESSION,
    TRAINING,
)
from tests.dmp.samples import CONFIG as TARGET
from tests.dmp.samples import HEADER

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
TODAY = date(2026, 11, 21)
HOSPITAL, CLINIC, SITE = "1120456789", "1120459876", "300017985"
COMPOUND = "1.2.250.1.213.1.1.4.5"
ERIC = "801234564895"


@pytest.fixture(scope="module")
def asked() -> DocumentRequest:
    raw = (resource_dir("samples") / "mdm-t02-lettre-de-liaison.er7").read_bytes()
    return read_document(parse(raw), environment="test", today=TODAY)


def sent_by(request: DocumentRequest, structure: str | None, person: str | None = ERIC) -> DocumentRequest:
    """`request` with other PRT-8.10 and PRT-5.1; None leaves out the field."""
    sender = request.sender
    assert sender is not None
    assert sender.person is not None
    return replace(
        request,
        sender=replace(
            sender,
            person=replace(sender.person, id=person) if person is not None else None,
            organization=Organization("", type="FINEG", id=structure) if structure is not None else None,
        ),
    )


def signed_by(structure: str, code: Coded | None = None) -> CdaHeader:
    """The good letter whose legal authenticator belongs to `structure`; `code` is the author's and the signer's."""
    signer = HEADER.legal_authenticator
    assert signer is not None
    signer = replace(signer, organization=CdaOrganization(InstanceId("1.2.250.1.71.4.2.2", structure), "Y"))
    if code is not None:
        signer = replace(signer, code=code)
    return replace(HEADER, authors=(signer,), legal_authenticator=signer)


def feeder(name: str = "", structure: str = HOSPITAL, *aliases: str, **config: Any) -> Feeder[str]:
    return Feeder(name, structure, f"client of {structure}", CallerConfig(**config), TARGET, aliases)


def two(**config: Any) -> Feeders[str]:
    return Feeders(feeder(**config), [feeder("clinic", CLINIC, SITE)])


# -- the legal entity ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("structure", [HOSPITAL, CLINIC, "1999999999", None])
def test_one_entity_feeds_whatever_the_message_says(asked: DocumentRequest, structure: str | None) -> None:
    assert Feeders(feeder()).choose(sent_by(asked, structure), HEADER).structure == HOSPITAL


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        (HOSPITAL, ""),
        ("120456789", ""),
        (CLINIC, "clinic"),
        ("120459876", "clinic"),
        (f"{SITE}\u00a0\u00a0", "clinic"),
        (f"1{SITE}", "clinic"),
    ],
)
def test_the_entity_of_the_sender_or_of_the_signer(asked: DocumentRequest, stated: str, name: str) -> None:
    by_sender, by_signer = two(), two(entity_from="legal-authenticator")
    assert by_sender.choose(sent_by(asked, stated), signed_by("1999999999")).name == name
    assert by_signer.choose(sent_by(asked, "1999999999"), signed_by(stated)).name == name


@pytest.mark.parametrize("stated", ["1999999999", "", None])
@pytest.mark.parametrize("where", ["sender", "legal-authenticator"])
def test_an_organisation_of_nobody_is_held_or_fed_by_the_main_entity(
    asked: DocumentRequest, stated: str | None, where: str
) -> None:
    header = signed_by(stated) if stated is not None else replace(HEADER, legal_authenticator=None)
    request = sent_by(asked, stated)
    with pytest.raises(UnknownEntity) as refused:
        two(entity_from=where).choose(request, header)
    context = refused.value.context
    assert (context["found"], context["expected"]) == (stated or "absent", f"{HOSPITAL}, {CLINIC}")
    assert (stated or "absente") in in_french(refused.value)
    assert context["field"] in in_french(refused.value)
    assert two(entity_from=where, unknown_entity="default").choose(request, header).name == ""


def test_without_the_rule_of_the_prefix_a_bare_finess_is_nobody(asked: DocumentRequest) -> None:
    strict = two(bare_finess="as-is")
    with pytest.raises(UnknownEntity):
        strict.choose(sent_by(asked, "120456789"), HEADER)
    assert strict.choose(sent_by(asked, HOSPITAL), HEADER).name == ""


def test_an_entity_speaks_with_its_own_sector_and_name() -> None:
    config = CallerConfig(sector="SA01", internal_id="main", software_name="engine")
    clinic = config.of_entity(EntityConfig("clinic", CLINIC, sector="SA04", name_id="structure", internal_id="c1"))
    assert (clinic.sector, clinic.name_id, clinic.internal_id) == ("SA04", "structure", "c1")
    assert config.of_entity(EntityConfig("clinic", CLINIC)) == config


# -- the caller ----------------------------------------------------------------------------------------------------


def test_the_caller_of_a_named_sender(asked: DocumentRequest) -> None:
    caller = feeder().caller(sent_by(asked, SITE), HEADER, NOW)
    assert (caller.name_id, caller.structure_id, caller.mode) == (ERIC, SITE, "INDIRECTE")
    assert [role.code for role in caller.roles] == ["AUTOMATE"]
    assert caller.authn_instant == NOW
    assert not caller.secret


@pytest.mark.parametrize(
    ("config", "person", "name_id"),
    [
        ({}, ERIC, ERIC),
        ({}, "10000023084", "810000023084"),
        ({}, "", f"{HOSPITAL}/connector"),
        ({}, None, f"{HOSPITAL}/connector"),
        ({"name_id": "structure", "internal_id": "pfi"}, ERIC, f"{HOSPITAL}/pfi"),
    ],
)
def test_the_name_id(asked: DocumentRequest, config: dict[str, Any], person: str | None, name_id: str) -> None:
    # the software's own id keeps our structure even when the message names another one
    assert feeder(**config).caller(sent_by(asked, SITE, person), HEADER, NOW).name_id == name_id


@pytest.mark.parametrize(("asked_for", "minors"), [(True, True), (True, False), (False, True), (None, True)])
def test_a_secret_connection_follows_the_message_and_the_site(
    asked: DocumentRequest, asked_for: bool | None, minors: bool
) -> None:
    hidden = replace(asked.flags, connexion_secrete=asked_for, invisible_rep_legaux=True)
    minor = replace(feeder(), target=replace(TARGET, minors=minors))
    found = minor.caller(replace(asked, flags=hidden), HEADER, NOW).secret
    assert found is (asked_for is True and minors)


# -- the role ------------------------------------------------------------------------------------------------------

DOCUMENT_ROLES = [
    (Coded("G15_10/SM26", COMPOUND), [("10", PROFESSION), ("SM26", SKILL)]),
    (Coded("G15_21/H", COMPOUND), [("21", PROFESSION), ("H", PHARMACIST_SECTION)]),
    (Coded("G15_60", COMPOUND), [("60", PROFESSION)]),
    (Coded("G15_40/SCD01", COMPOUND), [("40", PROFESSION)]),
    (Coded("G16_10", COMPOUND), [("10", TRAINING)]),
    (Coded("310", CARE_ROLE), [("99", OTHER_PROFESSION), ("310", CARE_ROLE)]),
    (Coded("41", SOCIAL_PROFESSION), [("41", SOCIAL_PROFESSION)]),
    (Coded("SECRETARIAT_MEDICAL", PRODUCER), [("SECRETARIAT_MEDICAL", PRODUCER)]),
]


@pytest.mark.parametrize(("code", "roles"), DOCUMENT_ROLES, ids=[code.code for code, _ in DOCUMENT_ROLES])
def test_the_role_of_who_signed_the_document(asked: DocumentRequest, code: Coded, roles: list[tuple[str, str]]) -> None:
    professional, request, header = feeder(role="professional"), sent_by(asked, HOSPITAL), signed_by(HOSPITAL, code)
    found = professional.caller(request, header, NOW).roles
    assert [(role.code, role.system) for role in found] == roles
    assert professional.remark(request, header) == ""


AUTOMATE = [("AUTOMATE", PRODUCER)]
UNKNOWN_ROLES = [
    ("a doctor without savoir-faire", Coded("G15_10", COMPOUND), ERIC, "seconde valeur"),
    ("a pharmacist without section", Coded("G15_21", COMPOUND), ERIC, "seconde valeur"),
    ("a savoir-faire nobody knows", Coded("G15_10/XX", COMPOUND), ERIC, "code du rôle"),
    ("a code of another system", Coded("10", "1.2.3"), ERIC, "code du rôle"),
    ("somebody else signed", None, "801234567897", "ni dans la table"),
    ("nobody", None, None, "pas une personne"),
    ("a person without id", None, "", "pas une personne"),
]


@pytest.mark.parametrize(
    ("code", "person", "why"), [row[1:] for row in UNKNOWN_ROLES], ids=[row[0] for row in UNKNOWN_ROLES]
)
def test_a_role_that_cannot_be_told_is_not_guessed(
    asked: DocumentRequest, code: Coded | None, person: str | None, why: str
) -> None:
    request, header = sent_by(asked, HOSPITAL, person), signed_by(HOSPITAL, code)
    professional = feeder(role="professional")
    assert [(role.code, role.system) for role in professional.caller(request, header, NOW).roles] == AUTOMATE
    remark = professional.remark(request, header)
    assert remark.startswith("Envoyé comme automate")
    assert why in remark
    with pytest.raises(UnknownRole) as held:
        feeder(role="professional", unknown_role="hold").caller(request, header, NOW)
    assert why in in_french(held.value)
    assert "automate" not in in_french(held.value)
    assert feeder(role="automate", unknown_role="hold").remark(request, header) == ""


@pytest.mark.parametrize(
    ("known", "person"), [(ERIC, ERIC), ("810000023084", "10000023084"), ("10000023084", "810000023084")]
)
def test_the_table_of_the_site_goes_before_the_document(asked: DocumentRequest, known: str, person: str) -> None:
    professional = feeder(role="professional", professionals={known: ("21", "H")})
    found = professional.caller(sent_by(asked, HOSPITAL, person), signed_by(HOSPITAL), NOW).roles
    assert [role.code for role in found] == ["21", "H"]


@pytest.mark.parametrize(("codes", "allowed"), [(("10",), SKILL), (("99",), CARE_ROLE), ((), "1 or 2 values")])
def test_a_wrong_table_is_refused_by_name(codes: tuple[str, ...], allowed: str) -> None:
    with pytest.raises(SettingsError) as refused:
        CallerConfig(professionals={ERIC: codes})
    assert refused.value.context["name"] == f"caller.professionals.{ERIC}"
    assert allowed in refused.value.context["allowed"]


# -- the official messages -----------------------------------------------------------------------------------------

MDM = "Trans_Doc-CDA-HL7V2/MDM"
ORU = "Trans_Doc-CDA-HL7V2/ORU"
S12 = f"{MDM}/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1_Base64.er7"
S8 = f"{MDM}/Remplacement-MDM/message_MDM_CR_Radio_RPLC_N1.er7"
S15 = f"{ORU}/Transmission-initiale-ORU/message_ORU_CR_Bio_INIT_N3_SEGUR.hl7"
S13 = f"{ORU}/Remplacement-ORU/message_ORU_CR_Bio_RPLC_N3_SEGUR.hl7"


@pytest.mark.parametrize(
    ("message", "structure", "policy", "blocked"),
    [
        (S12, HOSPITAL, "certificate", False),
        (S8, HOSPITAL, "certificate", False),
        (S15, CLINIC, "certificate", False),
        (S13, CLINIC, "certificate", False),
        (S15, CLINIC, "message", False),
        (S12, HOSPITAL, "message", True),
        (S8, HOSPITAL, "message", True),
        (S15, HOSPITAL, "certificate", True),
    ],
)
def test_official_messages_and_the_author_rule(
    official_data: Path, message: str, structure: str, policy: StructurePolicy, blocked: bool
) -> None:
    raw = (official_data / "ans-messages" / message).read_bytes()
    read = read_request(raw, IntakeConfig(environment="test"), today=TODAY)
    sending = replace(feeder("", structure), target=replace(TARGET, structure_policy=policy))
    caller = sending.caller(read.request, read.headers[0], NOW)
    found = sending.check(caller, read.headers[0])
    assert [f.rule for f in found if f.blocking] == (["EX_2.1-1140"] if blocked else [])
    assert {f.code for f in found if f.blocking} <= {"901"}
    silent = replace(sending, target=replace(TARGET, assertion=False))
    assert silent.check(caller, read.headers[0]) == ()


def test_two_official_senders_have_each_their_entity(official_data: Path) -> None:
    hospital, laboratory = feeder("", HOSPITAL, SITE), feeder("labo", CLINIC)
    feeders = Feeders(hospital, [laboratory])
    for message, name in ((S12, ""), (S8, ""), (S15, "labo"), (S13, "labo")):
        raw = (official_data / "ans-messages" / message).read_bytes()
        read = read_request(raw, IntakeConfig(environment="test"), today=TODAY)
        chosen = feeders.choose(read.request, read.headers[0])
        assert chosen.name == name
        caller = chosen.caller(read.request, read.headers[0], NOW)
        assert not any(f.blocking for f in chosen.check(caller, read.headers[0]))
