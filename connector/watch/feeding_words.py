"""What the feeding report says in French: fates, who refused, what to do about a cause and by which command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from connector import codes
from connector.base.errors import ConnectorError, ServerError
from connector.dmp.refusals import explain
from connector.watch.feeding import Cause, Fate

IN_PROGRESS: Final = "En cours de traitement ou en file"
UNKNOWN_OUTCOME: Final = "Issue inconnue, le registre sera interrogé avant tout nouvel envoi"
NOT_FOR_DMP: Final = "Document non destiné au DMP"
UNKNOWN: Final = "(non connu)"

FATE_WORDS: Final[Mapping[Fate, str]] = {
    "sent": "envoyés",
    "would-send": "seraient partis",
    "waiting": "en attente",
    "refused-rules": "refusés par nos règles",
    "refused-kit": "refusés par le kit CDA",
    "refused-dmp": "refusés par le DMP",
    "settled": "réglés à la main",
    "not-for-dmp": "non destinés au DMP",
    "door": "refusés à l'entrée",
}

_OURS: Final = frozenset(str(code) for code in range(900, 907))
"""applicationErrorCondition: codes of our own refusals (hl7v2-interface §5)."""

_RULE: Final = re.compile(r"\[([^\]]+)\]")
_KIT_RULES: Final = ("KIT-", "XSD/")
"""Beginnings of the rules of the agency's kit: its suites and its schemas."""

_DETAIL: Final = " (champ "
"""What one document says comes after it: values that differ from one to the next are not causes."""

Act = Literal["", "retry", "settle"]


class Advice(NamedTuple):
    """What to do, and the act of `connector queue` that goes with it ("" when there is none to do)."""

    text: str
    act: Act = ""


_WAITS: Final[Mapping[str, Advice]] = {
    "identity.not-qualified": Advice("Rien à faire : part seul dès que l'identité est qualifiée (A31)."),
    "identity.no-cross-reference": Advice(
        "Rapprocher l'INS au serveur d'identités ; part seul au prochain évènement du patient.", "retry"
    ),
    "identity.ins-differs": Advice("À traiter par l'identitovigilance : deux INS pour un patient.", "retry"),
    "identity.server": Advice("Rien à faire : nouvel essai dès que le serveur d'identités répond."),
    "consent.unknown": Advice("Recueillir l'information du patient (ZFA-9) ; part seul dès qu'elle est reçue."),
    "patient.blocked": Advice("Vérifier la fusion ou le rattachement, puis lever le blocage (--unblock).", "retry"),
    "stay.cancelled": Advice("Le séjour est annulé : décider si le document part quand même.", "retry"),
    "dmp.absent": Advice(
        "Rien à faire : le DMP est redemandé au prochain évènement du patient, qui n'en a pas encore."
    ),
    "dmp.closed": Advice("Rien à faire : le DMP est fermé ; il est redemandé au prochain évènement du patient."),
    "predecessor.waiting": Advice("Rien à faire : part après le document qu'il remplace."),
    "predecessor.unknown": Advice(
        "Le DMP n'a pas le document à remplacer : publier l'original, puis relancer.", "retry"
    ),
    "deletion.unknown": Advice("Le DMP n'a pas le document à supprimer : vérifier, puis régler à la main.", "settle"),
    "feeding.off": Advice("Remettre publication.mode sur send, puis relancer.", "retry"),
    "action.not-served": Advice("Reçu par une version qui ne servait pas cette action : relancer.", "retry"),
    "transport": Advice("Rien à faire : nouvel essai dès que le service répond."),
    "clock": Advice("Mettre l'horloge du serveur à l'heure : l'envoi reprend seul."),
    "configuration": Advice("Corriger le réglage ou le certificat, puis relancer.", "retry"),
    "unknown": Advice("Vérifier dans le DMP si le document y est, puis relancer ou régler à la main.", "retry"),
}
_OWN: Final[Mapping[str, Advice]] = {
    "900": Advice("Remplacer ou supprimer la version en cours du document."),
    "901": Advice("L'auteur ou sa structure doit être celui qui alimente : à réémettre par le créateur.", "retry"),
    "903": Advice("Le créateur doit réémettre le document avec l'INS."),
    "904": Advice("L'identité du document et celle du message diffèrent : à réémettre par le créateur."),
    "905": Advice("Traits de l'INS incomplets : à réémettre par le créateur."),
}
_BY_FATE: Final[Mapping[Fate, Advice]] = {
    "sent": Advice(""),
    "would-send": Advice(""),
    "waiting": Advice("Regarder la cause, puis relancer.", "retry"),
    "refused-rules": Advice("Faire corriger le document par son créateur, qui le réémet."),
    "refused-kit": Advice("Le créateur doit corriger le CDA (règle nommée) et le réémettre."),
    "refused-dmp": Advice("Regarder la réponse du DMP.", "retry"),
    "settled": Advice(""),
    "not-for-dmp": Advice("Rien à faire : l'émetteur ne demande pas l'envoi au DMP."),
    "door": Advice("L'émetteur doit corriger le message et le renvoyer."),
}
_OPPOSED: Final = "ZFA-9 = IO"


