"""The ITI-9 query: the same bytes from hl7apy and from our writer, whatever the values."""

from __future__ import annotations

import pytest
from hl7apy.base_datatypes import ST
from hl7apy.core import Field, SubComponent
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.hl7.er7 import parse
from connector.pix.config import PixConfig
from connector.pix.model import Domain
from connector.pix.v2_query import V2Query, build_query, compose, cx
from tests.pix.kit import INS_DOMAIN, LOCAL, NOW, v2_config

TEXT = st.text(st.sampled_from("Aé0-. |^~&@'"), min_size=1, max_size=12).filter(lambda text: text == text.strip())
DOMAINS = st.builds(Domain, TEXT, TEXT, st.sampled_from(["ISO", "N"]))


def asked(value: str = "000003", domain: Domain = LOCAL, *wanted: Domain) -> V2Query:
    return V2Query(value, domain, wanted or (INS_DOMAIN,), "c1", "t1", NOW)


def by_hl7apy(query: V2Query, config: PixConfig) -> bytes:
    """hl7apy's own escaping of each leaf, through the CX of PID-3 where it knows the type."""

    def leaf(value: str) -> str:
        return str(SubComponent(datatype="ST", version="2.5", value=ST(value)).to_er7()) if value else ""

    def field(value: str, domain: Domain) -> str:
        pid = Field("PID_3", version="2.5")
        if value:
            pid.cx_1 = leaf(value)
        for number, part in enumerate((domain.namespace, domain.oid, domain.type), start=1):
            if part:
                setattr(pid.cx_4, f"hd_{number}", leaf(part))
        return str(pid.to_er7())

    parties = [config.sending_application, config.sending_facility]
    parties += [config.receiving_application, config.receiving_facility]
    text = compose(
        [leaf(p) for p in parties],
        "20261121213000+0100",
        leaf(query.control_id),
        config.processing_id,
        leaf(query.tag),
        field(query.value, query.domain),
        [field("", domain) for domain in query.wanted],
    )
    return text.encode() + b"\r"


def test_query_on_the_wire() -> None:
    config = v2_config(sending_facility="CHU-X^000897406^N", receiving_facility="MPI", processing_id="T")
    assert build_query(asked(), config) == (
        b"MSH|^~\\&|CONNECTOR|CHU-X^000897406^N|PIX|MPI|20261121213000+0100||QBP^Q23^QBP_Q21|c1|T|2.5||||||"
        b"UNICODE UTF-8\r"
        b"QPD|IHE PIX Query|t1|000003^^^CHU-X&000897406&N|^^^&1.2.250.1.213.1.4.10&ISO\rRCP|I\r"
    )


@pytest.mark.parametrize(
    "query",
    [
        asked(),
        asked("279035121518989", INS_DOMAIN, LOCAL),
        asked("a|b^c~d&e", Domain("C&H|U", "1.2", "ISO"), INS_DOMAIN, LOCAL, Domain("É^A")),
        asked("@tag@@wanted@", Domain("@identifier@"), INS_DOMAIN),
    ],
)
def test_same_bytes_as_hl7apy(query: V2Query) -> None:
    config = v2_config(sending_application="CON|NECTOR", sending_facility="ÉTAB&1")
    assert build_query(query, config) == by_hl7apy(query, config)


@settings(max_examples=30, deadline=None)
@given(value=TEXT, domain=DOMAINS, wanted=st.lists(DOMAINS, min_size=1, max_size=3), tag=TEXT, app=TEXT)
def test_same_bytes_as_hl7apy_for_any_value(
    value: str, domain: Domain, wanted: list[Domain], tag: str, app: str
) -> None:
    config = v2_config(sending_application=app.replace("^", "-"))
    query = V2Query(value, domain, tuple(wanted), "c1", tag, NOW)
    assert build_query(query, config) == by_hl7apy(query, config)


@given(st.text(min_size=1, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_what_is_written_is_read_back(value: str, namespace: str, oid: str) -> None:
    value, namespace, oid = (text.encode("utf-8", "replace").decode().strip() for text in (value, namespace, oid))
    qpd = parse(build_query(asked(value, Domain(namespace, oid, "ISO")), v2_config())).first("QPD")
    assert qpd is not None
    assert (qpd.get(3), qpd.get(3, 1, 4, 1), qpd.get(3, 1, 4, 2)) == (value, namespace, oid)


def test_no_wanted_domain_asks_for_all() -> None:
    query = V2Query("1", LOCAL, (), "c", "t", NOW)
    assert b"|1^^^CHU-X&000897406&N\rRCP|I\r" in build_query(query, v2_config())


@pytest.mark.parametrize(
    ("domain", "written"),
    [(LOCAL, "CHU-X&000897406&N"), (INS_DOMAIN, "&1.2.250.1.213.1.4.10&ISO"), (Domain("CHU-X"), "CHU-X")],
)
def test_authority_is_written_as_given(domain: Domain, written: str) -> None:
    assert cx("1", domain) == f"1^^^{written}"
    assert cx("", domain) == f"^^^{written}"
