"""The parts of an export, put together from what was asked and from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from connector.cli.letters_export_order import Order
    from connector.flows.letters.export.model import OrderRefused
    from connector.flows.letters.export.prepare import Making
    from connector.flows.letters.export.targets import Target
    from connector.journal import Journal, JournalReader
    from connector.letter.errors import LetterError
    from connector.letter.inputs import CsvMapping
    from connector.settings import Settings


def target_of(order: Order, settings: Settings, folder: Path, stack: ExitStack) -> tuple[Target, JournalReader, bool]:
    """Where letters go, the journal stays are read in, and whether its engine is ours."""
    from connector.assembly import open_desk
    from connector.base.clock import utc_now
    from connector.flows.document_gate import open_gate
    from connector.flows.letters.export.dmp import Backlog, DmpTarget, Door
    from connector.flows.letters.export.rehearsal import RehearsalTarget
    from connector.flows.letters.export.targets import FolderTarget, Nowhere
    from connector.flows.letters.export.verdicts import KnownVerdicts
    from connector.service.pipeline import Pipeline

    if order.to == "folder" or order.dry_run:
        journal = _read_only(settings, folder, stack)
        if order.to == "folder":
            return (Nowhere() if order.dry_run else FolderTarget(order.out)), journal, False
        # the desk prepares a CDA by reading alone
        desk = open_desk(settings, cast("Journal", journal), _nobody, clock=utc_now)
        target = RehearsalTarget(journal, desk, settings.intake, settings.publication, lambda: utc_now().date())
        return target, journal, False
    verdicts = KnownVerdicts(lambda: open_gate(settings.gate))
    pipeline = stack.enter_context(Pipeline(settings, gate=lambda _: verdicts))
    backlog = Backlog(pipeline.journal, order.depth, (lambda: pipeline.silent) if pipeline.works else None)
    door = Door(pipeline.desk, pipeline.hand, pipeline.run)
    return (
        DmpTarget(pipeline.journal, door, backlog, verdicts if pipeline.works else None),
        pipeline.journal,
        pipeline.works,
    )


async def _nobody(_message: bytes) -> bytes | None:
    raise AssertionError("a rehearsal hands nothing over")


def _read_only(settings: Settings, folder: Path, stack: ExitStack) -> JournalReader:
    """The site's journal; an empty one where none ever ran, so that letters that say everything can be made.

    Raises OrderRefused for one of an earlier version: bringing it up to date would be writing.
    """
    from connector.flows.letters.export.model import OrderRefused
    from connector.journal import Journal, JournalConfig, JournalError, JournalReader
    from connector.journal.db.migrate import JOURNAL
    from connector.patients.schema import SCHEMA

    path, config = settings.journal.url.path, settings.journal
    if path is not None and not path.exists():
        config = JournalConfig(folder / "journal.sqlite")
        Journal.open(config, schemas=(SCHEMA,)).close()
    reader = JournalReader(config)
    stack.callback(reader.close)
    try:
        found = {row["version_num"] for row in reader.query("SELECT version_num FROM alembic_version")}
    except JournalError as error:
        text, told = "le journal ne peut pas être lu", str(error.context.get("cause") or "")
        raise OrderRefused(text, name="journal.store", found=told, allowed="le journal d'un connecteur") from error
    if not {JOURNAL.head, SCHEMA.head} <= found:
        text = "le journal n'est pas de cette version du connecteur"
        told, allowed = ", ".join(sorted(found)), "un connecteur de cette version, démarré une fois sur ce journal"
        raise OrderRefused(text, name="journal.store", found=told, allowed=allowed)
    return reader


def making_of(settings: Settings, journal: JournalReader) -> Making:
    from connector.flows.letters.export.prepare import Making

    folder = settings.codes.folder
    return Making(
        settings.letters,
        settings.gate,
        journal.config,
        str(folder) if folder is not None else "",
        settings.intake.max_document_bytes,
    )


def mapping_of(path: Path | None) -> CsvMapping | None:
    """Raises OrderRefused with the first fault."""
    from connector.letter.errors import LetterError
    from connector.letter.inputs import read_mapping

    try:
        return None if path is None else read_mapping(path.read_bytes(), path.name)
    except LetterError as error:
        raise _refused("--mapping", error) from None


def template_of(path: Path | None) -> Mapping[str, Any]:
    """Raises OrderRefused with the first fault."""
    from connector.letter.errors import LetterError
    from connector.letter.inputs import read_data

    try:
        return {} if path is None else read_data(path.read_bytes(), path.name)
    except LetterError as error:
        raise _refused("--template", error) from None


def _refused(option: str, error: LetterError) -> OrderRefused:
    from connector.flows.letters.export.model import OrderRefused

    first = error.faults[0]
    return OrderRefused(first.text, name=f"{option}, {first.path}", found=first.found, allowed=first.expected)


def check_out(folder: Path) -> None:
    """Made before anything is done: the report goes there. Raises OrderRefused."""
    from connector.flows.letters.export.files import reason_of
    from connector.flows.letters.export.model import OrderRefused

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        text, found = "le dossier de l'export ne peut pas être créé", f"{folder} ({reason_of(error)})"
        raise OrderRefused(text, name="--out", found=found, allowed="un autre dossier") from None
