"""Settings: the files we ship load, a wrong one is refused by name, wrong keys keep the connector from starting."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from connector.assembly import check_installation
from connector.base.clock import utc_now
from connector.base.errors import SettingsError
from connector.base.resources import resource_dir
from connector.cli.main import app
from connector.ins.model import OID_NIR_TEST
from connector.settings import Settings, load_settings, parse_settings
from connector.simulator.pki import PairFiles, Pki

FILES = ("demo", "test-platform", "production")
PRODUCTION = resource_dir("conf") / "production.toml"
Table = dict[str, Any]


def table_of(name: str = "demo") -> Table:
    return tomllib.loads((resource_dir("conf") / f"{name}.toml").read_text(encoding="utf-8"))


# -- the files we ship ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_file_loads(name: str) -> None:
    settings = load_settings(resource_dir("conf") / f"{name}.toml")
    assert settings.journal.path.is_absolute()


@pytest.mark.parametrize("name", FILES)
def test_every_setting_of_a_shipped_file_says_what_it_does(name: str) -> None:
    for line in (resource_dir("conf") / f"{name}.toml").read_text(encoding="utf-8").splitlines():
        if re.match(r"[\w-]+ = ", line):
            assert re.search(r" # \S", line), line


def test_production_takes_no_test_identity_and_waits_long_enough() -> None:
    settings = load_settings(PRODUCTION)
    assert (settings.dmp.environment, settings.intake.environment) == ("production", "production")
    assert settings.gate.environment == "production"
    assert settings.publication.unknown_grace == 300
    assert settings.publication.unknown_grace > settings.dmp.timeout("TD2.1")
    assert OID_NIR_TEST not in PRODUCTION.read_text(encoding="utf-8")
    assert settings.log.format == "json"
    assert settings.consultation.trigger == "off"


NOT_WRITTEN = {"journal": {"audit_key", "folder"}, "gate": {"environment"}}


def test_production_names_every_setting_there_is() -> None:
    told = uncommented(PRODUCTION.read_text(encoding="utf-8"))
    hints = get_type_hints(Settings)
    for section in fields(Settings):
        kind, written = hints[section.name], told[section.name]
        if get_origin(kind) is tuple:
            # a list of tables: one example shows them all
            kind, written = get_args(kind)[0], written[0]
        elif get_origin(kind) is Mapping:
            # sections under a name of the reader's choice: likewise
            kind, written = get_args(kind)[1], next(iter(written.values()))
        known = {item.name for item in fields(kind)} - NOT_WRITTEN.get(section.name, set())
        assert set(written) == known, section.name


def test_the_commented_settings_of_production_are_good_ones() -> None:
    table = uncommented(PRODUCTION.read_text(encoding="utf-8"))
    settings = parse_settings(table, PRODUCTION.parent)
    assert settings.keys.sign_pkcs12 == PRODUCTION.parent / "keys" / "sign.p12"
    assert settings.engine.backoffs["zam"].first.total_seconds() == 30
    assert settings.engine.destinations["zam"].rate == 20
    assert settings.domains["region"].ca_file == PRODUCTION.parent / "keys" / "region-ca.pem"


def uncommented(text: str) -> Table:
    return tomllib.loads(re.sub(r"(?m)^# (?=\w+ = |\[)", "", text))


# -- what is wrong is named ----------------------------------------------------------------------------------------


def put(section: str, name: str, value: Any) -> Callable[[Table], None]:
    return lambda table: table.setdefault(section, {}).update({name: value})


def drop(section: str, name: str = "") -> Callable[[Table], None]:
    return lambda table: table[section].pop(name) if name else table.pop(section)


WRONG = [
    ("unknown section", lambda t: t.update(dpm={}), "dpm", "dpm", "dmp"),
    ("unknown name", put("dmp", "base-ulr", "x"), "dmp.base-ulr", "base-ulr", "base_url"),
    ("the file's own folder", put("journal", "folder", "x"), "journal.folder", "folder", "store"),
    ("no such store", put("journal", "store", "mysql://x"), "journal.store", "mysql://x", "postgresql://"),
    ("said by dmp.environment", put("gate", "environment", "test"), "gate.environment", "environment", "kit"),
    ("unknown nested name", put("engine", "backoff", {"fist": 1}), "engine.backoff.fist", "fist", "first"),
    ("unknown name of a kind", put("engine", "backoffs", {"zam": {"x": 1}}), "engine.backoffs.zam.x", "x", "first"),
    (
        "unknown name of a destination",
        put("engine", "destinations", {"dmp": {"x": 1}}),
        "engine.destinations.dmp.x",
        "x",
        "rate",
    ),
    (
        "a destination out of range",
        put("engine", "destinations", {"dmp": {"burst": 0}}),
        "engine.destinations.*.burst",
        "0",
        "1 or more",
    ),
    ("unknown name in a list", put("zam", "destinations", [{"hst": ""}]), "zam.destinations.hst", "hst", "host"),
    ("unknown name of a domain", put("domains", "r", {"x": 1}), "domains.r.x", "x", "registry"),
    ("a domain without source", put("domains", "r", {}), "domains.r.source_id", "nothing", "required"),
    (
        "a domain in clear",
        put("domains", "r", {"source_id": "1.2", "registry": "http://x"}),
        "domains.r.registry",
        "http",
        "insecure",
    ),
    ("the DMP among the domains", put("domains", "dmp", {"source_id": "1.2"}), "domains.dmp", "a section", "[dmp]"),
    ("wrong type", put("listener", "port", "MLLP"), "listener.port", "MLLP", "integer"),
    ("wrong type of section", lambda t: t.update(log="json"), "log", "json", "section"),
    ("wrong choice", put("log", "level", "loud"), "log.level", "loud", "'debug', 'info', 'warning' or 'error'"),
    (
        "wrong consent",
        put("publication", "consent_unknown", "yes"),
        "publication.consent_unknown",
        "yes",
        "feed",
    ),
    ("wrong choice, identity", put("identity", "no-cross-reference", "x"), "identity.no_cross_reference", "x", "hold"),
    ("wrong choice, signature", put("dmp", "signature_algorithm", "md5"), "dmp.signature_algorithm", "md5", "sha256"),
    ("wrong VIHF version", put("vihf", "version", "2.0"), "vihf.version", "2.0", "3.0"),
    ("wrong OID", put("dmp", "lps_oid", "me"), "dmp.lps_oid", "me", "an OID"),
    ("missing section", drop("keys"), "keys", "nothing", "required"),
    ("missing setting", drop("dmp", "base_url"), "dmp.base_url", "nothing", "required"),
    ("missing for the protocol", drop("pix", "host"), "pix.host", "", "a host name"),
    ("two environments", put("intake", "environment", "production"), "intake.environment", "production", "test"),
    ("budget below one message", put("listener", "total_byte_budget", 1), "total_byte_budget", "1", "at least"),
]


@pytest.mark.parametrize(
    ("change", "name", "found", "allowed"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_setting_says_its_name_what_was_found_and_what_is_allowed(
    change: Callable[[Table], None], name: str, found: str, allowed: str
) -> None:
    table = table_of()
    change(table)
    with pytest.raises(SettingsError) as refused:
        parse_settings(table, Path())
    context = refused.value.context
    assert (context["name"], context["found"]) == (name, found)
    assert allowed in str(context["allowed"])


def test_a_test_domain_is_refused_in_production() -> None:
    table = table_of("production")
    table["pix"]["ins_domain"] = OID_NIR_TEST
    with pytest.raises(SettingsError) as refused:
        parse_settings(table, Path())
    assert refused.value.context["name"] == "pix.ins_domain"


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = parse_settings(table_of(), tmp_path)
    assert settings.journal.path == tmp_path / ".." / ".demo" / "connector.sqlite"
    assert settings.journal.url.dialect == "sqlite"
    assert settings.keys.sign_key == tmp_path / ".." / ".demo" / "simulator" / "pki" / "sign.key.pem"


@pytest.mark.parametrize("content", [b"[journal\n", b"\xff\xfe", None])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "connector.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load_settings(path)
    assert refused.value.context["name"] == str(path)
    assert refused.value.context["found"]


# -- what must be on the machine -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("pki"), utc_now())


def installed(pki: Pki, folder: Path, *, sign: PairFiles | None = None, auth: PairFiles | None = None) -> Table:
    table = table_of()
    signing, client = sign or pki.sign, auth or pki.auth
    table["keys"] |= {
        "ca_file": str(pki.ca),
        "sign_certificate": str(signing.certificate),
        "sign_key": str(signing.key),
        "auth_certificate": str(client.certificate),
        "auth_key": str(client.key),
    }
    table["psc"]["ca_file"] = str(pki.ca)
    table["journal"]["store"] = f"sqlite:///{folder / 'journal.sqlite'}"
    return table


def refusal(table: Table, folder: Path) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        check_installation(parse_settings(table, folder), utc_now)
    return refused.value


def test_a_good_installation_is_accepted(pki: Pki, tmp_path: Path) -> None:
    installation = check_installation(parse_settings(installed(pki, tmp_path), tmp_path), utc_now)
    assert list(installation.certificates()) == ["SIGN", "AUTH_CLI"]
    assert installation.main.sign.certificate != installation.main.auth.certificate


PATHS = [
    ("journal", "store", "sqlite:///nowhere/journal.sqlite"),
    ("keys", "ca_file", "nowhere.pem"),
    ("keys", "sign_certificate", "nowhere.pem"),
    ("keys", "auth_key", "nowhere.pem"),
    ("listener", "tls_cert", "nowhere.pem"),
    ("psc", "ca_file", "nowhere.pem"),
]


@pytest.mark.parametrize(("section", "name", "value"), PATHS)
def test_a_path_that_leads_nowhere_is_named(pki: Pki, tmp_path: Path, section: str, name: str, value: str) -> None:
    table = installed(pki, tmp_path)
    table[section][name] = value
    error = refusal(table, tmp_path)
    assert error.context["name"] == f"{section}.{name}"
    assert "nowhere" in error.context["found"]
    assert "existing" in error.context["allowed"]


WRONG_KEYS: dict[str, tuple[Callable[[Pki], dict[str, PairFiles]], str, str]] = {
    "SIGN without nonRepudiation": (lambda p: {"sign": p.auth}, "keys.sign", "nonRepudiation"),
    "AUTH_CLI without clientAuth": (lambda p: {"auth": p.sign}, "keys.auth", "clientAuth"),
    "SIGN expired": (lambda p: {"sign": p.sign_expired}, "keys.sign", "notAfter"),
    "AUTH_CLI expired": (lambda p: {"auth": p.auth_expired}, "keys.auth", "notAfter"),
    "SIGN of another structure": (lambda p: {"sign": p.sign_other}, "keys.sign", "1120459876"),
    "AUTH_CLI of another structure": (lambda p: {"auth": p.auth_other}, "keys.auth", "1120459876"),
    "SIGN with another key": (lambda p: {"sign": PairFiles(p.sign.certificate, p.auth.key)}, "keys.sign", "clé privée"),
    "AUTH_CLI with another key": (
        lambda p: {"auth": PairFiles(p.auth.certificate, p.sign.key)},
        "keys.auth",
        "clé privée",
    ),
    "SIGN file that is no certificate": (
        lambda p: {"sign": PairFiles(p.sign.key, p.sign.key)},
        "keys.sign",
        "sign.key.pem",
    ),
}


@pytest.mark.parametrize("case", WRONG_KEYS)
def test_run_refuses_wrong_keys_at_start_by_name(pki: Pki, tmp_path: Path, case: str) -> None:
    pairs, name, words = WRONG_KEYS[case]
    error = refusal(installed(pki, tmp_path, **pairs(pki)), tmp_path)
    assert error.context["name"] == name
    assert words in f"{error} {error.context}"
    assert not (tmp_path / "journal.sqlite").exists()


def test_pkcs12_and_its_password_from_the_environment(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = installed(pki, tmp_path)
    table["keys"] = {
        "structure": "1120456789",
        "ca_file": str(pki.ca),
        "sign_pkcs12": str(pki.pkcs12("sign", "secret")),
        "auth_pkcs12": str(pki.pkcs12("auth", "secret")),
        "password_env": "CONNECTOR_TEST_PASSWORD",
    }
    assert refusal(table, tmp_path).context["name"] == "keys.password_env"
    monkeypatch.setenv("CONNECTOR_TEST_PASSWORD", "wrong")
    assert refusal(table, tmp_path).context["name"] == "keys.sign"
    monkeypatch.setenv("CONNECTOR_TEST_PASSWORD", "secret")
    installation = check_installation(parse_settings(table, tmp_path), utc_now)
    assert installation.main.sign.certificate == pki.sign.load_certificate()


def test_encrypted_pem_keys_want_their_password(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = {}
    for name, pair in (("sign", pki.sign), ("auth", pki.auth)):
        locked = tmp_path / f"{name}.key.pem"
        secret = serialization.BestAvailableEncryption(b"secret")
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        locked.write_bytes(pair.load_key().private_bytes(pem, pkcs8, secret))
        pairs[name] = PairFiles(pair.certificate, locked)
    table = installed(pki, tmp_path, **pairs)
    assert refusal(table, tmp_path).context["name"] == "keys.sign"
    monkeypatch.setenv("CONNECTOR_TEST_PASSWORD", "secret")
    table["keys"]["password_env"] = "CONNECTOR_TEST_PASSWORD"
    check_installation(parse_settings(table, tmp_path), utc_now)


def test_no_key_pair_at_all_is_named(pki: Pki, tmp_path: Path) -> None:
    table = installed(pki, tmp_path)
    del table["keys"]["sign_key"]
    assert refusal(table, tmp_path).context["name"] == "keys.sign"


def test_run_check_says_when_all_is_good(pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "connector.toml"
    path.write_text(to_toml(installed(pki, tmp_path)), encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "-c", str(path), "--check"])
    assert result.exit_code == 0, result.output
    assert "good" in result.output


def to_toml(table: Table) -> str:
    """TOML of two levels of texts, numbers, booleans and lists, as this suite needs it."""
    lines: list[str] = []
    for section, values in table.items():
        if section == "zam":
            continue
        lines.append(f"[{section}]")
        for name, value in values.items():
            text = str(value).lower() if isinstance(value, bool) else repr(value)
            lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"
