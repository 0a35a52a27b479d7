"""D-42: codes belong to the lists in force: those of the affinity domain, or the value sets of the CI-SIS (D.8)."""

from __future__ import annotations

from collections.abc import Iterator

from connector.codes import load
from connector.rules import names
from connector.rules.case import AffinityCodes, Case, Fault, Rule, label
from connector.rules.model import Classification

_VALUE_SETS = {
    names.CLASS_CODE: "J57",
    names.CONFIDENTIALITY: "J58",
    names.SET_CONTENT_TYPE: "J59",
    names.FORMAT_CODE: "J60",
    names.FACILITY_TYPE: "J61",
    names.PRACTICE_SETTING: "J62",
    names.TYPE_CODE: "J66",
}


def _listed(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        for found in item.classifications:
            if found.scheme not in names.CODED_SCHEMES or not found.representation:
                continue
            expected = _expected(found, case.settings.codes, pure=case.settings.ihe_pure)
            if expected:
                attribute = f"{label(item)}.{names.CODED_SCHEMES[found.scheme]}"
                yield Fault(item.id, attribute, f"{found.representation}^^{found.system}", expected)


def _expected(found: Classification, domain: AffinityCodes | None, *, pure: bool) -> str:
    """What would have been right; "" when the code is."""
    code = found.representation or ""
    if domain is not None:
        # An attribute that the domain does not list is free.
        listed = domain.get(names.CODED_SCHEMES[found.scheme])
        good = listed is None or (code, found.system, found.name or "") in listed
        return "" if good else "un code de la liste du domaine (code, système et libellé)"
    name = None if pure else _VALUE_SETS.get(found.scheme)
    if name is None or load(name).get(code, found.system) is not None:
        return ""
    return f"un code du jeu de valeurs JDV_{name}"


VALUE_RULES: tuple[Rule[Case], ...] = (Rule("D-42", "ihe-rules D.2 D-42, dmp-interface c.5", _listed),)
