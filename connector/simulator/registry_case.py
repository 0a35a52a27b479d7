"""What a rule sees, and what it says: one submission (`Case`), one observation (`Fault`), one rule (`Rule`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from connector.base.finding import Finding, Severity
from connector.base.redact import redact_text
from connector.simulator import ebrim_names as names
from connector.simulator.model import PartFile, VerifiedAssertion
from connector.simulator.registry_reader import Classification, Provided, RegistryObject

METADATA_ERROR = "XDSRepositoryMetadataError"


class KnownEntry(Protocol):
    """A registered DocumentEntry as state rules need it. `hash` is lower-case SHA-1 hex."""

    @property
    def item(self) -> RegistryObject: ...
    @property
    def ins(self) -> str: ...
    @property
    def hash(self) -> str: ...


class RegistryView(Protocol):
    """What the rules may ask the registry's state."""

    def entry(self, entry_uuid: str) -> KnownEntry | None: ...
    def by_unique_id(self, unique_id: str) -> tuple[KnownEntry, ...]: ...
    def has_set(self, unique_id: str) -> bool: ...
    def has_object(self, object_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Parameters of judgement.

    ins_oids              INS domains of the environment (dmp-interface b.11)
    documents_per_set     documents beside the signature; 0 = any number from 1 (a.7; no maximum is written)
    mask_and_invisible    EX_2.1-1050: True when MASQUE_PS with INVISIBLE_PATIENT is allowed on a document
    ihe_pure              IHE rules only, CX without type (ihe-rules D.8)
    duplicate_check       a known uniqueId is refused
    manifest_strict       every digest of the XAdES manifest must match
    check_content         the CDA header is compared with the metadata (c.3: depth of the real check unknown)
    allow_sha1            RSA-SHA1 and SHA-1 accepted in the signature (c.8: what the official sample does)
    """

    ins_oids: frozenset[str]
    documents_per_set: int = 1
    mask_and_invisible: bool = False
    ihe_pure: bool = False
    duplicate_check: bool = True
    manifest_strict: bool = True
    check_content: bool = True
    allow_sha1: bool = True


@dataclass(frozen=True)
class Case:
    """One ITI-41 before the judge. `parts` by Content-ID."""

    provided: Provided
    parts: Mapping[str, PartFile]
    assertion: VerifiedAssertion | None
    settings: RuleSettings

    @cached_property
    def sets(self) -> tuple[RegistryObject, ...]:
        packages = self.provided.of_kind("RegistryPackage")
        return tuple(item for item in packages if names.SET_NODE in self.provided.node_of(item))

    @property
    def set(self) -> RegistryObject | None:
        return self.sets[0] if self.sets else None

    @cached_property
    def entries(self) -> tuple[RegistryObject, ...]:
        return self.provided.of_kind("ExtrinsicObject")

    @cached_property
    def associations(self) -> tuple[RegistryObject, ...]:
        return self.provided.of_kind("Association")

    @cached_property
    def signatures(self) -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.entries if is_signature(item))

    @cached_property
    def documents(self) -> tuple[RegistryObject, ...]:
        return tuple(item for item in self.entries if not is_signature(item))

    @property
    def described(self) -> tuple[RegistryObject, ...]:
        """The sets, then the entries: everything that has a uniqueId and a patient."""
        return (*self.sets, *self.entries)

    def part_of(self, entry: RegistryObject) -> PartFile | None:
        """The received part of an entry, found through xds:Document@id, exact case (a.7)."""
        cid = next((doc.cid for doc in self.provided.documents if doc.id == entry.id), "")
        return self.parts.get(cid)

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """SHA-1 (lower-case hex) of each entry's received bytes, computed here: never the sender's word."""
        parts = ((entry.id, self.part_of(entry)) for entry in self.entries)
        return {key: _sha1(part) for key, part in parts if part is not None}


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is the object's id in the message, `attribute` its XDS name; `code` overrides the rule's own."""

    where: str
    attribute: str
    found: str
    expected: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, one small object (design rule 2). `reference` is a spec file and section."""

    id: str
    reference: str
    check: Callable[[Case], Iterator[Fault]]
    code: str = METADATA_ERROR
    severity: Severity = "error"

    def judge(self, case: Case) -> Iterator[Finding]:
        for fault in self.check(case):
            yield finding(self.id, self.reference, fault, self.code, self.severity)


def finding(rule: str, reference: str, fault: Fault, code: str, severity: Severity = "error") -> Finding:
    """The finding of a fault; its text is the codeContext. A matricule never leaves in it."""
    found = redact_text(fault.found)[:200]
    where = f" ({fault.where})" if fault.where else ""
    return Finding(
        rule=rule,
        severity=severity,
        field=fault.attribute,
        found=found,
        expected=fault.expected,
        text=f"{rule} : {fault.attribute}{where} : trouvé « {found} », attendu : {fault.expected} [{reference}]",
        code=fault.code or code,
        reference=reference,
    )


def _sha1(part: PartFile) -> str:
    with part.path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def is_signature(entry: RegistryObject) -> bool:
    """The XAdES document of the set, by its format code (dmp-interface c.8)."""
    return names.SIGNATURE_FORMAT in entry.codes(names.FORMAT_CODE)


def unique_id(item: RegistryObject) -> str:
    return item.identifier(names.DOC_UNIQUE_ID if item.kind == "ExtrinsicObject" else names.SET_UNIQUE_ID)


def patient_id(item: RegistryObject) -> str:
    return item.identifier(names.DOC_PATIENT_ID if item.kind == "ExtrinsicObject" else names.SET_PATIENT_ID)


def authors(item: RegistryObject) -> tuple[Classification, ...]:
    return item.classified(names.DOC_AUTHOR if item.kind == "ExtrinsicObject" else names.SET_AUTHOR)


def label(item: RegistryObject) -> str:
    return "DocumentEntry" if item.kind == "ExtrinsicObject" else "SubmissionSet"
