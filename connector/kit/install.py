"""Puts a distribution where the connector looks for it: the three folders it reads, nothing else of it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

from connector.base.errors import SettingsError
from connector.kit.sources import Sources

_FOLDERS: Final = ("schematrons", "jeuxDeValeurs", "infrastructure")
_FILES: Final = 20_000
_BYTES: Final = 1024 * 1024 * 1024


def install(source: Path, target: Path) -> Sources:
    """Copies the distribution of `source`, a folder or a ZIP archive as downloaded, to the new folder `target`.

    Raises SettingsError: `target` is there already, or `source` is no distribution. OSError as the copy raises it.
    """
    if target.exists():
        raise _wrong("the target folder is there already", target, "a folder that is not there yet")
    staging = target.with_name(f".{target.name}.part")
    if staging.exists():
        shutil.rmtree(staging)
    try:
        if source.is_dir():
            _copy(Sources(source).root, staging)
        else:
            _unpack(source, staging)
        Sources(staging)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Sources(target)


def _copy(root: Path, target: Path) -> None:
    for name in _FOLDERS:
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name, symlinks=False, ignore_dangling_symlinks=True)


def _unpack(source: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            for inside, entry in _wanted(archive):
                path = target / inside
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, path.open("wb") as file:
                    _pour(packed, file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise _wrong("not a ZIP archive that can be read", source, "the agency's archive, or its folder") from error


def _wanted(archive: zipfile.ZipFile) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Files of the three folders, at any depth, that stay inside the target."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > _FILES or sum(entry.file_size for entry in entries) > _BYTES:
        raise _wrong("the archive is too large for a kit", Path(archive.filename or ""), f"at most {_BYTES} bytes")
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
        begins = next((n for n, part in enumerate(parts) if part in _FOLDERS), None)
        if begins is not None and ".." not in parts and not parts[0].startswith("/"):
            yield PurePosixPath(*parts[begins:]), entry


def _pour(packed: IO[bytes], file: IO[bytes]) -> None:
    shutil.copyfileobj(packed, file, 1 << 20)


def _wrong(message: str, found: Path, allowed: str) -> SettingsError:
    return SettingsError(message, name="kit", found=str(found), allowed=allowed)
