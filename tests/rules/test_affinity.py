"""The code file of an affinity domain: read as a setting, and what it refuses (ihe-rules D-42)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.base.errors import CodecError, SettingsError
from connector.dmp.domain import DomainConfig
from connector.dmp.submission_rules import rule_settings
from connector.rules.affinity import read_codes
from connector.xds.model import Code
from tests.rules.client import draft

CODES = b"""<?xml version="1.0" encoding="UTF-8"?>
<Codes>
  <!-- the lists of a region -->
  <CodeType name="classCode" classScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a">
    <Code code="10" codingScheme="1.2.250.1.213.1.1.4.1" display="Compte rendu"/>
    <Code code="31" codingScheme="1.2.250.1.213.1.1.4.1" display="Imagerie"/>
  </CodeType>
  <CodeType name="mimeType"><Code code="text/xml"/></CodeType>
</Codes>
"""
REGION = DomainConfig(source_id="1.2.250.1.999.9.1", registry="https://xds.invalid/registry")


def test_lists_by_attribute() -> None:
    lists = read_codes(CODES)
    assert set(lists) == {"classCode", "mimeType"}
    assert ("31", "1.2.250.1.213.1.1.4.1", "Imagerie") in lists["classCode"]


@pytest.mark.parametrize("content", [b"", b"<Codes/>", b"<Codes><CodeType/></Codes>", b"not xml"])
def test_what_is_no_code_file_is_said(content: bytes) -> None:
    with pytest.raises(CodecError):
        read_codes(content)


def test_the_setting_is_read_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "codes.xml"
    path.write_bytes(CODES)
    assert REGION.code_lists() is None
    assert replace(REGION, codes=path).code_lists() == read_codes(CODES)
    path.write_bytes(b"<Codes/>")
    for wrong in (path, tmp_path / "absent.xml"):
        with pytest.raises(SettingsError) as refused:
            replace(REGION, codes=wrong).code_lists()
        assert refused.value.context["name"] == "domains.codes"


def test_codes_out_of_the_lists_are_refused_and_unlisted_attributes_are_free() -> None:
    settings = rule_settings(REGION.client_config(), read_codes(CODES))
    made = draft("ihe")
    made.settings = settings
    assert made.judge() == ()
    made.doc(class_code=Code("99", "1.2.250.1.213.1.1.4.1", "Autre"))
    assert [(found.rule, found.found) for found in made.judge()] == [("D-42", "99^^1.2.250.1.213.1.1.4.1")]
    pdf = draft("ihe")
    pdf.settings = settings
    pdf.doc(mime_type="application/pdf")
    assert [found.rule for found in pdf.judge()] == ["D-26"]
