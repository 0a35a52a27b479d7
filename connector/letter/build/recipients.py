"""Those the letter is for. A recipient has no room for a specialty nor for the practice setting of a structure, in the
schema nor in the rules of the header: as the official letter does for the médecin traitant, the same person is then
told a second time, as an informed participant (cda-lettre-de-liaison §1.5, §1.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.letter.build.people import participant, recipient
from connector.letter.build.xml import Xml
from connector.letter.model import Code, Letter, Organization, Participation, Professional, UnidentifiedProfessional

_INFORMED: Final = Code(code="INF")
_PRIMARY_PHYSICIAN: Final = Code(code="PCP")
_NAMED: Final = ("rpps", "other_id", "family", "given", "prefix", "suffix", "specialty")


def recipients(letter: Letter) -> Iterator[Xml]:
    """Every addressee, the médecin traitant first."""
    return map(recipient, letter.ordered_recipients())


def informed(letter: Letter) -> Iterator[Xml]:
    """The médecin traitant, then the other participants, then what recipients have no room for."""
    doctor = letter.primary_physician
    if doctor is not None:
        yield participant(Participation(type=_INFORMED, function=_PRIMARY_PHYSICIAN, person=doctor))
    yield from map(participant, letter.participants)
    for person in letter.ordered_recipients():
        if (person.specialty or _setting(person)) and not _said_of(doctor, person):
            yield participant(Participation(type=_INFORMED, person=_described(person)))


def _described(person: Professional) -> UnidentifiedProfessional:
    structure = person.organization
    if structure is not None and structure.practice_setting is not None:
        structure = structure.model_copy(update={"addresses": (), "telecoms": ()})
    else:
        structure = None
    return UnidentifiedProfessional(**{name: getattr(person, name) for name in _NAMED}, organization=structure)


def _said_of(doctor: UnidentifiedProfessional | None, person: Professional) -> bool:
    """True when the médecin traitant is that person, and is told with the same."""
    if doctor is None or doctor.id != person.id:
        return False
    said = doctor.specialty, _setting(doctor)
    return all(mine in (None, theirs) for mine, theirs in zip((person.specialty, _setting(person)), said, strict=True))


def _setting(person: UnidentifiedProfessional) -> Code | None:
    structure: Organization | None = person.organization
    return structure.practice_setting if structure else None
