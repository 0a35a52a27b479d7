"""A hospital at work: patients made at run time, admissions and letters, each kept by its sender until AA."""

from __future__ import annotations

import base64
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from connector.base.errors import TransportError
from connector.base.resources import resource_dir
from connector.hl7.ack import parse_ack
from connector.hl7.framing import frame
from connector.hl7.mllp_client import MllpClient
from connector.ins.matricule import key_of
from connector.simulator.directory import INS_TEST, DomainId, Patient
from tests.e2e.stories import Author, Letter, Mix, samples

TEMPLATE_INS = b"279035121518989"


@dataclass(frozen=True, slots=True)
class Identity:
    """A patient of the load: INS with a valid key, IPP and stay of the sample hospital."""

    ins: str
    ipp: str
    stay: str

    def personalise(self, message: bytes) -> bytes:
        """The sample message (and the CDA inside it) as one about this patient."""
        segments = [self._segment(segment) for segment in message.split(b"\r")]
        return b"\r".join(segments)

    def _segment(self, segment: bytes) -> bytes:
        head, mark, encoded = segment.partition(b"^TEXT^XML^Base64^")
        if mark:
            content, bar, rest = encoded.partition(b"|")
            return head + mark + base64.b64encode(self._replace(base64.b64decode(content))) + bar + rest
        return self._replace(segment)

    def _replace(self, content: bytes) -> bytes:
        changes = (
            (TEMPLATE_INS, self.ins.encode()),
            (b"|000003^^^CHU-X", b"|%b^^^CHU-X" % self.ipp.encode()),
            (b'"000003"', b'"%b"' % self.ipp.encode()),
            (b"|000897406^^^CHU-X", b"|%b^^^CHU-X" % self.stay.encode()),
        )
        for old, new in changes:
            content = content.replace(old, new)
        return content

    def author(self, patient: int, chance: random.Random, mix: Mix) -> Author:
        """Who writes this patient's letters; `patient` is its index."""
        letter, replacement = map(self.personalise, samples())
        return Author(patient, letter, replacement, chance, mix)

    def in_world(self) -> Patient:
        local = DomainId(self.ipp, "CHU-X", "000897406", "N", "PI")
        return Patient(
            self.ins, INS_TEST, "PAT-TROIS", "PAT-TROIS", "DOMINIQUE", "19790328", "F", "63220", identifiers=(local,)
        )


def drawn_seed() -> int:
    """CONNECTOR_SEED, else the same one each time; `make proof` draws a new one."""
    if os.environ.get("CONNECTOR_PROOF") == "full" and "CONNECTOR_SEED" not in os.environ:
        return random.SystemRandom().randrange(1 << 32)
    return int(os.environ.get("CONNECTOR_SEED", "20261121"))


def make_identities(count: int, chance: random.Random) -> list[Identity]:
    """Distinct matricules of the sample's birth month, drawn at run time."""
    numbers = chance.sample(range(1, 1000), count)
    bodies = [f"2790399{chance.randrange(1, 990):03d}{number:03d}" for number in numbers]
    return [
        Identity(body + key_of(body), f"7{number:05d}", f"8{number:05d}")
        for body, number in zip(bodies, numbers, strict=True)
    ]


@dataclass(slots=True)
class Sent:
    """What one sender did, in its order."""

    letters: list[Letter] = field(default_factory=list)
    admissions: int = 0
    acknowledged: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    resent: int = 0
    deaf: int = 0


class Load:
    """One sender per patient, its messages strictly one after the other: the next leaves when this one has its AA.

    A sender keeps a message until AA: no answer, a cut or an AR send the same bytes again. Now and then it hangs up
    without reading the answer. It runs at most `ahead` letters before what the DMP accepted, so that kills always find
    work and the end is short. `accepted` names what the DMP accepted so far, as `Letter.act` does.
    """

    def __init__(
        self,
        port: int,
        identities: list[Identity],
        accepted: Callable[[], Collection[str]],
        *,
        seed: int,
        ahead: int = 4,
        mix: Mix = "creations",
    ) -> None:
        self._admission = (resource_dir("samples") / "adt-a01-admission.er7").read_bytes()
        self._mix = mix
        self._port = port
        self._accepted = accepted
        self._seed = seed
        self._ahead = ahead
        self._closing = threading.Event()
        self.sent = [Sent() for _ in identities]
        self._threads = [
            threading.Thread(target=self._work, args=(index, identity), daemon=True)
            for index, identity in enumerate(identities)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self, seconds: float) -> None:
        """No new message; returns when every sender has its last AA."""
        self._closing.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "a sender still waits for its AA"

    @property
    def letters(self) -> list[Letter]:
        return [letter for sent in self.sent for letter in sent.letters]

    def _work(self, index: int, identity: Identity) -> None:
        chance = random.Random(f"{self._seed}/{index}")
        author, admission = identity.author(index, chance, self._mix), identity.personalise(self._admission)
        sent, number = self.sent[index], 0
        with MllpClient("127.0.0.1", self._port, timeout=5.0) as client:
            self._send(client, sent, self._next_admission(sent, admission, f"A{index}X0"), chance)
            while not self._closing.is_set():
                number += 1
                if self._too_far(sent):
                    time.sleep(0.02)
                elif chance.random() < 0.15:
                    self._send(client, sent, self._next_admission(sent, admission, f"A{index}X{number}"), chance)
                else:
                    wants = chance.random() < 0.75
                    raw, letter = author.next(f"L{index}X{number}", wants_zam=wants)
                    sent.letters.append(letter)
                    self._send(client, sent, raw, chance)

    def _too_far(self, sent: Sent) -> bool:
        accepted = self._accepted()
        return sum(letter.act not in accepted for letter in sent.letters[-self._ahead :]) >= self._ahead

    @staticmethod
    def _next_admission(sent: Sent, template: bytes, control_id: str) -> bytes:
        sent.admissions += 1
        return template.replace(b"ADT0001", control_id.encode())

    def _send(self, client: MllpClient, sent: Sent, raw: bytes, chance: random.Random) -> None:
        if chance.random() < 0.05:
            sent.deaf += 1
            self._send_and_hang_up(raw)
        while True:
            try:
                ack = parse_ack(client.exchange(raw))
            except TransportError:
                sent.resent += 1
                time.sleep(0.05)
                continue
            if ack.may_resend:
                sent.resent += 1
                continue
            if ack.accepted:
                sent.acknowledged.append(raw)
            else:
                sent.refused.append(f"{ack.code} {ack.errors}")
            return

    def _send_and_hang_up(self, raw: bytes) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), 5.0) as connection:
                connection.sendall(frame(raw))
        except OSError:
            # The connector is dead just now: the message was not heard, which is the sender's usual lot.
            return
