"""The same hand-written submission as IHE alone wants it: no signature, no French form, a folder when asked."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.simulator.config import SimConfig
from tests.simulator_registry.samples import DOC_CID, Desk, Sample, _code, _external

CX = "279035121518989^^^&amp;1.2.250.1.213.1.4.10&amp;ISO"
OTHER_CX = "277076322082910^^^&amp;1.2.250.1.213.1.4.10&amp;ISO"
_FOLDER_CODES, _FOLDER_PATIENT, _FOLDER_UID = (
    scheme.removeprefix("urn:uuid:") for scheme in (n.FOLDER_CODES, n.FOLDER_PATIENT_ID, n.FOLDER_UNIQUE_ID)
)


def pure_desk(folder: Path, **settings: object) -> Desk:
    """A registry of the `ihe` profile that asks for no VIHF."""
    config = SimConfig(folder=folder, ihe_pure=True, assertion_required=False, **settings)  # type: ignore[arg-type]
    return Desk(folder, config)


class PureSample(Sample):
    """One document in one set; `folder` adds one that holds it, `member_of` puts it in one that is there already."""

    def __init__(self, number: int = 1, *, patient: str = CX, folder: str = "", member_of: str = "") -> None:
        text = etree.tostring(Sample().root, encoding="unicode")
        for french, ihe in (
            ("^NH", ""),
            ("^IDNST", ""),
            ("^D^^^IDNPS", ""),
            ("^PI<", "<"),
            ("G15_10/SM26^Médecin^1.2.250.1.213.1.1.4.5", "G15_10/SM26^^^&amp;1.2.250.1.213.1.1.4.5&amp;ISO"),
            (CX, patient),
        ):
            text = text.replace(french, ihe)
        super().__init__(etree.fromstring(text), document=f"<letter n='{number}'/>".encode())
        for gone in ("Signature01", "as2", "as3"):
            self.remove(self.object(gone))
        self.remove(self.documents()[1])
        self.identifier("SubmissionSet01", "XDSSubmissionSet.uniqueId", f"2.25.{number}001")
        self.identifier("Document01", "XDSDocumentEntry.uniqueId", f"2.25.{number}002")
        if folder:
            self._add(_folder(folder, patient))
            self.link("as4", n.HAS_MEMBER, "SubmissionSet01", "Folder01")
        if folder or member_of:
            self.link("as5", n.HAS_MEMBER, member_of or "Folder01", "Document01")
            self.link("as6", n.HAS_MEMBER, "SubmissionSet01", "as5")

    def _add(self, text: str) -> None:
        self.objects.insert(1, etree.fromstring(f'<x xmlns:rim="{RIM}">{text}</x>')[0])

    def parts(self) -> dict[str, bytes]:
        assert self.document is not None
        return {DOC_CID: self.document} | self.extra_parts

    def replacing(self, entry_uuid: str, unique_id: str = "") -> Sample:
        return self.link("as9", n.RPLC, "Document01", entry_uuid)


def _folder(unique_id: str, patient: str) -> str:
    return (
        '<rim:RegistryPackage id="Folder01"><rim:Name><rim:LocalizedString value="Episode"/></rim:Name>'
        f'<rim:Classification id="f-n" classifiedObject="Folder01" classificationNode="{n.FOLDER_NODE}"/>'
        + _code("Folder01", 1, _FOLDER_CODES, "EPISODE", "1.2.250.1.999.9", "Episode")
        + _external("Folder01", 1, _FOLDER_PATIENT, "XDSFolder.patientId", patient)
        + _external("Folder01", 2, _FOLDER_UID, "XDSFolder.uniqueId", unique_id)
        + "</rim:RegistryPackage>"
    )


def ids(body: etree._Element, tag: str) -> list[str]:
    return [item.get("id", "") for item in body.iter(q(RIM, tag))]
