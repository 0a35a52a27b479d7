"""The feeding report of a connector that works: real sends and shadow mode, by the pipeline's own words."""

from __future__ import annotations

from pathlib import Path

from connector.base.clock import utc_now
from connector.journal import JournalReader
from connector.simulator.config import SimConfig
from connector.watch.feeding import Fate, FeedingReport
from connector.watch.feeding_rows import feeding_report
from tests.e2e.harness import Site
from tests.e2e.messages import admission, edit, edit_cda, letter

OTHER_UNIT = "CHIR"


def test_real_sends_and_shadow_mode_say_the_same(tmp_path: Path) -> None:
    with Site(tmp_path, SimConfig(folder=tmp_path / "simulator")) as site:
        traffic(site, "R")
        real = read(site)
        site.restart(publication={"mode": "shadow"})
        traffic(site, "S")
        shadow = read(site, shadow=True)
        # one real document, and nothing of the rehearsals
        assert read(site).other_mode == shadow.total().for_dmp
    each: tuple[tuple[FeedingReport, Fate], ...] = ((real, "sent"), (shadow, "would-send"))
    for report, left in each:
        counts = by_unit(report)
        assert counts["UF6268"] == {left: 1, "waiting": 1}, report
        assert counts[OTHER_UNIT][left] == 1
        assert counts[OTHER_UNIT]["refused-rules"] == 1
    assert by_unit(real)[OTHER_UNIT]["not-for-dmp"] == 1
    assert by_unit(real)[OTHER_UNIT]["door"] == 1
    reasons = {cause.code: cause.reason for cause, _ in real.causes}
    assert "identity.not-qualified" in reasons
    assert reasons["901"].startswith("Document refusé avant envoi : [EX_2.1-1140]")
    assert "champ" not in reasons["901"]


def traffic(site: Site, prefix: str) -> None:
    """Two documents that leave, one that waits, one refused by a rule, one not for the DMP, one refused at the door."""
    site.send(admission(f"{prefix}A01"))
    unit = {"PV1_3": f"{OTHER_UNIT}^101"}
    for number, fields in enumerate(({}, unit)):
        message, document = letter(f"{prefix}M{number}", **fields)
        assert site.send(message).code == "AA"
        assert site.wait_delivery(document).state == "done"
    message, document = letter(f"{prefix}M2", **unit)
    assert site.send(of_another_structure(message)).code == "AA"
    assert site.wait_delivery(document).state == "refused"
    message, _ = letter(f"{prefix}M3", **unit)
    assert site.send(message.replace(*not_for_dmp(message))).code == "AA"
    message, _ = letter(f"{prefix}M4", **unit)
    assert site.send(edit(message.decode(), "PID-3", "000009^^^CHU-X&000897406&N^PI").encode()).code == "AE"
    message, document = letter(f"{prefix}M5", PID_32="PROV")
    assert site.send(message).code == "AA"
    site.wait_delivery(document, "held")


def not_for_dmp(message: bytes) -> tuple[bytes, bytes]:
    """The switch DESTDMP as it is, and as it says no."""
    line = next(line for line in message.split(b"\r") if b"|DESTDMP^" in line)
    return line, line.replace(b"|Y^", b"|N^")


def of_another_structure(message: bytes) -> bytes:
    """The same letter, its author of another structure than the certificate's."""
    return edit_cda(message, lambda cda: cda.replace(b'extension="1120456789"', b'extension="1999999999"'))


def read(site: Site, *, shadow: bool = False) -> FeedingReport:
    journal = JournalReader(site.settings.journal)
    try:
        return feeding_report(journal, made_at=utc_now(), shadow=shadow)
    finally:
        journal.close()


def by_unit(report: FeedingReport) -> dict[str, dict[Fate, int]]:
    """Counts of each unit, all types together."""
    found: dict[str, dict[Fate, int]] = {}
    for line in report.lines:
        counts = found.setdefault(line.unit, {})
        for fate, count in line.counts.items():
            counts[fate] = counts.get(fate, 0) + count
    return found
