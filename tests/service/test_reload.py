"""SIGHUP on a real process under load: new settings and keys count at once, nobody is cut off, nothing is lost."""

from __future__ import annotations

import base64
import re
import shutil
import signal
import time
from pathlib import Path
from random import Random

import pytest
from cryptography import x509

from connector.base.clock import utc_now
from connector.hl7.ack import parse_ack
from connector.simulator.faults import FaultRule
from connector.simulator.pki import Pki
from tests.e2e.captured import read_captures
from tests.e2e.load import Load, make_identities
from tests.e2e.messages import admission, letter
from tests.service.conftest import MakeService, Service, eventually

RELOADS = 5
_CERTIFICATE = re.compile(rb"<(?:\w+:)?X509Certificate>([^<]+)<")


class Keys:
    """The structure's own copies of its keys, renewed by its administrator."""

    def __init__(self, pki: Path, folder: Path) -> None:
        shutil.copytree(pki, folder)
        self._pki = Pki(folder, utc_now())
        self._folder = folder

    @property
    def settings(self) -> dict[str, str]:
        names = {"certificate": ".pem", "key": ".key.pem"}
        return {
            f"{pair}_{what}": str(self._folder / f"{pair}{end}")
            for pair in ("sign", "auth")
            for what, end in names.items()
        }

    def renew(self) -> None:
        """Both pairs again, from the same authority, under the same file names."""
        for pair in ("sign", "auth"):
            for end in (".pem", ".key.pem"):
                (self._folder / f"{pair}{end}").unlink()
            self._pki.pair(pair)

    @property
    def serial(self) -> int:
        return self._pki.pair("sign").load_certificate().serial_number


def signers(service: Service) -> list[int]:
    """Serial number of the certificate in each assertion the DMP received, in order."""
    found = []
    for captured in read_captures(service.folder / "captured"):
        hit = _CERTIFICATE.search(captured.assertion)
        assert hit is not None
        found.append(x509.load_der_x509_certificate(base64.b64decode(hit[1])).serial_number)
    return found


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_reloads_under_load_lose_nothing_and_cut_nobody(
    make_service: MakeService, service_pki: Path, store: str, request: pytest.FixtureRequest
) -> None:
    service = make_service()
    if store == "postgresql":
        address = request.getfixturevalue("postgres_database")
        service.write(journal={"store": address}, audit={"key_file": str(service.folder / "audit.key")})
    keys = Keys(service_pki, service.folder / "keys")
    service.write(keys=keys.settings)
    serials = [keys.serial]
    identities = make_identities(4, Random(7))
    for identity in identities:
        service.simulator.world.put_patient(identity.in_world())
    service.start()
    load = Load(service.process.port, identities, service.simulator.world.acceptances, seed=7)
    with service.client() as kept:
        load.start()
        for number in range(RELOADS):
            keys.renew()
            serials.append(keys.serial)
            service.write(
                engine={"workers": 2 + number % 3},
                listener={"idle_timeout": 100.0 + number},
                zam={"timeout": 5.0 + number},
            )
            service.reload()
            # the same connection from before the first reload
            assert parse_ack(kept.exchange(admission(f"ADT5{number:03d}"))).accepted
            time.sleep(0.2)
        load.finish(30)
    letters = [one.unique_id for one in load.letters]
    eventually(lambda: set(letters) <= set(service.simulator.world.acceptances()), service.process.tail)
    assert len(letters) >= RELOADS
    assert sum(sent.resent for sent in load.sent) == 0, "a message had to be sent again"
    assert [words for sent in load.sent for words in sent.refused] == []
    counts = service.simulator.world.acceptances()
    assert {unique_id: counts[unique_id] for unique_id in letters} == dict.fromkeys(letters, 1)
    assert service.said("settings reloaded") == RELOADS
    # the log is where a part that failed would have said so
    assert service.said("handler failed") == 0
    eventually(lambda: service.said("former parts closed") == RELOADS, service.process.tail)
    assert service.process.stop() == 0
    seen = list(dict.fromkeys(signers(service)))
    assert set(seen) <= set(serials)
    assert seen == [serial for serial in serials if serial in seen], "a former key was used again"
    assert len(seen) >= RELOADS // 2
    assert signers(service)[-1] in serials[-2:]


def test_a_delivery_in_progress_finishes_with_its_own_parts(make_service: MakeService, service_pki: Path) -> None:
    service = make_service()
    keys = Keys(service_pki, service.folder / "keys")
    service.write(keys=keys.settings)
    service.start()
    assert service.send(admission("ADT5001")).accepted
    former = keys.serial
    service.simulator.faults.add(FaultRule("delay", "ITI-41", seconds=1.5))
    message, slow = letter("MDM5001")
    assert service.send(message).accepted
    service.wait_state(slow, "sending")
    keys.renew()
    service.reload()
    assert service.states(slow) == ["sending"]
    assert service.said("former parts closed") == 0
    service.wait_state(slow, "done")
    eventually(lambda: service.said("former parts closed") == 1, service.process.tail)
    assert set(signers(service)) == {former}
    message, next_one = letter("MDM5002")
    assert service.send(message).accepted
    service.wait_state(next_one, "done")
    assert signers(service)[-1] == keys.serial
    assert service.simulator.world.acceptances() == {slow: 1, next_one: 1}


def test_what_is_refused_changes_nothing(make_service: MakeService, service_pki: Path) -> None:
    service = make_service().start()
    good = service.file.read_text(encoding="utf-8")

    def refused(*words: str) -> None:
        before = service.said("settings refused")
        service.reload()
        assert service.said("settings refused") == before + 1
        line = [line for line in service.process.log.read_text(encoding="utf-8").splitlines() if "refused" in line][-1]
        assert [word for word in words if word not in line] == []

    service.file.write_text(good.replace("[dmp]", "[dmp"), encoding="utf-8")
    refused("settings file unreadable")
    service.file.write_text(good.replace('environment = "test"', 'environment = "tset"'), encoding="utf-8")
    refused("dmp.environment", "tset")
    service.file.write_text(
        good.replace(str(service_pki / "sign.pem"), str(service_pki / "auth.pem")), encoding="utf-8"
    )
    refused("keys.sign")
    # two that need a restart, and one that does not but must not be applied alone
    service.file.write_text(good, encoding="utf-8")
    service.write(api={"port": 9}, journal={"dead_letter": "pass"}, log={"level": "debug"})
    refused("api.port, journal.dead_letter", "a restart")
    assert service.said("log.level") == 0

    assert service.send(admission("ADT5003")).accepted
    message, document = letter("MDM5003")
    assert service.send(message).accepted
    service.wait_state(document, "done")
    assert service.said("settings reloaded") == 0


def test_the_level_of_the_log_changes_at_once(make_service: MakeService) -> None:
    service = make_service(log={"level": "error"}).start()
    service.write(log={"level": "info"})
    service.reload()
    assert service.said("settings reloaded") == 1
    service.write(log={"level": "error"})
    service.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert service.process.stop() == 0
    assert service.said("stopping") == 0
