"""Hand-written ITI-57 requests: a change of status, a new version of an entry (dmp-interface a.10)."""

from __future__ import annotations

import copy

from lxml import etree

from connector.base.ns import LCM, RIM, q
from connector.rules import names as n
from connector.simulator.model import RegistryRefusal, VerifiedAssertion
from connector.simulator.registry_store import StoredEntry
from connector.simulator.registry_writer import object_list
from tests.simulator_registry.samples import Desk, Sample, assertion, reader, request

ITI_57 = "urn:ihe:iti:2010:UpdateDocumentSet"
MASKED = "MASQUE_PS"
Slots = dict[str, str]


def update_set(set_uid: str = "2.25.5001") -> etree._Element:
    """The submission set of the good sample, on its own."""
    package = copy.deepcopy(Sample().object("SubmissionSet01"))
    for item in package.findall(q(RIM, "ExternalIdentifier")):
        if item.get("identificationScheme") == n.SET_UNIQUE_ID:
            item.set("value", set_uid)
    return package


def association(identifier: str, kind: str, source: str, target: str, slots: Slots) -> etree._Element:
    element = etree.Element(q(RIM, "Association"), id=identifier, associationType=kind)
    element.set("sourceObject", source)
    element.set("targetObject", target)
    for name, value in slots.items():
        holder = etree.SubElement(element, q(RIM, "Slot"), name=name)
        etree.SubElement(etree.SubElement(holder, q(RIM, "ValueList")), q(RIM, "Value")).text = value
    return element


def submit(*objects: etree._Element) -> etree._Element:
    root = etree.Element(q(LCM, "SubmitObjectsRequest"), nsmap={"lcm": LCM, "rim": RIM})
    etree.SubElement(root, q(RIM, "RegistryObjectList")).extend(objects)
    return root


def status_change(entry_uuid: str, original: str, new: str, set_uid: str = "2.25.5001") -> etree._Element:
    slots = {"OriginalStatus": original, "NewStatus": new}
    link = association("as1", n.UPDATE_STATUS, "SubmissionSet01", entry_uuid, slots)
    return submit(update_set(set_uid), link)


def deletion(entry_uuid: str, set_uid: str = "2.25.5001") -> etree._Element:
    return status_change(entry_uuid, n.APPROVED, n.DELETED, set_uid)


class Version:
    """A new version of an entry, as a registry would have answered it; each helper changes one thing."""

    def __init__(self, known: StoredEntry, set_uid: str = "2.25.5001", previous: str = "") -> None:
        (self.entry,) = object_list([known.item])
        for attribute in ("status", "isOpaque"):
            self.entry.attrib.pop(attribute)
        version = self.entry.find(q(RIM, "VersionInfo"))
        assert version is not None
        self.entry.remove(version)
        for element in self.entry.iter():
            for name, value in element.attrib.items():
                if name != "lid" and value == known.item.id:
                    element.set(name, "Document01")
        self.set_uid = set_uid
        self.slots = {"SubmissionSetStatus": "Original", "PreviousVersion": previous or known.item.version}

    def confidentiality(self, *codes: str) -> Version:
        """Replaces the restrictions that follow N."""
        found = [c for c in self.entry if c.get("classificationScheme") == n.CONFIDENTIALITY]
        for item in found[1:]:
            self.entry.remove(item)
        place = list(self.entry).index(found[0])
        for number, code in enumerate(codes, start=1):
            item = copy.deepcopy(found[0])
            item.set("id", f"urn:uuid:00000000-0000-4000-8000-00000000000{number}")
            item.set("nodeRepresentation", code)
            next(item.iter(q(RIM, "Value"))).text = "1.2.250.1.213.1.1.4.13"
            display = {MASKED: "Masqué aux professionnels de santé"}.get(code, code)
            next(item.iter(q(RIM, "LocalizedString"))).set("value", display)
            self.entry.insert(place + number, item)
        return self

    def slot(self, name: str, value: str) -> Version:
        for item in self.entry.findall(q(RIM, "Slot")):
            if item.get("name") == name:
                next(item.iter(q(RIM, "Value"))).text = value
        return self

    def identifier(self, scheme: str, value: str) -> Version:
        for item in self.entry.findall(q(RIM, "ExternalIdentifier")):
            if item.get("identificationScheme") == scheme:
                item.set("value", value)
        return self

    def body(self) -> etree._Element:
        link = association("as1", n.HAS_MEMBER, "SubmissionSet01", "Document01", self.slots)
        return submit(update_set(self.set_uid), self.entry, link)


def send(desk: Desk, body: etree._Element, who: VerifiedAssertion | None = None) -> None:
    desk.registry.handle(request(ITI_57, body, who or assertion()))


def told(desk: Desk, body: etree._Element, who: VerifiedAssertion | None = None) -> list[tuple[str, str]]:
    """(rule, code) of each thing told by a refusal, () when it was accepted."""
    try:
        send(desk, body, who)
    except RegistryRefusal as refusal:
        return [(item.location.split(" ")[0], item.code) for item in refusal.errors if item.severity == "Error"]
    return []


def author(**changes: object) -> VerifiedAssertion:
    """The doctor of the sample, in AIR: its author."""
    return reader(name_id="801234564895", **changes)
