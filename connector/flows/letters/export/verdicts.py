"""The gate of an export: what its workers judged a moment ago is not judged again, byte for byte the same document."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from connector.kit.gate import CdaGate
from connector.kit.verdict import CdaVerdict

KEPT: Final = 4096
"""Verdicts remembered; more letters than that are never on their way at once."""


class KnownVerdicts(CdaGate):
    """Verdicts given by the same kit under the same settings; any other document goes to the real gate.

    open_real  opens that gate, at the first document that needs it
    """

    def __init__(self, open_real: Callable[[], CdaGate], kept: int = KEPT) -> None:
        self._open_real = open_real
        self._kept = kept
        self._known: OrderedDict[bytes, CdaVerdict] = OrderedDict()
        self._lock = threading.Lock()
        self._real: CdaGate | None = None

    def remember(self, content: bytes, verdict: CdaVerdict) -> None:
        with self._lock:
            self._known[hashlib.sha256(content).digest()] = verdict
            while len(self._known) > self._kept:
                self._known.popitem(last=False)

    def judge(self, content: bytes) -> CdaVerdict:
        key = hashlib.sha256(content).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                return known
            if self._real is None:
                self._real = self._open_real()
            real = self._real
        return real.judge(content)

    def close(self) -> None:
        with self._lock:
            if self._real is not None:
                self._real.close()
