"""The simulator assembled: DMP over mutual TLS, Pro Santé Connect, identity server, control port."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType

from connector.simulator.assertion import AssertionJudge
from connector.simulator.calls import CallLog
from connector.simulator.config import SimConfig
from connector.simulator.control import Control
from connector.simulator.faults import Faults
from connector.simulator.habilitations import Habilitations, Patients
from connector.simulator.http import Application, HttpLimits, HttpServer, mutual_tls, plain_tls
from connector.simulator.identity import IdentityServer
from connector.simulator.model import Service, SimContext
from connector.simulator.pipeline import PIXV3, PREFIX, DmpApplication
from connector.simulator.pki import Pki
from connector.simulator.psc import USERINFO, ProSanteConnect
from connector.simulator.registry import Registry
from connector.simulator.repository import Repository
from connector.simulator.rights import Rights
from connector.simulator.wire import ROOT_CAP
from connector.simulator.world import World

_DOCUMENTS_PER_SET = 20


class Simulator:
    """`with Simulator(config) as simulator:` - everything listens on `config.host` inside the block.

    `pki` gives the client's key pairs, `world` the patients and authorisations, `faults` the programmed faults,
    `log` what was judged, `urls` where to call. State lives in `config.folder` and survives restarts.
    """

    def __init__(self, config: SimConfig) -> None:
        self.config = config
        config.folder.mkdir(parents=True, exist_ok=True)
        (config.folder / "tmp").mkdir(exist_ok=True)
        self.pki = Pki.create(config.pki_folder or config.folder / "pki", config.clock())
        self.world = World(config.folder / "world", config.clock)
        self.log = CallLog(config.folder / "calls.jsonl")
        self.faults = Faults()
        if config.faults_file is not None:
            self.faults.load(config.faults_file)
        self.psc = ProSanteConnect(self.world, config.clock)
        self.context = SimContext(
            config, config.folder, self.world, config.clock, config.new_uuid, notes=self.log.event
        )
        self.registry = Registry(self.context)
        self.repository = Repository(self.context, self.registry)
        self.identity = IdentityServer(self.context)
        judge = AssertionJudge(config, self.world, self.pki.pair("ca").load_certificate())
        self._dmp = DmpApplication(self.context, judge, self.faults, self.log, self._services(), self._named)
        self._servers: dict[str, HttpServer] = {}

    def _services(self) -> dict[str, Service]:
        rights = Rights(self.world, self.config.authorization_lifetime)
        return {
            "TD0.2": Patients(self.context, rights).handle,
            "TD0.3": Habilitations(self.context, rights).handle,
            "ITI-18": self.registry.handle,
            "ITI-41": self.repository.handle,
            "ITI-43": self.repository.handle,
            "ITI-57": self.registry.handle,
            "ITI-45": self.identity.handle,
        }

    def _named(self, entry_uuid: str) -> str:
        entry = self.registry.store.entry(entry_uuid)
        return "" if entry is None else entry.unique_id

    def start(self) -> Simulator:
        """Opens every port. Raises OSError when one is taken; nothing stays open then."""
        pki, config = self.pki, self.config
        # Made now so that a client of another process finds its key pairs in the folder.
        for name in ("sign", "auth"):
            pki.pair(name)
        control = Control(self.faults, self.log, self.world, self.psc, lambda: self.urls, self.registry.fate)
        try:
            self._open("dmp", config.https_port, self._dmp, mutual_tls(pki.server, pki.ca))
            self._open("wrong", config.wrong_port, self._dmp, mutual_tls(pki.server_unknown_ca, pki.ca))
            self._open("psc", config.psc_port, self.psc.application, plain_tls(pki.server))
            self._open("control", config.control_port, control.application, None)
            self.identity.start()
        except OSError:
            self.stop()
            raise
        return self

    def _open(self, name: str, port: int, application: Application, tls: ssl.SSLContext | None) -> None:
        config = self.config
        # One set holds several documents; each is capped on its own by the SOAP reader.
        cap = ROOT_CAP + _DOCUMENTS_PER_SET * config.document_cap
        limits = HttpLimits(cap, config.body_threshold, config.folder / "tmp", config.idle_timeout)
        host = "127.0.0.1" if name == "control" else config.host
        server = HttpServer(host, port, application, limits, tls=tls, on_event=self.log.event, clock=config.clock)
        self._servers[name] = server
        server.start()

    def stop(self) -> None:
        """Closes every port and connection; programmed delays end at once."""
        self._dmp.release()
        stopping = [threading.Thread(target=server.stop) for server in self._servers.values()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._servers.clear()
        self.identity.stop()

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def urls(self) -> Mapping[str, str]:
        """`base`, the four services, `pixv3`, `userinfo`, `control`, `wrong` (server certificate of another CA).

        Raises KeyError outside start and stop.
        """
        dmp = f"https://localhost:{self._servers['dmp'].port}"
        services = ("patients", "habilitations", "registry", "repository")
        return {
            "base": dmp + PREFIX.rstrip("/"),
            **{name: dmp + PREFIX + name for name in services},
            "pixv3": dmp + PIXV3,
            "wrong": f"https://localhost:{self._servers['wrong'].port}" + PREFIX.rstrip("/"),
            "userinfo": f"https://localhost:{self._servers['psc'].port}{USERINFO}",
            "control": f"http://127.0.0.1:{self._servers['control'].port}/control",
        }

    @property
    def feed_port(self) -> int:
        """MLLP port of ITI-8."""
        return self.identity.feed_port

    @property
    def query_port(self) -> int:
        """MLLP port of ITI-9."""
        return self.identity.query_port

    def psc_token(self, professional: str = "801234564895", lifetime: timedelta = timedelta(minutes=5)) -> str:
        """A Pro Santé Connect access token, as the professional's browser would have brought it."""
        return self.psc.issue(professional, lifetime)
