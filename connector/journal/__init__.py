"""Floor 1: the durable journal (messages, deliveries, timeline) and the engine that works it off.

Store first, then acknowledge (design rule 5); one life cycle table (design rule 6); per patient, strict order.
"""

from connector.journal.documents import Submission
from connector.journal.engine.config import EngineConfig
from connector.journal.engine.embedded import Engine
from connector.journal.job import Dead, Done, Handler, Hold, Job, Outcome, Refuse, Retry, Unknown
from connector.journal.model import Incoming, JournalConfig, JournalError, Stored, StoredMessage, key_of
from connector.journal.reader import JournalReader
from connector.journal.store import Journal
from connector.journal.tx import Tx

__all__ = [
    "Dead",
    "Done",
    "Engine",
    "EngineConfig",
    "Handler",
    "Hold",
    "Incoming",
    "Job",
    "Journal",
    "JournalConfig",
    "JournalError",
    "JournalReader",
    "Outcome",
    "Refuse",
    "Retry",
    "Stored",
    "StoredMessage",
    "Submission",
    "Tx",
    "Unknown",
    "key_of",
]
