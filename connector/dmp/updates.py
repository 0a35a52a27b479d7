"""TD3.3: what a change of status or of visibility says about itself (dmp-interface a.10, c.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector import codes
from connector.base.hl7time import utc_digits
from connector.dmp.config import DmpConfig
from connector.dmp.facts import DocumentFacts
from connector.dmp.forms import PERSON_OID, cx, xcn
from connector.dmp.metadata import software_id, submission_author
from connector.ins.model import MatriculeIns
from connector.trust.vihf import Caller
from connector.xds.iti18 import Profile
from connector.xds.model import DELETED, DEPRECATED, Author, Code, SubmissionSet

SET_ID = "SubmissionSet01"
ANY_CONTENT = "97"
"""contentTypeCode "indifférencié": a change is not an episode of care, but the set must have one."""
NO_FACTS = DocumentFacts()


@dataclass(frozen=True, slots=True)
class UpdateIds:
    """Identifiers fixed once for every attempt: OID of the set, aware time of submission."""

    set_id: str
    submission_time: datetime


def deleted_status(profile: Profile) -> str:
    """availabilityStatus of a deleted document: IHE has no deletion by status, what is deleted there is deprecated.

    dmp-interface a.10; ihe-rules D.2 D-37.
    """
    return DELETED if profile == "dmp" else DEPRECATED


def update_set(
    ins: MatriculeIns, caller: Caller, ids: UpdateIds, config: DmpConfig, facts: DocumentFacts
) -> SubmissionSet:
    """The set of one change; its author is the sender of the message, else the software of the caller's structure."""
    listed = codes.load("J59")
    concept = (
        codes.content_type(facts.patient_class) or listed.get(config.default_content_type) or listed.get(ANY_CONTENT)
    )
    return SubmissionSet(
        entry_uuid=SET_ID,
        unique_id=ids.set_id,
        source_id=config.source_id,
        patient_id=cx(ins.value, ins.oid, "NH", config.profile),
        submission_time=utc_digits(ids.submission_time),
        content_type=Code(concept.code, concept.system, concept.display) if concept else None,
        authors=(
            submission_author(facts.sender, config, caller.structure_id)
            if facts.sender
            else software_author(caller, config),
        ),
    )


def software_author(caller: Caller | None, config: DmpConfig) -> Author:
    """The software of the caller's structure (c.4); its bare name where nobody is presented to the domain."""
    if caller is None:
        return Author(person=f"^{config.lps_name}^{config.lps_model}")
    person = xcn(
        software_id(caller.structure_id, config.lps_internal_id),
        config.lps_name,
        config.lps_model,
        oid=PERSON_OID,
        name_type="U",
        id_type="RI",
        profile=config.profile,
    )
    return Author(person=person)
