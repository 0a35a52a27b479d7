"""Thousands of requests under random cuts: each accepted exactly once, in its patient's order (design rule 7).

Two runs: new letters only, as in the first proof; and letters mixed with replacements of their newest version and with
deletions, where each chain must end as its last request asked, in the registry and in the connector's own table.

What the connector rests on: once an answer is known to be lost, the server accepts within the grace or never. The
programmed delays are below the grace; the longest ITI-41 of the run is measured and checked against it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from connector.base.resources import resource_dir
from connector.hl7.ack import parse_ack
from connector.hl7.mllp_client import MllpClient
from connector.simulator.faults import FaultRule
from tests.e2e.chains import Watch, count_chains
from tests.e2e.ground import FULL, NEVER_OPEN, Ground, check_zam, count_acceptances
from tests.e2e.load import drawn_seed
from tests.e2e.stories import Author, Letter, Mix

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
DELETION_FAULTS: Final = tuple(rule and replace(rule, transaction="ITI-57") for rule in FAULTS)
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
        dmp={"timeouts": {"TD2.1": TIMEOUT, "TD3.3c": TIMEOUT}},
        publication={"unknown_grace": GRACE},
        log={"level": "error"},
    )


Decks = tuple[Iterator[FaultRule | None], Iterator[FaultRule | None]]
"""What befalls an ITI-41, and an ITI-57."""


class Feed:
    """`SENDERS` connections share the patients; each patient's letters are sent strictly in order."""

    def __init__(self, ground: Ground, submissions: int, mix: Mix) -> None:
        self._admission = (resource_dir("samples") / "adt-a01-admission.er7").read_bytes()
        self._ground = ground
        self._mix = mix
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
        decks = (self._deck(FAULTS, sender, chance), self._deck(DELETION_FAULTS, sender, chance))
        authors = {n: one.author(n, chance, self._mix) for n, one in patients}
        with MllpClient("127.0.0.1", ground.port, timeout=30.0) as client:
            for number, identity in patients:
                admission = identity.personalise(self._admission)
                self._exchange(client, admission.replace(b"ADT0001", b"A%d" % number))
            for turn in range(self._each):
                for number, _ in patients:
                    self._exchange(client, self._next(sender, authors[number], f"L{number}X{turn}", chance, decks))

    def _deck(
        self, rules: Sequence[FaultRule | None], sender: int, chance: random.Random
    ) -> Iterator[FaultRule | None]:
        """Each sender deals its part of the rules first, so that all of them fall, then draws."""
        deck = random.Random(self._ground.seed).sample(rules, len(rules))
        yield from deck[sender::SENDERS]
        while True:
            yield chance.choice(rules)

    def _next(self, sender: int, author: Author, control_id: str, chance: random.Random, decks: Decks) -> bytes:
        """The next message of a patient, its faults programmed before it leaves."""
        raw, letter = author.next(control_id, wants_zam=chance.random() < 0.1)
        faults = self._ground.simulator.faults
        drawn = next(decks[letter.action == "delete"])
        if drawn is not None:
            faults.add(replace(drawn, unique_id=letter.unique_id))
            if chance.random() < 0.15:
                faults.add(replace(chance.choice(QUESTION_FAULTS), unique_id=letter.unique_id))
        if letter.replaces and chance.random() < 0.1:
            # the question by which the replaced document is found
            faults.add(replace(chance.choice(QUESTION_FAULTS), unique_id=letter.replaces))
        self.letters[sender].append(letter)
        return raw

    def _exchange(self, client: MllpClient, raw: bytes) -> None:
        ack = parse_ack(client.exchange(raw))
        if not ack.accepted:
            self.refused.append(f"{ack.code} {ack.errors}")


