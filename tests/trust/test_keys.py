"""Key pairs: each way to be wrong is named, one at a time."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.trust.errors import KeyMaterialError
from connector.trust.keys import (
    KeyPair,
    check_auth_certificate,
    check_sign_certificate,
    load_pem,
    load_pkcs12,
    structure_of,
)
from tests.trust.material import NOW, STRUCTURE, Wish, pair, rsa_key, write_pem

AUTH = Wish(sign=False, client=True)


def sign_rules(wish: Wish, structure: str = STRUCTURE) -> list[str]:
    return [finding.rule for finding in check_sign_certificate(pair(wish), structure, NOW)]


def auth_rules(wish: Wish, structure: str = STRUCTURE) -> list[str]:
    return [finding.rule for finding in check_auth_certificate(pair(wish), structure, NOW)]


def test_good_pairs() -> None:
    assert sign_rules(Wish()) == []
    assert auth_rules(AUTH) == []


def test_each_in_the_place_of_the_other_is_named() -> None:
    assert sign_rules(AUTH) == ["TRUST-SIGN-USAGE"]
    assert auth_rules(Wish()) == ["TRUST-AUTH-USAGE"]


@pytest.mark.parametrize(
    ("change", "rule", "field"),
    [
        ({"sign": False}, "TRUST-SIGN-USAGE", "certificate.keyUsage"),
        ({"key_usage": False}, "TRUST-SIGN-USAGE", "certificate.keyUsage"),
        ({"end": NOW - timedelta(days=1)}, "TRUST-EXPIRED", "certificate.notAfter"),
        ({"start": NOW + timedelta(days=1)}, "TRUST-NOT-YET-VALID", "certificate.notBefore"),
        ({"ou": "1120459876"}, "TRUST-STRUCTURE", "certificate.subject.OU"),
        ({"ou": None}, "TRUST-STRUCTURE", "certificate.subject.OU"),
        ({"key_name": "short", "bits": 1024}, "TRUST-RSA-SIZE", "key"),
    ],
)
def test_one_mutation_one_finding(change: dict[str, object], rule: str, field: str) -> None:
    (finding,) = check_sign_certificate(pair(dataclasses.replace(Wish(), **change)), STRUCTURE, NOW)  # type: ignore[arg-type]
    assert (finding.rule, finding.field, finding.severity) == (rule, field, "error")
    assert finding.found
    assert finding.expected
    assert finding.text.endswith(".")


def test_the_wrong_signature_certificate_carries_the_servers_code() -> None:
    (finding,) = check_sign_certificate(pair(AUTH), STRUCTURE, NOW)
    assert finding.code == "DMPInvalidCertificate"
    assert finding.found == "digitalSignature"


@pytest.mark.parametrize("change", [{"end": NOW - timedelta(days=1)}, {"ou": "x"}])
def test_authentication_pairs_are_checked_alike(change: dict[str, object]) -> None:
    assert len(auth_rules(dataclasses.replace(AUTH, **change))) == 1  # type: ignore[arg-type]


def test_a_key_of_another_certificate() -> None:
    mixed = KeyPair(rsa_key("stranger"), pair().certificate)
    assert [f.rule for f in check_sign_certificate(mixed, STRUCTURE, NOW)] == ["TRUST-KEY-MISMATCH"]


def test_several_problems_are_all_said() -> None:
    wish = Wish(sign=False, ou="x", end=NOW - timedelta(days=1))
    assert sign_rules(wish) == ["TRUST-EXPIRED", "TRUST-STRUCTURE", "TRUST-SIGN-USAGE"]


def test_the_structure_check_can_be_left_to_the_caller() -> None:
    assert sign_rules(Wish(ou="other"), structure="") == []
    assert structure_of(pair().certificate) == STRUCTURE
    assert structure_of(pair(Wish(ou=None)).certificate) == ""


def test_pem_round_trip(tmp_path: Path) -> None:
    cert, key, ca = write_pem(tmp_path, pair())
    cert.write_bytes(cert.read_bytes() + ca.read_bytes())
    loaded = load_pem(cert, key)
    assert loaded.certificate == pair().certificate
    assert loaded.chain == pair().chain
    assert loaded.key.private_numbers() == pair().key.private_numbers()


def test_pem_with_a_password(tmp_path: Path) -> None:
    cert, key, _ = write_pem(tmp_path, pair())
    encrypted = pair().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    key.write_bytes(encrypted)
    assert load_pem(cert, key, "secret").certificate == pair().certificate
    for wrong in (None, "other"):
        with pytest.raises(KeyMaterialError) as caught:
            load_pem(cert, key, wrong)
        assert caught.value.context["field"] == "leaf.pem, leaf.key"
        assert "other" not in str(caught.value)


def test_pkcs12_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "sign.p12"
    material = pair()
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"x", material.key, material.certificate, list(material.chain), BestAvailableEncryption(b"secret")
        )
    )
    loaded = load_pkcs12(file, "secret")
    assert loaded.certificate == material.certificate
    assert loaded.chain == material.chain
    for wrong in (None, "other"):
        with pytest.raises(KeyMaterialError):
            load_pkcs12(file, wrong)


def test_a_pkcs12_without_certificate(tmp_path: Path) -> None:
    file = tmp_path / "sign.p12"
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"x", pair().key, None, None, NoEncryption()))
    with pytest.raises(KeyMaterialError) as caught:
        load_pkcs12(file)
    assert caught.value.context["found"] == "none"


def test_a_key_that_is_not_rsa(tmp_path: Path) -> None:
    cert, key, _ = write_pem(tmp_path, pair())
    curve = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyMaterialError) as caught:
        load_pem(cert, key)
    assert caught.value.context["expected"] == "RSA key"


def test_absent_files(tmp_path: Path) -> None:
    with pytest.raises(KeyMaterialError):
        load_pem(tmp_path / "a.pem", tmp_path / "a.key")
    with pytest.raises(KeyMaterialError):
        load_pkcs12(tmp_path / "a.p12")


@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=200))
def test_garbage_is_refused(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "garbage"
    for prefix in (b"", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x82"):
        file.write_bytes(prefix + content)
        with pytest.raises(KeyMaterialError):
            load_pem(file, file)
        with pytest.raises(KeyMaterialError):
            load_pkcs12(file)


def test_a_pair_shows_no_key() -> None:
    assert repr(pair()) == "KeyPair(serial=1234567890abcdef, until=2027-11-21)"
