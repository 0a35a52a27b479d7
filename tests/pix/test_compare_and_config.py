"""The comparison with the message's INS, and the settings of the identity server."""

from __future__ import annotations

import pytest

from connector.base.errors import SettingsError
from connector.ins.model import OID_NIA, OID_NIR, MatriculeIns
from connector.pix.client import open_client
from connector.pix.compare import Match, compare_ins
from connector.pix.config import PixConfig
from connector.pix.model import Case, CrossReference, Domain, PixAnswer
from tests.pix.kit import INS, INS_OID, LOCAL, v2_config, v3_config

MESSAGE = MatriculeIns(INS, INS_OID)
OTHER = "277076322082910"


def known(*identifiers: tuple[str, str]) -> PixAnswer:
    return PixAnswer(Case.FOUND, tuple(CrossReference(oid, "", value) for oid, value in identifiers))


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (known((INS_OID, INS)), Match.EQUAL),
        (known((INS_OID, INS), ("1.2.3", "000004")), Match.EQUAL),
        (known((INS_OID, OTHER)), Match.DIFFERS),
        (known((INS_OID, INS), (INS_OID, OTHER)), Match.DIFFERS),
        (known((OID_NIR, INS)), Match.DIFFERS),
        (known((INS_OID, INS), (OID_NIA, OTHER)), Match.DIFFERS),
        (known(("1.2.3", INS)), Match.ABSENT),
        (known(), Match.ABSENT),
        (PixAnswer(Case.UNKNOWN_ID), Match.ABSENT),
    ],
)
def test_comparison(answer: PixAnswer, match: Match) -> None:
    assert compare_ins(answer, MESSAGE) is match


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"protocol": "v4"}, "pix.protocol"),
        ({"protocol": "v2", "port": 2575}, "pix.host"),
        ({"protocol": "v2", "host": "mpi", "port": 70000}, "pix.port"),
        ({"protocol": "v3", "url": "mllp://mpi"}, "pix.url"),
        ({"protocol": "v3", "url": "https://mpi/", "sender_oid": "x"}, "pix.sender_oid"),
        ({"protocol": "v3", "url": "https://mpi/", "sender_oid": "1.2"}, "pix.receiver_oid"),
        ({"ins_domain": "1.2.3"}, "pix.ins_domain"),
        ({"timeout": 0}, "pix.timeout"),
        ({"processing_id": "X"}, "pix.processing_id"),
    ],
)
def test_wrong_setting_is_named(changes: dict, name: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        PixConfig(**changes)
    assert wrong.value.context["name"] == name
    assert wrong.value.context["allowed"]


def test_wrong_local_oid_is_named() -> None:
    with pytest.raises(SettingsError) as wrong:
        v3_config(local_oids={"LABO": "zero"})
    assert wrong.value.context["name"] == "pix.local_oids.LABO"


def test_ins_is_asked_for_first() -> None:
    config = v2_config(extra_domains=(LOCAL,))
    assert config.wanted() == (Domain("", INS_OID, "ISO"), LOCAL)


def test_off_opens_nothing() -> None:
    assert open_client(PixConfig()) is None
