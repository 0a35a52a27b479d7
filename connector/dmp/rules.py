"""What a document must satisfy before it is offered to the DMP: one small rule each, read as a list (design rule 2).

A rule receives a Draft and yields findings; texts are for hospital staff. Two lists: what IHE wants, what France adds.
"""

from __future__ import annotations

from connector.base.finding import Finding
from connector.dmp.draft import Draft as Draft
from connector.dmp.draft import Rule
from connector.dmp.rules_codes import (
    deducible_class,
    deducible_format,
    facility,
    known_type,
    practice_setting,
    roles,
    shareable,
    specialties,
)
from connector.dmp.rules_document import content_type, dates, plain_unique_id, same_patient, title_and_language
from connector.dmp.rules_people import (
    an_author,
    known_sender,
    legal_authenticator,
    named_authors,
    national_people,
    national_structures,
)
from connector.dmp.visibility import visibility

IHE_RULES: tuple[Rule, ...] = (
    same_patient,
    deducible_class,
    deducible_format,
    an_author,
    facility,
    practice_setting,
    dates,
    title_and_language,
    content_type,
)

FRENCH_RULES: tuple[Rule, ...] = (
    plain_unique_id,
    same_patient,
    known_type,
    deducible_class,
    deducible_format,
    an_author,
    named_authors,
    national_people,
    national_structures,
    specialties,
    roles,
    legal_authenticator,
    shareable,
    visibility,
    facility,
    practice_setting,
    dates,
    title_and_language,
    known_sender,
    content_type,
)


def check(draft: Draft) -> tuple[Finding, ...]:
    """Every finding of the profile's rules, in the order of the list."""
    rules = FRENCH_RULES if draft.config.profile == "dmp" else IHE_RULES
    return tuple(finding for rule in rules for finding in rule(draft))