@pytest.mark.proof
@pytest.mark.timeout(DEADLINE + 600 if FULL else 120)
@pytest.mark.parametrize("mix", get_args(Mix))
def test_requests_under_random_cuts_are_accepted_exactly_once(tmp_path: Path, pki_folder: Path, mix: Mix) -> None:
    seed = drawn_seed()
    print(f"\nseed {seed} (CONNECTOR_SEED={seed} draws the same identities, requests and faults)")
    ground = make_ground(tmp_path, seed, pki_folder, PATIENTS)
    try:
        began = time.monotonic()
        ground.start()
        with Watch(ground.store, ground.acceptances.known) as watch:
            letters = Feed(ground, SUBMISSIONS, mix).run()
            ground.wait_settled(DEADLINE)
        seconds = time.monotonic() - began
        counts = count_acceptances(letters, ground.acceptance_order())
        chains = count_chains(letters, ground.simulator.registry, ground.journal)
        print(f"{len(letters)} requests of {PATIENTS} patients in {seconds:.0f} s; {counts}; {chains}")
        print_calls(ground, letters)
        assert ground.settled(), ground.left()
        assert counts.clean, counts
        assert chains.clean, chains
        assert (watch.ahead, watch.looks > 10) == (set(), True)
        check_zam(letters, ground.hospital)
        submissions = ground.calls("ITI-41")
        longest = max(_server_seconds(call) for call in submissions)
        assert longest < GRACE, f"premise broken: the server worked {longest:.2f} s, the grace is {GRACE} s"
        check_faults(submissions, sum(letter.action != "delete" for letter in letters))
        if mix == "versions":
            check_faults(ground.calls("ITI-57"), sum(letter.action == "delete" for letter in letters))
        assert ground.stop() == [0]
    finally:
        ground.close()


def print_calls(ground: Ground, letters: Sequence[Letter]) -> None:
    asked = Counter(letter.action for letter in letters)
    fed, deleted = ground.calls("ITI-41"), ground.calls("ITI-57")
    print(f"asked: {dict(asked)}; ITI-41 {len(fed)}, ITI-57 {len(deleted)}, ITI-18 {len(ground.calls('ITI-18'))}")
    for name, calls in (("ITI-41", fed), ("ITI-57", deleted)):
        print(f"faults fired on {name}: {dict(Counter(call['fault'] for call in calls))}")


def check_faults(calls: Sequence[dict[str, Any]], requests: int) -> None:
    """Every programmed fault fell, and often enough for requests to be sent again."""
    fired = {call["fault"] for call in calls}
    assert fired == {"", *(rule.effect for rule in FAULTS if rule is not None)}
    assert len(calls) - requests > requests // 10, "hardly anything was sent again: nothing proven"


def _server_seconds(call: dict[str, Any]) -> float:
    """How long the server may have gone on with an ITI-41, at most, after the connector knew the answer lost."""
    seconds = float(call["milliseconds"]) / 1000
    if call["fault"] == "cut-then-accept":
        return seconds
    # Accepted first, silent afterwards; or the connector waited for the answer as long as it may.
    return seconds - (BEYOND if call["fault"] == "hang-after" else TIMEOUT)


MUTANTS: Final[dict[str, tuple[Mix, str]]] = {
    "skip-question": ("creations", "doubled"),
    "believe-at-once": ("creations", "doubled"),
    "hope": ("creations", "lost"),
    "resent-as-new": ("versions", "broken"),
    "skip-predecessor": ("versions", "broken"),
    "believe-deletion": ("versions", "lost"),
    "version-early": ("versions", "ahead"),
}


@pytest.mark.parametrize("mutation", MUTANTS)
def test_the_proof_sees_a_connector_that_is_wrong(tmp_path: Path, pki_folder: Path, mutation: str) -> None:
    mix, finding = MUTANTS[mutation]
    ground = make_ground(tmp_path, drawn_seed(), pki_folder, 24, mutation)
    try:
        ground.start()
        with Watch(ground.store, ground.acceptances.known) as watch:
            letters = Feed(ground, 72 if mix == "creations" else 120, mix).run()
            ground.wait_at_rest(60.0)
        counts = count_acceptances(letters, ground.acceptance_order())
        chains = count_chains(letters, ground.simulator.registry, ground.journal)
        found = {
            "doubled": counts.doubled,
            "lost": counts.lost,
            "broken": chains.broken,
            "believed": chains.believed,
            "ahead": watch.ahead,
        }
        print(f"{mutation}: { ({name: len(seen) for name, seen in found.items()}) }")
        assert found[finding]
    finally:
        ground.close()
