"""People, structures, devices and where to reach them (cda-lettre-de-liaison §1.1 to §1.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connector.letter.build.values import coded, interval, span, time
from connector.letter.build.xml import Xml, element
from connector.letter.model import (
    Address,
    AnyAuthor,
    DeviceAuthor,
    EncounterParticipation,
    Guardian,
    Informant,
    Organization,
    Participation,
    Professional,
    Signatory,
    Telecom,
    UnidentifiedProfessional,
)
from connector.letter.model.contact import ADDRESS_PARTS
from connector.letter.model.identifiers import PERSON_ROOT, STRUCTURE_ROOT
from connector.letter.model.people import INFORMANT_CLASSES

_PARTS: Final = dict(
    zip(
        ADDRESS_PARTS,
        (
            "houseNumber",
            "streetNameType",
            "streetName",
            "additionalLocator",
            "unitID",
            "postBox",
            "precinct",
            "county",
            "postalCode",
            "city",
            "state",
            "country",
        ),
        strict=True,
    )
)


def address(value: Address) -> Xml:
    parts = [element(tag, text) for tag, text in _parts(value).items()]
    return element("addr", parts, [element("streetAddressLine", line) for line in value.lines], use=value.use)


def telecom(value: Telecom) -> Xml:
    return element("telecom", value=value.value, use=value.use)


def reached(addresses: Iterable[Address], telecoms: Iterable[Telecom]) -> list[Xml]:
    """Addresses, then telecoms: the order of every role. The header rules refuse doubles, so each is said once."""
    return [*_addresses(addresses), *_telecoms(telecoms)]


def _telecoms(values: Iterable[Telecom]) -> list[Xml]:
    return [telecom(item) for item in dict.fromkeys(values)]


def _addresses(values: Iterable[Address]) -> list[Xml]:
    # Two addresses are the same to those rules when their texts are, whatever their parts.
    distinct = {"".join([item.use or "", *_parts(item).values(), *item.lines]): item for item in values}
    return [address(item) for item in distinct.values()]


def _parts(value: Address) -> dict[str, str]:
    """Tag and text of the named parts, in order."""
    return {tag: text for name, tag in _PARTS.items() if (text := getattr(value, name))}


def person_name(value: UnidentifiedProfessional | Guardian | Informant) -> Xml:
    suffix = value.suffix if isinstance(value, UnidentifiedProfessional) else None
    return element(
        "name",
        element("prefix", value.prefix) if value.prefix else None,
        element("given", value.given) if value.given else None,
        element("family", value.family),
        element("suffix", suffix) if suffix else None,
    )


def organization(tag: str, value: Organization | None, *, setting: bool = True) -> Xml | None:
    """A structure, `tag` being its part in the role; `setting` False where the header takes no practice setting."""
    if value is None:
        return None
    return element(
        tag,
        _structure_id(value),
        element("name", value.name) if value.name else None,
        _telecoms(value.telecoms),
        _addresses(value.addresses),
        coded("standardIndustryClassCode", value.practice_setting) if setting and value.practice_setting else None,
    )


def _structure_id(value: Organization) -> Xml | None:
    return element("id", root=STRUCTURE_ROOT, extension=value.id) if value.id else None


def _person_id(identifier: str) -> Xml | None:
    return element("id", root=PERSON_ROOT, extension=identifier) if identifier else None


def author(value: AnyAuthor) -> Xml:
    """An author of the document, or of one entry."""
    return element(
        "author",
        coded("functionCode", value.function) if value.function else None,
        time("time", value.time),
        element(
            "assignedAuthor",
            _person_id(value.id),
            coded("code", value.specialty) if value.specialty else None,
            reached(value.addresses, value.telecoms),
            _device(value) if isinstance(value, DeviceAuthor) else element("assignedPerson", person_name(value)),
            organization("representedOrganization", value.organization),
        ),
    )


def _device(value: DeviceAuthor) -> Xml:
    return element(
        "assignedAuthoringDevice",
        element("manufacturerModelName", value.model),
        element("softwareName", value.software),
    )


def assigned_entity(value: Professional) -> Xml:
    """A professional who signs, does or answers for something."""
    return element(
        "assignedEntity",
        _person_id(value.id),
        coded("code", value.specialty) if value.specialty else None,
        reached(value.addresses, value.telecoms),
        element("assignedPerson", person_name(value)),
        organization("representedOrganization", value.organization),
    )


def signed(tag: str, value: Signatory) -> Xml:
    """`legalAuthenticator` or `authenticator`."""
    return element(tag, time("time", value.time), element("signatureCode", code="S"), assigned_entity(value))


def custodian(value: Organization) -> Xml:
    """The structure that keeps the document; the schema takes its first telecom and address only."""
    return element(
        "custodian",
        element(
            "assignedCustodian",
            element(
                "representedCustodianOrganization",
                _structure_id(value),
                element("name", value.name) if value.name else None,
                [telecom(item) for item in value.telecoms[:1]],
                [address(item) for item in value.addresses[:1]],
            ),
        ),
    )


def recipient(value: Professional) -> Xml:
    """An addressee; recipients.py tells the specialty and the practice setting."""
    return element(
        "informationRecipient",
        element(
            "intendedRecipient",
            _person_id(value.id),
            reached(value.addresses, value.telecoms),
            element("informationRecipient", person_name(value)),
            organization("receivedOrganization", value.organization, setting=False),
        ),
    )


def informant(value: Informant) -> Xml:
    return element(
        "informant",
        element(
            "relatedEntity",
            coded("code", value.relation) if value.relation else None,
            reached(value.addresses, value.telecoms),
            element("relatedPerson", person_name(value)),
            classCode=INFORMANT_CLASSES[value.role],
        ),
    )


def guardian(value: Guardian) -> Xml:
    return element("guardian", reached(value.addresses, value.telecoms), element("guardianPerson", person_name(value)))


def participant(value: Participation) -> Xml:
    """A professional or a structure tied to the document; the time is always said, even when it is not known."""
    known = value.start or value.end
    return element(
        "participant",
        coded("functionCode", value.function) if value.function else None,
        taking_part(value, xsi_type="IVL_TS") if known else time("time", None, "NA"),
        element(
            "associatedEntity",
            _associated(value.person) if value.person else None,
            organization("scopingOrganization", value.person.organization if value.person else value.organization),
            classCode=value.role,
        ),
        typeCode=value.type.code,
    )


def taking_part(value: Participation | EncounterParticipation, *, xsi_type: str | None = None) -> Xml:
    """From when to when somebody took part."""
    if value.start is None:
        # A start that is not known is left out: the header rules want a value in every bound.
        return interval("time", None, time("high", value.end), xsi_type=xsi_type)
    return span(value.start, value.end, "time", xsi_type=xsi_type)


def _associated(value: UnidentifiedProfessional) -> list[Xml | None]:
    return [
        _person_id(value.id),
        coded("code", value.specialty) if value.specialty else None,
        *reached(value.addresses, value.telecoms),
        element("associatedPerson", person_name(value)),
    ]
