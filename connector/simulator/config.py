"""Settings of the simulator: a frozen value, each default explained where it is not obvious."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from connector.base.clock import Clock, UuidFactory, random_uuid, utc_now
from connector.rules.case import RuleSettings
from connector.rules.query_shapes import QUERIES

QUERY_NAMES: frozenset[str] = frozenset(query.name for query in QUERIES.values())
"""The stored queries of ihe-rules D.5, rows 1 to 14."""


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
    assertion_required       refuse a call of the DMP services without VIHF; False lets an IHE-only client in, who then
                             reads every record of the domain (a VIHF that is sent is judged all the same)
    mask_and_invisible       `cumul-invisible_patient-masque_ps` of the DMP's parameter file (EX_2.1-1050)
    minors                   `fonctions-gestion-mineurs`: a secret connection exists
    majority_age             `age-majorite`: years from which a secret connection is refused; 0 judges no age, since the
                             volet's own samples open one for an adult
    matrix_file              profession by document class (d.3), a CSV of matrix.py; the packaged one when None
    queries                  stored queries served, by name (UNCERTAIN which the DMP serves: all)
    max_results              objects of one LeafClass answer, XDSTooManyResults beyond (D-95)
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
    assertion_required: bool = True
    mask_and_invisible: bool = False
    minors: bool = True
    majority_age: int = 0
    matrix_file: Path | None = None
    queries: frozenset[str] = QUERY_NAMES
    max_results: int = 1000
    capture_dir: Path | None = None
    faults_file: Path | None = None
    body_threshold: int = 256 * 1024
    idle_timeout: float = 60.0
    clock: Clock = field(default=utc_now, compare=False)
    new_uuid: UuidFactory = field(default=random_uuid, compare=False)

    def rule_settings(self) -> RuleSettings:
        """The parameters of the rules that this configuration fixes."""
        return RuleSettings(
            ins_oids=self.ins_oids,
            mask_and_invisible=self.mask_and_invisible,
            ihe_pure=self.ihe_pure,
            duplicate_check=self.duplicate_check,
            manifest_strict=self.manifest_strict,
            allow_sha1=self.allow_sha1,
        )
