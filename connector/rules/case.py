"""What a rule sees, and what it says: one submission (`Case`), one observation (`Fault`), one rule (`Rule`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, Literal, TypeVar

from connector.base.finding import Finding, Severity
from connector.base.redact import redact_text
from connector.rules import names
from connector.rules.model import Classification, Provided, RegistryObject
from connector.rules.sentences import SENTENCES

METADATA_ERROR = "XDSRepositoryMetadataError"

Transaction = Literal["ITI-41", "ITI-42", "ITI-57", "metadata"]
"""Where the metadata travel: some rules ask more of one than of another (ihe-rules D-13, D-14, D-23).

"metadata" is those of an ITI-41 seen without its parts: a file, a root part kept alone.
"""

AffinityCodes = Mapping[str, frozenset[tuple[str, str, str]]]
"""Codes of an affinity domain: attribute ("typeCode", "mimeType"…) -> (code, system, display); see affinity.py."""

Subject_contra = TypeVar("Subject_contra", contravariant=True)
Subject = TypeVar("Subject")


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
    codes                 lists of the affinity domain, None when it gives none (ihe-rules D-42)
    signed                the set is signed (XAdES, c.8); None: in the DMP profile only
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
    signed: bool | None = None
    codes: AffinityCodes | None = None

    @property
    def signs_the_set(self) -> bool:
        return not self.ihe_pure if self.signed is None else self.signed


@dataclass(frozen=True, slots=True, repr=False)
class Speaker:
    """What the assertion of the request says about who feeds and whom (dmp-interface b.4).

    mode        DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE
    structure   Identifiant_Structure; "" when another rule compares it (dmp/structures.py)
    name_id     identifier of the professional (the NameID)
    ins, oid    resource-id: the patient's matricule and its domain
    secret      a minor's secret connection (b.5)
    """

    mode: str
    structure: str
    name_id: str
    ins: str
    oid: str
    secret: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class CdaFacts:
    """What a CDA header says that its metadata repeat (dmp-interface c.3).

    unique_id   ClinicalDocument/id, `root^extension` when it has an extension
    patients    (root, extension) of each patientRole/id
    type        (code, codeSystem) of ClinicalDocument/code, None when absent
    replaces    root of each parentDocument/id under relatedDocument RPLC (c.7)
    """

    unique_id: str
    patients: frozenset[tuple[str, str]]
    type: tuple[str, str] | None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of one document: `size` in bytes, `sha1` lower-case hex, both computed by the judge's side.

    An empty `sha1` was not computed: nothing is compared with it.
    `cda` is None when the content is no CDA, or was not looked at (`check_content`).
    """

    size: int
    sha1: str
    cda: CdaFacts | None = None


@dataclass(frozen=True)
class Case:
    """One submission before the judge. `parts` by Content-ID; only ITI-41 has any."""

    provided: Provided
    parts: Mapping[str, Part]
    speaker: Speaker | None
    settings: RuleSettings
    transaction: Transaction = "ITI-41"

    @cached_property
    def sets(self) -> tuple[RegistryObject, ...]:
        packages = self.provided.of_kind("RegistryPackage")
        return tuple(item for item in packages if names.SET_NODE in self.provided.node_of(item))

    @property
    def set(self) -> RegistryObject | None:
        return self.sets[0] if self.sets else None

    @cached_property
    def folders(self) -> tuple[RegistryObject, ...]:
        packages = self.provided.of_kind("RegistryPackage")
        return tuple(item for item in packages if names.FOLDER_NODE in self.provided.node_of(item))

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
        """The sets, then the entries: everything that has an author, a uniqueId and a patient."""
        return (*self.sets, *self.entries)

    @property
    def identified(self) -> tuple[RegistryObject, ...]:
        """`described`, and the folders: everything that has a uniqueId and a patient."""
        return (*self.described, *self.folders)

    def cid_of(self, entry: RegistryObject) -> str:
        """Content-ID of an entry's part, found through xds:Document@id, exact case (a.7); "" when there is none."""
        return next((document.cid for document in self.provided.documents if document.id == entry.id), "")

    def part_of(self, entry: RegistryObject) -> Part | None:
        return self.parts.get(self.cid_of(entry))

    def cda_of(self, entry: RegistryObject) -> CdaFacts | None:
        """What the CDA of an entry says; None when its content is not to be compared."""
        part = self.part_of(entry)
        return part.cda if part is not None and self.settings.check_content else None

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """SHA-1 (lower-case hex) of each entry's bytes: never the word of the metadata."""
        parts = ((entry.id, self.part_of(entry)) for entry in self.entries)
        return {key: part.sha1 for key, part in parts if part is not None}


