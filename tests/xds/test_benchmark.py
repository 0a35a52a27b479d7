"""The reading benchmark reads the same thing on both sides: its ratio means something."""

from __future__ import annotations

from benchmarks.xds_read import answer, floor, ours
from connector.xds import constants as c


def test_both_sides_pull_the_same_values() -> None:
    data = answer(3)
    read, plain = ours(data).entries, floor(data)
    assert len(read) == len(plain) == 3
    for entry, values in zip(read, plain, strict=True):
        assert entry.class_code is not None
        assert values["hash"] == [entry.hash]
        assert values[c.ENTRY_UNIQUE_ID] == entry.unique_id
        assert values[c.ENTRY_CLASS][0] == {
            "code": entry.class_code.code,
            "codingScheme": [entry.class_code.scheme],
            "display": entry.class_code.display,
        }
        assert values[c.ENTRY_AUTHOR][0]["authorPerson"] == [entry.authors[0].person]
