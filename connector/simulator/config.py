"""Settings of the simulator: a frozen value, each default explained where it is not obvious."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now


@dataclass(frozen=True, slots=True)
class SimConfig:
    """Everything one simulator run needs. Ports: 0 lets the system choose.

    folder                   store: world, certificates, documents, logs; survives restarts
    pki_folder               certificates, when they are shared by several runs (default `folder/pki`)
    https_port               the four DMP services and PIXv3, mutual TLS
    wrong_port               same services behind a server certificate of an unknown CA (fault injection)
    psc_port                 Pro Santé Connect userinfo, TLS without client certificate
    control_port             control API, plain HTTP, loopback only
    feed_port, query_port    MLLP of the identity server (ITI-8, ITI-9)
    ins_oids                 INS domains of this environment (dmp-interface b.11; `.10` on every DMP test platform)
    assertion_max_age        tolerated |now - IssueInstant| (b.8: not written anywhere; five minutes suggested)
    structure_from_certificate  refuse Identifiant_Structure different from the SIGN certificate's OU (b.6 conflict)
    directory_link           refuse a NameID that the directory links to other structures only
    allow_sha1               accept RSA-SHA1 assertions with a recorded warning (b.8)
    document_cap             bytes of one document (f: arbitrary)
    authorization_lifetime   after it, VALIDE becomes EXPIRE (d.1: 6 months on the web access, uncertain)
    duplicate_check          refuse a known uniqueId (XDSDuplicateUniqueIdInRegistry); False shows duplicates
    manifest_strict          verify every digest of the XAdES manifest
    ihe_pure                 judge like IPF instead of like the DMP where they differ (ihe-rules D.8)
    capture_dir              when set, each raw request and its root part are kept there
    faults_file              JSON list of programmed faults loaded at start (faults.FaultRule)
    body_threshold           bytes above which a request body goes to disk
    idle_timeout             seconds a keep-alive connection may stay silent
    """

    folder: Path
    pki_folder: Path | None = None
    host: str = "127.0.0.1"
    https_port: int = 0
    wrong_port: int = 0
    psc_port: int = 0
    control_port: int = 0
    feed_port: int = 0
    query_port: int = 0
    ins_oids: frozenset[str] = frozenset({"1.2.250.1.213.1.4.10"})
    assertion_max_age: timedelta = timedelta(minutes=5)
    structure_from_certificate: bool = True
    directory_link: bool = True
    allow_sha1: bool = True
    document_cap: int = 10 * 1024 * 1024
    authorization_lifetime: timedelta = timedelta(days=182)
    duplicate_check: bool = True
    manifest_strict: bool = True
    ihe_pure: bool = False
    capture_dir: Path | None = None
    faults_file: Path | None = None
    body_threshold: int = 256 * 1024
    idle_timeout: float = 60.0
    clock: Clock = field(default=utc_now, compare=False)
    new_uuid: UuidFactory = field(default=random_uuid, compare=False)
