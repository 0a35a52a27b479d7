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
    (SES, f"{DRUG}.dose.value", 0, "", ""),
    (SES, f"{DRUG}.dose", {"value": 0, "high": 0}, "", ""),
    (SES, f"{DRUG}.dose", {"value": 0, "high": 2}, "", ""),
    (SES, f"{DRUG}.dose", {"value": 0, "high": -2}, f"{TOLD}.dose.high", "une quantité n'est pas négative"),
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
    # a child whose file is opened before it is born
    (SES, "patient.birth_date", "2024-03-10", "", ""),
    (SES, "patient.birth_date", "2024-03-12", "patient.birth_date", "la naissance suit la sortie"),
    (EES, "patient.birth_date", "2024-03-12", "patient.birth_date", "la naissance suit la lettre"),
    (N1, "patient.birth_date", "2024-03-12", "patient.birth_date", "la naissance suit la sortie"),
    # dead on arrival, registered later; or before an admission recorded after midnight
    (SES, "patient.death", "2024-03-06T10:55:00+01:00", "", ""),
    (SES, "patient.death", "2024-03-05", "", ""),
    (SES, "patient.death", "1979-03-27T10:00:00+01:00", "", ""),
    (SES, "patient.death", "1979-03-26T10:00:00+01:00", "patient.death", "le décès précède la naissance"),
    (SES, "effective_time", "2024-03-05T10:00:00+01:00", "effective_time", "la lettre de sortie précède l'entrée"),
    (SES, "effective_time", "2024-03-06T11:17:00+01:00", "", ""),
    (N1, "effective_time", "2019-01-01T10:00:00+01:00", "effective_time", "la lettre de sortie précède l'entrée"),
    (EES, "effective_time", "2019-01-01T10:00:00+01:00", "", ""),
    (SES, "effective_time", "2024-03-10T10:00:00+23:59", "effective_time", "le fuseau horaire n'existe pas"),
    (SES, "treatments_stopped.0.end", "2024-02-28T23:59:00Z", "treatments_stopped[0].end", "la fin précède le début"),
    (SES, "treatments_stopped.0.end", "2024-03-05T23:59:00Z", "", ""),
    # texts
    (SES, "reason", "\u200b", "reason", "le texte est vide"),
    (SES, "reason", "\u200d", "reason", "le texte ne se voit pas"),
    (SES, "reason", "\u0301\u3164", "reason", "le texte ne se voit pas"),
    (SES, "reason", "10 \u202egm", "reason", "le texte contient un caractère invisible"),
    (SES, "reason", "10\u2062mg", "reason", "le texte contient un caractère invisible (U+2062, caractère n° 3)"),
    (SES, "reason", "\u200e\U000e0067", "reason", "le texte contient un caractère invisible (U+E0067, caractère n° 2)"),
    (SES, "reason", "a\u0085b", "reason", "le texte contient un caractère de commande (U+0085, caractère n° 2)"),
    (SES, "reason", "ab\x08", "reason", "le texte contient un caractère interdit dans un document XML (U+0008, car"),
    (SES, "patient.birth_family", "\u200b", "patient.birth_family", "le texte est vide"),
    (SES, "patient.birth_family", "A\u202eB", "patient.birth_family", "le texte contient un caractère invisible"),
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
    assert found.sentence.startswith("patient.birth_family : le texte contient un caractère invisible (U+202E, ")
    assert "PAT" not in found.sentence


def test_marks_of_typesetting_are_no_text() -> None:
    letter = letter_of(changed(discharge(), "reason", "\ufeffpneu\u00admopathie\u2028fé\u200bbrile"))
    assert isinstance(letter, DischargeLetter)
    assert letter.reason == "pneumopathie\nfébrile"