def origin(code: str, reason: str) -> Fate:
    """Who refused a document: the DMP by a code of its own, else the agency's CDA kit or our other rules.

    Our refusals (900 to 906) name their first rule in brackets.
    """
    if code not in _OURS:
        return "refused-dmp"
    rule = _RULE.search(reason)
    return "refused-kit" if rule is not None and rule[1].startswith(_KIT_RULES) else "refused-rules"


def common(reason: str) -> str:
    """What documents refused by the same rule have in common: the rule and its sentence."""
    return reason.partition(_DETAIL)[0] if _RULE.search(reason) else reason


def advice(cause: Cause) -> Advice:
    """What to do about what did not leave."""
    if cause.state == "dead":
        return Advice("Abandonné après ses essais : traiter la cause, puis relancer.", "retry")
    if cause.state in ("queued", "sending", "retry"):
        return _waiting(cause.code) or Advice("Rien à faire : le connecteur s'en occupe.")
    match cause.fate:
        case "waiting":
            return _waiting(cause.code) or _BY_FATE["waiting"]
        case "refused-dmp":
            told = explain(ServerError(cause.code, cause.reason))
            return Advice(f"À traiter par {told.who} : {told.what_to_do}", "retry")
        case "refused-rules" if _OPPOSED in cause.reason:
            return Advice("Rien à faire : le patient s'oppose à l'alimentation de son DMP.")
        case "refused-rules":
            return _OWN.get(cause.code, _BY_FATE["refused-rules"])
        case fate:
            return _BY_FATE[fate]


def _waiting(code: str) -> Advice | None:
    """By the whole code, else by its family ("configuration.tls" is a "configuration")."""
    return _WAITS.get(code) or _WAITS.get(code.partition(".")[0])


def commands(cause: Cause, numbers: Sequence[int], count: int, config: str) -> tuple[str, ...]:
    """The commands to look at and to act on the deliveries of a cause; () when they are no deliveries.

    `numbers` are the ones known of `count`: when all are, the act names them, else it goes by state and code.
    """
    if cause.fate in ("not-for-dmp", "door", "settled") or not numbers:
        return ()
    told = [f"connector queue show -c {config} {numbers[0]}"]
    if act := advice(cause).act:
        code = f" --code {cause.code}" if cause.code else ""
        every = " ".join(map(str, numbers)) if len(numbers) == count else ""
        which = every or f"--kind publication --state {cause.state}{code}"
        unblock = " --unblock" if cause.code == "patient.blocked" else ""
        told.append(f'connector queue {act} -c {config} {which}{unblock} --reason "…"')
    return tuple(told)


def type_label(code: str) -> str:
    """Label of a document type (JDV_J66, else JDV_J07), "" when neither has it."""
    for name in ("J66", "J07"):
        try:
            concept = codes.load(name).get(code)
        except ConnectorError:
            # a site may ship its lists without this one
            continue
        if concept is not None:
            return concept.display
    return ""
