"""Rows of the rules about the header: versions, patient, people, codes, times."""

from __future__ import annotations

from typing import Final

from connector.cda.checks import dates, displays, doctypes, headercodes, identity, people, structure, times
from connector.cda.checks.model import Check

_LDL: Final = "cda-lettre-de-liaison"
_INS: Final = "hl7v2-interface §2.3"

HEADER: Final = (
    Check(
        "CDA-10", "error", f"{_LDL} §1", structure.type_id,
        "the typeId of a CDA R2, once",
        "any other one switches the header rules of the kit off with a mere warning",
    ),
    Check(
        "CDA-11", "error", f"{_LDL} §1", structure.level_1_templates,
        "a level-1 document has the three templateIds of one and no other",
        "readers choose the body they expect by them",
    ),
    Check(
        "CDA-12", "error", f"{_LDL} §1", structure.version_number,
        "versionNumber is an integer from 1",
        "the order of versions cannot be told without it",
    ),
    Check(
        "CDA-13", "error", f"{_LDL} §1", structure.replacement,
        "at most one relatedDocument, which names another document",
        "the replacement would hit the wrong document",
    ),
    Check(
        "CDA-14", "warning", f"{_LDL} §1", structure.versions_agree,
        "setId, versionNumber and relatedDocument tell the same story",
        "the registry follows its own links; people are misled",
    ),
    Check(
        "CDA-15", "error", f"{_LDL} §1", structure.title,
        "the document has a title with words in it",
        "the metadata's title is made of it; the header suite refuses an empty one too",
    ),
    Check(
        "CDA-18", "error", f"{_LDL} §5, dmp-interface a.7", structure.identifiers,
        "identifiers of documents are OIDs of at most 64 characters or UUIDs, "
        "extensions without blank nor separator (^ & ~ \\, bar)",
        "uniqueId is root^extension: the registry would read another one; no official example does it",
    ),
    Check(
        "CDA-76", "warning", "ASS_A11", doctypes.known_model,
        "a structured document has a model that A11 knows",
        "no document suite runs and no format code can be made; a later table may know it",
    ),
    Check(
        "CDA-77", "warning", f"{_LDL} §1", doctypes.type_of_model,
        "the type of a structured document is that of its model",
        "the suite of the model refuses it, where there is one; letters are CDA-75",
    ),
    Check(
        "CDA-50", "error", f"{_LDL} §7, {_INS}", identity.ins_present,
        "exactly one matricule under an OID of the INS",
        "the DMP files documents by INS",
    ),
    Check(
        "CDA-51", "warning", f"{_LDL} §1.1", identity.ins_domain,
        "no OID of the INS arc that is not a known domain",
        "two official examples carry one beside a good INS; alone, it is CDA-50 that refuses",
    ),
    Check(
        "CDA-52", "warning", f"{_INS} rule 3", identity.ins_environment,
        "the domain of the INS is that of the environment (dmp.environment)",
        "ten official examples show fictitious patients under the real OID; a test identity never enters production",
        production="error",
    ),
    Check(
        "CDA-53", "error", f"{_LDL} §7, {_INS}", identity.ins_shape,
        "an INS is 13 characters of NIR or NIA and a key of 2 digits",
        "it is nobody's",
    ),
    Check(
        "CDA-54", "warning", f"{_LDL} §7, {_INS}", identity.ins_key,
        "the key of the INS is right",
        "official test identities exist with a wrong key; a real one is a mistyped number, so another patient's",
        production="error",
    ),
    Check(
        "CDA-55", "warning", f"{_LDL} §7", identity.sex_agrees,
        "the first digit of the INS says the sex of the header",
        "civil status changes and the number may follow later",
    ),
    Check(
        "CDA-56", "warning", f"{_LDL} §7", identity.birth_date_agrees,
        "year and month of birth are those of the INS; months that say unknown are not compared",
        "dates are corrected after the number was given; three official examples disagree",
    ),
    Check(
        "CDA-57", "warning", f"{_LDL} §7", identity.birth_place_agrees,
        "department or country of birth is that of the INS, splits of departments and former territories allowed",
        "places are corrected after the number was given; official examples disagree",
    ),
    Check(
        "CDA-58", "error", f"{_LDL} §7", identity.birth_place_known,
        "county has the shape of a COG code, of a department that exists. The communes themselves are not known here",
        "a strict trait of the identity would be wrong",
    ),
    Check(
        "CDA-59", "error", f"{_LDL} §7", identity.birth_place_real,
        "county is not 99999, 99000 or 00000, which stand for no place, unless the INS says that none was known",
        "the INS was given with a place, a strict trait, and the header has lost it",
    ),
    Check(
        "CDA-60", "warning", f"{_LDL} §1.1", identity.used_name,
        "the patient has a used name (qualifier CL)",
        "no suite asks for it",
    ),
    Check(
        "CDA-97", "warning", f"{_LDL} §1.1", identity.first_given,
        "the first given name is one of the given names of birth",
        "one official example has another; the registry compares the first one",
    ),
    Check(
        "CDA-61", "warning", f"{_LDL} §7, dmp-interface c.4", people.professionals,
        "identifiers of professionals have a national form (RPPS, ADELI…), and in production their key",
        "the DMP decides; official examples have made-up numbers",
    ),
    Check(
        "CDA-62", "warning", f"{_LDL} §7, dmp-interface c.4", people.structures,
        "identifiers of structures have a national form (1 then the FINESS…), and in production their key",
        "the DMP decides; official examples have made-up numbers",
    ),
    Check(
        "CDA-63", "error", f"{_LDL} §7", people.custodian_identified,
        "the custodian's identifier has an extension",
        "an OID alone names no structure",
    ),
    Check(
        "CDA-68", "error", f"{_LDL} §7, dmp-interface c.4", people.accountable_identified,
        "author, legal authenticator, their structures and custodian have an identifier as long as a national one is",
        "nobody has such a number; no official example does it",
    ),
    Check(
        "CDA-69", "error", f"{_LDL} §1.3, §1.4, dmp-interface c.4", people.accountable_known,
        "author and legal authenticator of a letter have a national identifier (OID 1.2.250.1.71.4.2.1)",
        "the DMP knows nobody else, patients and referenced digital services apart; both official letters have it",
    ),
    Check(
        "CDA-79", "warning", f"{_LDL} §1.3, §1.4, dmp-interface c.4", people.accountable_known_elsewhere,
        "so have those of other documents",
        "official examples have other OIDs (CARD-F-PRC, legal authenticator)",
    ),
    Check(
        "CDA-64", "error", f"{_LDL} §7", people.authenticator_named,
        "the legal authenticator has a family name",
        "the legalAuthenticator of the metadata cannot be made without it",
    ),
    Check(
        "CDA-65", "error", f"{_LDL} §7", headercodes.document_type,
        "the codeSystem of the document's code is that of the list of types (J07)",
        "typeCode is the pair: the DMP refuses another one",
    ),
    Check(
        "CDA-66", "error", f"{_LDL} §7", headercodes.systems,
        "codeSystem of the header's codes is that of their list (J01, J02, J04, J47, J142, J143, confidentiality)",
        "the metadata are made of the pair, the suites compare the code alone",
    ),
    Check(
        "CDA-67", "error", f"{_LDL} §1.7", headercodes.act_code,
        "an act coded in ActCode (serviceEvent) is one of the list of stays (J142), whose codes are in its system",
        "eventCodeList would hold a code that nobody defined",
    ),
    Check(
        "CDA-95", "warning", f"{_LDL} §6", displays.contradicted,
        "the label of a code is not that of another code of its list (header, modes of entry and exit, status)",
        "one of the two is wrong, and nobody can say which",
    ),
    Check(
        "CDA-41", "warning", f"{_LDL} §1, §7", times.zones,
        "other times of day have their zone, in the header and in the body",
        "readers assume French time; official examples forget some",
    ),
    Check(
        "CDA-46", "error", f"{_LDL} §5, §7", times.metadata_zones,
        "the times of a letter that become metadata have their zone: effectiveTime of the document, to the minute, "
        "and of its acts",
        "creationTime and the times of service are in UTC, and would be guessed; the official letters have it, while "
        "official messages carry reports that do not (CDA-41)",
    ),
    Check(
        "CDA-42", "error", f"{_LDL} §7", times.in_order,
        "low is not after high, nor above it",
        "the period or the dose cannot be understood; no official example does it",
    ),
    Check(
        "CDA-17", "error", f"{_LDL} §1", dates.of_the_calendar,
        "the dates of a letter exist, written as HL7 does; in other documents those of birth, death and the metadata",
        "nobody can read them; the header suite refuses some too, no official example has one",
    ),
    Check(
        "CDA-29", "warning", f"{_LDL} §1", dates.of_the_calendar_elsewhere,
        "so do the other dates of other documents",
        "seven official examples have some (month 20, zone +100)",
    ),
    Check(
        "CDA-90", "error", f"{_LDL} §1", dates.in_the_past,
        "nothing is written or signed, nobody is born, dead or (discharged) admitted after the moment of checking",
        "a day apart, it cannot be a fact; one official example does it (AVC-PAVC, signed in 2918)",
    ),
    Check(
        "CDA-91", "error", f"{_LDL} §1.1", dates.life,
        "the date of birth has a day, death is after birth, and a letter after it",
        "a strict trait of the identity is wrong, or the patient is another one",
    ),
    Check(
        "CDA-92", "warning", f"{_LDL} §1.7, §1.8", dates.life_and_stay,
        "birth and death agree with the act, and in a letter the encounter with the act",
        "newborns are admitted before they are born; five official examples are older than their patient",
    ),
)  # fmt: skip
