"""Medical devices: a table to read, one supply each (cda-lettre-de-liaison §2.1, Dispositif-medical)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connector.letter.build import wording
from connector.letter.build.narrative import Row, said, separated, table
from connector.letter.build.place import Place
from connector.letter.build.section import CCD, FR_ENTRY, FR_SECTION, PCC, Heading, Section
from connector.letter.build.values import coded, maybe_coded, period, templates
from connector.letter.build.xml import Xml, element
from connector.letter.model import Device
from connector.letter.model.identifiers import DeviceIdentifier

_HEADING: Final = Heading(
    "46264-8",
    "Dispositifs médicaux",
    "Dispositifs médicaux",
    # 11383 for 113883: the arc of the official example (§2, section 8).
    ("2.16.840.1.11383.10.20.1.7", f"{PCC}.1.5.3.5", f"{FR_SECTION}.1"),
)
_COLUMNS: Final = ("Dispositif", "Codes", "Identifiant (UDI)", "Fourniture", "État", "Début", "Fin")


def devices(place: Place, items: Sequence[Device]) -> Section:
    numbered = [(place.at(number), item) for number, item in enumerate(items, 1)]
    narrative = table(_COLUMNS, [_row(*pair) for pair in numbered])
    return Section(_HEADING, place, narrative, tuple(_entry(*pair) for pair in numbered))


def _row(place: Place, item: Device) -> Row:
    return {
        "Dispositif": said(place.at("text"), item.label),
        "Codes": separated(wording.codes((item.emdn, item.cladimed, item.lpp))),
        "Identifiant (UDI)": item.udi,
        "Fourniture": _written(item.supply_id) if item.supply_id else None,
        "État": "à poser ou à fournir" if item.planned else None,
        "Début": wording.day(item.start, place.clock),
        "Fin": wording.day(item.end, place.clock),
    }


def _written(identifier: DeviceIdentifier) -> str:
    return f"{identifier.extension} ({identifier.root})" if identifier.extension else identifier.root


def _entry(place: Place, item: Device) -> Xml:
    supply = item.supply_id
    return element(
        "supply",
        templates(f"{CCD}.34", f"{FR_ENTRY}.20"),
        element("id", root=supply.root, extension=supply.extension) if supply else place.id(),
        place.at("text").text(),
        period(item.start, item.end, xsi_type="IVL_TS"),
        element(
            "participant",
            element("participantRole", _udi(item), _category(place, item), classCode="MANU"),
            typeCode="DEV",
        ),
        classCode="SPLY",
        moodCode="INT" if item.planned else "EVN",
    )


def _udi(item: Device) -> Xml | None:
    """The device's own identifier; its issuing domain is seldom known, and is then said to be unknown."""
    if item.udi is None:
        return None
    domain = item.udi_domain
    if domain is None:
        return element("id", nullFlavor="UNK", extension=item.udi)
    return element("id", root=domain.root, extension=item.udi)


def _category(place: Place, item: Device) -> Xml:
    others = [coded("translation", code) for code in (item.cladimed, item.lpp) if code]
    return element(
        "playingDevice",
        maybe_coded("code", item.emdn, place.at("text").original(), *others),
        classCode="DEV",
        determinerCode="INSTANCE",
    )
