"""Letters drawn at random, as plain data: every optional part, any script, long texts, several of everything.

Codes of terminologies are real ones, so that every suite of the kit may be asked. `letters()` draws the three kinds.
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from connector.base.oid import oid_from_uuid
from connector.codes import load
from connector.letter.model import Letter
from connector.letter.model.text import visible
from connector.letter.plain import letter_of
from tests.letter.drawn_care import allergies, devices, plans, problems, procedures, treatments
from tests.letter.drawn_values import (
    MOMENTS,
    WHENS,
    ZONES,
    Data,
    Drawn,
    group,
    identifiers,
    lines,
    listed,
    periods,
    prose,
    some,
)


@cache
def addresses() -> Drawn:
    parts = {
        name: lines(20)
        for name in ("house_number", "street_type", "street", "additional_locator", "unit", "post_box", "precinct")
    }
    uses = st.sampled_from(["H", "HP", "HV", "WP", "TMP"])
    named = group({"city": lines(20)}, {"use": uses, "postal_code": lines(10), "country": lines(20), **parts})
    return named | group({"lines": some(lines(30), 1, 3)}, {"use": uses})


@cache
def telecoms() -> Drawn:
    values = st.sampled_from(["0144534551", "+33 1 44 53 45 51", "fax:0144534552", "nom@exemple.mssante.fr"])
    return group({"value": values}, {"use": st.sampled_from(["H", "WP", "MC", "DIR"])})


FINESS = st.sampled_from(["750803447", "120456789", "2A0000014"])
RPPS = st.integers(10**9, 10**10 - 1).map(lambda number: f"1{number}")


@cache
def organizations(**required: Drawn) -> Drawn:
    reach = {"addresses": some(addresses(), most=1), "telecoms": some(telecoms(), most=1)}
    known = {} if "finess" in required else {"finess": FINESS}
    return group({"name": lines(), **required}, {"practice_setting": settings(), **known, **reach})


@cache
def custodians() -> Drawn:
    """A structure without a practice setting, for which the header has no room there."""
    return organizations(finess=FINESS).map(
        lambda drawn: {name: item for name, item in drawn.items() if name != "practice_setting"}
    )


@cache
def settings() -> Drawn:
    return st.sampled_from([{"code": concept.code} for concept in load("J04") if load("J62").get(concept.code)])


@cache
def specialties() -> Drawn:
    return st.sampled_from([{"code": concept.code} for concept in load("J01") if load("J56").get(concept.code)])


@cache
def people(**required: Drawn) -> Drawn:
    """A professional with a number, a name, and perhaps the rest."""
    return group(
        {"rpps": RPPS, "family": lines(30), "given": lines(30), **required},
        {
            "prefix": st.sampled_from(["M", "MME"]),
            "suffix": st.sampled_from(["DR", "PR"]),
            "specialty": specialties(),
            "organization": organizations(),
            "addresses": some(addresses(), most=2),
            "telecoms": some(telecoms(), most=2),
        },
    )


@cache
def authors() -> Drawn:
    person = st.builds(
        lambda person, function: {**person, **function}, people(), group({}, {"function": listed("J47")})
    )
    return person | st.builds(lambda person, time: {**person, "time": time}, people(), MOMENTS)


@cache
def devices_as_authors() -> Drawn:
    return group(
        {"other_id": st.just("3750803447/LOGICIEL"), "model": lines(), "software": lines()},
        {"organization": organizations()},
    )


@cache
def relatives(**required: Drawn) -> Drawn:
    return group(
        {"family": lines(30), **required},
        {
            "given": lines(30),
            "prefix": st.sampled_from(["M", "MME"]),
            "telecoms": some(telecoms(), most=2),
            "addresses": some(addresses(), most=1),
        },
    )


@st.composite
def patients(draw: st.DrawFn) -> Data:
    """Traits that agree with the matricule, whose domain is the test one."""
    sex = draw(st.sampled_from(["F", "M", "UN"]))
    born = draw(st.dates(date(1920, 1, 1), date(2019, 12, 31)))
    place = f"{draw(st.integers(1, 95).filter(lambda number: number != 20)):02}{draw(st.integers(1, 990)):03}"
    number = f"{2 if sex == 'F' else 1}{born:%y%m}{place}{draw(st.integers(1, 999)):03}"
    # A blank separates two names, each of which is seen.
    given = draw(some(lines(15).filter(lambda text: all(map(visible, text.split()))), 1, 3))
    required = {
        "ins": {"value": f"{number}{97 - int(number) % 97:02}", "oid": "1.2.250.1.213.1.4.10"},
        "birth_family": draw(lines(30)),
        "birth_given_names": given,
        "sex": sex,
        "birth_date": born.isoformat(),
        "birth_place": {"insee": place, "label": draw(lines(20))},
    }
    optional = {
        "ipp": group({"root": st.just("1.2.250.1.999.5"), "extension": lines(20)}),
        "used_family": lines(30),
        "used_given": lines(30),
        "death": st.sampled_from(["2029-12-31", "2029-12-31T23:59:00+01:00"]),
        "addresses": some(addresses(), most=2),
        "telecoms": some(telecoms(), most=2),
        "guardians": some(relatives(), most=2),
    }
    return {**required, **draw(group({}, optional))}


@st.composite
def stays(draw: st.DrawFn) -> Data:
    admission = draw(st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31), timezones=ZONES)).replace(microsecond=0)
    discharge = admission + timedelta(minutes=draw(st.integers(0, 60 * 24 * 90)))
    whole = {"admission": admission.isoformat(), "discharge": discharge.isoformat()}
    optional = {
        "visit_number": identifiers(),
        "unit": lines(),
        "encounter_type": listed("J142"),
        "discharge_disposition": group(
            {"code": st.sampled_from(["6", "7", "8"]), "system": st.just("1.2.250.1.213.2.14"), "display": lines()}
        ),
        "responsible": people(),
        "participants": some(
            st.builds(
                lambda kind, person, period: {"type": kind, "person": person, **period},
                st.sampled_from(["ADM", "ATND", "CON", "DIS", "REF"]),
                people(),
                periods(WHENS),
            ),
            most=2,
        ),
        "place": lines(),
        "place_address": addresses(),
    }
    facility = st.sampled_from([{"code": concept.code} for concept in load("J02") if load("J61").get(concept.code)])
    return {**whole, "facility_type": draw(facility), "practice_setting": draw(settings()), **draw(group({}, optional))}


@st.composite
def acts(draw: st.DrawFn, codes: Drawn) -> Data:
    """An act documented beside the stay, on the day of 1 June 2026 or over it."""
    start = draw(st.sampled_from(["2026-06-01", "2026-06-01T08:00:00+02:00"]))
    more = {
        "id": identifiers(),
        "end": st.sampled_from(["2026-06-01T12:30:00+02:00", "2026-06-02", start]),
        "performed": st.just("2026-06-01T09:00:00+02:00"),
    }
    return {"start": start, "code": draw(codes), "performer": draw(people()), **draw(group({}, more))}


_IMP = {"code": "IMP", "system": "2.16.840.1.113883.5.4", "display": "Hospitalisation"}
_CCAM = {"code": "DDAF004", "system": "1.2.250.1.215.300.1", "display": "Dilatation intraluminale"}


@st.composite
def headers(draw: st.DrawFn, *acted: Data) -> Data:
    stay = draw(stays())
    version = draw(st.integers(1, 3))
    made = datetime.fromisoformat(stay["discharge"]).astimezone(UTC) + timedelta(hours=1)
    optional = {
        "authenticators": some(people(), most=2),
        "primary_physician": people() | group({"family": lines(30)}, {"specialty": specialties()}),
        "recipients": st.lists(people(), max_size=3, unique_by=lambda person: str(person["rpps"])),
        "participants": some(_participations(), most=2),
        "informants": some(
            st.builds(
                lambda person, relation: {**person, **relation},
                relatives(role=st.sampled_from(["emergency_contact", "trusted_person", "contact", "caregiver"])),
                group({}, {"relation": listed("J11")}),
            ),
            most=2,
        ),
        "orders": some(identifiers(), most=2),
        "act": acts(st.sampled_from(acted)).map(lambda act: _set_as(act, stay["practice_setting"])),
    }
    replaced = {"id": str(oid_from_uuid(draw(st.uuids()))), "version": version - 1}
    return {
        "id": oid_from_uuid(draw(st.uuids())),
        "set_id": oid_from_uuid(draw(st.uuids())),
        "version": version,
        **({"replaces": replaced} if version > 1 else {}),
        "title": draw(lines(80)),
        "effective_time": made.isoformat(),
        "patient": draw(patients()),
        "stay": stay,
        "authors": [draw(authors()), *draw(some(authors() | devices_as_authors(), most=1))],
        "legal_authenticator": draw(people()),
        "custodian": draw(custodians()),
        **draw(group({}, optional)),
    }


def _set_as(act: Data, setting: Data) -> Data:
    """The act in the one practice setting a document has."""
    structure = act["performer"].get("organization", {})
    told = {"organization": {**structure, "practice_setting": setting}} if "practice_setting" in structure else {}
    return {**act, "performer": {**act["performer"], **told}}


@cache
def _participations() -> Drawn:
    who = group({"person": people()}) | group({"organization": organizations()})
    return st.builds(
        lambda kind, who, period, more: {"type": kind, **who, **period, **more},
        listed("J144"),
        who,
        periods(WHENS),
        group({}, {"function": listed("J47"), "role": st.sampled_from(["PROV", "AGNT"])}),
    )


def _event(value: Drawn, *, commented: bool) -> Drawn:
    more = {"date": WHENS, "author": authors(), **({"comment": prose()} if commented else {})}
    return group({"value" if commented else "text": value}, more)


@st.composite
def discharge_data(draw: st.DrawFn) -> Data:
    flag = _event(st.booleans(), commented=True)
    text = _event(prose(), commented=False)
    no_treatment = group({"code": listed("AbsentMedication")}, {"text": prose()})
    no_allergy = group({"code": listed("AbsentAllergy")}, {"text": prose()})
    treated = draw(
        group({"treatments_at_discharge": some(treatments(), 1)}) | group({"no_treatment_at_discharge": no_treatment})
    )
    allergic: Data = draw(st.just({}) | group({"allergies": some(allergies(), 1)}) | group({"no_allergy": no_allergy}))
    optional = {
        "status": listed("StatutDoc"),
        "adverse_event": text,
        "micro_organisms_found": text,
        "transfusion_accident": text,
        "blood_derivatives_event": text,
        "treatments_stopped": some(treatments()),
        "examinations": prose(),
        "plan_of_care": plans(),
        "devices": some(devices()),
    }
    return {
        "kind": "discharge",
        **draw(headers(_IMP, _CCAM)),
        "reason": draw(prose()),
        "mode_of_entry": draw(_event(listed("ModaliteEntree"), commented=True)),
        "mode_of_exit": draw(_event(listed("ModaliteSortie"), commented=True)),
        "medical_synthesis": draw(text),
        "micro_organism_search": draw(flag),
        "transfusion": draw(flag),
        "blood_derivatives": draw(flag),
        **treated,
        **allergic,
        **draw(group({}, optional)),
    }


@st.composite
def admission_data(draw: st.DrawFn) -> Data:
    no_treatment = group({"code": listed("AbsentMedication")}, {"text": prose()})
    no_allergy = group({"code": listed("AbsentAllergy")}, {"text": prose()})
    return {
        "kind": "admission",
        **draw(headers(_IMP)),
        "reason": draw(prose()),
        **draw(
            group({"treatments_at_admission": some(treatments(), 1)})
            | group({"no_treatment_at_admission": no_treatment})
        ),
        **draw(group({"allergies": some(allergies(), 1)}) | group({"no_allergy": no_allergy})),
        **draw(group({}, {"medical_history": some(problems()), "surgical_history": some(procedures())})),
        "comment": draw(prose()),
    }


@st.composite
def unstructured_data(draw: st.DrawFn) -> Data:
    content = b"%PDF-1.4\n" + draw(st.binary(max_size=200)) + b"\n%%EOF\n"
    types = st.sampled_from([{"code": code} for code in ("11490-0", "18761-7", "34112-3", "11502-2")])
    return {
        "kind": "unstructured",
        **draw(headers(_IMP, _CCAM)),
        "type": draw(types),
        "body": {"media_type": "application/pdf", "content": base64.b64encode(content).decode()},
    }


@cache
def letters() -> st.SearchStrategy[Letter]:
    """Letters of the three kinds, mostly the structured ones."""
    return st.one_of(discharge_data(), admission_data(), discharge_data(), unstructured_data()).map(letter_of)


@cache
def structured_letters() -> st.SearchStrategy[Letter]:
    """Letters whose body is made of sections."""
    return st.one_of(discharge_data(), admission_data()).map(letter_of)
