"""The world's memory, Pro Santé Connect, distinguished names, the test PKI."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from connector.base.clock import utc_now
from connector.simulator.names import certificate_rdns, written_rdns
from connector.simulator.pki import Pki
from connector.simulator.psc import USERINFO
from connector.simulator.server import Simulator
from connector.simulator.world import World
from tests.simulator.rig import DOCTOR, INS, OID, OTHER_INS, client_context

# -- world ------------------------------------------------------------------------------------------------------------


def test_world_survives_a_restart(tmp_path: Path) -> None:
    first = World(tmp_path, utc_now)
    first.set_dmp(INS, "CLOSED")
    first.authorize(OTHER_INS, DOCTOR)
    first.block(OTHER_INS, "801234567866")
    first.record_acceptance("2.25.1")
    first.record_acceptance("2.25.1")
    second = World(tmp_path, utc_now)
    assert second.patients() == first.patients()
    assert second.patient(INS).dmp == "CLOSED"  # type: ignore[union-attr]
    assert second.authorization(OTHER_INS, DOCTOR) == first.authorization(OTHER_INS, DOCTOR)
    assert second.acceptances() == {"2.25.1": 2}


def test_half_a_last_line_of_acceptances_is_not_counted(tmp_path: Path) -> None:
    World(tmp_path, utc_now).record_acceptance("2.25.1")
    with (tmp_path / "acceptances.jsonl").open("a") as file:
        file.write('{"unique_id": "2.2')
    assert World(tmp_path, utc_now).acceptances() == {"2.25.1": 1}


def test_patients_by_their_identifiers(tmp_path: Path) -> None:
    world = World(tmp_path, utc_now)
    assert world.patient_by_identifier("000897406", "000003") == world.patient(INS)
    assert world.patient_by_identifier(OID, INS) == world.patient(INS)
    assert world.patient_by_identifier("000897406", "999") is None
    with pytest.raises(KeyError):
        world.set_dmp("1", "CLOSED")


def test_values_hide_identities_in_their_repr(tmp_path: Path) -> None:
    assert INS not in repr(World(tmp_path, utc_now).patient(INS))


# -- Pro Santé Connect ------------------------------------------------------------------------------------------------


def userinfo(sim: Simulator, authorization: str, path: str = USERINFO) -> tuple[int, Any]:
    port = int(sim.urls["userinfo"].split(":")[2].split("/")[0])
    context = client_context(sim.pki, None)
    with closing(http.client.HTTPSConnection("localhost", port, context=context, timeout=10)) as made:
        made.request("GET", path, headers={"Authorization": authorization} if authorization else {})
        response = made.getresponse()
        raw = response.read()
        return response.status, json.loads(raw) if raw else None


def test_userinfo_of_a_professional(sim: Simulator) -> None:
    status, info = userinfo(sim, f"Bearer {sim.psc_token()}")
    assert status == 200
    assert info["SubjectNameID"] == DOCTOR
    (practice,) = info["SubjectRefPro"]["exercices"]
    assert (practice["codeProfession"], practice["codeSavoirFaire"]) == ("10", "SM26")
    assert (practice["nomDexercice"], practice["prenomDexercice"]) == ("THOMAS", "Eric")
    assert practice["activities"] == [
        {
            "raisonSocialeSite": "Organisation-Y",
            "ancienIdentifiantDeLaStructure": "1120456789",
            "codeSecteurDactivite": "SA01",
        }
    ]


def test_userinfo_refusals(sim: Simulator) -> None:
    over = sim.psc_token(lifetime=timedelta(seconds=-1))
    revoked = sim.psc_token()
    sim.psc.revoke(revoked)
    for authorization in ("", "Bearer x", f"Bearer {over}", f"Bearer {revoked}", f"Basic {sim.psc_token()}"):
        assert userinfo(sim, authorization)[0] == 401
    assert userinfo(sim, f"Bearer {sim.psc_token()}", "/autre")[0] == 404
    with pytest.raises(KeyError):
        sim.psc_token("inconnu")


def test_userinfo_follows_the_directory(sim: Simulator) -> None:
    professional = sim.world.professional(DOCTOR)
    assert professional is not None
    token = sim.psc_token()
    sim.world.put_professional(replace(professional, structures=()))
    assert userinfo(sim, f"Bearer {token}")[1]["SubjectRefPro"]["exercices"][0]["activities"] == []


# -- names ------------------------------------------------------------------------------------------------------------

NAME = x509.Name.from_rfc4514_string("CN=a\\,b+OU=x,O=É\\+,C=FR")


@pytest.mark.parametrize(
    "text",
    [
        "CN=a\\,b+OU=x,O=É\\+,C=FR",
        "C=FR, O=É\\+, OU=x + CN=a\\2cb",
        'C=FR,O=É\\+,CN="a,b"+OU=x',
        "C=FR,O=\\C3\\89\\+,CN=a\\,b+OU=x",
        "2.5.4.6=#13024652,O=É\\+,OID.2.5.4.3=#0c03612c62+OU=x",
    ],
)
def test_same_name_in_other_writings(text: str) -> None:
    assert written_rdns(text) == certificate_rdns(NAME)


@pytest.mark.parametrize("text", ["", "CN=", "S=Paris", "CN", "CN=#zz", "CN=#0c", "CN=a,,C=FR"])
def test_not_a_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"attribute|hex"):
        written_rdns(text)


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text == text.strip()))
def test_any_value_written_by_the_library_is_read_back(value: str) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, value)])
    assert written_rdns(name.rfc4514_string()) == certificate_rdns(name)


# -- test PKI ---------------------------------------------------------------------------------------------------------


def test_certificates_have_the_shapes_of_the_igc(tmp_path: Path) -> None:
    pki = Pki.create(tmp_path, datetime.now(UTC))
    sign, auth = pki.sign.load_certificate(), pki.auth.load_certificate()
    expected = ((sign, True, ExtendedKeyUsageOID.EMAIL_PROTECTION), (auth, False, ExtendedKeyUsageOID.CLIENT_AUTH))
    for certificate, repudiation, extended in expected:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature
        assert usage.content_commitment is repudiation
        assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [extended]
        assert certificate.subject.rfc4514_string() == (
            "CN=connecteur,OU=1120456789,O=Organisation-Y,ST=Paris (75),C=FR"
        )
        certificate.verify_directly_issued_by(pki.pair("ca").load_certificate())


def test_certificates_are_kept_then_renewed_near_expiry(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    first = Pki.create(tmp_path, now).sign.certificate.read_bytes()
    assert Pki.create(tmp_path, now + timedelta(days=60)).sign.certificate.read_bytes() == first
    late = Pki.create(tmp_path, now + timedelta(days=85))
    assert late.sign.certificate.read_bytes() != first
    late.sign.load_certificate().verify_directly_issued_by(late.pair("ca").load_certificate())


def test_a_new_authority_voids_everything(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki = Pki.create(tmp_path, now)
    first = pki.sign.certificate.read_bytes()
    renewed = Pki.create(tmp_path, now + timedelta(days=400))
    assert renewed.sign.certificate.read_bytes() != first
    renewed.sign.load_certificate().verify_directly_issued_by(renewed.pair("ca").load_certificate())


def test_expired_pair_is_expired(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert Pki.create(tmp_path, now).sign_expired.load_certificate().not_valid_after_utc < now


def test_pkcs12(tmp_path: Path) -> None:
    pki = Pki.create(tmp_path, datetime.now(UTC))
    key, certificate, chain = pkcs12.load_key_and_certificates(pki.pkcs12("auth", "secret").read_bytes(), b"secret")
    assert key is not None
    assert certificate == pki.auth.load_certificate()
    assert chain == [pki.pair("ca").load_certificate()]
    with pytest.raises(KeyError):
        pki.pair("autre")
