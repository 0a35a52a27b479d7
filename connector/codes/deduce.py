"""What the French associations deduce: classCode, formatCode, contentTypeCode (dmp-gaps §7)."""

from __future__ import annotations

from collections.abc import Sequence

from connector.codes.valueset import Concept, load, load_association

LEVEL_1_TEMPLATE = "1.3.6.1.4.1.19376.1.2.20"
"""IHE XDS-SD: a CDA with an unstructured body (cda-lettre-de-liaison §4)."""


def class_code(type_code: str) -> Concept | None:
    """classCode of a typeCode: ASS_X16 (DMP) first, then ASS_X04 (CI-SIS).

    None when neither has a row (101881-1, carte d'implant): the caller asks, it does not guess.
    """
    found = load_association("X16").get(type_code) or load_association("X04").get(type_code)
    return _with_display(found, "J57")


def format_code(template_roots: Sequence[str], media_type: str = "") -> Concept | None:
    """formatCode of a CDA: ASS_A11 by its templateId roots, ASS_A12 by `media_type` for level 1.

    A document that claims the level-1 template, or whose templates say nothing, is decided by the media type.
    None when nothing matches.
    """
    model = load_association("A11")
    by_template = next((row for root, row in model.rows.items() if root in template_roots), None)
    by_media = load_association("A12").get(media_type)
    level_1 = LEVEL_1_TEMPLATE in template_roots
    return _with_display(by_media if level_1 or by_template is None else by_template, "J60")


def content_type(patient_class: str) -> Concept | None:
    """contentTypeCode of the submission set from PV1-2 (hl7v2-interface §6); None when PV1-2 has no row."""
    return _with_display(load_association("PV1-2").get(patient_class), "J59")


def _with_display(found: Concept | None, value_set: str) -> Concept | None:
    if found is None:
        return None
    return load(value_set).get(found.code, found.system) or found
