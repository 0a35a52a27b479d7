"""Where a secret may come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.base.credentials import secret


def test_the_environment_first_then_the_credential_file(tmp_path: Path) -> None:
    (tmp_path / "PASSWORD").write_text("from the file\n", encoding="utf-8")
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret("PASSWORD", given) == "from the file"
    assert secret("PASSWORD", {**given, "PASSWORD": "from the environment"}) == "from the environment"


@pytest.mark.parametrize("name", ["ABSENT", "", "../PASSWORD", "/etc/hostname"])
def test_no_other_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "PASSWORD").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    assert secret(name, {"CREDENTIALS_DIRECTORY": str(tmp_path / "folder")}) is None
    assert secret(name, {}) is None
