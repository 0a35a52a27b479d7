"""What the hospital said, kept as the newest word: one message, one expected state."""

from __future__ import annotations

from datetime import date

import pytest

from connector.base.resources import resource_dir
from connector.hl7.er7 import parse
from connector.hl7.model import Admission
from connector.hl7.pam import read_admission
from connector.journal.db.connection import Connection
from connector.patients.state import (
    Changes,
    apply_admission,
    block,
    load_patient,
    load_stay,
    merge_states,
    remember_crossref,
)

STAY = "000897406@000897406"
NOTHING = Changes(False, False, False, False, False)


def admission(name: str, **replaced: str) -> Admission:
    """A sample, with parts of its text replaced."""
    text = (resource_dir("samples") / name).read_bytes().decode()
    for old, new in replaced.items():
        assert ALIASES[old] in text
        text = text.replace(ALIASES[old], new)
    return read_admission(parse(text.encode()), environment="test", today=date(2026, 11, 21))


ALIASES = {
    "zfa": "ZFA|ACTIF|20240306111154|||||||INO|20240306111154|IC|20240306111154",
    "io": "IO|20240307111154",
    "time": "20240306111154",
    "event": "ADT^A01^ADT_A01",
    "ins": "279035121518989",
}


def test_an_unknown_patient_is_an_empty_view(sql: Connection) -> None:
    assert load_patient(sql, 7).known_identity is False
    assert load_stay(sql, STAY) is None


def test_an_admission_gives_identity_consent_and_stay(sql: Connection) -> None:
    changes = apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    view = load_patient(sql, 1)
    assert changes.became_qualified
    assert view.ins is not None
    assert (view.ins.value, view.ins.oid) == ("279035121518989", "1.2.250.1.213.1.4.10")
    assert view.ipp is not None
    assert (view.ipp.value, view.ipp.authority.namespace) == ("000003", "CHU-X")
    assert (view.qualified, view.feeding) == (True, "INO")
    stay = load_stay(sql, STAY)
    assert stay is not None
    assert (stay.status, stay.consultation) == ("open", "IC")


def test_applying_twice_changes_nothing_more(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    assert apply_admission(sql, 1, admission("adt-a01-admission.er7")) == NOTHING


def test_opposition_is_a_change_and_wins_when_newer(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    assert apply_admission(sql, 1, admission("adt-a01-opposition.er7")).opposed
    assert load_patient(sql, 1).feeding == "IO"


def test_an_older_consent_never_wins(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-opposition.er7"))
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    assert load_patient(sql, 1).feeding == "IO"


def test_an_absent_zfa_never_erases_an_opposition(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-opposition.er7"))
    apply_admission(sql, 1, admission("adt-a03-sortie.er7"))
    assert load_patient(sql, 1).feeding == "IO"


def test_not_collected_never_erases_an_answer(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-opposition.er7"))
    apply_admission(sql, 1, admission("adt-a01-admission.er7", zfa="ZFA|ACTIF|20240309111154|||||||NA||NA|"))
    assert load_patient(sql, 1).feeding == "IO"


def test_not_collected_is_known_as_such(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7", zfa="ZFA|ACTIF|20240309111154|||||||NA||NA|"))
    stay = load_stay(sql, STAY)
    assert stay is not None
    assert (load_patient(sql, 1).feeding, stay.consultation) == ("NA", "NA")


def test_identity_back_to_provisional_loses_qualification(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    assert apply_admission(sql, 1, admission("adt-a31-identite-provisoire.er7")).lost_qualification
    assert load_patient(sql, 1).reasons == ("INS-STATUT: PID-32 = PROV",)
    assert apply_admission(sql, 1, admission("adt-a31-identite-qualifiee.er7")).became_qualified


def test_an_identity_message_opens_no_stay(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a31-identite-qualifiee.er7"))
    assert sql.execute("SELECT count(*) FROM stay").fetchone()[0] == 0


@pytest.mark.parametrize(
    ("event", "status"),
    [("ADT^A11^ADT_A09", "cancelled"), ("ADT^A38^ADT_A38", "cancelled"), ("ADT^A03^ADT_A03", "closed"),
     ("ADT^A13^ADT_A01", "open"), ("ADT^A05^ADT_A05", "expected"), ("ADT^A04^ADT_A01", "open")],
)  # fmt: skip
def test_each_event_moves_the_stay(sql: Connection, event: str, status: str) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    apply_admission(sql, 1, admission("adt-a01-admission.er7", event=event))
    stay = load_stay(sql, STAY)
    assert stay is not None
    assert stay.status == status


def test_another_ins_forgets_the_cross_reference(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    remember_crossref(sql, 1, "confirmed", "")
    changes = apply_admission(sql, 1, admission("adt-a01-admission.er7", ins="277076322082910"))
    assert changes.ins_changed
    assert load_patient(sql, 1).crossref == ""


def test_a_merge_keeps_the_opposition_and_the_block_of_the_gone(sql: Connection) -> None:
    apply_admission(sql, 1, admission("adt-a01-admission.er7"))
    apply_admission(sql, 2, admission("adt-a01-opposition.er7"))
    block(sql, 2, "A44")
    merge_states(sql, 1, 2)
    view, stay = load_patient(sql, 1), load_stay(sql, STAY)
    assert (view.feeding, view.blocked) == ("IO", "A44")
    assert stay is not None
    assert stay.patient_id == 1
