"""ITI-57: a change of status or of metadata out, registry response in (dmp-interface a.10, ihe-rules D.3).

A change is a submission without document: its own set says who changed what and when. Neither MTOM nor signature.
"""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import LCM, RIM, q
from connector.xds.model import HAS_MEMBER, UPDATE_STATUS, Association, DocumentEntry, Submission, SubmissionSet
from connector.xds.responses import RegistryResponse, parse_registry_response
from connector.xds.writer import add_submission

ASSOCIATION_ID = "Association01"
NEW_VERSION_ID = "Document01"


def status_change(submission_set: SubmissionSet, entry_uuid: str, original: str, new: str) -> Submission:
    """The entry `entry_uuid` goes from status `original` to `new`, both status URNs (ihe-rules D-37)."""
    slots = (("OriginalStatus", (original,)), ("NewStatus", (new,)))
    association = Association(ASSOCIATION_ID, UPDATE_STATUS, submission_set.entry_uuid, entry_uuid, slots)
    return Submission(submission_set, (), (association,))


def new_version(submission_set: SubmissionSet, entry: DocumentEntry) -> Submission:
    """`entry` as the registry gave it, its attributes changed, becomes the next version of the same document.

    `logical_id` and `version` are those of the version it replaces; the registry assigns the new ones, and the status.
    Raises CodecError when one is missing or the object is no versioned entry (ihe-rules D-64, D-65).
    """
    for name, value in (("lid", entry.logical_id), ("VersionInfo/@versionName", entry.version)):
        if not value:
            raise CodecError(
                "entry without what tells its current version",
                field=f"ExtrinsicObject/{name}",
                found="absent",
                expected="the one the registry answers in a LeafClass query",
            )
    submitted = replace(entry, entry_uuid=NEW_VERSION_ID, version="", status="")
    slots = (("SubmissionSetStatus", ("Original",)), ("PreviousVersion", (entry.version,)))
    association = Association(ASSOCIATION_ID, HAS_MEMBER, submission_set.entry_uuid, NEW_VERSION_ID, slots)
    return Submission(submission_set, (submitted,), (association,))


def build_request(submission: Submission) -> etree._Element:
    """The SubmitObjectsRequest of `status_change` or `new_version`."""
    root = etree.Element(q(LCM, "SubmitObjectsRequest"), nsmap={"lcm": LCM, "rim": RIM})
    add_submission(root, submission)
    return root


def parse_response(node: etree._Element) -> RegistryResponse:
    """The bare RegistryResponse: it says neither the new entryUUID nor the new version."""
    return parse_registry_response(node)
