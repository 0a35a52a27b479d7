"""The audit trail: append-only, hash-chained, one line per outgoing call and per act of a person."""

from connector.journal.audit.entry import AuditEntry
from connector.journal.audit.operators import current_operator, operator_act

__all__ = ["AuditEntry", "current_operator", "operator_act"]
