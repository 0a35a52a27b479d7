"""The audit trail: append-only, hash-chained, one line per outgoing call and per act of a person."""

from connector.journal.audit.chain import Chain, Head, head_of, key_file_of, key_of_journal, purge
from connector.journal.audit.config import AtnaConfig, AuditConfig
from connector.journal.audit.context import Recorder, attempting
from connector.journal.audit.entry import AuditEntry
from connector.journal.audit.key import AuditKey
from connector.journal.audit.operators import current_operator, operator_act
from connector.journal.audit.verification import Fault, Verdict, verify

__all__ = [
    "AtnaConfig",
    "AuditConfig",
    "AuditEntry",
    "AuditKey",
    "Chain",
    "Fault",
    "Head",
    "Recorder",
    "Verdict",
    "attempting",
    "current_operator",
    "head_of",
    "key_file_of",
    "key_of_journal",
    "operator_act",
    "purge",
    "verify",
]
