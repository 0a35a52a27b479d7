"""The journal as a source: its finished stays that have no letter yet, page by page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from connector.flows.letters.config import LettersConfig
from connector.flows.letters.export.model import Item
from connector.flows.snapshot import Snapshot
from connector.journal import JournalReader
from connector.patients.discharges import awaiting

_PAGE = 500


def stays(journal: JournalReader, config: LettersConfig, template: Mapping[str, Any]) -> Iterator[Item]:
    """One item per stay, the longest wait first. `template` is what all their letters say; the stay says the rest."""
    after = ("", "")
    said = json.dumps(template, sort_keys=True, ensure_ascii=False, default=str)
    while True:
        page = awaiting(Snapshot(journal), config.due_types, config.due_classes, after=after, limit=_PAGE)
        if not page:
            return
        after = (page[-1].since, page[-1].stay)
        for one in page:
            digest = hashlib.sha256(f"stay:{one.stay}:{said}".encode()).hexdigest()
            yield Item(f"journal#{one.stay}", "stay", digest, data={"kind": "discharge", **template}, stay=one.stay)


def count_stays(journal: JournalReader, config: LettersConfig) -> int:
    """How many there are now."""
    count, after = 0, ("", "")
    while page := awaiting(Snapshot(journal), config.due_types, config.due_classes, after=after, limit=_PAGE):
        count, after = count + len(page), (page[-1].since, page[-1].stay)
    return count
