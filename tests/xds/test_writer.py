"""Writing: round trip of any value, schema order, nothing empty on the wire."""

from __future__ import annotations

from hypothesis import given, settings
from lxml import etree

from connector.base.ns import RIM, q
from connector.base.xmlsafe import parse_xml
from connector.xds import ebrim
from connector.xds.model import Submission
from tests.xds.samples import ENTRY
from tests.xds.strategies import SUBMISSIONS

ORDER = ["Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier"]


def written(submission: Submission) -> etree._Element:
    root = etree.Element("root", nsmap={"rim": RIM})
    ebrim.add_submission(root, submission)
    return parse_xml(etree.tostring(root))[0]


@settings(max_examples=60)
@given(SUBMISSIONS)
def test_what_is_written_reads_back_the_same(submission: Submission) -> None:
    read = ebrim.read_objects(written(submission))
    assert read.submission_sets == [submission.submission_set]
    assert tuple(read.entries) == submission.entries
    assert tuple(read.associations) == submission.associations


@settings(max_examples=30)
@given(SUBMISSIONS)
def test_children_follow_the_schema_and_ids_are_unique(submission: Submission) -> None:
    listing = written(submission)
    for node in listing:
        ranks = [ORDER.index(etree.QName(child).localname) for child in node]
        assert ranks == sorted(ranks)
    made = [node.get("id") for tag in ("Classification", "ExternalIdentifier") for node in listing.iter(q(RIM, tag))]
    assert len(made) == len(set(made))
    assert all(value.text for value in listing.iter(q(RIM, "Value")))


def test_every_classification_and_identifier_names_its_owner() -> None:
    root = etree.Element("root", nsmap={"rim": RIM})
    ebrim.add_entry(root, ENTRY, iter(range(100)))
    owners = {node.get("classifiedObject") for node in root.iter(q(RIM, "Classification"))}
    owners |= {node.get("registryObject") for node in root.iter(q(RIM, "ExternalIdentifier"))}
    assert owners == {ENTRY.entry_uuid}
