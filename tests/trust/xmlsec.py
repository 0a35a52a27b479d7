"""xmlsec1, the independent judge of our signatures. Its absence is an error, never a skip."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

MOMENT = "2026-11-21 10:00:00"


def verify(
    document: bytes, authority: x509.Certificate, folder: Path, *options: str, moment: str = MOMENT
) -> tuple[bool, str]:
    """Whether xmlsec1 accepts `document`, its certificate chaining up to `authority`; and what it said.

    Certificates are judged at `moment` ("YYYY-MM-DD hh:mm:ss", local time), or now when it is "".
    """
    file, trusted = folder / "signed.xml", folder / "trusted.pem"
    file.write_bytes(document)
    trusted.write_bytes(authority.public_bytes(Encoding.PEM))
    command = ["xmlsec1", "--verify", "--trusted-pem", str(trusted)]
    if moment:
        command += ["--verification-time", moment]
    done = subprocess.run([*command, *options, str(file)], capture_output=True, text=True, timeout=30, check=False)
    said = done.stdout + done.stderr
    return done.returncode == 0 and "OK" in said, said