@dataclass(frozen=True, slots=True)
class Fault:
    """`where` is the object's id in the message, `attribute` its XDS name; `code` overrides the rule's own."""

    where: str
    attribute: str
    found: str
    expected: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject_contra]):
    """One rule, one small object (design rule 2). `reference` is a spec file and section."""

    id: str
    reference: str
    check: Callable[[Subject_contra], Iterator[Fault]]
    code: str = METADATA_ERROR
    severity: Severity = field(default="error")

    def coded(self, code: str) -> Rule[Subject_contra]:
        """The same rule at the registry, where the default code is `code` (ihe-rules D, preamble)."""
        if self.code == METADATA_ERROR:
            return replace(self, code=code)
        return replace(self, code=self.code.replace("XDSRepositoryDuplicate", "XDSRegistryDuplicate"))

    def judge(self, subject: Subject_contra) -> Iterator[Finding]:
        for fault in self.check(subject):
            yield finding(self.id, self.reference, fault, self.code, self.severity)


def apply(rules: Iterable[Rule[Subject]], subject: Subject) -> tuple[Finding, ...]:
    """Every finding of every rule, in the order of the list (ihe-rules D, "report all, first one first")."""
    return tuple(found for rule in rules for found in rule.judge(subject))


def finding(rule: str, reference: str, fault: Fault, code: str, severity: Severity = "error") -> Finding:
    """The finding of a fault, its field with the object it was seen in. A matricule never leaves in it."""
    return Finding(
        rule=rule,
        severity=severity,
        field=f"{fault.attribute} ({fault.where})" if fault.where else fault.attribute,
        found=redact_text(fault.found)[:200],
        expected=fault.expected,
        text=SENTENCES[rule],
        code=fault.code or code,
        reference=reference,
    )


def is_signature(entry: RegistryObject) -> bool:
    """The XAdES document of the set, by its format code (dmp-interface c.8)."""
    return names.SIGNATURE_FORMAT in entry.codes(names.FORMAT_CODE)


def is_folder(item: RegistryObject) -> bool:
    """A RegistryPackage that says itself a folder, by its node or by the schemes of its identifiers (c.1)."""
    return (
        any(found.node == names.FOLDER_NODE for found in item.classifications)
        or bool(item.identified(names.FOLDER_UNIQUE_ID))
        or bool(item.identified(names.FOLDER_PATIENT_ID))
    )


def unique_scheme(item: RegistryObject) -> str:
    return _SCHEMES[label(item)][0]


def unique_id(item: RegistryObject) -> str:
    return item.identifier(unique_scheme(item))


def patient_id(item: RegistryObject) -> str:
    return item.identifier(_SCHEMES[label(item)][1])


def authors(item: RegistryObject) -> tuple[Classification, ...]:
    return item.classified(names.DOC_AUTHOR if item.kind == "ExtrinsicObject" else names.SET_AUTHOR)


def label(item: RegistryObject) -> str:
    if item.kind == "ExtrinsicObject":
        return "DocumentEntry"
    return "Folder" if is_folder(item) else "SubmissionSet"


_SCHEMES = {
    "DocumentEntry": (names.DOC_UNIQUE_ID, names.DOC_PATIENT_ID),
    "SubmissionSet": (names.SET_UNIQUE_ID, names.SET_PATIENT_ID),
    "Folder": (names.FOLDER_UNIQUE_ID, names.FOLDER_PATIENT_ID),
}
