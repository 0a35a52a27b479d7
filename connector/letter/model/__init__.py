"""A letter as plain data: frozen, typed, English names; the French descriptions are the published schema's."""

from connector.letter.model.base import Broken, Plain
from connector.letter.model.body import Body, MediaType
from connector.letter.model.clinical import (
    Agent,
    Allergy,
    Device,
    PlannedEncounter,
    PlanOfCare,
    Problem,
    Procedure,
    Reaction,
    Request,
)
from connector.letter.model.codes import Code
from connector.letter.model.contact import Address, Telecom
from connector.letter.model.events import EntryMode, ExitMode, FlagEvent, TextEvent
from connector.letter.model.identifiers import DeviceIdentifier, Identifier, Ins
from connector.letter.model.letter import (
    LETTER,
    AdmissionLetter,
    DischargeLetter,
    Letter,
    LetterHeader,
    Replaced,
    UnstructuredLetter,
)
from connector.letter.model.patient import BirthPlace, Patient
from connector.letter.model.people import (
    AnyAuthor,
    Author,
    DeviceAuthor,
    EncounterParticipation,
    Guardian,
    Informant,
    Organization,
    Participation,
    Professional,
    Signatory,
    UnidentifiedProfessional,
)
from connector.letter.model.stay import DocumentedAct, Stay
from connector.letter.model.treatment import (
    Dose,
    MaximumDose,
    NoAllergy,
    NoTreatment,
    Quantity,
    Timing,
    Treatment,
)

__all__ = [
    "LETTER",
    "Address",
    "AdmissionLetter",
    "Agent",
    "Allergy",
    "AnyAuthor",
    "Author",
    "BirthPlace",
    "Body",
    "Broken",
    "Code",
    "Device",
    "DeviceAuthor",
    "DeviceIdentifier",
    "DischargeLetter",
    "DocumentedAct",
    "Dose",
    "EncounterParticipation",
    "EntryMode",
    "ExitMode",
    "FlagEvent",
    "Guardian",
    "Identifier",
    "Informant",
    "Ins",
    "Letter",
    "LetterHeader",
    "MaximumDose",
    "MediaType",
    "NoAllergy",
    "NoTreatment",
    "Organization",
    "Participation",
    "Patient",
    "Plain",
    "PlanOfCare",
    "PlannedEncounter",
    "Problem",
    "Procedure",
    "Professional",
    "Quantity",
    "Reaction",
    "Replaced",
    "Request",
    "Signatory",
    "Stay",
    "Telecom",
    "TextEvent",
    "Timing",
    "Treatment",
    "UnidentifiedProfessional",
    "UnstructuredLetter",
]
