"""A domain as a setting: its addresses, its trust, and what it turns into for the client."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.dmp.domain import DomainConfig
from connector.xds.transactions import ITI_18, ITI_41, ITI_43, ITI_57

REGION = DomainConfig(
    source_id="1.2.250.1.999.9.1",
    registry="https://xds.invalid/registry",
    repository="https://xds.invalid/repository",
    urls={"ITI-57": "https://xds.invalid/update"},
)


def test_each_transaction_has_its_actor_s_address_or_its_own() -> None:
    config = REGION.client_config()
    assert [config.endpoint(row).rpartition("/")[2] for row in (ITI_18, ITI_41, ITI_43, ITI_57)] == [
        "registry",
        "repository",
        "repository",
        "update",
    ]


def test_an_ihe_domain_wants_neither_assertion_nor_signature_but_the_hash() -> None:
    config = REGION.client_config()
    assert (config.asserts, config.signs, config.sends_hash) == (False, False, True)
    told = replace(REGION, assertion=True, signature=True, send_hash=False).client_config()
    assert (told.asserts, told.signs, told.sends_hash) == (True, True, False)


def test_a_missing_actor_is_a_setting_to_mend() -> None:
    with pytest.raises(SettingsError):
        replace(REGION, repository="").client_config().endpoint(ITI_41)


def test_timeouts_keep_the_others() -> None:
    config = replace(REGION, timeouts={"ITI-18": 5.0}).client_config()
    assert (config.timeout("ITI-18"), config.timeout("ITI-41")) == (5.0, 200.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("registry", "http://xds.invalid/registry"),
        ("registry", "ftp://xds.invalid"),
        ("repository", "xds.invalid/repository"),
        ("urls", {"ITI-42": "https://xds.invalid"}),
        ("urls", {"ITI-57": "http://xds.invalid"}),
        ("timeouts", {"TD2.1": 5.0}),
        ("source_id", ""),
        ("source_id", "CHU-X"),
        ("repository_id", "01.2"),
        ("patient_domain", "CHU-X"),
        ("certificate", Path("client.pem")),
    ],
)
def test_a_wrong_domain_is_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as refused:
        replace(REGION, **{name: value})  # type: ignore[arg-type]
    assert refused.value.context["name"].startswith("domains.")


def test_plain_http_only_when_told() -> None:
    assert replace(REGION, registry="http://127.0.0.1:9091/iti18", insecure=True).registry.startswith("http:")


def test_the_servers_are_always_authenticated() -> None:
    context = REGION.tls()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("change", [{"ca_file": Path("no-such.pem")}, {"password_env": "NO_SUCH_VARIABLE_OF_OURS"}])
def test_files_and_passwords_that_are_not_there_are_named(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as refused:
        replace(REGION, **change).tls()  # type: ignore[arg-type]
    assert refused.value.context["name"].startswith("domains.")
