"""Wake-ups that cross processes: procrastinate, one job per due head, one queue per destination.

The job is the delivery, its lock the patient and lane, so that no two processes are woken for one patient. A job is a
hint: the journal decides, a lost or doubled one is harmless. So the tables are no data: they live in a schema named
after procrastinate's version, old and new processes each use their own, and it may be dropped while nothing runs.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from connector.journal.heads import Lane

SCHEMA: Final = "procrastinate_" + version("procrastinate").replace(".", "_")
FAILURES: Final = (ConnectorException, psycopg.Error, OSError)
"""What an absent database looks like from here."""

_TASK: Final = "deliver"
_INSTALLING: Final = (1685, 1)
"""Two-key advisory lock: patients are locked by one key."""

_KEEPALIVE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_NAME_CAP: Final = 40
"""PostgreSQL refuses a channel name above 63 bytes; procrastinate puts 23 before the queue's."""

# One row is written and deleted per delivery: without this the table is mostly dead rows (procrastinate #1242).
_TUNING: Final = (
    "ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);"
    "ALTER TABLE procrastinate_events SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);"
    # The jobs of one patient are looked for by every fetch.
    "CREATE INDEX connector_jobs_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');"
)

Work = Callable[[int, str], Awaitable[None]]
"""Works on one delivery (id, destination)."""


@dataclass(frozen=True, slots=True)
class Wakeup:
    """One delivery to wake a worker for."""

    delivery_id: int
    lane: Lane
    destination: str


@dataclass(frozen=True, slots=True)
class Live:
    """A wake-up that still stands: not heard yet, or (`heard`) in the hands of a worker. `lock` is its lane's."""

    job: Job
    delivery_id: int
    queue: str
    lock: str
    heard: bool


def lock_of(lane: Lane) -> str:
    return f"{lane[0]}:{lane[1]}"


def queue_of(destination: str) -> str:
    """Name of the queue of a destination: its own where that is short and plain, else a digest."""
    if destination and destination.isascii() and len(destination) <= _NAME_CAP:
        return destination
    return hashlib.sha256(destination.encode()).hexdigest()[:_NAME_CAP]


class Wakeups:
    """The queues as one process sees them. Every method may raise one of FAILURES.

    `lease` and `beat` are seconds: a worker that did not beat for so long is gone, its jobs too.
    """

    def __init__(self, dsn: str, password: str | None, work: Work, *, name: str, lease: float, beat: float) -> None:
        # Its lines name jobs at each step; what matters here is said by the engine.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        self._dsn = dsn
        self._settings: dict[str, Any] = {**_KEEPALIVE, "application_name": f"dmp-connector {name}"[:63]}
        if password:
            self._settings["password"] = password
        # A wake-up need not survive a crash of the server: the journal does, and the sweeper wakes again.
        options = f"-c search_path={SCHEMA} -c synchronous_commit=off -c idle_in_transaction_session_timeout=5s"
        self._app = App(
            connector=PsycopgConnector(
                pool_factory=_pool,
                conninfo=dsn,
                kwargs={**self._settings, "options": options},
                min_size=1,
                max_size=6,
                # A pool that gives up soon asks again soon: else it sleeps for minutes after a long outage.
                timeout=2.0,
                reconnect_timeout=1.0,
            )
        )
        self._app.task(name=_TASK)(_deliver(work))
        self._name = name
        self._lease = lease
        self._beat = beat

    async def connect(self, options: str = "") -> psycopg.AsyncConnection[Any]:
        """A connection of one's own, in autocommit, with session `options` ("name=value …")."""
        words = " ".join(f"-c {option}" for option in ("timezone=UTC", "lock_timeout=5s", *options.split()))
        return await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, options=words, **self._settings)

    async def open(self) -> None:
        await self._install()
        await self._app.open_async()

    async def close(self) -> None:
        await self._app.close_async()

    async def _install(self) -> None:
        """Creates the tables when this version's are absent; processes that start together take turns."""
        async with await psycopg.AsyncConnection.connect(self._dsn, **self._settings) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", _INSTALLING)
            found = await connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.procrastinate_jobs",))
            row = await found.fetchone()
            if row is not None and row[0] is not None:
                return
            name = sql.Identifier(SCHEMA)
            await connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
            await connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))
            await connection.execute(SchemaManager.get_schema())
            await connection.execute(_TUNING)

    # -- waking --------------------------------------------------------------------------------------------

    async def live(self) -> list[Live]:
        """Every wake-up that still stands, of all destinations."""
        jobs = await self._app.job_manager.list_jobs_async()
        return [_live(job) for job in jobs]

    async def wake(self, wakeups: Sequence[Wakeup]) -> None:
        """All at once; one by one when another process woke for some of them meanwhile."""
        try:
            await self._app.job_manager.batch_defer_jobs_async([_job(wakeup) for wakeup in wakeups])
        except AlreadyEnqueued:
            for wakeup in wakeups:
                await self._wake_one(wakeup)

    async def _wake_one(self, wakeup: Wakeup) -> None:
        try:
            await self._app.job_manager.defer_job_async(_job(wakeup))
        except AlreadyEnqueued:
            return

    async def forget(self, wakeups: Iterable[Live]) -> None:
        """Deletes wake-ups that are good for nothing any more: each holds its patient's lock."""
        for one in wakeups:
            await self._end(one.job)

    async def clear_stalled(self) -> None:
        """Jobs in the hands of a worker that is gone hold their patient's lock: they are deleted."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._lease):
            await self._end(job)
        await manager.prune_stalled_workers(self._lease)

    async def _end(self, job: Job) -> None:
        try:
            await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        except ConnectorException as error:
            # Another sweeper was faster, or its worker ended it meanwhile.
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise

    # -- working -------------------------------------------------------------------------------------------

    async def work(self, destination: str, concurrency: int, poll: float) -> None:
        """Hears the wake-ups of one destination until cancelled; then waits for what was started."""
        await self._app.run_worker_async(
            queues=[queue_of(destination)],
            name=f"{self._name} {destination}",
            concurrency=concurrency,
            fetch_job_polling_interval=poll,
            abort_job_polling_interval=3600.0,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=self._beat,
            stalled_worker_timeout=self._lease,
        )


def _deliver(work: Work) -> Callable[..., Awaitable[None]]:
    async def deliver(delivery_id: int, destination: str) -> None:
        await work(delivery_id, destination)

    return deliver


def _job(wakeup: Wakeup) -> Job:
    return Job(
        queue=queue_of(wakeup.destination),
        lock=lock_of(wakeup.lane),
        queueing_lock=str(wakeup.delivery_id),
        task_name=_TASK,
        task_kwargs={"delivery_id": wakeup.delivery_id, "destination": wakeup.destination},
    )


def _live(job: Job) -> Live:
    delivery_id = int(str(job.task_kwargs["delivery_id"]))
    return Live(job, delivery_id, job.queue, job.lock or "", job.status != Status.TODO.value)


def _pool(**settings: Any) -> AsyncConnectionPool[Any]:
    # procrastinate would ask each connection whether it lives before each use: a lost one fails once instead.
    settings.pop("check", None)
    return AsyncConnectionPool(**settings)
