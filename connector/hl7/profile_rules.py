"""What the French profiles ask of each field, as rows: PAM-FR (§2), the volet (§3), its ZAM (§4) and ACK (§1.4).

A row names a field that must be filled, one that must stay empty, or one whose value comes from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector.base.finding import Finding, Severity
from connector.hl7.datatypes import present, repetitions, text
from connector.hl7.er7 import Message, Segment
from connector.hl7.structure import PAM_EVENTS
from connector.ins.status import BLOCKING, QUALIFYING, WARNING

Kind = frozenset[str]
_ADT: Kind = frozenset({"ADT"})
_DOC: Kind = frozenset({"ORU", "MDM"})
_MDM: Kind = frozenset({"MDM"})
_ZAM: Kind = frozenset({"ZAM"})
_ACK: Kind = frozenset({"ACK"})
_ALL: Kind = frozenset({"ADT", "ORU", "MDM", "ACK", "ZAM"})

When = Callable[[Message, Segment], bool]


def _always(_message: Message, _segment: Segment) -> bool:
    return True


def _visit(message: Message, _segment: Segment) -> bool:
    """PV1 describes a real visit (§2.4: class N leaves the rest empty)."""
    pv1 = message.first("PV1")
    return pv1 is not None and text(pv1, 2) in ("E", "I", "O", "R")


def _movement(message: Message, _segment: Segment) -> bool:
    event = PAM_EVENTS.get(message.header.event)
    return event is not None and "ZBE" in event.segments


def _corrects(_message: Message, zbe: Segment) -> bool:
    return text(zbe, 4) in ("CANCEL", "UPDATE")


def _account_move(message: Message, _segment: Segment) -> bool:
    return message.header.event == "A44"


def _refusal(message: Message, _segment: Segment) -> bool:
    msa = message.first("MSA")
    return msa is not None and text(msa, 1) in ("AE", "AR")


def _application(_message: Message, err: Segment) -> bool:
    return text(err, 3) == "207"


def _switch(_message: Message, obx: Segment) -> bool:
    return text(obx, 2) in ("CE", "CWE")


@dataclass(frozen=True, slots=True)
class Need:
    """`segment`-`field`.`comp` must be filled in every segment (and in every repetition when `each`)."""

    kinds: Kind
    segment: str
    field: int
    section: str
    comp: int = 1
    each: bool = False
    severity: Severity = "error"
    when: When = _always


NEEDS: tuple[Need, ...] = (
    *(Need(_ALL, "MSH", field, "§1.7") for field in (9, 10, 11, 12)),
    Need(_ALL, "MSH", 7, "§3.2"),
    *(Need(_ALL, "MSH", field, "§3.2", severity="warning") for field in (3, 4, 5, 6, 17, 18)),
    Need(_ADT | _DOC | _ZAM, "MSH", 9, "§1.7", comp=3, severity="warning"),
    Need(_DOC | _ZAM, "MSH", 21, "§1.7"),
    Need(_ADT | _ZAM, "EVN", 2, "§2.2"),
    Need(_ADT | _DOC, "PID", 3, "§2.3"),
    Need(_ADT, "PID", 3, "§2.3", comp=4, each=True),
    Need(_ADT, "PID", 3, "§2.3", comp=5, each=True, severity="warning"),
    Need(_ADT | _DOC, "PID", 5, "§2.3"),
    Need(_ADT, "PID", 5, "§2.3", comp=7, each=True),
    Need(_ADT, "PID", 18, "§2.3", when=_visit),
    Need(_ADT, "PID", 32, "§2.3"),
    Need(_ADT | _DOC, "PV1", 2, "§2.4"),
    Need(_ADT | _DOC, "PV1", 19, "§2.4", when=_visit),
    *(Need(_ADT, "ZBE", field, "§2.5", when=_movement) for field in (1, 2, 4, 5, 9)),
    Need(_ADT, "ZBE", 6, "§2.5", when=_corrects),
    Need(_ADT, "MRG", 1, "§2.6"),
    Need(_ADT, "MRG", 3, "§2.6", when=_account_move),
    Need(_DOC, "OBR", 4, "§3.3"),
    Need(_DOC, "OBR", 4, "§3.4", comp=3, severity="warning"),
    Need(_DOC, "OBX", 3, "§3.4"),
    Need(_DOC, "OBX", 5, "§3.6", comp=3, severity="warning", when=_switch),
    Need(_DOC, "OBX", 11, "§3.4", severity="warning"),
    Need(_DOC, "PRT", 4, "§3.5"),
    Need(_MDM, "TXA", 2, "§3.3"),
    Need(_MDM, "TXA", 12, "§3.3"),
    Need(_ACK, "MSA", 1, "§1.4"),
    Need(_ACK, "MSA", 2, "§1.4"),
    Need(_ACK | _ZAM, "ERR", 3, "§1.4"),
    Need(_ACK | _ZAM, "ERR", 4, "§1.4"),
    Need(_ACK | _ZAM, "ERR", 5, "§1.4", when=_application),
    Need(_ZAM, "OBX", 3, "§4"),
    Need(_ZAM, "OBX", 5, "§4", severity="warning", when=_switch),
)

FORBIDDEN: dict[str, tuple[int, ...]] = {
    "MSH": (8, 14, 20),
    "EVN": (1,),
    "PID": (2, 4, 9, 10, 12, 17, 19, 20, 22, 28),
    "NK1": (25, 28, 35),
    "PV1": (9, 40, 52),
    "ZBE": (3,),
    "ZFA": (4, 5, 6, 7, 8),
}
"""Fields the French profile forbids or declares obsolete in ADT (§2.1, §2.5); a receiver ignores them."""


@dataclass(frozen=True, slots=True)
class Table:
    """Values a field may take; `each` repetition is checked."""

    kinds: Kind
    segment: str
    field: int
    values: frozenset[str]
    section: str
    when: When = _always


def _words(values: str) -> frozenset[str]:
    return frozenset(values.split())


TABLES: tuple[Table, ...] = (
    Table(_ALL, "MSH", 11, _words("P T D"), "§1.7"),
    Table(_ALL, "MSH", 17, _words("FRA"), "§1.7"),
    Table(_ADT, "PID", 8, _words("F M O U"), "§2.3"),
    Table(_ADT, "PID", 32, QUALIFYING | BLOCKING | WARNING, "§2.3"),
    Table(_ADT | _DOC, "PV1", 2, _words("E I O R N"), "§2.4"),
    Table(_ADT, "ZBE", 4, _words("INSERT CANCEL UPDATE"), "§2.5"),
    Table(_ADT, "ZBE", 5, _words("Y N"), "§2.5"),
    Table(_ADT, "ZBE", 9, _words("S H M L D SM SH MH LD HMS C"), "§2.5"),
    Table(_ADT, "ZFA", 1, _words("ACTIF FERME INEXISTANT"), "§2.5"),
    Table(_ADT, "ZFA", 9, _words("INO IO NA"), "§2.5"),
    Table(_ADT, "ZFA", 11, _words("IC INC NA"), "§2.5"),
    Table(_DOC, "PRT", 2, _words("UC"), "§3.5"),
    Table(_DOC, "PRT", 4, _words("SB RCT REPLY"), "§3.5"),
    Table(_MDM, "TXA", 17, _words("AU LA"), "§3.3"),
    Table(_ACK, "MSA", 1, _words("AA AE AR CA CE CR"), "§1.3"),
    Table(_ACK | _ZAM, "ERR", 4, _words("E F I W"), "§1.4"),
    Table(_ZAM, "OBX", 5, _words("Y N"), "§4", when=_switch),
)


def check_profile(message: Message) -> Iterator[Finding]:
    """Findings PROFIL-REQUIS, PROFIL-INTERDIT and PROFIL-TABLE of one message."""
    kind = message.header.type
    for need in NEEDS:
        if kind in need.kinds:
            for number, segment in enumerate(message.all(need.segment), start=1):
                if need.when(message, segment):
                    yield from _needed(need, number, segment)
    for table in TABLES:
        if kind in table.kinds:
            for number, segment in enumerate(message.all(table.segment), start=1):
                if table.when(message, segment):
                    yield from _tabled(table, number, segment)
    if kind == "ADT":
        yield from _forbidden(message)
    if kind == "ACK" and _refusal(message, message.segments[0]) and not message.all("ERR"):
        yield _finding("PROFIL-REQUIS", "error", "ERR", "absent", "un ERR", "refus sans explication", "§1.4")


def _needed(need: Need, number: int, segment: Segment) -> Iterator[Finding]:
    for rep in repetitions(segment, need.field) if need.each else (1,):
        filled = text(segment, need.field, rep, need.comp)
        # A first component may hold its value in a later one (an ED or a name with an empty start): any will do.
        if not filled and need.comp == 1:
            filled = segment.field(need.field).strip()
        if not filled:
            where = f"{need.segment}[{number}]-{need.field}" + (f".{need.comp}" if need.comp > 1 else "")
            sentence = "champ obligatoire absent"
            yield _finding("PROFIL-REQUIS", need.severity, where, "vide", "une valeur", sentence, need.section)


def _tabled(table: Table, number: int, segment: Segment) -> Iterator[Finding]:
    for rep in repetitions(segment, table.field):
        value = text(segment, table.field, rep)
        if present(value) and value not in table.values:
            where, expected = f"{table.segment}[{number}]-{table.field}", ", ".join(sorted(table.values))
            yield _finding("PROFIL-TABLE", "warning", where, value[:12], expected, "valeur hors table", table.section)


def _forbidden(message: Message) -> Iterator[Finding]:
    for name, fields in FORBIDDEN.items():
        for number, segment in enumerate(message.all(name), start=1):
            for field in fields:
                if segment.field(field).strip():
                    where, sentence = f"{name}[{number}]-{field}", "champ interdit en France, ignoré"
                    yield _finding("PROFIL-INTERDIT", "warning", where, "rempli", "vide", sentence, "§2.1")


def _finding(
    rule: str, severity: Severity, where: str, found: str, expected: str, sentence: str, section: str
) -> Finding:
    return Finding(rule, severity, where, found, expected, sentence, reference=f"hl7v2-interface {section}")
