"""The clock of a document: on which one all its times are shown, by its readers and to its readers alike."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import Final

from lxml import etree

from connector.base.errors import CodecError
from connector.base.hl7time import clock_of, parse_ts
from connector.base.ns import HL7V3

_V3: Final = {"v3": HL7V3}
_STAY: Final = "v3:componentOf/v3:encompassingEncounter/v3:effectiveTime"
_PLACES: Final = ("v3:effectiveTime", f"{_STAY}/v3:high", _STAY, f"{_STAY}/v3:low")


def document_clock(document: etree._Element) -> tzinfo:
    """The clock of a ClinicalDocument: that of its own time, else of its stay, end first (base.hl7time.clock_of)."""
    found = (document.find(place, _V3) for place in _PLACES)
    moments = (_moment(str(item.get("value", "")).strip()) for item in found if item is not None)
    return clock_of(moment for moment in moments if moment is not None)


def _moment(value: str) -> datetime | None:
    """An HL7 time that says its zone; None for anything else."""
    try:
        return parse_ts(value) if re.search("[+-]", value) else None
    except CodecError:
        return None
