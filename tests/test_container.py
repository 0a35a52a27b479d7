"""The Containerfile, read as a builder would: what it copies exists, what it starts is ours, it is not root."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from importlib import import_module

from connector.settings import load_settings
from tests.conftest import ROOT


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) with continued lines joined and comments left out."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", kept)
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def rest_of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def copied() -> list[str]:
    """Sources taken from the checkout."""
    found = []
    for rest in rest_of("COPY"):
        words = shlex.split(rest)
        if not any(word.startswith("--from=") for word in words):
            found += words[:-1]
    return found


def test_it_has_the_shape_of_an_image() -> None:
    names = [name for name, _ in instructions()]
    assert names[:2] == ["ARG", "FROM"]
    known = "ARG FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD"
    assert set(names) <= set(known.split())


def test_what_it_copies_exists_and_is_let_through() -> None:
    sources = copied()
    assert {"connector", "requirements.lock"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert let_through == set(sources)


def test_the_wheel_finds_all_it_includes() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    included = {*wheel["wheel"]["packages"], *wheel["wheel"]["force-include"]}
    assert included <= set(copied())


def test_the_entry_point_is_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (entry,) = rest_of("ENTRYPOINT")
    folder, _, script = json.loads(entry)[0].rpartition("/bin/")
    module, _, function = project["scripts"][script].partition(":")
    assert callable(getattr(import_module(module), function))
    assert f"--from=build {folder} {folder}" in rest_of("COPY")
    (command,) = rest_of("CMD")
    assert json.loads(command)[0] == "run"


def test_it_is_not_root_and_every_package_comes_by_its_hash() -> None:
    (user,) = rest_of("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")
    installs = [part for run in rest_of("RUN") for part in run.split("&&") if "pip install" in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_its_python_is_one_the_project_runs_on() -> None:
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    (base,) = rest_of("ARG")
    version = re.search(r"python:(\d+)\.(\d+)-slim-\w+$", base)
    lowest = re.search(r">=(\d+)\.(\d+)", requires)
    assert version is not None
    assert lowest is not None
    assert tuple(map(int, version.groups())) >= tuple(map(int, lowest.groups()))


def test_its_health_check_asks_the_port_of_the_production_settings() -> None:
    port = load_settings(ROOT / "conf" / "production.toml").api.port
    (check,) = rest_of("HEALTHCHECK")
    assert f"127.0.0.1:{port}/health" in check
    assert str(port) in rest_of("EXPOSE")[0].split()
