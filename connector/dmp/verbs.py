"""The four XDS.b transactions over one exchange: what leaves, how each answer is judged, whatever the domain.

Each raises what `Exchange.ask` raises, and ServerRefusal with the server's errors in full. A submission or a change
whose answer cannot be read is an unknown outcome (TransportError, `sent`), never a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from connector.base.errors import ServerError, ServerRefusal, SoapFault
from connector.base.finding import Finding
from connector.dmp.answer_rules import check_outcome
from connector.dmp.errors import DmpMetadataError
from connector.dmp.exchange import Exchange
from connector.dmp.refusals import server_error
from connector.dmp.retrieval import BATCH, PartialRetrieval, Retrieved, request_lines, save
from connector.ins.model import MatriculeIns
from connector.soap.answer import SoapAnswer
from connector.soap.parts import Attachment
from connector.trust.vihf import Caller
from connector.xds import iti18, iti41, iti43, iti57
from connector.xds.iti18 import ReturnType
from connector.xds.model import STATUS_FAILURE, DocumentEntry, QueryAnswer, RegistryError, Submission
from connector.xds.queries import StoredQuery
from connector.xds.responses import as_server_errors
from connector.xds.transactions import Transaction

NOT_XML = Finding(
    "META-XML",
    "error",
    "message",
    "caractère de contrôle",
    "du texte",
    "un texte du message porte un caractère de contrôle, que le XML du DMP ne peut pas transporter",
)
"""Which text it is cannot be told: the XML writer does not say."""


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """A submission the server accepted. The answer itself names no identifier (dmp-interface a.7)."""

    set_id: str
    unique_ids: tuple[str, ...]
    warnings: tuple[RegistryError, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """A change the server accepted. The entryUUID may be another one from now on, the logical id is not (a.10)."""

    set_id: str
    warnings: tuple[RegistryError, ...] = ()
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()


@contextmanager
def xml_text() -> Iterator[None]:
    """DmpMetadataError in place of the XML writer's refusal of a control character."""
    try:
        yield
    except ValueError as error:
        if "XML compatible" not in str(error):
            raise
        raise DmpMetadataError([NOT_XML]) from error


def submit(
    line: Exchange,
    row: Transaction,
    ins: MatriculeIns | None,
    caller: Caller | None,
    submission: Submission,
    body: etree._Element,
    attachments: Sequence[Attachment],
    findings: tuple[Finding, ...] = (),
) -> SubmitResult:
    """ITI-41: `body` is the request of `submission`, `attachments` the documents it points at."""
    unique_ids = tuple(entry.unique_id for entry in submission.entries)
    set_id = submission.submission_set.unique_id

    def read(answer: SoapAnswer) -> SubmitResult:
        response = iti41.parse_response(answer.body)
        if not response.succeeded:
            raise ServerRefusal(as_server_errors(response.errors), status=response.status, findings=findings)
        odd = check_outcome(response, row.iti)
        return SubmitResult(set_id, unique_ids, response.errors, findings + odd, answer.seconds)

    return line.ask(row, body, ins, caller, read, attachments, unique_ids, set_id)


def query(
    line: Exchange,
    row: Transaction,
    ins: MatriculeIns | None,
    caller: Caller | None,
    asked: StoredQuery,
    return_type: ReturnType = "LeafClass",
    unique_ids: tuple[str, ...] = (),
) -> QueryAnswer:
    """ITI-18. A partial answer is returned with its errors; a failure is a ServerRefusal."""

    def read(answer: SoapAnswer) -> QueryAnswer:
        found = iti18.parse_answer(answer.body)
        if found.status == STATUS_FAILURE:
            raise ServerRefusal(as_server_errors(found.errors), status=found.status)
        return found

    body = iti18.build_query(asked, return_type, profile=line.config.profile)
    return line.ask(row, body, ins, caller, read, unique_ids=unique_ids)


def retrieve(
    line: Exchange,
    row: Transaction,
    ins: MatriculeIns | None,
    caller: Caller | None,
    entries: Sequence[DocumentEntry],
    folder: Path,
) -> list[Retrieved]:
    """ITI-43: the content of `entries` as files in `folder`, hash and size checked against the metadata.

    Raises PartialRetrieval (a ServerRefusal holding what did arrive) when some document is refused or missing.
    Bytes that are not those announced count as an unreadable answer.
    """
    saved: list[Retrieved] = []
    errors: list[ServerError] = []
    waiting = [entries[start : start + BATCH] for start in range(0, len(entries), BATCH)]
    while waiting:
        batch = waiting.pop(0)

        def read(answer: SoapAnswer, batch: Sequence[DocumentEntry] = batch) -> iti43.RetrieveAnswer:
            found = iti43.parse_response(answer.body, answer.parts)
            errors.extend(as_server_errors(found.errors))
            saved.extend(save(found.documents, batch, folder))
            return found

        lines = request_lines(batch, line.config.repository_id)
        try:
            asked = tuple(entry.unique_id for entry in batch)
            line.ask(row, iti43.build_request(lines), ins, caller, read, unique_ids=asked)
        except SoapFault as fault:
            if len(entries) == 1 or fault.subcode != "XDSDocumentUniqueIdError":
                raise
            # The DMP refuses a whole request for one document (a.9): ask for each alone.
            if len(batch) == 1:
                errors.append(server_error(fault))
            else:
                waiting[:0] = [[entry] for entry in batch]
    obtained = {document.entry.unique_id for document in saved}
    missing = tuple(entry for entry in entries if entry.unique_id not in obtained)
    if missing:
        raise PartialRetrieval(tuple(errors), saved, missing)
    return saved


def update(
    line: Exchange,
    row: Transaction,
    ins: MatriculeIns | None,
    caller: Caller | None,
    change: Submission,
    unique_id: str = "",
) -> UpdateResult:
    """ITI-57: a change made by `iti57`; `unique_id` tells the audit which document it is about."""
    with xml_text():
        body = iti57.build_request(change)
    set_id = change.submission_set.unique_id

    def read(answer: SoapAnswer) -> UpdateResult:
        response = iti57.parse_response(answer.body)
        if not response.succeeded:
            raise ServerRefusal(as_server_errors(response.errors), status=response.status)
        return UpdateResult(set_id, response.errors, answer.seconds, check_outcome(response, row.iti))

    unique_ids = (unique_id,) if unique_id else ()
    return line.ask(row, body, ins, caller, read, unique_ids=unique_ids, set_id=set_id)
