"""RSP^K23, the ITI-9 answer: six cases, refusals, echoes (hl7v2-interface §2.7, ihe-rules D-100 to D-108)."""

from __future__ import annotations

from connector.base.errors import ServerError, ServerRefusal
from connector.hl7.ack import ack_of
from connector.hl7.er7 import Message, Segment, parse
from connector.hl7.errors import Er7Error
from connector.pix.errors import PixAnswerError
from connector.pix.model import Case, CrossReference, PixAnswer, answer_of
from connector.pix.v2_query import V2Query

UNKNOWN_KEY = "204"
APPLICATION_ERROR = "207"


def read_answer(raw: bytes, query: V2Query) -> PixAnswer:
    """The case that `raw` answers `query` with.

    Raises PixAnswerError (unreadable, inconsistent, or the echo of another query) and ServerRefusal (AR, or an AE
    that is none of the three UNKNOWN cases, whether it comes in a bare ACK or in a response).
    """
    try:
        message = parse(raw)
    except Er7Error as error:
        raise PixAnswerError(f"unreadable answer: {error.message}", **error.context) from error
    msa = _required(message, "MSA")
    _echo("MSA-2", msa.whole(2), query.control_id)
    errors = _errors(message)
    if message.header.type == "ACK":
        # A query is never answered by a bare acknowledgement, unless it was refused before it was understood.
        if msa.get(1) in ("AA", "CA"):
            raise _wrong("MSH-9", "ACK with AA", "RSP^K23")
        raise ServerRefusal(errors)
    if (message.header.type, message.header.event) != ("RSP", "K23"):
        raise _wrong("MSH-9", f"{message.header.type}^{message.header.event}", "RSP^K23")
    return _response(message, msa.get(1), errors, query)


def _response(message: Message, code: str, errors: tuple[ServerError, ...], query: V2Query) -> PixAnswer:
    qak = message.first("QAK")
    if qak is not None:
        _echo("QAK-1", qak.whole(1), query.tag)
    if code == "AE" and (case := _unknown(errors)) is not None:
        return PixAnswer(case, errors=errors)
    status = _required(message, "QAK").get(2) if code == "AA" else ""
    if status == "NF":
        return PixAnswer(Case.NO_CROSS_REFERENCE)
    if status == "OK":
        asked = CrossReference(query.domain.oid, query.domain.namespace, query.value)
        return answer_of(_identifiers(_required(message, "PID")), asked)
    if code in ("AE", "AR") or status in ("AE", "AR"):
        raise ServerRefusal(errors)
    raise _wrong("MSA-1, QAK-2", f"{code}, {status}", "AA with OK or NF, AE, AR")


def _unknown(errors: tuple[ServerError, ...]) -> Case | None:
    """The UNKNOWN case that the 204 errors spell by their ERR-2, the most fundamental one first."""
    places = [error.location.split("^") + [""] * 6 for error in errors if error.code == UNKNOWN_KEY]
    on_queried = [place[4] for place in places if place[0] == "QPD" and place[2] == "3"]
    if "4" in on_queried:
        return Case.UNKNOWN_QUERY_DOMAIN
    if on_queried:
        return Case.UNKNOWN_ID
    if any(place[0] == "QPD" and place[2] == "4" for place in places):
        return Case.UNKNOWN_WANTED_DOMAIN
    return None


def _identifiers(pid: Segment) -> list[CrossReference]:
    found = []
    for rep in range(1, len(pid.reps(3)) + 1):
        value = pid.get(3, rep)
        if value and value != '""':
            namespace, oid, kind = (pid.get(3, rep, 4, sub) for sub in (1, 2, 3))
            found.append(CrossReference(oid, namespace, value, pid.get(3, rep, 5), kind))
    if not found:
        raise _wrong("PID-3", "no identifier", "at least one, as QAK-2 says OK")
    return found


def _errors(message: Message) -> tuple[ServerError, ...]:
    """The ERR segments verbatim; MSA-3 when a server knows no ERR."""
    ack = ack_of(message)
    errors: list[ServerError] = []
    for error in ack.errors:
        # ERR-5 words the cause only when ERR-3 says no more than "application error".
        detailed = error.code == APPLICATION_ERROR and error.app_code
        code, text = (error.app_code, error.app_text) if detailed else (error.code, error.text)
        errors.append(ServerError(code, text, location=error.location, channel="ack"))
    if not errors and ack.text:
        errors.append(ServerError("", ack.text, channel="ack"))
    return tuple(errors)


def _required(message: Message, name: str) -> Segment:
    segment = message.first(name)
    if segment is None:
        raise _wrong(name, "no segment", "one segment")
    return segment


def _echo(field: str, found: str, expected: str) -> None:
    if found != expected:
        raise _wrong(field, found[:80], expected)


def _wrong(field: str, found: str, expected: str) -> PixAnswerError:
    return PixAnswerError(
        f"{field} of the answer is not what was expected", field=field, found=found, expected=expected
    )
