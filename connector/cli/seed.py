"""The documents the simulated DMP holds before the connector comes: two samples, dated a few weeks ago."""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.base.hl7time import utc_digits
from connector.base.resources import resource_dir
from connector.simulator.server import Simulator

PATIENT = "279035121518989"


def seed_samples(simulator: Simulator, now: datetime) -> None:
    """A lab report (with a creatinine) and a radiology report, once per store."""
    if simulator.registry.documents(PATIENT):
        return
    folder = resource_dir("samples") / "dmp"
    laboratory, radiology = utc_digits(now - timedelta(days=60)), utc_digits(now - timedelta(days=160))
    simulator.registry.seed(
        (folder / "biologie-creatinine.xml").read_bytes(),
        ins=PATIENT,
        type_code="11502-2",
        title="Compte rendu d'examens biologiques",
        format_code="urn:ihe:iti:xds-sd:text:2008",
        creation_time=laboratory,
        service_start=laboratory,
    )
    simulator.registry.seed(
        (folder / "radiographie-hanche.xml").read_bytes(),
        ins=PATIENT,
        type_code="18748-4",
        title="Radiographie de hanche",
        creation_time=radiology,
        service_start=radiology,
    )
