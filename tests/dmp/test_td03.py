"""TD0.3: authorisation added or withdrawn, status that is not DMPOk."""

from __future__ import annotations

import pytest
from lxml import etree

from connector.base.errors import CodecError, ServerError, ServerRefusal
from connector.base.xmlsafe import parse_xml
from connector.dmp import td03
from connector.dmp.td03 import Action, StatusAnswer

NAMESPACE = "urn:si-dmp-habilitations"
ANSWER = (
    f'<h:setAuthorizationResponse xmlns:h="{NAMESPACE}"><h:output><h:status>DMPOk</h:status>'
    "<h:context>rien à faire</h:context></h:output></h:setAuthorizationResponse>"
)


@pytest.mark.parametrize("action", ["AJOUT", "SUPPRESSION"])
def test_the_request_byte_for_byte(action: Action) -> None:
    expected = f'<setAuthorization xmlns="{NAMESPACE}"><action>{action}</action></setAuthorization>'
    assert etree.tostring(td03.build(action)).decode() == expected


def test_the_role_of_treating_doctor() -> None:
    body = etree.tostring(td03.build("AJOUT", medecin_traitant=True)).decode()
    assert body.endswith("<action>AJOUT</action><role>MEDECIN_TRAITANT</role></setAuthorization>")


@pytest.mark.parametrize(
    "xml", [ANSWER, ANSWER.replace("h:status", "status").replace("h:context", "context").replace("h:output", "output")]
)
def test_success_with_or_without_namespace(xml: str) -> None:
    assert td03.parse(parse_xml(xml.encode())) == StatusAnswer("DMPOk", "rien à faire")


def test_another_status_is_a_refusal_in_the_servers_words() -> None:
    with pytest.raises(ServerRefusal) as refused:
        td03.parse(parse_xml(ANSWER.replace("DMPOk", "DMPUnheardOf").encode()))
    assert refused.value.errors == (ServerError("DMPUnheardOf", "rien à faire", channel="status"),)


@pytest.mark.parametrize(
    ("xml", "field"),
    [
        ("<other/>", "soap:Body/*"),
        (ANSWER.replace("DMPOk", " "), "output/status"),
        (f'<setAuthorizationResponse xmlns="{NAMESPACE}"/>', "output/status"),
    ],
)
def test_what_says_nothing_is_not_a_success(xml: str, field: str) -> None:
    with pytest.raises(CodecError) as refused:
        td03.parse(parse_xml(xml.encode()))
    assert refused.value.context["field"] == field
