"""What an alert says: title, cause and what to do, in the words of the hospital. Codes and counts, never a patient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from connector.watch.model import Disk, Drift, Notice, Waiting

Words = tuple[str, str, str]
"""Title, text, advice."""

_NAMES: Final = {
    "identity": "le serveur d'identités",
    "dmp": "le DMP (alimentation)",
    "dmp-read": "le DMP (consultation)",
    "": "un service",
}
_KINDS: Final = {"raised": "ALERTE", "worse": "AGGRAVATION", "reminder": "RAPPEL", "cleared": "RÉTABLI"}


def name_of(destination: str) -> str:
    """French name of a destination of deliveries."""
    kind, _, sender = destination.partition(":")
    return f"l'émetteur {sender} (accusés ZAM)" if kind == "zam" and sender else _NAMES.get(destination, destination)


def destination(name: str) -> Words:
    return (
        _first_up(f"{name_of(name)} ne répond plus"),
        f"Les appels vers {name_of(name)} échouent : les envois attendent, rien n'est perdu.",
        "Vérifier le réseau et le service distant. L'envoi reprend seul, dans l'ordre, dès qu'il répond.",
    )


def engine(trouble: str) -> Words:
    return (
        "Le moteur du connecteur est arrêté",
        f"Les messages reçus sont gardés mais ne sont plus traités ({trouble}).",
        "Vérifier le disque ou la base de données du journal, puis les traces du connecteur.",
    )


def store(trouble: str) -> Words:
    return (
        "Le journal n'accepte plus d'écriture",
        f"Les émetteurs reçoivent AR et gardent leurs messages ({trouble}).",
        "Vérifier la place sur le disque et la base de données ; la réception reprend seule.",
    )


def disk(seen: Disk) -> Words:
    return (
        "Disque du journal presque plein",
        f"Il reste {_size(seen.free)} sur {_size(seen.total)}.",
        "Faire de la place, agrandir le disque, ou réduire les durées de conservation.",
    )


def certificate_expired(name: str, until: datetime) -> Words:
    return (
        f"Certificat {name} expiré",
        f"Le certificat {name} a expiré le {until:%d/%m/%Y} : plus aucun appel au DMP n'est possible.",
        "Installer le nouveau certificat (section [keys]), puis recharger le connecteur.",
    )


def certificate_expiring(name: str, until: datetime, left: timedelta) -> Words:
    return (
        f"Certificat {name} bientôt expiré",
        f"Le certificat {name} expire le {until:%d/%m/%Y}, dans {left.days} jour(s).",
        "Commander son renouvellement auprès de l'ANS, l'installer (section [keys]), puis recharger le connecteur.",
    )


def drift(seen: Drift, beyond: bool) -> Words:
    way = "retarde" if seen.seconds > 0 else "avance"
    effect = (
        "plus rien n'est signé ni envoyé" if beyond else f"au-delà de {seen.limit:.0f} s, rien ne serait plus signé"
    )
    return (
        "L'horloge du connecteur dérive",
        f"L'horloge {way} de {abs(seen.seconds):.0f} s sur {seen.source} : {effect}.",
        "Remettre la machine à l'heure (NTP). Les envois reprennent seuls.",
    )


def dead(code: str, waiting: Waiting) -> Words:
    return (
        f"Envois abandonnés ({code})",
        f"{waiting.count} envoi(s) abandonné(s) pour le motif « {code} » attendent une intervention.",
        "Voir « connector worklist », réparer la cause, puis « connector replay ».",
    )


def configuration(code: str, waiting: Waiting) -> Words:
    return (
        f"Envois retenus par la configuration ({code})",
        f"{waiting.count} envoi(s) retenu(s) pour le motif « {code} » : certificat, horloge, adresse ou droits.",
        f"Corriger la cause, puis « connector replay --code {code} ».",
    )


def routing(waiting: Waiting) -> Words:
    return (
        "Messages acceptés mais non traités",
        f"{waiting.count} message(s) accepté(s) n'ont pas pu être traités par le connecteur.",
        "Voir « connector worklist » ; les reprendre après correction.",
    )


def queue(name: str, oldest: datetime) -> Words:
    return (
        f"File en retard vers {name_of(name)}",
        f"Le plus ancien envoi vers {name_of(name)} attend depuis le {_when(oldest)}.",
        "Vérifier la charge et le service distant ; voir les mesures connector_queue.",
    )


def follower(name: str, waiting: Waiting) -> Words:
    return (
        "Traces d'audit non transmises",
        f"{waiting.count} trace(s) d'audit attendent d'être transmises ({name}) depuis le {_when(waiting.oldest)}.",
        "Vérifier le serveur d'audit et son adresse. Les traces sont gardées et partiront dans l'ordre.",
    )


def node(name: str, until: datetime) -> Words:
    return (
        f"Nœud {name} perdu",
        f"Le nœud {name} ne donne plus signe de vie depuis le {_when(until)} ; ses travaux sont repris par les autres.",
        "Vérifier cette machine et y relancer le connecteur.",
    )


def subject(notice: Notice) -> str:
    """One line: what a mail's subject and a log line say."""
    return f"[{_KINDS[notice.kind]}] Connecteur DMP : {notice.title}"


def body(notice: Notice) -> str:
    """The whole text of a notice: cause, since when, what to do."""
    if notice.kind == "cleared":
        lasted = _lasted(notice.at - notice.since)
        return f"Rétabli : {notice.title}.\n\nDepuis : {_when(notice.since)}\nFin : {_when(notice.at)} ({lasted})\n"
    return f"{notice.text}\n\nDepuis : {_when(notice.since)}\nÀ faire : {notice.advice}\n"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d/%m/%Y à %H:%M} UTC"


def _lasted(time: timedelta) -> str:
    minutes = max(0, round(time.total_seconds() / 60))
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} Go" if count >= 1e9 else f"{count / 1e6:.0f} Mo"
