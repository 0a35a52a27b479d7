"""The key of the chain and of the INS hashes: a file of its own, apart from the database it protects."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from connector.base.errors import SettingsError

_BYTES: Final = 32
_READABLE_BY_OTHERS: Final = 0o077


class AuditKey:
    """32 secret bytes and the three keys derived from them; nothing of it shows in `repr`."""

    __slots__ = ("_chain", "_patient", "fingerprint")

    def __init__(self, secret: bytes) -> None:
        self._chain = hmac.digest(secret, b"audit chain", "sha256")
        self._patient = hmac.digest(secret, b"audit patient", "sha256")
        self.fingerprint = hmac.digest(secret, b"audit key fingerprint", "sha256").hex()[:16]

    def mac(self, previous: str, line: str) -> str:
        """Hex HMAC-SHA256 of the previous mac (64 hex digits) followed by the line."""
        return hmac.digest(self._chain, (previous + line).encode(), "sha256").hex()

    def hash_ins(self, matricule: str) -> str:
        """Hex HMAC-SHA256 of a matricule INS (15 characters): one patient's lines can be found, never named."""
        return hmac.digest(self._patient, matricule.encode(), "sha256").hex()


def default_key_file(store: Path) -> Path:
    """Beside the SQLite file."""
    return store.with_name(f"{store.name}.audit-key")


def load_key(path: Path, wanted: str = "the key file of this audit trail") -> AuditKey:
    """Raises SettingsError when the file is missing (`wanted` says which one), readable by others, or no key."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096).strip()
    except OSError as error:
        raise _wrong(path, error.strerror or type(error).__name__, wanted) from error
    if mode & _READABLE_BY_OTHERS:
        raise _wrong(path, f"mode {mode:04o}", "mode 0600: only the connector's user may read it")
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != _BYTES:
        raise _wrong(path, "no key", f"{_BYTES * 2} hexadecimal digits")
    return AuditKey(secret)


def create_key(path: Path) -> None:
    """Writes a new random key, mode 0600, unless the file is there already. Raises SettingsError.

    The file appears whole: two processes that start together end up with one key.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        _sync(path.parent)
    except OSError as error:
        raise _wrong(path, error.strerror or type(error).__name__, "a file that can be created") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wrong(path: Path, found: str, allowed: str) -> SettingsError:
    return SettingsError(
        f"audit.key_file: {path}: {found}", name="audit.key_file", found=f"{path}: {found}", allowed=allowed
    )
