"""What went wrong, in the words of the hospital: refusals, worklist reasons and timeline lines are French.

Exceptions speak English to developers; here their `context` is told again, never an identity or a document.
A server's own words are quoted verbatim elsewhere (outcomes.describe).
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.base.errors import ConnectorError, LimitError, SettingsError, TransportError
from connector.cda.errors import CdaError
from connector.dmp.errors import DmpMetadataError
from connector.flows.feeders import UnknownFeeder
from connector.hl7.ack import AckError
from connector.hl7.er7 import Er7Error
from connector.kit.pool import GateUnavailable
from connector.trust.errors import ClockError, KeyMaterialError, SessionError, SignatureError, VihfError

_CAUSES: Mapping[str, str] = {
    "server-certificate": "certificat du serveur refusé",
    "client-certificate": "notre certificat est refusé par le serveur",
    "tls": "échec TLS",
    "name": "nom de machine introuvable",
    "refused": "connexion refusée",
    "timeout": "pas de réponse dans le délai",
    "connection": "liaison coupée",
    # MLLP
    "cannot connect": "connexion impossible",
    "TLS refused": "échec TLS",
    "connection broken while sending": "liaison coupée pendant l'envoi",
    "no reply": "pas de réponse dans le délai",
    "connection closed before the reply": "liaison fermée avant la réponse",
    "reply too large": "réponse trop volumineuse",
    "not connected": "connexion impossible",
    "time is up": "pas de réponse dans le délai",
}
_FORMS: Mapping[str, str] = {
    "PDF": "un PDF",
    "ZIP archive": "une archive ZIP",
    "RTF": "un document RTF",
    "HL7v2 message": "un message HL7v2",
}
_CDA_FIELDS: Mapping[str, str] = {
    "recordTarget": "un CDA concerne un patient et un seul (recordTarget)",
    "/*": "la racine n'est pas ClinicalDocument",
    "id/@root": "identifiant du document absent (id)",
}


_ER7: Mapping[str, str] = {
    "character set not supported": "jeu de caractères non pris en charge (MSH-18)",
    "no character set fits the bytes": "octets étrangers à tout jeu de caractères pris en charge",
    "unusable delimiters": "délimiteurs inutilisables (MSH-2)",
    "unusable field separator": "séparateur de champs inutilisable (MSH-1)",
    "the message does not start with MSH": "le message ne commence pas par MSH",
    "NUL in the message": "caractère NUL dans le message",
    "two messages in one": "deux messages en un : un seul MSH attendu",
}


def error_of(failure: Er7Error) -> AckError:
    """What tells the sender, in French, why the message cannot be read; ERR-2 and ERR-3 are the reader's."""
    context = failure.context
    text = _ER7.get(failure.message, "")
    if not text and "limit" in context:
        text = f"limite dépassée ({context.get('found', '?')}, {context['limit']} au plus)"
    return AckError(failure.location, failure.err_code, text or failure.message)


def in_french(error: ConnectorError) -> str:
    """One clause for a sentence ("Envoi impossible : …"), without capital or full stop."""
    match error:
        case DmpMetadataError() | SessionError() | UnknownFeeder():
            return error.message  # written in French where it is raised
        case GateUnavailable():
            return "le contrôle du CDA est momentanément indisponible"
        case CdaError() | LimitError():
            return _unreadable(error)
        case TransportError():
            return _transport(error)
        case ClockError():
            offset, limit = error.context.get("offset_seconds", 0.0), error.context.get("limit_seconds", 0.0)
            return (
                f"l'horloge du connecteur s'écarte de {abs(float(offset)):.0f} s de celle de"
                f" « {error.context.get('source', '')} » (limite {float(limit):.0f} s)"
            )
        case VihfError():
            return f"l'assertion VIHF ne peut pas être faite (champ {_field(error)})"
        case SignatureError():
            return f"le lot de soumission ne peut pas être signé (champ {_field(error)})"
        case SettingsError():
            return f"réglage {error.context.get('name', '?')} faux ou absent"
        case KeyMaterialError():
            return f"clé ou certificat inutilisable ({_field(error)})"
        case _:
            return f"{type(error).__name__} (champ {_field(error)})"


def _field(error: ConnectorError) -> str:
    return str(error.context.get("field", "?"))


def _unreadable(error: ConnectorError) -> str:
    """Why the bytes of OBX-5 are no document the DMP can take."""
    field, found = _field(error), str(error.context.get("found", ""))
    if "limit" in error.context:
        return f"document trop volumineux ({found}, limite {error.context['limit']})"
    if field == "document":
        return f"c'est {_FORMS.get(found, found)}"
    if found == "DOCTYPE":
        return "une déclaration DOCTYPE y est interdite"
    if field == "CDA":
        line = found.removeprefix("line ")
        return f"XML mal formé (ligne {line})" if line.isdigit() else "XML mal formé"
    return _CDA_FIELDS.get(field) or f"élément obligatoire absent ou vide ({field})"


def _transport(error: TransportError) -> str:
    """Cause and place; what is technical (a status, OpenSSL's reason) stays as it is, in brackets."""
    context = error.context
    where = f"{context['host']}:{context['port']} : " if "host" in context and "port" in context else ""
    if cause := _CAUSES.get(str(context.get("cause", ""))):
        reason = f" ({context['reason']})" if "reason" in context else ""
        return f"{where}{cause}{reason}"
    if context.get("field") == "wsa:RelatesTo":
        return f"{where}la réponse reçue répond à une autre demande"
    if "http_status" in context and context["http_status"] != 200:
        return f"{where}réponse HTTP {context['http_status']}"
    return f"{where}réponse illisible"