@pytest.mark.parametrize("mark", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069")
def test_marks_of_direction_are_no_text(mark: str) -> None:
    data = changed(discharge(), "reason", f"{mark}tél. {mark}01 44 53\u202c")
    letter = letter_of(changed(data, "patient.birth_family", f"PAT{mark}"))
    assert isinstance(letter, DischargeLetter)
    assert (letter.reason, letter.patient.birth_family) == ("tél. 01 44 53", "PAT")


@pytest.mark.parametrize(
    "flag", ["\U0001f1eb\U0001f1f7", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"]
)
def test_flags_stay_whole(flag: str) -> None:
    letter = letter_of(changed(discharge(), "reason", f"Séjour {flag} récent"))
    assert isinstance(letter, DischargeLetter)
    assert letter.reason == f"Séjour {flag} récent"


def test_a_tab_of_word_and_the_end_of_a_page_begin_a_line() -> None:
    letter = letter_of(changed(changed(discharge(), "reason", "fièvre\vtoux\fsueurs"), "title", "Lettre\vde sortie"))
    assert isinstance(letter, DischargeLetter)
    assert (letter.reason, letter.title) == ("fièvre\ntoux\nsueurs", "Lettre de sortie")


def test_a_pdf_that_asks_for_a_password_is_no_content() -> None:
    def of(user: str = "", owner: str = "") -> str:
        writer, written = PdfWriter(), io.BytesIO()
        writer.add_blank_page(72, 72)
        if user or owner:
            writer.encrypt(user, owner or user, algorithm="RC4-128")
        writer.write(written)
        return base64.b64encode(written.getvalue()).decode()

    good = changed(unstructured(), "body.content", of())
    assert faults(good) == faults(changed(good, "body.content", base64.b64encode(PDF).decode())) == ()
    # One that only forbids printing opens: it is for the check of its CDA to warn.
    assert faults(changed(good, "body.content", of(owner="secret"))) == ()
    found = faults(changed(good, "body.content", of(user="secret")))
    assert [(fault.path, fault.text) for fault in found] == [
        ("body.content", "le PDF ne s'ouvre pas sans mot de passe")
    ]


@pytest.mark.parametrize(
    ("left", "born", "right"),
    [
        # At La Réunion, where it is the next day at 20:30 in UTC.
        ("2024-03-08T20:30:00Z", "2024-03-09", True),
        ("2024-03-08T00:30:00+11:00", "2024-03-08", True),
        ("2024-03-08T22:30:00Z", "2024-03-10", False),
    ],
)
def test_a_day_is_that_of_the_clock_of_the_place(left: str, born: str, right: bool) -> None:
    data = changed(changed(discharge(), "stay.discharge", left), "patient.birth_date", born)
    assert [fault.path for fault in faults(data)] == ([] if right else ["patient.birth_date"])


def test_a_stay_in_days_and_times_of_utc() -> None:
    data = changed(changed(discharge(), "stay.admission", "2024-03-09"), "stay.discharge", "2024-03-08T21:00:00Z")
    assert faults(data) == ()
    found = faults(changed(data, "stay.discharge", "2024-03-07T21:00:00Z"))
    assert [fault.path for fault in found] == ["stay.discharge"]
    # The letter of a day's surgery in Polynesia, or of a night at La Réunion.
    assert faults(changed(changed(discharge(), "stay.admission", "2024-03-11"), "stay.discharge", "2024-03-11")) == ()


def test_a_document_says_one_practice_setting() -> None:
    who = {"rpps": "01234567897", "family": "HODA"}
    act: Data = {"start": "2024-03-07", "performer": {**who, "organization": {"name": "Bloc"}}}
    data = changed(discharge(), "act", act)
    for code, told in (("ETABLISSEMENT", []), ("AMBULATOIRE", ["act.performer.organization.practice_setting"])):
        found = faults(changed(data, "act.performer.organization.practice_setting", code))
        assert [fault.path for fault in found] == told
    # Said once, it is that of the act: the refusal tells so.
    assert "retirer stay.practice_setting" in found[0].expected


def test_who_signs_may_practise_elsewhere() -> None:
    data = changed(
        changed(discharge(), "legal_authenticator.organization.practice_setting", "AMBULATOIRE"), "stay.unit", ...
    )
    main = letter_of(data).main_act()
    assert main.performer.organization is not None
    assert main.performer.organization.practice_setting is not None
    assert main.performer.organization.practice_setting.code == "ETABLISSEMENT"
