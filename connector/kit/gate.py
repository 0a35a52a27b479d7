"""The gate a CDA passes before it is sent: schemas and suites of the agency's kit, and our own structural checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Literal, Self

from connector.base.clock import Clock, utc_now
from connector.base.errors import SettingsError
from connector.cda.checks import check_document
from connector.kit.config import ABSENT_ACCEPTED, GateConfig
from connector.kit.pool import GateUnavailable, WorkerPool
from connector.kit.verdict import STRUCTURE, CdaVerdict

__all__ = ["CdaGate", "GateUnavailable", "check_start", "open_gate"]

KIT_ABSENT: Final = "kit officiel absent"
KIT_ABSENT_ACCEPTED: Final = "kit officiel absent, accepté par réglage (gate.kit = absent-accepted)"


class CdaGate(ABC):
    """Judges documents until it is closed. Any thread may ask."""

    @abstractmethod
    def judge(self, content: bytes) -> CdaVerdict:
        """What is wrong with the document of these bytes, within `gate.time_limit` once a worker is free.

        Raises GateUnavailable when nothing could be judged for a reason that is not the document's.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends the worker processes, after the documents in hand."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_start(config: GateConfig, *, environment: Literal["production", "test"], feeding: bool) -> None:
    """Refuses to feed a production DMP without the agency's checks (EX_2.1-1070, 1071, 1090).

    Raises SettingsError: no kit and not said to be accepted, or a folder that holds none.
    """
    if environment == "production" and feeding and not config.kit:
        raise SettingsError(
            "feeding a production DMP needs the agency's kit: documents must be checked before they are sent",
            name="gate.kit",
            found='""',
            allowed=f'the folder of the kit as downloaded, or "{ABSENT_ACCEPTED}" to send without its checks',
        )
    if config.folder is not None and not config.folder.is_dir():
        raise SettingsError(
            "the folder of the agency's kit is not there", name="gate.kit", found=config.kit, allowed="a folder"
        )


def open_gate(config: GateConfig, clock: Clock = utc_now) -> CdaGate:
    """The gate of these settings; with a kit, its workers are started and the first one is ready (some seconds).

    `clock` says what moment documents are judged at: none may tell what comes after.
    Raises SettingsError when the kit cannot be used.
    """
    if config.folder is None:
        return StructureGate(config, clock)
    check_start(config, environment="test", feeding=False)
    return KitGate(config, clock)


class StructureGate(CdaGate):
    """Without a kit: our own checks, in the caller's thread."""

    def __init__(self, config: GateConfig, clock: Clock = utc_now) -> None:
        self._config = config
        self._clock = clock
        absent = KIT_ABSENT_ACCEPTED if config.kit == ABSENT_ACCEPTED else KIT_ABSENT
        self._suites = (STRUCTURE, absent)

    def judge(self, content: bytes) -> CdaVerdict:
        cap, environment = self._config.max_bytes, self._config.environment
        found = check_document(content, None, max_bytes=cap, environment=environment, now=self._clock())
        return CdaVerdict(found, self._suites, "")

    def close(self) -> None:
        """Nothing to end."""


class KitGate(CdaGate):
    """With a kit: everything in worker processes."""

    def __init__(self, config: GateConfig, clock: Clock = utc_now) -> None:
        self.pool = WorkerPool(config, clock)

    def judge(self, content: bytes) -> CdaVerdict:
        return self.pool.judge(content)

    def close(self) -> None:
        self.pool.close()
