"""`connector letters send, replace, delete`: letters handed to a running connector, or straight into its journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from connector.base.errors import SettingsError
from connector.cli.letters_files import Files, Header, OneFile, Stay, read_source, say_receipts
from connector.cli.mllp_tls import Ca, Cert, CertKey, client_tls
from connector.cli.send import host_and_port
from connector.cli.trace import AsJson, Config

if TYPE_CHECKING:
    from connector.flows.letters import LetterDesk, LetterReceipt
    from connector.settings import Settings

To = Annotated[
    str, typer.Option("--to", help="HOST:PORT of the connector's MLLP listener; that of the settings if left out.")
]
Direct = Annotated[
    bool, typer.Option("--direct", help="Into the journal itself; a connector that runs takes it from there.")
]
Key = Annotated[
    str, typer.Option("--key", help="What names this letter where it comes from: the same key, the same document.")
]
Deleted = Annotated[
    Path | None,
    typer.Option("--file", exists=True, dir_okay=False, help="Its CDA, where the journal no longer keeps it."),
]
UniqueId = Annotated[str, typer.Argument(help="uniqueId of the document.")]
Why = Annotated[str, typer.Option("--reason", help="Why: it stays on the timeline and in the audit trail.")]
Operator = Annotated[str, typer.Option(help="Who asks; the operating-system user unless given.")]

_COMMAND: Final = "command"


@dataclass(frozen=True, slots=True)
class Way:
    """How letters go to the connector: to its listener (plain, or TLS with `ca`), or into the journal itself."""

    to: str
    direct: bool
    ca: Path | None
    cert: Path | None
    cert_key: Path | None


def send(
    files: Files, config: Config, header: Header = None, stay: Stay = "", key: Key = "",
    to: To = "", direct: Direct = False,
    ca: Ca = None, cert: Cert = None, cert_key: CertKey = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hand letters to the connector. Exit 1 when one is refused, 3 when the connector cannot be reached."""
    if key and len(files) > 1:
        raise typer.BadParameter("--key names one letter")

    async def act(desk: LetterDesk) -> dict[str, LetterReceipt]:
        return {str(path): await _one(path, header, stay, key, desk.submit_letter) for path in files}

    say_receipts(asyncio.run(_at_the_desk(config, Way(to, direct, ca, cert, cert_key), act)), as_json)


def replace(
    file: OneFile, config: Config,
    of: Annotated[str, typer.Option("--of", help="uniqueId of the document to replace.")],
    header: Header = None, stay: Stay = "", key: Key = "", to: To = "", direct: Direct = False,
    ca: Ca = None, cert: Cert = None, cert_key: CertKey = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hand in the next version of a document: same chain, next number. Exit codes as `send`."""

    async def act(desk: LetterDesk) -> dict[str, LetterReceipt]:
        return {str(file): await _one(file, header, stay, key, lambda source: desk.replace_letter(source, of))}

    say_receipts(asyncio.run(_at_the_desk(config, Way(to, direct, ca, cert, cert_key), act)), as_json)


def delete(
    unique_id: UniqueId, config: Config,
    file: Deleted = None, reason: Why = "", operator: Operator = "",
    to: To = "", direct: Direct = False,
    ca: Ca = None, cert: Cert = None, cert_key: CertKey = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Ask for the deletion of a document; who asks, and why, is kept. Exit codes as `send`."""
    if len(reason) > 500 or not reason.isprintable():
        raise SettingsError("not a reason", name="--reason", found="", allowed="500 characters at most, on one line")

    async def act(desk: LetterDesk) -> dict[str, LetterReceipt]:
        from connector.flows.letters import Asking, entry_of
        from connector.journal.audit import current_operator

        asking = Asking(operator or current_operator(), entry_of(_COMMAND), reason.strip())
        cda = file.read_bytes() if file is not None else b""
        return {unique_id: await desk.delete_letter(unique_id, cda, asking)}

    say_receipts(asyncio.run(_at_the_desk(config, Way(to, direct, ca, cert, cert_key), act)), as_json)


async def _one(
    path: Path, header: Path | None, stay: str, key: str, hand_in: Callable[..., Awaitable[LetterReceipt]]
) -> LetterReceipt:
    from connector.flows.letters import LetterReceipt
    from connector.letter.errors import LetterError

    try:
        source = read_source(path, header, stay, key)
    except LetterError as error:
        return LetterReceipt("refused", findings=error.faults)
    return await hand_in(source)


async def _at_the_desk(
    config: Path, way: Way, act: Callable[[LetterDesk], Awaitable[dict[str, LetterReceipt]]]
) -> dict[str, LetterReceipt]:
    from connector.settings import load_settings

    async with _desk(load_settings(config), way) as desk:
        return await act(desk)


@asynccontextmanager
async def _desk(settings: Settings, way: Way) -> AsyncIterator[LetterDesk]:
    """A desk whose messages go to the listener, or to an intake of our own. Raises SettingsError."""
    from concurrent.futures import ThreadPoolExecutor

    from connector.assembly import check_entrance, lay_foundation, open_desk, open_intake
    from connector.base.clock import random_uuid, utc_now
    from connector.flows.letters import entry_of
    from connector.hl7.mllp_client import MllpClient

    check_entrance(settings)
    host, port = _listener(settings, way) if not way.direct else ("", 0)
    tls = client_tls(way.ca, way.cert, way.cert_key)
    foundation = lay_foundation(settings, utc_now)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="letters") as executor:
        intake = open_intake(settings, foundation, clock=utc_now, uuid_factory=random_uuid, executor=executor)
        client = MllpClient(host, port, timeout=60.0, tls=tls)

        async def hand(message: bytes) -> bytes | None:
            if way.direct:
                return await intake.handle(message, entry_of(_COMMAND))
            return await asyncio.to_thread(client.exchange, message)

        try:
            yield open_desk(settings, foundation.journal, hand, clock=utc_now, executor=executor)
        finally:
            client.close()
            foundation.journal.close()


def _listener(settings: Settings, way: Way) -> tuple[str, int]:
    """Where to call. Raises SettingsError when it speaks TLS and nobody said whom to trust."""
    if way.to:
        return host_and_port(way.to)
    listener = settings.listener
    if not listener.port:
        allowed = "--to HOST:PORT or --direct"
        raise SettingsError("the listener has no port of its own", name="listener.port", found="0", allowed=allowed)
    if listener.tls_cert is not None and way.ca is None:
        allowed = "--ca FILE (with --cert where the listener asks for one), --to HOST:PORT or --direct"
        raise SettingsError("the listener speaks TLS", name="--ca", found="", allowed=allowed)
    return ("127.0.0.1" if listener.host in ("", "0.0.0.0") else listener.host), listener.port
