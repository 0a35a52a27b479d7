"""Letters drawn at random, built and read again: the same letters, and nothing kept aside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.letter import LetterError
from connector.letter.build import build
from connector.letter.model import Letter
from connector.letter.plain import data_of
from connector.letter.read import ReadLetter, header_only, read
from tests.letter.strategies import letters

Data = dict[str, Any]
ROOM = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(letters())
@ROOM
def test_what_was_built_reads_as_the_same_letter(letter: Letter) -> None:
    told = read(build(letter))
    assert _plain(told.letter) == _plain(letter)
    assert told.kept_aside == ()


@given(letters())
@ROOM
def test_built_again_from_what_was_read_the_bytes_are_the_same(letter: Letter) -> None:
    cda = build(letter)
    assert build(read(cda).letter) == cda


@given(letters(), st.data())
@ROOM
def test_a_letter_short_of_any_element_is_read_or_refused(letter: Letter, data: st.DataObject) -> None:
    root = etree.fromstring(build(letter))
    elements = list(root.iter("*"))[1:]
    lost = data.draw(st.sampled_from(elements))
    above = lost.getparent()
    assert above is not None
    above.remove(lost)
    _read_or_refused(etree.tostring(root))


@given(letters(), st.data())
@ROOM
def test_a_letter_with_any_value_changed_is_read_or_refused(letter: Letter, data: st.DataObject) -> None:
    root = etree.fromstring(build(letter))
    element = data.draw(st.sampled_from(list(root.iter("*"))))
    value = data.draw(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20))
    value = value.replace("\\ufffe", "").replace("\\uffff", "")
    name = data.draw(st.sampled_from([None, *element.attrib]))
    if name is None:
        element.text = value
    else:
        element.set(name, value)
    _read_or_refused(etree.tostring(root))


@given(st.binary(max_size=400))
@pytest.mark.parametrize("reader", [read, header_only])
def test_bytes_that_are_no_cda_are_refused(reader: Callable[[bytes], object], content: bytes) -> None:
    with pytest.raises(LetterError) as refused:
        reader(content)
    assert refused.value.faults


def _plain(letter: Letter) -> Data:
    """A letter as data, less the ways to say one thing that its CDA does not tell apart.

    The documented act in full; statuses in full; an author or a date that is the usual one not repeated; the unit as
    part of the place beside another act; what the header of a CDA has no room for (a custodian's setting) left out.
    """
    act = letter.main_act()
    data = data_of(letter.model_copy(update={"act": act, "recipients": letter.ordered_recipients()}))
    unit = data["stay"].pop("unit", None)
    if unit and letter.act:
        data["stay"]["place"] = ", ".join(filter(None, (unit, letter.stay.place)))
    data["stay"]["practice_setting"] = data["act"]["performer"]["organization"]["practice_setting"]
    data["custodian"].pop("practice_setting", None)
    if data.get("medical_synthesis", {}).get("author") == data["authors"][0]:
        del data["medical_synthesis"]["author"]
    for name, item in data.items():
        if isinstance(item, dict) and item.get("date") in (_usual_date(name, data), None):
            item.pop("date", None)
    for name in ("allergies", "medical_history"):
        for item, part in zip(data.get(name, []), getattr(letter, name, ()), strict=True):
            item["concern"] = part.status
    for item in data.get("surgical_history", []):
        item.setdefault("status", "completed")
    for item in data.get("plan_of_care", {}).get("procedures", []):
        item.setdefault("status", "active")
    _primary_physician(data)
    _doctor_among_recipients(data)
    return dict(_each_once(data))


def _usual_date(event: str, data: Data) -> str:
    dates = {"mode_of_entry": data["stay"]["admission"], "mode_of_exit": data["stay"].get("discharge")}
    return str(dates.get(event) or data["effective_time"])


def _primary_physician(data: Data) -> None:
    """An informed PCP without dates is the médecin traitant, in whatever list he was given."""
    for item in data.get("participants", []):
        told = item["type"]["code"], item.get("function", {}).get("code"), item.get("role")
        if told == ("INF", "PCP", "PROV") and "person" in item and not {"start", "end"} & set(item):
            if "primary_physician" not in data:
                data["primary_physician"] = item["person"]
                data["participants"].remove(item)
                data["participants"] or data.pop("participants")
            return


def _doctor_among_recipients(data: Data) -> None:
    """What is said of the médecin traitant is not said again of the recipient he is."""
    doctor = data.get("primary_physician", {})
    for person in data.get("recipients", []):
        if doctor.get("rpps") == person["rpps"]:
            person.pop("specialty", None)
            person.get("organization", {}).pop("practice_setting", None)


def _each_once(value: Any) -> Any:
    """Contacts each said once; no second bound equal to the first; no text that is the label of the code."""
    if isinstance(value, list):
        return [_each_once(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _each_once(item) for name, item in value.items()}
    labels = [
        plain[name].get("display") for name in ("code", "emdn", "cladimed", "lpp") if isinstance(plain.get(name), dict)
    ]
    if "text" in plain and plain["text"] == next(filter(None, labels), None):
        del plain["text"]
    for name in ("addresses", "telecoms"):
        if name in plain:
            plain[name] = [item for place, item in enumerate(plain[name]) if item not in plain[name][:place]]
    if "high" in plain and plain["high"] == plain.get("value"):
        del plain["high"]
    return plain


def _read_or_refused(cda: bytes) -> None:
    """No other error than a refusal, which says where."""
    with suppress(LetterError):
        assert isinstance(read(cda), ReadLetter)
