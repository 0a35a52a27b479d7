"""Thousands of submissions under random cuts: each accepted exactly once, in its patient's order (design rule 7).

What the connector rests on: once an answer is known to be lost, the server accepts within the grace or never. The
programmed delays are below the grace; the longest ITI-41 of the run is measured and checked against it.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from connector.base.resources import resource_dir
from connector.cli.demo_letters import fresh_letter
from connector.hl7.ack import parse_ack
from connector.hl7.mllp_client import MllpClient
from connector.simulator.faults import FaultRule
from tests.e2e.ground import FULL, NEVER_OPEN, Ground, check_zam, count_acceptances
from tests.e2e.load import WANTS_ZAM, Letter, drawn_seed

SUBMISSIONS: Final = 10_000 if FULL else 300
PATIENTS: Final = 400 if FULL else 60
SENDERS: Final = 4
TIMEOUT: Final = 1.5
GRACE: Final = 3.0 if FULL else 2.0
BEYOND: Final = 2.0
LATE: Final = 0.6
"""Seconds: wait for an answer, grace, a silence longer than the wait, the latest acceptance after a cut."""

DEADLINE: Final = 1800.0 if FULL else 90.0

FAULTS: Final[tuple[FaultRule | None, ...]] = (
    *(None,) * 6,
    FaultRule("cut-before", "ITI-41"),
    FaultRule("cut-before", "ITI-41", times=2),
    FaultRule("cut-after", "ITI-41"),
    FaultRule("cut-in-headers", "ITI-41"),
    FaultRule("cut-during", "ITI-41"),
    FaultRule("truncated-multipart", "ITI-41"),
    FaultRule("cut-then-accept", "ITI-41", seconds=0.05),
    FaultRule("cut-then-accept", "ITI-41", seconds=LATE),
    FaultRule("hang-after", "ITI-41", seconds=BEYOND),
    FaultRule("delay", "ITI-41", seconds=BEYOND),
    FaultRule("http-500", "ITI-41"),
    FaultRule("proxy-error", "ITI-41", code="502"),
    FaultRule("proxy-error", "ITI-41", code="504"),
    FaultRule("proxy-error-after", "ITI-41", code="502"),
    FaultRule("proxy-error-after", "ITI-41", code="504"),
    FaultRule("fault", "ITI-41", code="Receiver", text="Erreur interne"),
    FaultRule("fault-after", "ITI-41", code="Receiver", text="Erreur interne"),
    FaultRule("empty-answer", "ITI-41"),
    FaultRule("garbage-answer", "ITI-41"),
    FaultRule("wrong-relates-to", "ITI-41"),
    FaultRule("registry-error", "ITI-41", code="XDSRegistryBusy"),
    FaultRule("registry-error", "ITI-41", code="XDSRegistryNotAvailable"),
)
QUESTION_FAULTS: Final = (
    FaultRule("cut-before", "ITI-18"),
    FaultRule("cut-after", "ITI-18"),
    FaultRule("http-500", "ITI-18"),
    FaultRule("fault", "ITI-18", code="Receiver", text="indisponible"),
    FaultRule("registry-error", "ITI-18", code="XDSRegistryBusy"),
)


def make_ground(folder: Path, seed: int, pki: Path, patients: int, mutation: str = "") -> Ground:
    return Ground(
        folder,
        seed,
        patients=patients,
        pki=pki,
        mutation=mutation,
        engine={
            "workers": 16,
            "backoff": {"first": 0.1, "longest": 0.8},
            "poll": 0.2,
            "destinations": {"dmp": NEVER_OPEN},
        },
        dmp={"timeouts": {"TD2.1": TIMEOUT}},
        publication={"unknown_grace": GRACE},
        log={"level": "error"},
    )


class Feed:
    """`SENDERS` connections share the patients; each patient's letters are sent strictly in order."""

    def __init__(self, ground: Ground, submissions: int) -> None:
        samples = resource_dir("samples")
        self._letter = (samples / "mdm-t02-lettre-de-liaison.er7").read_bytes()
        self._admission = (samples / "adt-a01-admission.er7").read_bytes()
        self._ground = ground
        self._each = submissions // len(ground.identities)
        self.letters: list[list[Letter]] = [[] for _ in range(SENDERS)]
        self.refused: list[str] = []

    def run(self) -> list[Letter]:
        """Every letter, in its patient's order, once all are acknowledged."""
        threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.refused == []
        return [letter for letters in self.letters for letter in letters]

    def _send(self, sender: int) -> None:
        ground, chance = self._ground, random.Random(f"{self._ground.seed}/{sender}")
        patients = [(n, one) for n, one in enumerate(ground.identities) if n % SENDERS == sender]
        templates = {n: one.personalise(self._letter) for n, one in patients}
        with MllpClient("127.0.0.1", ground.port, timeout=30.0) as client:
            for number, identity in patients:
                admission = identity.personalise(self._admission)
                self._exchange(client, admission.replace(b"ADT0001", b"A%d" % number))
            for turn in range(self._each):
                for number, _ in patients:
                    self._exchange(client, self._next(sender, number, turn, templates[number], chance))

    def _next(self, sender: int, patient: int, turn: int, template: bytes, chance: random.Random) -> bytes:
        """A new letter, its faults programmed before it leaves."""
        control_id = f"L{patient}X{turn}"
        raw, unique_id = fresh_letter(template, control_id, uuid.UUID(int=chance.getrandbits(128), version=4))
        wants = chance.random() < 0.1
        raw = raw if wants else raw.replace(WANTS_ZAM, WANTS_ZAM.replace(b"Y^", b"N^"))
        faults = self._ground.simulator.faults
        drawn = chance.choice(FAULTS)
        if drawn is not None:
            faults.add(replace(drawn, unique_id=unique_id))
            if chance.random() < 0.15:
                faults.add(replace(chance.choice(QUESTION_FAULTS), unique_id=unique_id))
        self.letters[sender].append(Letter(unique_id, control_id, patient, wants))
        return raw

    def _exchange(self, client: MllpClient, raw: bytes) -> None:
        ack = parse_ack(client.exchange(raw))
        if not ack.accepted:
            self.refused.append(f"{ack.code} {ack.errors}")


