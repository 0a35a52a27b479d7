"""How a document's delivery ends, and what its end sets going: the chain of versions, what waited, the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connector.base.clock import Clock, UuidFactory
from connector.flows.acknowledgement import YES, Answer, Verdict, acknowledge, give, told
from connector.flows.asked import Asked
from connector.flows.routing_codes import DELETION_UNKNOWN, PREDECESSOR_UNKNOWN, PREDECESSOR_WAITING, PUBLICATION
from connector.hl7.model import DocumentRequest
from connector.journal import Done, Job, Refuse, Tx
from connector.patients import versions

Then = Callable[[Tx], None]


class Ending:
    """Outcomes of a publication, each with the work its transaction does."""

    def __init__(self, clock: Clock, uuid_factory: UuidFactory) -> None:
        self._clock = clock
        self._uuid = uuid_factory

    def published(self, asked: Asked, text: str) -> Done:
        """It stands in the DMP: its predecessor no longer does, and what waited for it may go."""
        now, answer = self._clock(), self._answer(asked.job, asked.request)

        def then(tx: Tx) -> None:
            versions.stand(tx, asked.version("published"), now)
            self._let_successors_go(tx, asked.job)
            acknowledge(tx, asked.job, YES, answer, self._control_ids())

        return Done(text, then=then)

    def deleted(self, asked: Asked, text: str) -> Done:
        now, answer = self._clock(), self._answer(asked.job, asked.request)

        def then(tx: Tx) -> None:
            versions.delete(tx, asked.unique_id, now)
            acknowledge(tx, asked.job, YES, answer, self._control_ids())

        return Done(text, then=then)

    def rehearsed(self, asked: Asked) -> Done:
        """Shadow mode: it would have gone. Nobody is answered: the sender's real answer comes from elsewhere."""
        now = self._clock()

        def then(tx: Tx) -> None:
            if asked.deletes:
                versions.forget_rehearsal(tx, asked.unique_id)
            else:
                versions.stand(tx, asked.version("rehearsed"), now)
            self._let_successors_go(tx, asked.job)

        return Done("Mode ombre : prêt à partir, rien n'a été envoyé", then=then, unreachable=None)

    def refuse(self, job: Job, request: DocumentRequest, verdict: Verdict, text: str) -> Refuse:
        """Refused for good; `verdict` is what the Z01 says, when one is wanted."""
        answer = self._answer(job, request)

        def then(tx: Tx) -> None:
            # a replacement that waited for this document must hear that it will not come
            tx.release(job.patient_id, (PUBLICATION,), (PREDECESSOR_WAITING,))
            if not job.payload.get("shadow"):
                acknowledge(tx, job, verdict, answer, self._control_ids())

        return Refuse(text, verdict.code, then=then)

    def tell_once(self, asked: Asked, verdict: Verdict) -> Then:
        """A first answer while the document waits: given once per request, however often the wait begins again."""
        answer = self._answer(asked.job, asked.request)

        def then(tx: Tx) -> None:
            if answer is not None and not told(tx, asked.job.message_id):
                give(tx, asked.job, verdict, answer)

        return then

    def _let_successors_go(self, tx: Tx, job: Job) -> None:
        """Replacements and deletions that came before what they are about."""
        tx.release(job.patient_id, (PUBLICATION,), (PREDECESSOR_WAITING, PREDECESSOR_UNKNOWN, DELETION_UNKNOWN))

    def _answer(self, job: Job, request: DocumentRequest) -> Answer | None:
        """The Z01 to give, None when the request asked for none or the delivery is a rehearsal."""
        if not request.flags.ack_reception or job.payload.get("shadow"):
            return None
        return Answer(job.message_id, job.payload["sender"], self._control_id(), self._clock())

    def _control_ids(self) -> Iterator[str]:
        while True:
            yield self._control_id()

    def _control_id(self) -> str:
        return self._uuid().hex[:20]
