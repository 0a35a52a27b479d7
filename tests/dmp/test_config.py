"""Settings of a DMP: addresses, choices, timeouts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.base.errors import SettingsError
from connector.base.resources import resource_dir
from connector.dmp.transactions import TRANSACTIONS
from tests.dmp.samples import CONFIG


def test_an_address_is_the_base_and_a_segment_unless_given_whole() -> None:
    assert CONFIG.url("registry") == "https://dmp.invalid/si-dmp-server/v2/services/registry"
    domain = replace(CONFIG, urls={"registry": "https://xds.invalid/reg"})
    assert domain.url("registry") == "https://xds.invalid/reg"
    assert domain.url("repository").endswith("/repository")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile", "pure"),
        ("environment", "preprod"),
        ("signature_algorithm", "md5"),
        ("structure_policy", "guess"),
        ("lps_oid", "01.2"),
        ("source_id", ""),
        ("patient_domain", "CHU-X"),
        ("size_cap", 0),
        ("majority_age", 0),
        ("adult_representatives", "ask"),
        ("receive_cap", -1),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as refused:
        replace(CONFIG, **{name: value})  # type: ignore[arg-type]
    assert refused.value.context["name"] == f"dmp.{name}"


def test_an_unknown_service_is_a_setting_to_mend() -> None:
    with pytest.raises(SettingsError):
        CONFIG.url("nowhere")


def test_timeouts_are_per_transaction() -> None:
    assert CONFIG.timeout("TD0.2") == 6.0
    assert replace(CONFIG, timeouts={"TD0.2": 1.0}).timeout("TD0.2") == 1.0
    assert replace(CONFIG, timeouts={}).timeout("TD3.1") == 600.0


def test_the_hash_is_sent_by_default_in_the_ihe_profile_only() -> None:
    assert not CONFIG.sends_hash
    assert replace(CONFIG, profile="ihe").sends_hash
    assert replace(CONFIG, send_hash=True).sends_hash


def test_every_row_has_its_contract_and_address() -> None:
    for row in TRANSACTIONS:
        assert row.action in (resource_dir("wsdl") / row.wsdl).read_text(encoding="utf-8")
        assert CONFIG.url(row.service)
    assert len({row.id for row in TRANSACTIONS}) == len(TRANSACTIONS)


def test_the_assertion_and_the_signature_follow_the_profile_unless_told() -> None:
    ihe = replace(CONFIG, profile="ihe")
    assert (CONFIG.asserts, CONFIG.signs, ihe.asserts, ihe.signs) == (True, True, False, False)
    told = replace(ihe, assertion=True, signature=True)
    assert (told.asserts, told.signs) == (True, True)


def test_a_transaction_may_have_its_own_address() -> None:
    config = replace(CONFIG, urls={"registry": "https://xds.invalid/reg", "ITI-57": "https://xds.invalid/57"})
    found = {row.id: config.endpoint(row) for row in TRANSACTIONS}
    assert found["TD3.1"] == found["TD3.1b"] == "https://xds.invalid/reg"
    assert found["TD3.3c"] == "https://xds.invalid/57"
    assert found["TD2.1"].endswith("/services/repository")
