"""Good hand-written messages, and ways to break exactly one thing in them. Read by the simulator's own reader."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lxml import etree

from connector.base.finding import Finding
from connector.base.ns import LCM, RIM, XDSB, XOP, q
from connector.rules import names as n
from connector.rules.case import Case, CdaFacts, Part, RuleSettings, Speaker, Transaction
from connector.rules.model import Provided
from connector.rules.profiles import judge
from connector.simulator.registry_reader import content_id, read_provide_and_register, read_submit_objects

SAMPLES = Path(__file__).parent / "samples"
INS, OID = "279035121518989", "1.2.250.1.213.1.4.10"
OTHER_INS = "277076322082910"
STRUCTURE = "1120456789"
SET, DOC, SIG, FOLDER = "SubmissionSet01", "Document01", "Signature01", "Folder01"
ENTRY_UUID = "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d02"
LID = "urn:uuid:6d0cf1a4-20c8-4c55-b0a8-5e7f1f6d2c01"
SHA1 = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
SIZE = 421

PERSON = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
CX = {"dmp": f"{INS}^^^&{OID}&ISO^NH", "ihe": f"{INS}^^^&{OID}&ISO"}

FACTS = CdaFacts("2.25.1002", frozenset({(OID, INS)}), ("11490-0", "2.16.840.1.113883.6.1"))
SPEAKER = Speaker("INDIRECTE", STRUCTURE, "801234564895", INS, OID)


class Sample:
    """One good message. Every helper changes one thing; `judge` serialises, reads again and applies the list."""

    def __init__(self, name: str, transaction: Transaction) -> None:
        self.root = etree.fromstring((SAMPLES / f"{name}.xml").read_bytes())
        self.transaction = transaction
        pure = name.endswith("-ihe")
        self.profile = "ihe" if pure else "dmp"
        self.settings = RuleSettings(ins_oids=frozenset({OID}), ihe_pure=pure)
        self.speaker = None if pure else SPEAKER
        self.parts: dict[str, Part] = {}
        for document in self.documents():
            facts = FACTS if document.get("id") == DOC else None
            self.parts[content_id(document[0])] = Part(SIZE, SHA1, facts)

    # -- reading -------------------------------------------------------------------------------------------------------

    def judge(self) -> tuple[Finding, ...]:
        case = Case(self.provided(), self.parts, self.speaker, self.settings, self.transaction)
        return judge(case)

    def provided(self) -> Provided:
        # Serialised once and read again: the rules see what a wire would have brought.
        root = etree.fromstring(etree.tostring(self.root))
        if root.tag == q(LCM, "SubmitObjectsRequest"):
            return read_submit_objects(root)
        return read_provide_and_register(root)

    @property
    def objects(self) -> etree._Element:
        return next(self.root.iter(q(RIM, "RegistryObjectList")))

    def object(self, identifier: str) -> etree._Element:
        return next(item for item in self.objects if item.get("id") == identifier)

    def documents(self) -> list[etree._Element]:
        return self.root.findall(q(XDSB, "Document"))

    def codes(self, owner: str, scheme: str) -> list[etree._Element]:
        found = self.object(owner).findall(q(RIM, "Classification"))
        return [item for item in found if item.get("classificationScheme") == scheme]

    def identifier(self, owner: str, scheme: str) -> etree._Element:
        found = self.object(owner).findall(q(RIM, "ExternalIdentifier"))
        return next(item for item in found if item.get("identificationScheme") == scheme)

    # -- breaking ------------------------------------------------------------------------------------------------------

    def slot(self, owner: str, name: str, *values: str) -> None:
        """Replaces, adds, or (without values) removes a slot."""
        set_slot(self.object(owner), name, *values)

    def author(self, owner: str, name: str, *values: str) -> None:
        set_slot(self.codes(owner, n.SET_AUTHOR if owner == SET else n.DOC_AUTHOR)[0], name, *values)

    def value(self, owner: str, scheme: str, value: str) -> None:
        self.identifier(owner, scheme).set("value", value)

    def add_code(self, owner: str, scheme: str, code: str, system: str) -> etree._Element:
        """One more code, after those of the owner."""
        item = self.object(owner)
        last = item.findall(q(RIM, "Classification"))[-1]
        added = etree.Element(
            q(RIM, "Classification"),
            id=f"{owner}-{code}",
            classifiedObject=owner,
            classificationScheme=scheme,
            nodeRepresentation=code,
        )
        set_slot(added, "codingScheme", system)
        name = etree.SubElement(added, q(RIM, "Name"))
        etree.SubElement(name, q(RIM, "LocalizedString"), value=code)
        last.addnext(added)
        return added

    def link(self, kind: str, source: str, target: str, **slots: str) -> etree._Element:
        added = etree.SubElement(
            self.objects,
            q(RIM, "Association"),
            id="as99",
            associationType=kind,
            sourceObject=source,
            targetObject=target,
        )
        for name, value in slots.items():
            set_slot(added, name, value)
        return added

    def clone(self, identifier: str, new: str) -> etree._Element:
        """The same object once more under another id, its inner ids changed too."""
        added = copy.deepcopy(self.object(identifier))
        for element in added.iter():
            for name, value in element.attrib.items():
                element.set(name, str(value).replace(identifier, new))
        self.object(identifier).addnext(added)
        return added

    def second_document(self) -> None:
        """The document once more, with its own uniqueId, part and membership."""
        entry = self.clone(DOC, "Document02")
        next(item for item in entry.iter() if item.get("value") == "2.25.1002").set("value", "2.25.1004")
        self.link(n.HAS_MEMBER, SET, "Document02", SubmissionSetStatus="Original")
        document = etree.SubElement(self.root, q(XDSB, "Document"), id="Document02")
        etree.SubElement(document, q(XOP, "Include"), href="cid:second@test")
        self.parts["second@test"] = Part(SIZE, SHA1)

    def speak(self, **changes: Any) -> None:
        self.speaker = replace(SPEAKER, **changes)

    def part(self, **changes: Any) -> None:
        """Other facts about the document's part."""
        cid = content_id(self.documents()[0][0])
        self.parts[cid] = replace(self.parts[cid], **changes)

    def said(self, **changes: Any) -> None:
        """Other facts in the document itself."""
        self.part(cda=replace(FACTS, **changes))


Mutation = Callable[[Sample], object]


def remove(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def set_slot(item: etree._Element, name: str, *values: str) -> None:
    for found in item.findall(q(RIM, "Slot")):
        if found.get("name") == name:
            item.remove(found)
    if values:
        item.insert(0, new_slot(name, *values))


def new_slot(name: str, *values: str) -> etree._Element:
    slot = etree.Element(q(RIM, "Slot"), name=name)
    listing = etree.SubElement(slot, q(RIM, "ValueList"))
    for value in values:
        etree.SubElement(listing, q(RIM, "Value")).text = value
    return slot
