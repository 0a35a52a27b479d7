"""Rules on associations and on the received parts (ihe-rules D.2, D-33…D-40, D-48)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connector.rules import names
from connector.rules.case import Case, Fault, Rule
from connector.rules.forms import is_hash, is_size

_KNOWN = names.RELATIONSHIPS | {names.HAS_MEMBER, names.UPDATE_STATUS, names.SUBMIT_ASSOCIATION}


def _association_form(case: Case) -> Iterator[Fault]:
    for item in case.associations:
        if item.association_type not in _KNOWN:
            yield Fault(item.id, "Association/@associationType", item.association_type, "un type de la norme")
        if not item.id:
            yield Fault("", "Association/@id", "", "un id")
        if item.association_type == names.HAS_MEMBER and item.classified(names.ASSOCIATION_DOCUMENTATION):
            yield Fault(item.id, "Association/Classification", "code de documentation", "aucun code sur HasMember")


def _member_status(case: Case) -> Iterator[Fault]:
    entries = {item.id for item in case.entries}
    sets = {item.id for item in case.sets}
    # The slot is about documents: a folder or an association of the message is a member without it.
    others = {item.id for item in (*case.folders, *case.associations)}
    for item in case.associations:
        if item.association_type != names.HAS_MEMBER or item.source not in sets or item.target in others:
            continue
        status = item.values("SubmissionSetStatus")
        if len(status) != 1 or status[0] not in ("Original", "Reference"):
            expected = "exactement une valeur, Original ou Reference"
            yield Fault(item.id, "SubmissionSetStatus", " ".join(status), expected)
        elif status[0] == "Original" and item.target not in entries:
            yield Fault(item.id, "Association/@targetObject", item.target, "un DocumentEntry du message (Original)")


def _relationship_source(case: Case) -> Iterator[Fault]:
    entries = {item.id for item in case.entries}
    for item in case.associations:
        if item.association_type in names.RELATIONSHIPS and item.source not in entries:
            yield Fault(item.id, "Association/@sourceObject", item.source, "un DocumentEntry du message")


def _entry_without_part(case: Case) -> Iterator[Fault]:
    # A document written inside its element is D-28's business.
    inline = {document.id for document in case.provided.documents if document.inline}
    for item in case.entries:
        if item.id not in inline and case.part_of(item) is None:
            yield Fault(item.id, "Document", "absent", "une partie MIME pour ce DocumentEntry")


def _part_without_entry(case: Case) -> Iterator[Fault]:
    entries = {item.id for item in case.entries}
    for document in case.provided.documents:
        if document.id not in entries:
            yield Fault(document.id, "Document/@id", document.id, "l'id exact d'un DocumentEntry")
    named = {document.cid for document in case.provided.documents}
    for cid in case.parts:
        if cid not in named:
            yield Fault(cid, "partie MIME", cid, "une partie désignée par un xds:Document")


def _membership(case: Case) -> Iterator[Fault]:
    sets = {item.id for item in case.sets}
    member = {
        item.target for item in case.associations if item.association_type == names.HAS_MEMBER and item.source in sets
    }
    # In an update the missing link has its own rule and code: D-66.
    for entry in (*case.entries, *case.folders) if case.transaction != "ITI-57" else ():
        if entry.id not in member:
            yield Fault(entry.id, "HasMember", "absent", "une association HasMember depuis le SubmissionSet")
    links = Counter((item.association_type, item.source, item.target) for item in case.associations)
    for (_, source, target), count in links.items():
        if count > 1:
            yield Fault(source, "Association", f"{count} liens vers {target}", "un seul lien de ce type")
    for item in case.associations:
        if item.source == item.target:
            yield Fault(item.id, "Association", "un objet lié à lui-même", "deux objets différents")
        # The association of the signature is the one that targets the set (dmp-interface a.7).
        allowed = item.association_type == names.SIGNS and case.settings.signs_the_set
        if item.target in sets and not allowed:
            yield Fault(item.id, "Association/@targetObject", item.target, "un autre objet que le SubmissionSet")


def _hash_and_size(case: Case) -> Iterator[Fault]:
    for entry in case.entries:
        part = case.part_of(entry)
        if part is None:
            continue
        # Values that are no hash and no size at all are told by D-13 and D-14.
        declared, size = entry.first("hash").lower(), entry.first("size")
        if part.sha1 and is_hash(declared) and declared != part.sha1:
            yield Fault(entry.id, "DocumentEntry.hash", declared, part.sha1)
        if is_size(size) and size != str(part.size):
            yield Fault(entry.id, "DocumentEntry.size", size, str(part.size))


def _update_elsewhere(case: Case) -> Iterator[Fault]:
    for item in case.associations:
        if item.association_type in (names.UPDATE_STATUS, names.SUBMIT_ASSOCIATION):
            yield Fault(item.id, "Association/@associationType", item.association_type, "une mise à jour par l'ITI-57")
        if item.values("PreviousVersion"):
            yield Fault(item.id, "PreviousVersion", item.first("PreviousVersion"), "une mise à jour par l'ITI-57")


LINK_RULES: tuple[Rule[Case], ...] = (
    Rule("D-33", "ihe-rules D.2 D-33", _association_form),
    Rule("D-34", "ihe-rules D.2 D-34", _member_status),
    Rule("D-35", "ihe-rules D.2 D-35", _relationship_source, "UnresolvedReferenceException"),
    Rule("D-38a", "ihe-rules D.2 D-38", _entry_without_part, "XDSMissingDocument"),
    Rule("D-38b", "ihe-rules D.2 D-38", _part_without_entry, "XDSMissingDocumentMetadata"),
    Rule("D-40", "ihe-rules D.2 D-40", _membership),
    Rule("D-69", "ihe-rules D.3 D-69", _update_elsewhere),
    Rule("D-48", "ihe-rules D.2 D-48", _hash_and_size),
)
