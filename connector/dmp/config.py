"""Settings of one DMP, or of one XDS.b domain spoken to in the IHE profile (dmp-interface a.1 and f)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector.base.errors import SettingsError
from connector.base.oid import is_oid
from connector.ins.model import Environment
from connector.xds.iti18 import Profile
from connector.xds.transactions import Transaction

DMP_PATHS = {
    "patients": "patients",
    "habilitations": "habilitations",
    "registry": "registry",
    "repository": "repository",
}
TIMEOUTS = {"TD0.2": 6.0, "TD0.3": 30.0, "TD2.1": 200.0, "TD3.1": 600.0, "TD3.1b": 30.0, "TD3.2": 90.0} | dict.fromkeys(
    ("TD3.3a", "TD3.3b", "TD3.3c", "TD3.3d"), 30.0
)
"""Seconds, as an installed client does (dmp-interface f)."""

DEFAULT_SIZE_CAP = 10 * 1024 * 1024
"""Bytes. No maximum is published (dmp-gaps §3): arbitrary, a setting."""


@dataclass(frozen=True, slots=True)
class DmpConfig:
    """Raises SettingsError on a value outside its choices.

    base_url            address of the services, without the last segment
    lps_oid             OID of this installation: HL7v3 sender and root of its message ids
    source_id           OID of the sending system (SubmissionSet.sourceId)
    repository_id       repositoryUniqueId, used when an entry names none
    paths               last URL segment per service
    urls                whole address per service, or per IHE transaction ("ITI-41"), which counts more
    timeouts            seconds of silence tolerated, per transaction id
    signature_algorithm digest of the submission-set signature. SHA-1 is the only one seen on the wire: whether the
                        server takes SHA-256 is unknown (dmp-interface c.8)
    structure_policy    Identifiant_Structure of the VIHF: 'message' keeps the caller's, 'certificate' takes the OU of
                        the signing certificate (dmp-interface b.6: sources disagree)
    size_cap            bytes of one document sent
    receive_cap         bytes of one document received
    profile             'dmp', or 'ihe': the forms of CX, XCN, XON… (ihe-rules D.8)
    assertion           a VIHF in each request; None: only in the 'dmp' profile
    signature           the XAdES document of each submission set; None: only in the 'dmp' profile
    patient_domain      OID under which the domain knows patients; "" when the identifiers given name theirs
    send_hash           hash and size in the request; None: only in the 'ihe' profile (absent from the official request)
    masked_and_invisible_allowed  the DMP parameter cumul-invisible_patient-masque_ps (EX_2.1-1050)
    minors              the DMP parameter fonctions-gestion-mineurs: restrictions and secret connection for minors
    majority_age        the DMP parameter age-majorite, in years
    adult_representatives  a document hidden from the legal representatives of an adult: 'warn' sends it so, 'refuse'
    default_content_type  contentTypeCode (JDV_J59) when PV1-2 gives none; "" refuses the document
    """

    base_url: str
    lps_oid: str
    lps_name: str
    source_id: str
    environment: Environment
    repository_id: str = "1.2.250.1.213.4.1.1.1.2"
    paths: Mapping[str, str] = field(default_factory=lambda: dict(DMP_PATHS))
    urls: Mapping[str, str] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=lambda: dict(TIMEOUTS))
    signature_algorithm: Literal["sha1", "sha256"] = "sha1"
    structure_policy: Literal["certificate", "message"] = "certificate"
    size_cap: int = DEFAULT_SIZE_CAP
    receive_cap: int = 50_000_000
    profile: Profile = "dmp"
    assertion: bool | None = None
    signature: bool | None = None
    patient_domain: str = ""
    send_hash: bool | None = None
    masked_and_invisible_allowed: bool = False
    minors: bool = True
    majority_age: int = 18
    adult_representatives: Literal["warn", "refuse"] = "warn"
    default_content_type: str = "97"
    lps_model: str = "PFI"
    lps_internal_id: str = "connector"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _wrong(name, str(getattr(self, name)), " | ".join(allowed))
        for name in ("lps_oid", "source_id"):
            if not is_oid(getattr(self, name)):
                raise _wrong(name, getattr(self, name), "an OID")
        if self.patient_domain and not is_oid(self.patient_domain):
            raise _wrong("patient_domain", self.patient_domain, "an OID")
        if not 1 <= self.majority_age <= 30:
            raise _wrong("majority_age", str(self.majority_age), "an age in years")
        for name in ("size_cap", "receive_cap"):
            if getattr(self, name) <= 0:
                raise _wrong(name, str(getattr(self, name)), "a positive number of bytes")

    def url(self, service: str) -> str:
        """Address of a service; raises SettingsError when neither `urls` nor `paths` has it."""
        if service in self.urls:
            return self.urls[service]
        if service not in self.paths:
            raise _wrong("paths", service, "a path for this service")
        return f"{self.base_url.rstrip('/')}/{self.paths[service]}"

    def endpoint(self, row: Transaction) -> str:
        """Address of a transaction: its own, else the one of its service. Raises SettingsError like `url`."""
        return self.urls.get(row.iti) or self.url(row.service)

    def timeout(self, transaction: str) -> float:
        """Seconds for `transaction`, from `timeouts`, else the default."""
        return self.timeouts.get(transaction, TIMEOUTS.get(transaction, 30.0))

    @property
    def asserts(self) -> bool:
        return self.profile == "dmp" if self.assertion is None else self.assertion

    @property
    def signs(self) -> bool:
        return self.profile == "dmp" if self.signature is None else self.signature

    @property
    def sends_hash(self) -> bool:
        return self.profile == "ihe" if self.send_hash is None else self.send_hash


_CHOICES: dict[str, tuple[str, ...]] = {
    "environment": ("production", "test"),
    "signature_algorithm": ("sha1", "sha256"),
    "structure_policy": ("certificate", "message"),
    "adult_representatives": ("warn", "refuse"),
    "profile": ("dmp", "ihe"),
}


def _wrong(name: str, found: str, allowed: str) -> SettingsError:
    return SettingsError(f"dmp.{name} is wrong", name=f"dmp.{name}", found=found, allowed=allowed)
