"""A hospital's PDF on its way to the DMP: what keeps it from being PDF/A-1 is on its timeline, or refuses it."""

from __future__ import annotations

import base64
import re

import pytest

from connector.flows.letters import Source
from tests.e2e.conftest import MakeSite
from tests.e2e.letters import desk_of, fresh_cda
from tests.render.test_pdfa import GOOD


def carrying(pdf: bytes) -> tuple[bytes, str]:
    """(CDA, uniqueId) of a letter that carries this PDF."""
    packed = base64.b64encode(pdf)
    return fresh_cda(lambda cda: re.sub(rb'(representation="B64">)[^<]*', rb"\g<1>" + packed, cda))


@pytest.mark.parametrize(
    ("gate", "pdf", "state", "findings"),
    [
        ({}, GOOD, "done", set()),
        ({}, GOOD + b"<script>alert(1)</script>", "done", {("PDFA-05", "warning")}),
        ({"pdf": "refuse"}, GOOD + b"<script>alert(1)</script>", "refused", {("PDFA-05", "error")}),
    ],
    ids=["good", "told", "refused"],
)
def test_the_pdf_of_a_letter_is_judged_on_its_way(
    make_site: MakeSite, gate: dict[str, str], pdf: bytes, state: str, findings: set[tuple[str, str]]
) -> None:
    site = make_site(gate=gate)
    site.sample("adt-a01-admission.er7")
    cda, unique_id = carrying(pdf)
    with desk_of(site) as desk:
        assert desk.submit(Source(cda=cda)).verdict == "accepted"
    assert site.wait_delivery(unique_id).state == state
    (line,) = [line for line in site.lines(document_id=unique_id) if line.event == "contrôle du CDA"]
    told = {(one["rule"], one["severity"]) for one in line.data["findings"] if one["rule"].startswith("PDFA")}
    assert "PDF/A-1" in line.text
    assert told == findings
