"""Who may see a document: the switches of the message, what forbids them together, and minors.

Sources: dmp-interface a.7 (EX_2.1-1050, minors), b.5, c.5; hl7v2-interface §3.6, §3.7, §3.9.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from connector.base.finding import Finding
from connector.dmp.config import DmpConfig
from connector.dmp.draft import Draft, error, warning
from connector.hl7.model import Flags

REFERENCE = "dmp-interface a.7, b.5"


def check_visibility(
    flags: Flags, birth_date: str, today: date | None, config: DmpConfig, *, action: str = ""
) -> tuple[Finding, ...]:
    """What the switches of a message break.

    `birth_date` is YYYYMMDD, shorter or with impossible parts when not fully known, "" when unknown. `today` is the
    day of submission in the hospital's zone: without it nothing that depends on age is said. `action` is that of the
    message (create, replace, delete), "" when not known.
    """
    return (*_masks(flags, config), *_changed(flags, action), *_minors(flags, birth_date, today, config))


def is_secret(flags: Flags, config: DmpConfig) -> bool:
    """True when the call carries the attribute of the secret connection (VIHF confidentiality-code).

    Never for a document its legal representatives may see: such a document cannot be sent there.
    """
    return config.minors and flags.connexion_secrete is True and flags.invisible_rep_legaux is True


def is_minor(birth_date: str, today: date, majority: int) -> bool | None:
    """Whether the person is under `majority` years on `today`; None when the date does not decide."""
    bounds = _bounds(birth_date)
    if bounds is None:
        return None
    youngest, oldest = (_age(day, today) < majority for day in (bounds[1], bounds[0]))
    return youngest if youngest == oldest else None


def visibility(draft: Draft) -> Iterator[Finding]:
    """`check_visibility` as a rule; the message's birth date comes before the document's."""
    birth_date = draft.facts.traits.birth_date or draft.header.traits.birth_date
    yield from check_visibility(draft.facts.flags, birth_date, draft.today, draft.config, action=draft.facts.action)


def _masks(flags: Flags, config: DmpConfig) -> Iterator[Finding]:
    if flags.masque_ps and flags.invisible_patient and not config.masked_and_invisible_allowed:
        yield error(
            "EX_2.1-1050",
            "OBX MASQUE_PS, INVISIBLE_PATIENT",
            "Y, Y",
            "une seule des deux restrictions",
            "Un document ne peut pas être à la fois masqué aux professionnels et invisible au patient.",
            "dmp-interface a.7 EX_2.1-1050",
        )


def _changed(flags: Flags, action: str) -> Iterator[Finding]:
    if flags.modif_conf_code and action == "create":
        yield warning(
            "DMP-MODIF-CONF",
            "OBX MODIF_CONF_CODE",
            "Y",
            "N dans une création",
            "Un changement de visibilité est annoncé pour un document nouveau : seul un remplacement peut en changer.",
            "hl7v2-interface §3.7",
        )


def _minors(flags: Flags, birth_date: str, today: date | None, config: DmpConfig) -> Iterator[Finding]:
    if today is None or not (flags.invisible_rep_legaux or flags.connexion_secrete):
        return
    minor = is_minor(birth_date, today, config.majority_age)
    if flags.invisible_rep_legaux:
        yield from _representatives(minor, config)
    if flags.connexion_secrete:
        yield from _secret(flags, minor, config)


def _representatives(minor: bool | None, config: DmpConfig) -> Iterator[Finding]:
    rule, field, expected = "DMP-REPRESENTATIVES", "OBX INVISIBLE_REP_LEGAUX", "N, sauf pour un mineur"
    if minor is False:
        finding = error if config.adult_representatives == "refuse" else warning
        text = "Le patient est majeur : seul le document d'un mineur se cache à ses représentants légaux."
        yield finding(rule, field, "Y", expected, text, REFERENCE)
    elif minor is None:
        text = "L'âge du patient ne se déduit pas de sa date de naissance : il est traité comme un mineur."
        yield warning(rule, field, "Y", expected, text, REFERENCE)
    elif not config.minors:
        text = "Le réglage dmp.minors est désactivé : le DMP peut ignorer cette restriction."
        yield warning(rule, field, "Y", "dmp.minors = true", text, REFERENCE)


def _secret(flags: Flags, minor: bool | None, config: DmpConfig) -> Iterator[Finding]:
    rule, field = "DMP-SECRET", "OBX CONNEXION_SECRETE"
    if minor is False:
        text = "La connexion secrète ne concerne que les mineurs ; le patient est majeur."
        yield warning(rule, field, "Y", "N pour un majeur", text, REFERENCE)
    elif not config.minors:
        text = "Connexion secrète demandée, mais le réglage dmp.minors est désactivé : le secret ne serait pas tenu."
        yield error(rule, field, "Y", "dmp.minors = true", text, REFERENCE)
    elif not flags.invisible_rep_legaux:
        text = "En connexion secrète, seul un document invisible aux représentants légaux peut être déposé."
        yield error(rule, "OBX INVISIBLE_REP_LEGAUX", "N", "Y en connexion secrète", text, REFERENCE)


def _age(birth: date, today: date) -> int:
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _bounds(text: str) -> tuple[date, date] | None:
    """Earliest and latest day the text allows: a month or a day that is absent or impossible may be any."""
    if not (text[:4].isdecimal() and text[:4].isascii() and len(text[:4]) == 4 and int(text[:4])):
        return None
    year, month, day = int(text[:4]), _number(text[4:6]), _number(text[6:8])
    if not 1 <= month <= 12:
        return date(year, 1, 1), date(year, 12, 31)
    last = monthrange(year, month)[1]
    return (date(year, month, day),) * 2 if 1 <= day <= last else (date(year, month, 1), date(year, month, last))


def _number(text: str) -> int:
    return int(text) if len(text) == 2 and text.isascii() and text.isdecimal() else 0