@pytest.mark.proof
@pytest.mark.timeout(DEADLINE + 600 if FULL else 120)
def test_submissions_under_random_cuts_are_accepted_exactly_once(tmp_path: Path, pki_folder: Path) -> None:
    seed = drawn_seed()
    print(f"\nseed {seed} (CONNECTOR_SEED={seed} draws the same identities and faults)")
    ground = make_ground(tmp_path, seed, pki_folder, PATIENTS)
    try:
        began = time.monotonic()
        ground.start()
        letters = Feed(ground, SUBMISSIONS).run()
        ground.wait_settled(DEADLINE)
        seconds = time.monotonic() - began
        counts = count_acceptances(letters, ground.acceptance_order())
        submissions, questions = ground.calls("ITI-41"), ground.calls("ITI-18")
        fired = Counter(call["fault"] for call in submissions)
        resent = len(submissions) - len(letters)
        print(f"{len(letters)} submissions of {PATIENTS} patients in {seconds:.0f} s; {counts}")
        print(f"{len(questions)} questions to the registry, {resent} resends; faults fired: {dict(fired)}")
        assert counts.clean, counts
        assert ground.settled(), ground.left()
        check_zam(letters, ground.hospital)
        longest = max(_server_seconds(call) for call in submissions)
        assert longest < GRACE, f"premise broken: the server worked {longest:.2f} s, the grace is {GRACE} s"
        assert set(fired) == {"", *(rule.effect for rule in FAULTS if rule is not None)}
        assert resent > len(letters) // 10, "hardly anything was sent again: nothing proven"
        assert ground.stop() == [0]
    finally:
        ground.close()


def _server_seconds(call: dict[str, Any]) -> float:
    """How long the server may have gone on with an ITI-41, at most, after the connector knew the answer lost."""
    seconds = float(call["milliseconds"]) / 1000
    if call["fault"] == "cut-then-accept":
        return seconds
    # Accepted first, silent afterwards; or the connector waited for the answer as long as it may.
    return seconds - (BEYOND if call["fault"] == "hang-after" else TIMEOUT)


@pytest.mark.parametrize(
    ("mutation", "finding"), [("skip-question", "doubled"), ("believe-at-once", "doubled"), ("hope", "lost")]
)
def test_the_proof_sees_a_connector_that_does_not_ask(
    tmp_path: Path, pki_folder: Path, mutation: str, finding: str
) -> None:
    ground = make_ground(tmp_path, drawn_seed(), pki_folder, 24, mutation)
    try:
        ground.start()
        letters = Feed(ground, 72).run()
        ground.wait_settled(60.0)
        assert ground.settled(), ground.left()
        assert getattr(count_acceptances(letters, ground.acceptance_order()), finding)
    finally:
        ground.close()
