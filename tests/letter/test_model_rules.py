"""One change of a good letter, one rule: its path and its sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.letter.errors import LetterError
from connector.letter.plain import letter_of
from tests.letter.letters import Data, admission, changed, discharge, faults, unstructured

SES, EES, N1 = discharge, admission, unstructured

Case = tuple[Callable[[], Data], str, Any, str, str]

RULES: list[Case] = [
    # identifiers and versions
    (SES, "id", ..., "id", "le champ manque"),
    (SES, "id", "pas un oid", "id.root", "l'identifiant n'est pas un OID"),
    (SES, "set_id", {"root": "1.02"}, "set_id.root", "l'identifiant n'est pas un OID"),
    (SES, "version", "un", "version", "un nombre entier est attendu"),
    (SES, "version", 0, "version", "le nombre est trop petit"),
    (SES, "version", 10_000, "version", "le nombre est trop grand"),
    (SES, "replaces", "2.25.7", "version", "un remplacement est au moins la version 2"),
    (SES, "language", "français", "language", "la langue n'est pas lisible"),
    (SES, "confidentiality", "Z", "confidentiality", "la valeur n'est pas de celles qui sont permises"),
    (SES, "title", " ", "title", "le texte est vide"),
    (SES, "title", "t" * 1001, "title", "le texte est trop long"),
    (SES, "title", 12, "title", "un texte est attendu"),
    (SES, "reason", "a\x00b", "reason", "le texte contient un caractère interdit dans un document XML"),
    (SES, "reason", "a\ud800b", "reason", "le texte contient un caractère interdit dans un document XML"),
    # kind and unknown keys
    (SES, "kind", ..., "(lettre)", "le genre de lettre manque"),
    (SES, "kind", "note", "(lettre)", "le genre de lettre est inconnu"),
    (SES, "comment", "x", "comment", "le champ n'existe pas dans le modèle"),
    (SES, "patient.nom", "x", "patient.nom", "le champ n'existe pas dans le modèle"),
    # times
    (SES, "effective_time", "2024-03-10T10:30:00", "effective_time", "l'heure n'a pas de fuseau horaire"),
    (SES, "effective_time", "2024-03-10", "effective_time", "la date et l'heure ne sont pas lisibles"),
    (SES, "effective_time", "2024-02-30T10:30:00+01:00", "effective_time", "la date ou l'heure n'existe pas"),
    (SES, "stay.admission", "2024-03-06T11:17", "stay.admission", "l'heure n'a pas de fuseau horaire"),
    (SES, "stay.admission", "06/03/2024", "stay.admission", "la date et l'heure ne sont pas lisibles"),
    (SES, "stay.discharge", "2024-03-01", "stay.discharge", "la fin précède le début"),
    (SES, "stay.discharge", ..., "stay.discharge", "la date de sortie manque"),
    # patient
    (SES, "patient.ins.value", "27903512151898", "patient.ins.value", "le matricule INS n'a pas la forme attendue"),
    (SES, "patient.ins", {"value": "279035121518988"}, "patient.ins.value", "la clé du matricule INS est fausse"),
    (SES, "patient.ins.oid", "1.2.3", "patient.ins.oid", "la valeur n'est pas de celles qui sont permises"),
    (SES, "patient.sex", "X", "patient.sex", "la valeur n'est pas de celles qui sont permises"),
    (SES, "patient.birth_date", "1979-02-30", "patient.birth_date", "la date n'existe pas au calendrier"),
    (SES, "patient.birth_date", "28/03/1979", "patient.birth_date", "la date n'est pas lisible"),
    (
        SES,
        "patient.birth_place",
        "6322",
        "patient.birth_place.insee",
        "le code INSEE du lieu n'a pas la forme attendue",
    ),
    (
        SES,
        "patient.first_birth_given",
        "MARIE",
        "patient.first_birth_given",
        "le premier prénom de naissance n'ouvre pas la liste des prénoms",
    ),
    (SES, "patient.death", "1979-03-27", "patient.death", "le décès précède la naissance"),
    (SES, "patient.telecoms", ["bonjour"], "patient.telecoms[0].value", "les coordonnées ne sont pas lisibles"),
    (SES, "patient.addresses", [{}], "patient.addresses[0]", "l'adresse est vide"),
    (
        SES,
        "patient.addresses",
        [{"city": "PARIS", "lines": ["PARIS"]}],
        "patient.addresses[0].lines",
        "l'adresse est donnée deux fois",
    ),
    (
        SES,
        "patient.addresses.0.use",
        "X",
        "patient.addresses[0].use",
        "la valeur n'est pas de celles qui sont permises",
    ),
    (SES, "patient.ipp", "1.2.3", "patient.ipp.extension", "le numéro du patient manque"),
    # people
    (SES, "authors", [], "authors", "la liste est trop courte"),
    (SES, "authors.0.rpps", "123", "authors[0].rpps", "le numéro RPPS n'a pas la forme attendue"),
    (SES, "authors.0.rpps", 1234567897, "authors[0].rpps", "le numéro RPPS n'a pas la forme attendue"),
    (SES, "authors.0.rpps", "901234564895", "authors[0].rpps", "le numéro RPPS n'a pas la forme attendue"),
    (SES, "authors.0.rpps", ..., "authors[0].rpps", "le numéro RPPS manque"),
    (SES, "authors.0.other_id", "3120456789/12", "authors[0].other_id", "la personne a deux identifiants"),
    (SES, "authors.0.suffix", "Dr", "authors[0].suffix", "la valeur n'est pas de celles qui sont permises"),
    (SES, "authors.0.specialty", "G15_10/SM99", "authors[0].specialty.code", "le code n'est pas dans la liste"),
    (SES, "authors.0.organization", {}, "authors[0].organization", "la structure n'est pas désignée"),
    (
        SES,
        "authors.0.organization.finess",
        "12045678",
        "authors[0].organization.finess",
        "le numéro FINESS n'a pas la forme attendue",
    ),
    (
        SES,
        "authors.0.organization.other_id",
        "2120456789",
        "authors[0].organization.other_id",
        "la structure a deux identifiants",
    ),
    (SES, "authors.0.function", "CHEF", "authors[0].function.code", "le code n'est pas dans la liste"),
    (SES, "legal_authenticator", ..., "legal_authenticator", "le champ manque"),
    (SES, "legal_authenticator.family", ..., "legal_authenticator.family", "le champ manque"),
    (SES, "custodian", {"name": "X"}, "custodian.finess", "la structure de conservation n'a pas de FINESS"),
    (SES, "recipients.0.rpps", "01984758437", "recipients", "un destinataire figure deux fois"),
    (SES, "recipients.0.other_id", "a b", "recipients[0].other_id", "l'identifiant n'est pas lisible"),
    (SES, "informants.0.role", "ami", "informants[0].role", "la valeur n'est pas de celles qui sont permises"),
    (SES, "informants.0.relation", "AMI", "informants[0].relation.code", "le code n'est pas dans la liste"),
    (EES, "participants.0.type", "X", "participants[0].type.code", "le code n'est pas dans la liste"),
    (EES, "participants.0.person", ..., "participants[0].person", "le participant est mal désigné"),
    (EES, "participants.0.end", "2024-03-05", "participants[0].end", "la fin précède le début"),
    (
        SES,
        "stay.participants",
        [{"type": "RESP", "person": {"rpps": "01234567897", "family": "HODA"}}],
        "stay.participants[0].type",
        "le responsable se donne à part",
    ),
    # codes
    (SES, "stay.facility_type", "SA99", "stay.facility_type.code", "le code n'est pas dans la liste"),
    (SES, "stay.facility_type", "SA 01", "stay.facility_type.code", "un code ne contient pas d'espace"),
    (SES, "stay.practice_setting", "X", "stay.practice_setting.code", "le code n'est pas dans la liste"),
    (SES, "stay.encounter_type", "X", "stay.encounter_type.code", "le code n'est pas dans la liste"),
    (
        SES,
        "stay.facility_type",
        {"code": "SA01", "system": "1.2.3"},
        "stay.facility_type.system",
        "le système du code n'est pas celui de la liste",
    ),
    (SES, "stay.discharge_disposition", "8", "stay.discharge_disposition", "le code est incomplet"),
    (SES, "status", "GEN-066", "status.code", "le code n'est pas dans la liste"),
    (SES, "mode_of_entry", "8", "mode_of_entry.value.code", "le code n'est pas dans la liste"),
    (SES, "mode_of_exit", "419620001", "mode_of_exit.value.code", "le code n'est pas dans la liste"),
    # the six events
    *(
        (SES, name, ..., name, "le champ manque")
        for name in (
            "mode_of_entry",
            "mode_of_exit",
            "medical_synthesis",
            "micro_organism_search",
            "transfusion",
            "blood_derivatives",
        )
    ),
    (SES, "transfusion", "peut-être", "transfusion.value", "la réponse doit être oui ou non"),
    (SES, "medical_synthesis", "", "medical_synthesis.text", "le texte est vide"),
    (SES, "reason", ..., "reason", "le champ manque"),
    # treatments
    (SES, "treatments_at_discharge", [], "treatments_at_discharge", "rien n'est dit"),
    (
        SES,
        "no_treatment_at_discharge",
        "no-known-medications",
        "no_treatment_at_discharge",
        "une liste est donnée avec l'annonce de son absence",
    ),
    (
        SES,
        "no_treatment_at_discharge",
        "rien",
        "no_treatment_at_discharge.code.code",
        "le code n'est pas dans la liste",
    ),
    (SES, "treatments_at_discharge.0.name", ..., "treatments_at_discharge[0].text", "le traitement n'est pas désigné"),
    (
        SES,
        "treatments_at_discharge.0.cis",
        "123",
        "treatments_at_discharge[0].cis.code",
        "le code n'a pas la forme CIS",
    ),
    (
        SES,
        "treatments_at_discharge.0.cis.system",
        "1.2.3",
        "treatments_at_discharge[0].cis.system",
        "le système du code n'est pas CIS",
    ),
    (
        SES,
        "treatments_at_discharge.0.cip",
        "34009",
        "treatments_at_discharge[0].cip.code",
        "le code n'a pas la forme CIP",
    ),
    (
        SES,
        "treatments_at_discharge.0.ucd",
        "34009",
        "treatments_at_discharge[0].ucd.code",
        "le code n'a pas la forme UCD",
    ),
    (
        SES,
        "treatments_at_discharge.0.atc",
        "05NAH",
        "treatments_at_discharge[0].atc.code",
        "le code n'a pas la forme ATC",
    ),
    (
        SES,
        "treatments_at_discharge.0.route",
        "20",
        "treatments_at_discharge[0].route.code",
        "le code n'a pas la forme EDQM",
    ),
    (
        SES,
        "treatments_at_discharge.0.dose.value",
        "un",
        "treatments_at_discharge[0].dose.value",
        "le nombre n'est pas lisible",
    ),
    (
        SES,
        "treatments_at_discharge.0.dose.value",
        True,
        "treatments_at_discharge[0].dose.value",
        "un texte est attendu",
    ),
    (
        SES,
        "treatments_at_discharge.0.dose.unit",
        "mgr",
        "treatments_at_discharge[0].dose.unit",
        "l'unité n'est pas un code UCUM",
    ),
    (
        SES,
        "treatments_at_discharge.0.dose.high",
        "0,5",
        "treatments_at_discharge[0].dose.high",
        "la plus grande dose est sous la plus petite",
    ),
    (
        SES,
        "treatments_at_discharge.0.timing.event",
        "ACM",
        "treatments_at_discharge[0].timing.event",
        "le rythme est donné deux fois",
    ),
    (SES, "treatments_at_discharge.0.timing", {}, "treatments_at_discharge[0].timing", "le rythme est vide"),
    (
        SES,
        "treatments_at_discharge.0.timing.every.value",
        0,
        "treatments_at_discharge[0].timing.every.value",
        "la durée est nulle",
    ),
    (
        SES,
        "treatments_at_discharge.0.end",
        "2024-05",
        "treatments_at_discharge[0].duration",
        "la durée est donnée deux fois",
    ),
    (SES, "treatments_stopped.0.end", "2024-03", "(lettre)", ""),
    (SES, "treatments_stopped.0.end", "2024-02", "treatments_stopped[0].end", "la fin précède le début"),
    (
        SES,
        "treatments_stopped.0.dosing_mode",
        "tapered",
        "treatments_stopped[0].dosing",
        "la posologie en clair manque",
    ),
    (
        SES,
        "treatments_stopped.0.dosing_mode",
        "x",
        "treatments_stopped[0].dosing_mode",
        "la valeur n'est pas de celles qui sont permises",
    ),
    (EES, "treatments_at_admission", ..., "treatments_at_admission", "rien n'est dit"),
    # plan, devices
    (SES, "plan_of_care", {}, "plan_of_care.text", "les suites à donner sont vides"),
    (
        SES,
        "plan_of_care.procedures.0.code",
        "ECQ",
        "plan_of_care.procedures[0].code.code",
        "le code n'a pas la forme CCAM",
    ),
    (
        SES,
        "plan_of_care.procedures.0.priority",
        "X",
        "plan_of_care.procedures[0].priority.code",
        "le code n'est pas dans la liste",
    ),
    (
        SES,
        "plan_of_care.procedures",
        [{"code": "ECQH010"}],
        "plan_of_care.procedures[0].text",
        "l'acte n'est pas désigné",
    ),
    (
        SES,
        "plan_of_care.encounters.0.priority",
        "CS",
        "plan_of_care.encounters[0].priority.code",
        "le code n'est pas dans la liste",
    ),
    (
        SES,
        "plan_of_care.encounters.0.priority",
        {"code": "CS", "system": "2.16.840.1.113883.5.7", "display": "à recontacter"},
        "(lettre)",
        "",
    ),
    (SES, "devices", [{"emdn": "J010104"}], "devices[0].text", "le dispositif n'est pas désigné"),
    (SES, "devices.0.lpp", "34", "devices[0].lpp.code", "le code n'a pas la forme LPP"),
    (SES, "devices.0.udi_domain", "a b", "devices[0].udi_domain.root", "le domaine de l'identifiant n'est pas lisible"),
    (SES, "devices.0.udi_domain", "1.2^3", "devices[0].udi_domain.extension", "le domaine n'a pas de numéro"),
    (SES, "devices.0.end", "2018-09-23", "devices[0].end", "la fin précède le début"),
    # allergies, history
    (SES, "allergies", ["x"], "no_allergy", "une liste est donnée avec l'annonce de son absence"),
    (EES, "allergies", ..., "allergies", "rien n'est dit"),
    (EES, "allergies.0.agent", ..., "allergies[0].text", "l'allergie n'est pas désignée"),
    (EES, "allergies.0.type", "X", "allergies[0].type.code", "le code n'est pas dans la liste"),
    (EES, "allergies.0.severity", "X", "allergies[0].severity.code", "le code n'est pas dans la liste"),
    (EES, "allergies.0.clinical_status", "X", "allergies[0].clinical_status.code", "le code n'est pas dans la liste"),
    (
        EES,
        "allergies.0.agent",
        {"name": "a", "code": "1"},
        "allergies[0].agent.code.system",
        "le système du code manque",
    ),
    (
        EES,
        "medical_history.0.concern",
        "active",
        "medical_history[0].concern",
        "une date de fin est donnée pour ce qui dure",
    ),
    (EES, "medical_history.0.code", "10N", "medical_history[0].code.code", "le code n'a pas la forme CIM-10"),
    (EES, "medical_history", [{"code": "N10"}], "medical_history[0].text", "le problème n'est pas désigné"),
    (EES, "medical_history.0.end", "2018-09", "medical_history[0].end", "la fin précède le début"),
    (EES, "comment", ..., "comment", "le champ manque"),
    # level 1
    (N1, "type", "99999-9", "type.code", "le code n'est pas dans la liste"),
    (N1, "title", ..., "title", "le champ manque"),
    (N1, "body", ..., "body", "le champ manque"),
    (N1, "body.media_type", "image/gif", "body.media_type", "la valeur n'est pas de celles qui sont permises"),
    (N1, "body.media_type", "image/jpeg", "body.content", "le fichier n'est pas du type annoncé"),
    (N1, "body.content", "*", "body.content", "le contenu n'est pas en base64"),
    (N1, "body.content", "", "body.content", "le fichier est vide"),
    (N1, "body", {"media_type": "text/plain", "content": "6Q=="}, "body.content", "le texte n'est pas en UTF-8"),
]


def named(item: object) -> str:
    """The same in every process: an address in memory is no name."""
    return str(getattr(item, "__name__", item))[:50]


@pytest.mark.parametrize(("make", "path", "value", "told", "text"), RULES, ids=named)
def test_one_change_one_fault(make: Callable[[], Data], path: str, value: Any, told: str, text: str) -> None:
    found = faults(changed(make(), path, value))
    if not text:
        # Not a fault: a month that holds the start, a code beyond its list that says what it is.
        assert found == ()
        return
    assert [fault.path for fault in found] == [told]
    assert found[0].text.startswith(text)
    assert found[0].sentence.startswith(f"{told} : {text}")


def test_everything_is_told_at_once() -> None:
    data = changed(changed(changed(discharge(), "patient.sex", "X"), "authors.0.rpps", "1"), "reason", "")
    assert [fault.path for fault in faults(data)] == ["patient.sex", "authors[0].rpps", "reason"]


def test_a_list_of_no_names_has_no_first_one() -> None:
    found = faults(changed(discharge(), "patient.birth_given_names", []))
    assert [fault.path for fault in found] == ["patient.birth_given_names", "patient.first_birth_given"]


def test_an_author_with_software_is_a_device() -> None:
    robot = {"software": "Automate 2", "other_id": "3120456789/7"}
    assert [(f.path, f.text) for f in faults(changed(discharge(), "authors", [robot]))] == [
        ("authors[0].model", "le champ manque")
    ]
    assert faults(changed(discharge(), "authors", [{**robot, "model": "X"}])) == ()


def test_a_version_replaces_an_earlier_one_and_never_itself() -> None:
    second = changed(changed(discharge(), "version", 2), "replaces", {"id": "2.25.900", "version": 1})
    assert faults(second) == ()
    assert [f.path for f in faults(changed(second, "replaces.id", second["id"]))] == ["replaces.id"]
    assert [f.path for f in faults(changed(second, "replaces.version", 2))] == ["replaces.version"]


def test_the_act_of_an_admission_letter_is_the_stay() -> None:
    act = {"start": "2024-03-06", "performer": admission()["authors"][0]}
    act["performer"] = {name: act["performer"][name] for name in ("rpps", "family")}
    data = changed(admission(), "act", {**act, "code": {"code": "AMB", "system": "2.16.840.1.113883.5.4"}})
    assert [(f.path, f.text) for f in faults(data)] == [
        ("act.code", "l'acte d'une lettre d'entrée est l'hospitalisation")
    ]
    assert [f.path for f in faults(changed(data, "act.code", "IMP"))] == ["act.code.system"]


def test_neither_a_refusal_nor_a_letter_shows_a_patient() -> None:
    data = changed(changed(discharge(), "patient.ins.value", "279035121518900X"), "patient.birth_family", "")
    data = changed(data, "patient.birth_date", "DOMINIQUE")
    with pytest.raises(LetterError) as refused:
        letter_of(data)
    words = f"{refused.value!r} {refused.value} {refused.value.context} {refused.value.french()} {refused.value.faults}"
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    for secret in ("2790351215189", "DOMINIQUE", "PAT-TROIS"):
        assert secret not in words
    assert "PAT-TROIS" not in f"{letter_of(discharge())!r} {letter_of(discharge()).patient}"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN)
def test_garbage_is_refused_with_paths_and_never_crashes(value: Any) -> None:
    for kind in ("discharge", "admission", "unstructured"):
        found = faults({"kind": kind, "patient": value, "authors": value, "mode_of_entry": value, "body": value})
        assert found
        assert all(fault.path and fault.text != "la valeur n'est pas utilisable" for fault in found)
    assert faults({"kind": value})
