"""One message of the volet from a CDA: what goes in is what the reader of messages gets out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.base.resources import resource_dir
from connector.cda.header import read_header
from connector.cda.model import InstanceId
from connector.flows.letters.wrapping import TO_DMP, Wrapping, wrap
from connector.hl7.er7 import parse, parse_header, segment_names
from connector.hl7.model import (
    Action,
    Authority,
    DocumentRequest,
    Flags,
    Identifier,
    Organization,
    Provider,
    Sender,
    Stay,
)
from connector.hl7.structure import check_header, check_segments
from connector.hl7.volet import VoletRefusal, read_document

CDA = (resource_dir("samples") / "lettre-de-liaison-niveau-1.xml").read_bytes()
HEADER = read_header(CDA)
HERE = Authority("CHU-X", "000897406", "N")
FACTS = Wrapping(
    application="CONNECTOR",
    facility="LETTERS",
    sender=Sender(None, Organization("Organisation-Y", id="1120456789")),
    stay=Stay("I", Identifier("000897406", HERE, "VN"), None, "UF6268", "", "20240306110000", "20240310100000"),
    ipp=Identifier("000003", HERE, "PI"),
    environment="test",
)


def read(message: bytes) -> DocumentRequest:
    return read_document(parse(message), environment="test", today=date(2026, 1, 1))


def test_what_is_wrapped_is_read_back() -> None:
    message = wrap(CDA, HEADER, FACTS)
    request = read(message)
    assert check_header(parse_header(message)) is None
    assert check_segments(parse_header(message), segment_names(message)) is None
    assert (request.action, request.volet) == ("create", "2.1")
    assert [part.content for part in request.documents] == [CDA]
    assert (request.documents[0].type_code, request.documents[0].type_system) == ("11490-0", "LN")
    assert request.documents[0].result_status == "F"
    assert request.traits == HEADER.traits
    assert request.qualification.qualified
    assert request.qualification.ins == HEADER.ins()
    assert {i.value for i in request.identifiers} == {"279035121518989", "000003"}
    assert request.ipp() == FACTS.ipp
    assert request.stay == replace(FACTS.stay, visit=Identifier("000897406", HERE, "VN"))
    assert request.sender == Sender(
        None,
        Organization("Organisation-Y", Authority("ASIP-SANTE-ST", "1.2.250.1.71.4.2.2", "ISO"), "IDNST", "1120456789"),
    )
    assert request.recipients == ()
    assert (request.document_id, request.replaced_id) == (HEADER.id.root, "")
    assert request.findings == ()


def test_every_switch_is_said_and_only_the_dmp_is_asked_for() -> None:
    flags = read(wrap(CDA, HEADER, FACTS)).flags
    said = {name: getattr(flags, name) for name in Flags.__slots__}
    assert said == {name: name == "dest_dmp" for name in Flags.__slots__}


@pytest.mark.parametrize("name", ["masque_ps", "invisible_patient", "invisible_rep_legaux", "connexion_secrete"])
def test_a_switch_asked_for_is_said(name: str) -> None:
    flags = replace(TO_DMP, **{name: True})
    assert getattr(read(wrap(CDA, HEADER, replace(FACTS, flags=flags))).flags, name) is True


def test_a_person_who_asks_is_named() -> None:
    person = Provider("801234564895", "THOMAS", "Eric")
    request = read(wrap(CDA, HEADER, replace(FACTS, sender=Sender(person, FACTS.sender.organization))))
    assert request.sender is not None
    assert request.sender.person is not None
    assert (request.sender.person.id, request.sender.person.family) == ("801234564895", "THOMAS")
    assert request.sender.person.authority.oid == "1.2.250.1.71.4.2.1"


ACTIONS: dict[Action, tuple[str, str]] = {"create": ("T02", "F"), "replace": ("T10", "C"), "delete": ("T04", "D")}


@pytest.mark.parametrize("action", ACTIONS)
def test_event_order_and_status_say_the_same_action(action: Action) -> None:
    replacing = replace(HEADER, replaced_id=InstanceId("2.25.7", "A1"))
    message = wrap(CDA, replacing, FACTS, action=action)
    request = read(message)
    assert request.action == action
    assert (parse_header(message).event, request.documents[0].result_status) == ACTIONS[action]
    assert request.replaced_id == ("2.25.7^A1" if action == "replace" else "")


def test_a_cda_that_names_a_document_replaces_it() -> None:
    assert read(wrap(CDA, replace(HEADER, replaced_id=InstanceId("2.25.7")), FACTS)).action == "replace"


def test_an_identifier_with_extension_is_written_in_its_two_parts() -> None:
    request = read(wrap(CDA, replace(HEADER, id=InstanceId("1.2.250.1.999.1", "LDL^7")), FACTS))
    assert request.document_id == "1.2.250.1.999.1^LDL^7"


def test_signs_of_hl7_in_names_do_not_break_the_message() -> None:
    traits = replace(HEADER.traits, birth_name="D'A|B^C&D~E\\F", used_name="X|Y", used_given="Z")
    request = read(wrap(CDA, replace(HEADER, traits=traits), FACTS))
    assert (request.traits.birth_name, request.traits.used_name) == ("D'A|B^C&D~E\\F", "X|Y")


def test_a_number_under_an_oid_the_document_does_not_know_is_left_out() -> None:
    stranger = Identifier("000009", Authority("", "1.2.250.1.999.8", "ISO"), "PI")
    values = {i.value for i in read(wrap(CDA, HEADER, replace(FACTS, ipp=stranger))).identifiers}
    assert values == {"279035121518989", "000003"}


def test_a_document_without_ins_is_refused_by_the_same_rule_as_any_message() -> None:
    local = tuple(i for i in HEADER.patient_ids if i.extension == "000003")
    with pytest.raises(VoletRefusal) as refused:
        read(wrap(CDA, replace(HEADER, patient_ids=local), FACTS))
    assert refused.value.errors[0].app_code == "903"


def test_the_same_letter_is_the_same_message() -> None:
    first, again = wrap(CDA, HEADER, FACTS), wrap(CDA, HEADER, FACTS)
    assert first == again
    assert parse_header(first).time == "20240310103000+0100"
    assert parse_header(first).control_id != parse_header(wrap(CDA, HEADER, FACTS, action="delete")).control_id


GOLDEN = """\
MSH|^~\\&|CONNECTOR|LETTERS|CONNECTOR|LETTERS|20240310103000+0100||MDM^T02^MDM_T02|{control_id}|T|2.6|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2
EVN||20240310103000+0100
PID|1||000003^^^CHU-X&000897406&N^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS~000003^^^&1.2.250.1.71.4.2.2.120456789.1&ISO^PI||PAT-TROIS^DOMINIQUE^DOMINIQUE^^^^L||19790328|F|||^^^^^^BDL^^63220|||||||||||||||||||||VALI
PV1|1|I|UF6268||||||||||||||||000897406^^^CHU-X&000897406&N^VN|||||||||||||||||||||||||20240306110000|20240310100000
ORC|NW
OBR|1|||11490-0^Lettre de liaison à la sortie d'un établissement de soins^LN
TXA|1|11490-0|TEXT|20240310103000+0100||||||||2.25.17621244634172226217788555701406288794|||||AU
PRT||UC||SB^Send by^participation||||Organisation-Y^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789
OBX|2|CWE|MASQUE_PS^Masqué aux professionnels de Santé^MetaDMPMSS||N^^expandedYes-NoIndicator||||||F
"""  # noqa: E501


def test_the_message_of_the_sample_letter_is_written_to_the_character() -> None:
    message = wrap(CDA, HEADER, FACTS)
    lines = [line for line in message.decode().split("\r") if not line.startswith("OBX|1|")]
    control_id = parse_header(message).control_id
    assert lines[:9] == GOLDEN.format(control_id=control_id).splitlines()
    assert len(control_id) == 20


_NAME = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf")), min_size=1)


@given(name=_NAME, given_name=_NAME, title=st.binary(max_size=200))
def test_whatever_the_names_and_the_bytes_they_come_back(name: str, given_name: str, title: bytes) -> None:
    assume('""' not in (name, given_name))
    traits = replace(HEADER.traits, birth_name=name, first_given=given_name)
    request = read(wrap(title or b"x", replace(HEADER, traits=traits), FACTS))
    assert (request.traits.birth_name, request.traits.first_given) == (name, given_name)
    assert request.documents[0].content == (title or b"x")
