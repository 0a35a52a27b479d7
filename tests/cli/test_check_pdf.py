"""`connector check x.pdf` and `connector letters check x.pdf`: the rules of PDF/A-1, and of the document's body."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_check import findings, write
from tests.e2e.letters import LETTERS
from tests.render.test_pdfa import GOOD, encrypted


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GOOD, []),
        (GOOD + b"<script>alert(1)</script>", [("PDFA-05", "warning")]),
        (b"avant" + GOOD, [("CDA-33", "error"), ("PDFA-01", "warning"), ("PDFA-06", "warning")]),
        (GOOD[: len(GOOD) // 2], [("CDA-33", "error"), ("PDFA-00", "warning")]),
    ],
    ids=["good", "something after", "something before", "half of it"],
)  # fmt: skip
def test_a_pdf_is_judged(run: Run, tmp_path: Path, content: bytes, expected: list[tuple[str, str]]) -> None:
    found = findings(run, write(tmp_path, "lettre.pdf", content))
    assert [(one["rule"], one["severity"]) for one in found] == expected


@pytest.mark.parametrize(
    ("password", "told"),
    [("secret", {("CDA-36", "error"), ("PDFA-00", "warning")}), ("", {("PDFA-04", "warning")})],
)
def test_a_pdf_that_asks_for_a_password_is_refused(
    run: Run, tmp_path: Path, password: str, told: set[tuple[str, str]]
) -> None:
    found = findings(run, write(tmp_path, "lettre.pdf", encrypted(password)))
    said = {(one["rule"], one["severity"]) for one in found}
    assert told <= said
    assert {one for one in said if one[1] == "error"} == {one for one in told if one[1] == "error"}


def test_the_pdf_of_a_letter_is_judged(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "lettre.pdf.yaml", (LETTERS / "header.yaml").read_bytes())
    letter = write(tmp_path, "lettre.pdf", GOOD + b"<script>alert(1)</script>")
    answer = run("letters", "check", letter, "--json")
    report: dict[str, Any] = answer.json()[str(letter)]
    assert answer.code == 0
    assert "PDF/A-1" in report["suites"]
    assert "PDFA-05" in [one["rule"] for one in report["findings"]]
