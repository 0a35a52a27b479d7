"""Care drawn at random, as plain data: treatments, allergies, problems, acts, plans, devices."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from tests.letter.drawn_values import (
    NUMBERS,
    PARTIAL,
    TIMES,
    UNITS,
    Data,
    Drawn,
    coded,
    group,
    identifiers,
    lines,
    listed,
    periods,
    prose,
    some,
)


@cache
def doses() -> Drawn:
    def ordered(values: list[str], more: Data) -> Data:
        low, *high = sorted(values, key=float)
        return {"value": low, **({"high": high[0]} if high else {}), **more}

    return st.builds(ordered, st.lists(NUMBERS, min_size=1, max_size=2), group({}, {"unit": UNITS, "text": lines(20)}))


@cache
def timings() -> Drawn:
    every = group({"value": st.sampled_from(["1", "6", "12", "0.5"]), "unit": TIMES})
    events = st.sampled_from(["AC", "ACM", "ACD", "ACV", "C", "CM", "CD", "CV", "HS", "IC", "ICD", "PC", "WAKE"])
    word = {"text": lines(20)}
    return group({"every": every}, word) | group({"event": events}, word) | group(word)


@st.composite
def treatments(draw: st.DrawFn) -> Data:
    named = draw(group({"name": lines()}, {"text": prose()}) | group({"text": prose()}))
    times = draw(periods())
    mode = draw(st.sampled_from(["normal", "normal", "tapered", "split", "conditional", "combined"]))
    optional = {
        "cis": st.integers(60000000, 69999999).flatmap(lambda number: coded(str(number))),
        "cip": coded("3400934874741"),
        "ucd": coded("9123456"),
        "atc": coded("N05AL05", "C03AA03", "N05AH02"),
        "timing": timings(),
        "route": coded("20053000", "20020000", "20031500"),
        "dose": doses(),
        "rate": doses(),
        "max_dose": group(
            {"value": NUMBERS, "unit": UNITS, "per": group({"value": st.just("1"), "unit": TIMES})},
            {"text": lines(20)},
        ),
        "planned": st.booleans(),
        "comment": prose(),
        **({"duration": group({"value": st.integers(1, 90).map(str), "unit": TIMES})} if "end" not in times else {}),
    }
    dosing = {"dosing_mode": mode, **({"dosing": draw(prose())} if mode != "normal" else {})}
    return {**named, **times, **dosing, **draw(group({}, optional))}


def concerns(fields: Drawn, optional: dict[str, Drawn]) -> Drawn:
    """What lasts: its status agrees with its end."""

    def whole(named: Data, period: Data, status: str | None, more: Data) -> Data:
        ended = status in ("aborted", "completed")
        kept = period if ended or status is None else {name: day for name, day in period.items() if name != "end"}
        return {**named, **kept, **({"concern": status} if status else {}), **more}

    statuses = st.sampled_from([None, "active", "suspended", "aborted", "completed"])
    return st.builds(whole, fields, periods(), statuses, group({}, {"comment": prose(), **optional}))


@cache
def allergies() -> Drawn:
    snomed = group({"code": st.just("126485001"), "system": st.just("2.16.840.1.113883.6.96")}, {"display": lines(20)})
    agent = lines(30) | group({"name": lines(30), "code": snomed})
    reaction = lines(30) | group({"text": lines(30)}, {"code": snomed, "start": PARTIAL})
    return concerns(
        group({"text": prose()}, {"agent": agent}) | group({"agent": agent}),
        {
            "type": listed("AllergyType"),
            "reactions": some(reaction),
            "severity": listed("Severity"),
            "clinical_status": listed("AllergyStatus"),
        },
    )


@cache
def problems() -> Drawn:
    icd = coded("N10", "S52.5", "H34.8")
    named = group({"code": st.sampled_from(["N10", "F02.0"]), "display": lines()})
    return concerns(group({"text": prose()}, {"code": icd}) | group({"code": named}), {"type": listed("ProblemType")})


@cache
def procedures() -> Drawn:
    ccam = group({"code": st.sampled_from(["ECQH010", "DDAF004", "JKHA001"]), "display": lines()})
    named = group({"text": prose()}, {"code": coded("ECQH010", "AFLH002")}) | group({"code": ccam})
    more = group(
        {},
        {
            "status": st.sampled_from(["completed", "active", "aborted", "cancelled"]),
            "priority": listed("ActPriority"),
        },
    )
    return st.builds(lambda named, period, more: {**named, **period, **more}, named, periods(), more)


@cache
def plans() -> Drawn:
    requests = prose() | group(
        {"text": prose()},
        {"status": st.sampled_from(["active", "completed", "aborted", "cancelled"]), "date": PARTIAL},
    )
    encounters = group(
        {"text": prose()},
        {
            "type": listed("J142"),
            "stage": st.sampled_from(["to_request", "booked", "done"]),
            "date": PARTIAL,
            "priority": listed("ActPriority"),
        },
    )
    parts = {"procedures": some(procedures()), "requests": some(requests), "encounters": some(encounters)}
    asked = {"requests": some(requests, 1), **{name: parts[name] for name in ("procedures", "encounters")}}
    return group({"text": prose()}, parts) | group(asked)


@cache
def devices() -> Drawn:
    domain = group({"root": st.sampled_from(["1.2.250.1.999.7", "2.51.1.1"])})
    more = group(
        {},
        {
            "emdn": coded("J010104"),
            "cladimed": coded("C50FA05"),
            "lpp": coded("3408693"),
            "udi": lines(40),
            "supply_id": identifiers(),
            "planned": st.booleans(),
        },
    )

    def whole(named: Data, period: Data, more: Data, domain: Data) -> Data:
        return {**named, **period, **more, **({"udi_domain": domain} if "udi" in more and more.get("planned") else {})}

    return st.builds(whole, group({"text": prose()}), periods(), more, domain)
