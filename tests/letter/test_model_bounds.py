"""What no record can mean: amounts below zero, durations in tablets, dates out of order, texts nobody sees."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfWriter

from connector.letter.model import DischargeLetter
from connector.letter.plain import letter_of
from tests.letter.letters import PDF, Data, admission, changed, discharge, faults, unstructured

SES, EES, N1 = discharge, admission, unstructured
DRUG = "treatments_at_discharge.0"
TOLD = "treatments_at_discharge[0]"

Case = tuple[Callable[[], Data], str, Any, str, str]

RULES: list[Case] = [
    # amounts
    (SES, f"{DRUG}.dose.value", "-1", f"{TOLD}.dose.value", "une quantité n'est pas négative"),
    (SES, f"{DRUG}.dose.value", 0, f"{TOLD}.dose.value", "la dose est nulle"),
    (SES, f"{DRUG}.dose", {"value": 0, "high": 0}, f"{TOLD}.dose.high", "la dose est nulle"),
    (SES, f"{DRUG}.dose", {"value": 0, "high": 2}, "", ""),
    (SES, f"{DRUG}.dose.value", 10**5000, f"{TOLD}.dose.value", "le nombre n'est pas lisible"),
    (SES, f"{DRUG}.dose.unit", "ans", f"{TOLD}.dose.unit", "une dose ne se compte pas en jours"),
    (SES, f"{DRUG}.dose.unit", "heures", "", ""),
    (SES, f"{DRUG}.max_dose.unit", "jours", f"{TOLD}.max_dose.unit", "une dose ne se compte pas en jours"),
    (SES, f"{DRUG}.max_dose.value", "-5", f"{TOLD}.max_dose.value", "une quantité n'est pas négative"),
    (SES, f"{DRUG}.max_dose.value", "0,0", f"{TOLD}.max_dose.value", "la dose maximale est nulle"),
    (SES, f"{DRUG}.max_dose.per.value", "0", f"{TOLD}.max_dose.per.value", "la durée est nulle"),
    (SES, f"{DRUG}.max_dose.per.unit", "mg", f"{TOLD}.max_dose.per.unit", "ce n'est pas une unité de temps"),
    (SES, f"{DRUG}.duration.value", "-60", f"{TOLD}.duration.value", "une quantité n'est pas négative"),
    (SES, f"{DRUG}.duration.unit", "comprimés", f"{TOLD}.duration.unit", "ce n'est pas une unité de temps"),
    (SES, f"{DRUG}.timing.every.unit", "mg", f"{TOLD}.timing.every.unit", "ce n'est pas une unité de temps"),
    (SES, f"{DRUG}.route", "99999999", f"{TOLD}.route.code", "le code n'est pas dans la liste"),
    (SES, f"{DRUG}.route", {"code": "99999999", "display": "voie nouvelle"}, "", ""),
    # versions
    (SES, "version", Decimal("1E+99999999"), "version", "un nombre entier est attendu"),
    (SES, "version", Decimal("NaN"), "version", "un nombre entier est attendu"),
    (SES, "version", float("inf"), "version", "un nombre entier est attendu"),
    (SES, "version", "1" * 5000, "version", "un nombre entier est attendu"),
    (SES, "version", True, "version", "un nombre entier est attendu"),
    (SES, "version", "2", "", ""),
    # order of dates
    (SES, "patient.birth_date", "2024-03-07", "patient.birth_date", "la naissance suit l'entrée"),
    (SES, "patient.birth_date", "2024-03-06", "", ""),
    (SES, "patient.death", "2024-03-05", "patient.death", "le décès précède l'entrée"),
    (SES, "patient.death", "2024-03-06", "", ""),
    (SES, "effective_time", "2024-03-05T10:00:00+01:00", "effective_time", "la lettre de sortie précède l'entrée"),
    (SES, "effective_time", "2024-03-06T11:17:00+01:00", "", ""),
    (N1, "effective_time", "2019-01-01T10:00:00+01:00", "effective_time", "la lettre de sortie précède l'entrée"),
    (EES, "effective_time", "2019-01-01T10:00:00+01:00", "", ""),
    (SES, "effective_time", "2024-03-10T10:00:00+23:59", "effective_time", "le fuseau horaire n'existe pas"),
    (SES, "treatments_stopped.0.end", "2024-03-05T23:59:00Z", "treatments_stopped[0].end", "la fin précède le début"),
    # texts
    (SES, "reason", "\u200b", "reason", "le texte est vide"),
    (SES, "reason", "\u200d", "reason", "le texte ne se voit pas"),
    (SES, "reason", "\u0301\u3164", "reason", "le texte ne se voit pas"),
    (SES, "reason", "10 \u202egm", "reason", "le texte contient un caractère invisible"),
    (SES, "reason", "10\u200fmg", "reason", "le texte contient un caractère invisible"),
    (SES, "reason", "a\u0085b", "reason", "le texte contient un caractère de commande"),
    (SES, "patient.birth_family", "\u200b", "patient.birth_family", "le texte est vide"),
    (SES, "patient.birth_family", "A\u2066B", "patient.birth_family", "le texte contient un caractère invisible"),
    (SES, "medical_synthesis", "l\x92état", "medical_synthesis.text", "le texte contient un caractère de commande"),
    # what the header has no room for
    (SES, "custodian.practice_setting", "ETABLISSEMENT", "custodian.practice_setting", "le document n'a pas de place"),
    (SES, "custodian.telecoms", ["0102030405", "a@b.fr"], "custodian.telecoms", "le document n'a de place que pour"),
    (SES, "custodian.telecoms", ["0102030405"], "", ""),
    (
        SES,
        "custodian.addresses",
        [{"city": "A"}, {"city": "B"}],
        "custodian.addresses",
        "le document n'a de place que pour",
    ),
    # the language of a document
    (SES, "language", "xx-XX", "language", "la langue n'est pas lisible"),
    (SES, "language", "fr-XX", "language", "la langue n'est pas lisible"),
    (SES, "language", "fr-BE", "", ""),
    # what is given briefly, as something else
    (SES, "transfusion", 1, "transfusion.value", "la réponse doit être oui ou non"),
    (SES, "transfusion", None, "transfusion.value", "la réponse doit être oui ou non"),
    (SES, "medical_synthesis", 12, "medical_synthesis.text", "un texte est attendu"),
    (SES, "mode_of_entry", 8, "mode_of_entry.value.code", "un texte est attendu"),
    (SES, "id", 12, "id.root", "un texte est attendu"),
    # the only content of a document
    (N1, "body", {"media_type": "text/plain", "content": "ICAgCg=="}, "body.content", "le texte est vide"),
    (N1, "body", {"media_type": "text/plain", "content": "4oCL"}, "body.content", "le texte est vide"),
]


def named(item: object) -> str:
    """The same in every process, and no number of five thousand digits."""
    return item[:40] if isinstance(item, str) else str(getattr(item, "__name__", type(item).__name__))


@pytest.mark.parametrize(("make", "path", "value", "told", "text"), RULES, ids=named)
def test_one_change_one_fault(make: Callable[[], Data], path: str, value: Any, told: str, text: str) -> None:
    found = faults(changed(make(), path, value))
    assert [fault.path for fault in found] == ([told] if told else [])
    if text:
        assert found[0].text.startswith(text)


def test_an_invisible_character_is_named() -> None:
    (found,) = faults(changed(discharge(), "patient.birth_family", "PAT\u202e"))
    assert found.found == "U+202E"


def test_marks_of_typesetting_are_no_text() -> None:
    letter = letter_of(changed(discharge(), "reason", "\ufeffpneu\u00admopathie\u2028fé\u200bbrile"))
    assert isinstance(letter, DischargeLetter)
    assert letter.reason == "pneumopathie\nfébrile"


def test_an_encrypted_pdf_is_no_content() -> None:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    plain, secret = io.BytesIO(), io.BytesIO()
    writer.write(plain)
    writer.encrypt(user_password="", owner_password="secret", algorithm="RC4-128")
    writer.write(secret)
    good = changed(unstructured(), "body.content", base64.b64encode(plain.getvalue()).decode())
    assert faults(good) == faults(changed(good, "body.content", base64.b64encode(PDF).decode())) == ()
    found = faults(changed(good, "body.content", base64.b64encode(secret.getvalue()).decode()))
    assert [(fault.path, fault.text) for fault in found] == [("body.content", "le PDF est chiffré")]


@pytest.mark.parametrize(
    ("admitted", "born", "right"),
    [
        # At 23:30 in UTC it is the next day in Paris.
        ("2024-03-06T23:30:00Z", "2024-03-07", True),
        # On the clock of the stay itself, it is that day.
        ("2024-03-06T00:30:00+11:00", "2024-03-06", True),
        ("2024-03-06T22:30:00Z", "2024-03-07", False),
    ],
)
def test_a_day_is_that_of_the_clock_or_of_paris(admitted: str, born: str, right: bool) -> None:
    data = changed(changed(discharge(), "stay.admission", admitted), "patient.birth_date", born)
    assert [fault.path for fault in faults(data)] == ([] if right else ["patient.birth_date"])


def test_a_document_says_one_practice_setting() -> None:
    who = {"rpps": "01234567897", "family": "HODA"}
    act: Data = {"start": "2024-03-07", "performer": {**who, "organization": {"name": "Bloc"}}}
    data = changed(discharge(), "act", act)
    for code, told in (("ETABLISSEMENT", []), ("AMBULATOIRE", ["act.performer.organization.practice_setting"])):
        found = faults(changed(data, "act.performer.organization.practice_setting", code))
        assert [fault.path for fault in found] == told


def test_who_signs_may_practise_elsewhere() -> None:
    data = changed(
        changed(discharge(), "legal_authenticator.organization.practice_setting", "AMBULATOIRE"), "stay.unit", ...
    )
    main = letter_of(data).main_act()
    assert main.performer.organization is not None
    assert main.performer.organization.practice_setting is not None
    assert main.performer.organization.practice_setting.code == "ETABLISSEMENT"
