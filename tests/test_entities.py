"""Several legal entities in the settings: each key pair checked by name, no structure that means two of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.assembly import check_installation
from connector.base.clock import utc_now
from connector.base.errors import SettingsError
from connector.settings import Settings, parse_settings
from connector.simulator.pki import MAIN_STRUCTURE, OTHER_STRUCTURE, PairFiles, Pki
from connector.trust.keys import structure_of
from tests.test_settings import installed

Table = dict[str, Any]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("pki"), utc_now())


def laboratory(pki: Pki, sign: PairFiles | None = None, auth: PairFiles | None = None) -> Table:
    signing, client = sign or pki.sign_other, auth or pki.auth_other
    return {
        "name": "labo",
        "structure": OTHER_STRUCTURE,
        "sign_certificate": str(signing.certificate),
        "sign_key": str(signing.key),
        "auth_certificate": str(client.certificate),
        "auth_key": str(client.key),
    }


def settings_of(pki: Pki, folder: Path, *entities: Table, **keys: Any) -> Settings:
    table = installed(pki, folder)
    table["keys"] |= keys
    table["entities"] = list(entities)
    return parse_settings(table, folder)


def test_the_keys_of_every_entity_are_loaded_and_named(pki: Pki, tmp_path: Path) -> None:
    installation = check_installation(settings_of(pki, tmp_path, laboratory(pki)), utc_now)
    assert {name: structure_of(pair.certificate) for name, pair in installation.certificates().items()} == {
        "SIGN": MAIN_STRUCTURE,
        "AUTH_CLI": MAIN_STRUCTURE,
        "SIGN labo": OTHER_STRUCTURE,
        "AUTH_CLI labo": OTHER_STRUCTURE,
    }


@pytest.mark.parametrize(
    ("wrong", "name", "words"),
    [
        (lambda p: {"sign": p.sign}, "entities.labo.sign", MAIN_STRUCTURE),
        (lambda p: {"auth": p.auth}, "entities.labo.auth", MAIN_STRUCTURE),
        (lambda p: {"sign": p.auth_other}, "entities.labo.sign", "nonRepudiation"),
        (lambda p: {"auth": p.sign_other}, "entities.labo.auth", "clientAuth"),
        (lambda p: {"auth": PairFiles(p.auth_other.certificate, p.auth.key)}, "entities.labo.auth", "clé privée"),
    ],
)
def test_a_wrong_pair_of_an_entity_is_refused_by_name(
    pki: Pki, tmp_path: Path, wrong: Callable[[Pki], dict[str, PairFiles]], name: str, words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        check_installation(settings_of(pki, tmp_path, laboratory(pki, **wrong(pki))), utc_now)
    assert refused.value.context["name"] == name
    assert words in f"{refused.value} {refused.value.context}"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sign_key": "nowhere.pem"}, "entities.labo.sign_key"),
        ({"ca_file": "nowhere.pem"}, "entities.labo.ca_file"),
        ({"auth_key": None}, "entities.labo.auth"),
        ({"password_env": "CONNECTOR_TEST_NO_SUCH"}, "entities.labo.password_env"),
    ],
)
def test_what_is_missing_of_an_entity_is_named(pki: Pki, tmp_path: Path, change: Table, name: str) -> None:
    entity = {key: value for key, value in (laboratory(pki) | change).items() if value is not None}
    with pytest.raises(SettingsError) as refused:
        check_installation(settings_of(pki, tmp_path, entity), utc_now)
    assert refused.value.context["name"] == name


@pytest.mark.parametrize(
    ("change", "keys", "name", "found"),
    [
        ({"structure": MAIN_STRUCTURE}, {}, "entities.labo.structure", MAIN_STRUCTURE),
        ({"aliases": ["120456789"]}, {}, "entities.labo.structure", MAIN_STRUCTURE),
        ({"aliases": ["300017985"]}, {"aliases": ["1300017985"]}, "entities.labo.structure", "1300017985"),
        ({"name": ""}, {}, "entities.name", ""),
        ({"name": "le labo"}, {}, "entities.name", "le labo"),
    ],
)
def test_what_would_mean_two_entities_or_none_is_refused(
    pki: Pki, tmp_path: Path, change: Table, keys: Table, name: str, found: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(pki, tmp_path, laboratory(pki) | change, **keys)
    assert (refused.value.context["name"], refused.value.context["found"]) == (name, found)


def test_two_entities_of_one_name_are_refused(pki: Pki, tmp_path: Path) -> None:
    again = laboratory(pki) | {"structure": "1999999999"}
    with pytest.raises(SettingsError) as refused:
        settings_of(pki, tmp_path, laboratory(pki), again)
    assert refused.value.context["name"] == "entities.labo.name"
