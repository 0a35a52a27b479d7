"""Rules of the project about itself."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.conftest import ROOT

LONGEST = 500
# written in pieces, so that this file does not hold what it forbids
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.$}])/(?:work|tmp|root|home)/[\w.]"),
    "a package registry": re.compile(
        r"(?:pypi|pythonhosted|npmjs|crates)\.(?:org|io|com)" + "|files" + r"\.pythonhosted"
    ),
    "a private key": re.compile("-----BEGIN " + r"(?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----"),
}
TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".lock", ".er7", ".xml", ".txt", ".cfg", ".json", ""}


def tracked() -> list[str]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.fail("these rules are read from a git checkout")
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_no_source_file_is_too_long_to_read() -> None:
    sizes = {name: text_of(name).count("\n") for name in tracked() if name.endswith(".py")}
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}


def test_what_is_forbidden_is_recognised() -> None:
    assert FORBIDDEN["a path of one machine"].search("see " + "/" + "tmp/x")
    assert not FORBIDDEN["a path of one machine"].search("connector/" + "tmp/x")
    assert FORBIDDEN["a package registry"].search("https://pypi" + ".org/simple")
    assert FORBIDDEN["a private key"].search("-----BEGIN " + "PRIVATE KEY-----")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    found = []
    for name in tracked():
        if (ROOT / name).suffix in TEXTS:
            text = (ROOT / name).read_bytes().decode("utf-8", "replace")
            found += [f"{name}:{text[: hit.start()].count(chr(10)) + 1}" for hit in FORBIDDEN[what].finditer(text)]
    assert found == []


def test_the_two_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z]+)", text_of("README.md")))
    assert {"demo", "test"} <= told
    assert told <= targets


def test_the_changelog_speaks_of_this_version() -> None:
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    newest = re.search(r"^## ([\w.]+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version


def test_every_sample_is_explained() -> None:
    samples = {name.removeprefix("samples/") for name in tracked() if name.startswith("samples/")} - {"README.md"}
    explained = set(re.findall(r"^\| `([^`]+)` \|", text_of("samples/README.md"), re.MULTILINE))
    assert explained == samples
