"""`connector xds`: the four XDS.b verbs towards any domain of the settings, without journal nor daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.base.errors import SettingsError
from connector.cli.output import console, print_json
from connector.cli.xds_output import plain, show_answer, telling

if TYPE_CHECKING:
    from connector.dmp.domain_client import DomainClient
    from connector.xds.model import DocumentEntry

app = typer.Typer(no_args_is_help=True, help="Submit, query, retrieve, update in an XDS.b domain of the settings.")

Domain = Annotated[str, typer.Option("--domain", help="A [domains.NAME] of the settings, or dmp.")]
Settings = Annotated[
    Path, typer.Option("--settings", "-c", "--config", exists=True, dir_okay=False, help="Settings file (TOML).")
]
PatientId = Annotated[str, typer.Option("--patient", help="'id^^^&oid&ISO', or a bare id with patient_domain.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
CaptureTo = Annotated[
    Path | None, typer.Option("--capture", file_okay=False, help="Folder for the raw requests and answers.")
]
Query = Annotated[str, typer.Option("--query", help="Stored query by name (FindDocuments, GetAll…).")]
Params = Annotated[list[str] | None, typer.Option("--param", help="'$Name=value' of the query; again for more values.")]
Statuses = Annotated[
    list[str] | None, typer.Option("--status", help="approved, deprecated, archived, deleted, or a URN.")
]
Codes = list[str] | None
UniqueIds = Annotated[list[str] | None, typer.Option("--unique-id", help="uniqueId of an object.")]
EntryUuids = Annotated[list[str] | None, typer.Option("--entry-uuid", help="entryUUID of an object.")]
Uuids = Annotated[list[str] | None, typer.Option("--uuid", help="$uuid of GetAssociations, GetSubmissionSets.")]


@app.command()
def submit(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="CDA, or any other file.")],
    domain: Domain,
    settings: Settings,
    patient: PatientId = "",
    metadata: Annotated[
        Path | None, typer.Option("--metadata", exists=True, dir_okay=False, help="JSON file of XDS attributes.")
    ] = None,
    meta: Annotated[
        list[str] | None, typer.Option("--meta", help="'attribute=value': typeCode='code^label^system', title=…")
    ] = None,
    content_type: Annotated[str, typer.Option(help="contentTypeCode of the set: 'code^label^system'.")] = "",
    replace: Annotated[str, typer.Option("--replace", help="entryUUID of the document this one replaces.")] = "",
    replaces_unique_id: Annotated[
        str, typer.Option(help="uniqueId of the document this one replaces; the registry is asked.")
    ] = "",
    as_plain_file: Annotated[bool, typer.Option("--plain", help="Describe a CDA like any other file.")] = False,
    as_json: AsJson = False,
    capture: CaptureTo = None,
) -> None:
    """Submit files in one set (ITI-41). Exit 1 when it is refused, 3 when nothing usable is answered."""
    from connector.base.clock import random_uuid, utc_now
    from connector.cli.xds_metadata import SET, entry_of, for_file, read_metadata, set_of
    from connector.cli.xds_session import open_domain

    if (replace or replaces_unique_id) and len(files) != 1:
        raise typer.BadParameter("a replacement is one file")
    given, options, now = read_metadata(metadata), pairs(meta, "--meta"), utc_now()
    with telling(as_json), open_domain(domain, settings, patient, capture) as (client, who):
        entries = [
            entry_of(
                path,
                for_file(given, path, options),
                who,
                client.config,
                entry_id=f"Document{number:02d}",
                now=now,
                uuid_factory=random_uuid,
                plain=as_plain_file,
            )
            for number, path in enumerate(files, 1)
        ]
        of_set = {**given.get(SET, {}), **({"contentTypeCode": content_type} if content_type else {})}
        made = set_of(entries, of_set, who, client, now=now, uuid_factory=random_uuid)
        old = replace or (known_as(client, replaces_unique_id) if replaces_unique_id else "")
        result = client.submit(
            made,
            list(zip(entries, files, strict=True)),
            signed_at=now,
            replaces={entries[0].entry_uuid: old} if old else None,
        )
    if as_json:
        print_json({"outcome": "success", "replaced": old, **plain(result)})
        return
    console().print(f"[green]accepted[/green] set {result.set_id} ({result.seconds:.2f} s)", highlight=False)
    for entry, path in zip(entries, files, strict=True):
        console().print(f"   {entry.unique_id} {path.name}", highlight=False, markup=False)
    for warning in result.warnings:
        console().print(f"   warning {warning.code} {warning.context}", highlight=False, markup=False)


@app.command()
def query(
    domain: Domain,
    settings: Settings,
    patient: PatientId = "",
    name: Query = "",
    param: Params = None,
    status: Statuses = None,
    type_code: Annotated[Codes, typer.Option("--type", help="typeCode 'code^^system'.")] = None,
    class_code: Annotated[Codes, typer.Option("--class", help="classCode 'code^^system'.")] = None,
    since: Annotated[str, typer.Option("--from", help="Lower bound of the creation or submission (digits, UTC).")] = "",
    until: Annotated[str, typer.Option("--to", help="Upper bound, excluded.")] = "",
    unique_id: UniqueIds = None,
    entry_uuid: EntryUuids = None,
    uuid: Uuids = None,
    reference: Annotated[list[str] | None, typer.Option("--reference", help="A reference id (CXi).")] = None,
    association: Annotated[list[str] | None, typer.Option("--association", help="RPLC, APND, HasMember…")] = None,
    home: Annotated[str, typer.Option(help="Community asked, urn:oid:….")] = "",
    object_ref: Annotated[bool, typer.Option("--object-ref", help="References only.")] = False,
    as_json: AsJson = False,
    capture: CaptureTo = None,
) -> None:
    """Ask the registry (ITI-18): one of the fourteen stored queries, by name and parameters."""
    from connector.cli.xds_query import asked, chosen
    from connector.cli.xds_session import open_domain

    friendly = {
        "Status": status,
        "$XDSDocumentEntryTypeCode": type_code,
        "$XDSDocumentEntryClassCode": class_code,
        "TimeFrom": [since] if since else None,
        "TimeTo": [until] if until else None,
        "UniqueId": unique_id,
        "EntryUUID": entry_uuid,
        "$uuid": uuid,
        "ReferenceIdList": reference,
        "$AssociationTypes": association,
    }
    with telling(as_json), open_domain(domain, settings, patient, capture) as (client, who):
        kind = chosen(name, friendly)
        found = client.query(
            asked(kind, pairs(param, "--param"), friendly, who, home), "ObjectRef" if object_ref else "LeafClass"
        )
    if as_json:
        print_json({"query": kind.__name__, **plain(found)})
    else:
        show_answer(found)


@app.command()
def retrieve(
    domain: Domain,
    settings: Settings,
    folder: Annotated[Path, typer.Option("--to", file_okay=False, help="Folder for the documents.")],
    patient: PatientId = "",
    unique_id: UniqueIds = None,
    repository_id: Annotated[
        str, typer.Option(help="repositoryUniqueId: ask it straight, without the registry's hash to compare.")
    ] = "",
    entry_uuid: EntryUuids = None,
    name: Query = "",
    param: Params = None,
    status: Statuses = None,
    as_json: AsJson = False,
    capture: CaptureTo = None,
) -> None:
    """Retrieve documents (ITI-43) by identifier or by the result of a query; size and hash are verified.

    Exit 1 when a document is refused, missing or not the one announced.
    """
    from connector.cli.xds_query import asked, chosen, unknown_entry
    from connector.cli.xds_session import open_domain
    from connector.dmp.retrieval import PartialRetrieval

    friendly = {"Status": status, "UniqueId": unique_id, "EntryUUID": entry_uuid}
    missing: list[str] = []
    errors: list[Any] = []
    with telling(as_json), open_domain(domain, settings, patient, capture) as (client, who):
        if unique_id and repository_id:
            entries: list[DocumentEntry] = [unknown_entry(one, repository_id) for one in unique_id]
        else:
            kind = chosen(name, friendly)
            found = client.query(asked(kind, pairs(param, "--param"), friendly, who)).entries
            # the versions of one document's metadata share its content
            entries = list({(entry.repository_id, entry.unique_id): entry for entry in found}.values())
        if not entries:
            raise SettingsError("the query found no document", name="--query", found="nothing", allowed="a document")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            saved = client.retrieve(entries, folder)
        except PartialRetrieval as partial:
            saved, errors = partial.retrieved, [plain(error) for error in partial.errors]
            missing = [entry.unique_id for entry in partial.missing]
    documents = [
        {
            "uniqueId": one.entry.unique_id,
            "file": one.path.name,
            "size": one.size,
            "sha1": one.sha1,
            "mediaType": one.media_type,
            "verified": bool(one.entry.hash) and one.entry.size is not None,
        }
        for one in saved
    ]
    if as_json:
        print_json({"documents": documents, "missing": missing, "errors": errors})
    else:
        for one in documents:
            known = "verified" if one["verified"] else "not verified: no hash known"
            console().print(f"{one['uniqueId']} {one['file']} {one['size']} bytes, {known}", highlight=False)
        for gone in missing:
            console().print(f"[red]missing[/red] {gone}", highlight=False)
        for error in errors:
            console().print(f"   {error['code']} {error.get('text', '')}", highlight=False, markup=False)
    if missing:
        raise typer.Exit(1)


@app.command()
def update(
    domain: Domain,
    settings: Settings,
    patient: PatientId = "",
    unique_id: Annotated[str, typer.Option(help="uniqueId of the document; the registry is asked.")] = "",
    entry_uuid: Annotated[str, typer.Option(help="entryUUID of its current version.")] = "",
    delete: Annotated[bool, typer.Option("--delete", help="No longer published (ihe profile: deprecated).")] = False,
    status: Annotated[str, typer.Option(help="New status: approved, deprecated, archived, or a URN.")] = "",
    original: Annotated[str, typer.Option(help="Present status, when the registry is not asked.")] = "approved",
    confidentiality: Annotated[
        list[str] | None, typer.Option(help="New confidentialityCode list, each 'code^label^system'.")
    ] = None,
    title: Annotated[str, typer.Option(help="New title.")] = "",
    meta: Annotated[list[str] | None, typer.Option("--meta", help="'attribute=value' of the new version.")] = None,
    author: Annotated[str, typer.Option(help="Who makes the change (XCN).")] = "",
    content_type: Annotated[str, typer.Option(help="contentTypeCode of the set: 'code^label^system'.")] = "",
    as_json: AsJson = False,
    capture: CaptureTo = None,
) -> None:
    """Change the status or the metadata of a document (ITI-57); a change of metadata makes a new version."""
    from connector.base.clock import random_uuid, utc_now
    from connector.cli.xds_metadata import set_of
    from connector.cli.xds_session import open_domain
    from connector.cli.xds_update import change_of

    attributes: dict[str, Any] = pairs(meta, "--meta")
    if title:
        attributes["title"] = title
    if confidentiality:
        attributes["confidentialityCode"] = confidentiality
    if bool(delete) + bool(status) + bool(attributes) != 1:
        raise typer.BadParameter("one of --delete, --status, and a change of attributes is needed")
    if bool(unique_id) == bool(entry_uuid):
        raise typer.BadParameter("exactly one of --unique-id and --entry-uuid is needed")
    of_set = {name: value for name, value in (("author", author), ("contentTypeCode", content_type)) if value}
    with telling(as_json), open_domain(domain, settings, patient, capture) as (client, who):
        made = set_of([], of_set, who, client, now=utc_now(), uuid_factory=random_uuid)
        wanted = "deleted" if delete else status
        change, target = change_of(client, made, unique_id, entry_uuid, wanted, original, attributes)
        result = client.update(change, unique_id)
    if as_json:
        print_json({"outcome": "success", "entryUuid": target, **plain(result)})
    else:
        console().print(f"[green]accepted[/green] set {result.set_id}, was {target}", highlight=False)


def pairs(texts: list[str] | None, option: str) -> dict[str, Any]:
    """`name=value` texts; a name given again becomes a list. Raises SettingsError."""
    found: dict[str, Any] = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise SettingsError("not a parameter", name=option, found=text[:100], allowed="name=value")
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    return found


def known_as(client: DomainClient, unique_id: str) -> str:
    """The entryUUID of the only document of this uniqueId. Raises SettingsError."""
    from connector.cli.xds_update import located

    return located(client, unique_id)
