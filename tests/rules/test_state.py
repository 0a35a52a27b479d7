"""D-47: a uniqueId belongs to one kind of object, whatever is sent later (the simulator's memory)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator_registry.samples import DOC_UID, SET_UID, Desk, Sample


@pytest.mark.parametrize(
    ("set_uid", "document_uid", "field"),
    [
        (DOC_UID, "2.25.3002", "SubmissionSet.uniqueId (SubmissionSet01)"),
        ("2.25.3001", SET_UID, "DocumentEntry.uniqueId (Document01)"),
    ],
    ids=["a set under a document's", "a document under a set's"],
)
def test_a_unique_id_of_another_kind_of_object(tmp_path: Path, set_uid: str, document_uid: str, field: str) -> None:
    desk = Desk(tmp_path)
    desk.provide(Sample())
    second = Sample().uids(set_uid, document_uid, "2.25.3003")
    told = [(item.location, item.code) for item in desk.refusals(second)]
    assert told == [(f"D-47f {field}", "XDSDuplicateUniqueIdInRegistry")]
