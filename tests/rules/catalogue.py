"""What docs/rules.md says of each rule, derived from the lists and from the tables of these tests.

`python -m tests.rules.catalogue > docs/rules.md` writes it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connector.rules import answers, profiles, query, retrieve, soap, update
from connector.rules.case import Rule
from tests.rules import test_answers, test_client, test_query, test_submission, test_update

LISTS: dict[str, tuple[Rule[Any], ...]] = {
    "41 ihe": profiles.IHE_RULES,
    "41 dmp": profiles.DMP_RULES,
    "42 ihe": profiles.IHE_REGISTER_RULES,
    "42 dmp": profiles.DMP_REGISTER_RULES,
    "57 ihe": profiles.IHE_UPDATE_RULES + update.REVISION_RULES,
    "57 dmp": profiles.DMP_UPDATE_RULES + update.REVISION_RULES + update.DMP_REVISION_RULES,
    "18": query.QUERY_RULES,
    "43": retrieve.RETRIEVE_RULES,
    "soap": soap.SOAP_RULES,
    "answers": answers.OUTCOME_RULES + answers.RETRIEVED_RULES + answers.RESULT_RULES,
}

WHAT = {
    "D-01": "slots have a name, each once, texts within 256 characters",
    "D-02": "exactly one SubmissionSet",
    "D-03": "ids unique in the message",
    "D-04": "a uniqueId of 1 to 128 characters on each set, entry, folder",
    "D-05": "uniqueIds differ",
    "D-06": "uniqueIds are OIDs (an entry may add `^extension`)",
    "D-07": "the set has submissionTime, sourceId, contentTypeCode",
    "D-08": "a set or folder sent is Approved or says nothing",
    "D-09": "authors: person, institutions, roles, specialties, telecommunications in form",
    "D-10": "intendedRecipient has one good part",
    "D-11": "one creationTime",
    "D-12": "serviceStartTime not after serviceStopTime",
    "D-13": "hash of 40 hexadecimal digits",
    "D-14": "size, a positive integer",
    "D-15": "one languageCode",
    "D-16": "legalAuthenticator, at most one, in form",
    "D-17": "sourcePatientId, one CX; sourcePatientInfo, known lines",
    "D-18": "referenceIdList in form",
    "D-19": "URI valid or absent",
    "D-20": "the single codes once, confidentialityCode at least once",
    "D-21": "codes have system, code, label, owner",
    "D-22": "patientId in form",
    "D-23": "repositoryUniqueId an OID",
    "D-24": "objectType stable",
    "D-25": "titles within 128 characters",
    "D-26": "mimeType well formed, of the domain's list",
    "D-27": "availabilityStatus known",
    "D-28": "documents are parts, not text",
    "D-29": "logicalIds unique",
    "D-30": "folders: code, title, lastUpdateTime to the second",
    "D-31": "no limitedMetadata",
    "D-32": "one patient in the message",
    "D-33": "association types known, ids present",
    "D-34": "SubmissionSetStatus of each member",
    "D-35": "relationships start from an entry of the message",
    "D-37": "change of status: from the set, both statuses, the one in force",
    "D-38a": "each entry has its part",
    "D-38b": "each part has its entry",
    "D-39": "homeCommunityId is `urn:oid:` and an OID",
    "D-40": "each entry and folder is a member; links unique; the set never a target",
    "D-41": "symbolic ids resolve, UUIDs in lower case",
    "D-42": "codes are of the lists in force",
    "D-43": "slots of the standard, or `urn:`",
    "D-44": "identifiers have the standard names",
    "D-45": "times are digits that make a date",
    "D-46": "order of the schema",
    "D-48": "hash and size are those of the bytes",
    "D-52a": "wsa:Action, MessageID, To; the action is that of the body",
    "D-52b": "MTOM: type of the root part",
    "D-53a": "status known",
    "D-53b": "no error with Success",
    "D-53c": "an error with Failure",
    "D-53d": "PartialSuccess only where it exists",
    "D-53e": "errors have a code and a known severity",
    "D-60": "each line names repository and document",
    "D-61": "the repository is one that answers here",
    "D-62": "the document is named by its uniqueId (its presence: the simulator's memory)",
    "D-63a": "repository, document, type and content present",
    "D-63b": "a new uniqueId is another one",
    "D-63c": "the bytes are those registered",
    "D-64": "lid of each new version",
    "D-65": "PreviousVersion, the one in force",
    "D-66": "each new version is a member of the set",
    "D-67": "one recognisable operation per object",
    "D-68": "the patient does not change",
    "D-69": "no update by the wrong transaction",
    "D-70": "a new version keeps type, uniqueId, repository, hash, size",
    "D-71": "AssociationPropagation is yes or no",
    "D-80": "returnType known",
    "D-81": "query known, and of this transaction",
    "D-82": "parameters begin with `$`, repeated only where that means AND",
    "D-83": "required parameters",
    "D-84": "one value where one is wanted",
    "D-85": "exclusive parameters",
    "D-86": "quotes and lists",
    "D-87": "codes are `code^^system`",
    "D-88": "times and numbers, from before to",
    "D-89": "statuses known",
    "D-91": "patient in form",
    "D-93a": "references alone, or whole objects",
    "D-93b": "objects complete",
    "D-93c": "one patient",
    "DMP-01": "the patient is the one of the assertion",
    "DMP-02": "one document and its signature",
    "DMP-03": "the signature signs the set; members are Original",
    "DMP-04": "who feeds is an author (EX_2.1-1140)",
    "DMP-05": "family and given name of authors (RG_2230)",
    "DMP-06": "N is the first confidentialityCode",
    "DMP-07": "forbidden combinations, R and V not shared",
    "DMP-08": "uniqueId without extension (EX_2.1-1130)",
    "DMP-09": "persons in the French form",
    "DMP-10": "structures in the French form",
    "DMP-11": "patients in the French form",
    "DMP-12": "the entry of the signature",
    "DMP-13": "attributes that only France requires",
    "DMP-14": "authors present",
    "DMP-15": "secret connection: hidden from the representatives",
    "DMP-16": "specialties of JDV_J56",
    "DMP-17": "the CDA has the uniqueId of its entry",
    "DMP-18": "the CDA is about the patient of its set",
    "DMP-19": "the CDA has the typeCode of its entry",
    "DMP-30": "statuses that the DMP lets change",
    "DMP-31": "an update changes the visibility alone (warning)",
}

ELSEWHERE = {
    "D-36": "not applicable: we send and serve no on-demand document; an IsSnapshotOf link is refused by D-33",
    "D-47": "simulator: state of its registry, as D-47a to D-47f (rules/state.py); the client cannot know it",
    "D-49": "simulator: a refused submission leaves no trace (tests/simulator_registry/test_state.py)",
    "D-50": "simulator: RPLC deprecates its target (tests/simulator_registry/test_state.py)",
    "D-51": "simulator: adding to a folder moves its lastUpdateTime; the client sends no folder",
    "D-72": "not applicable: ITI-62 is neither sent nor served",
    "D-73": "not applicable: ITI-62 is neither sent nor served",
    "D-74": "not applicable: ITI-62 is neither sent nor served",
    "D-75": "not applicable: ITI-62 is neither sent nor served",
    "D-76": "not applicable: ITI-86 is neither sent nor served",
    "D-90": "a way of reading: AND between slots, OR inside one (rules/query.py, `QueryRequest.values`)",
    "D-92": "not applicable: no gateway; the form of a home community is D-39",
    "D-94": "simulator: lower bound included, upper excluded (its search)",
    "D-95": "simulator: XDSTooManyResults above its limit",
    "D-96": "a way of reading: unknown parameters are ignored (rules/query.py, `QueryRequest.known`)",
}

CLIENT_BY_CONSTRUCTION = {
    "18": "typed queries",
    "43": "typed lines",
    "soap": "its SOAP writer",
    "answers": "its reader; oddities of an outcome are told",
}
"""What the client does not judge because it cannot write it otherwise, or reads with checks of its own."""

ALL_D = [f"D-{number:02d}" for number in (*range(1, 54), *range(60, 77), *range(80, 97))]
"""Every id of ihe-rules D.2, D.3 and D.4."""


def base(rule: str) -> str:
    """D-38a → D-38."""
    return re.sub(r"(?<=\d)[a-z]$", "", rule)


def broken_alone() -> set[str]:
    """Rules of which a test breaks exactly that one, in hand-written XML read by the simulator's reader."""
    found = {row[1] for row in test_submission.TABLE} | {row[0] for row in test_submission.REGISTER}
    found |= {row[2] for row in test_update.ROWS} | {row[1] for row in test_update.REVISIONS}
    found |= {row[0] for row in test_query.ROWS} | {row[0] for row in test_query.LINES}
    found |= {row[1] for row in test_answers.ROWS} | {"D-63c", "D-52a", "D-52b"}
    return found


def seen_by_client() -> set[str]:
    """Rules of which a test breaks exactly that one in the client's own values."""
    return {row[1] for row in test_client.ROWS} | {row[1] for row in test_client.UPDATES} | {"DMP-30", "DMP-31"}


def listed() -> dict[str, list[str]]:
    """Rule id → names of the lists it is in, in the order of the ids."""
    found: dict[str, list[str]] = {}
    for name, rules in LISTS.items():
        for rule in rules:
            if name not in found.setdefault(rule.id, []):
                found[rule.id].append(name)
    return dict(sorted(found.items(), key=lambda item: (item[0].startswith("DMP"), item[0])))


def client_side(rule: str, lists: list[str]) -> str:
    if rule in seen_by_client():
        return "yes"
    if rule in test_client.NOT_EXPRESSIBLE:
        return f"cannot be broken: {test_client.NOT_EXPRESSIBLE[rule]}"
    return ", ".join(dict.fromkeys(CLIENT_BY_CONSTRUCTION[name] for name in lists if name in CLIENT_BY_CONSTRUCTION))


def simulator_side(lists: list[str]) -> str:
    if any(name.startswith(("41", "57", "18", "43")) for name in lists):
        return "yes"
    return "faults of its own; `connector check`" if lists == ["soap"] else "`connector check`"


def count_line() -> str:
    """The count that the issue asks for."""
    applied = {base(rule) for rule in listed() if rule.startswith("D-")}
    alone = {base(rule) for rule in broken_alone() if rule.startswith("D-")}
    own = {rule for rule in listed() if rule.startswith("DMP-")}
    return (
        f"{len(ALL_D)} D rules: {len(applied)} are in a list, {len(applied & alone)} of them broken alone by a test, "
        f"{len({base(rule) for rule in seen_by_client() if rule.startswith('D-')})} also seen alone by the client; "
        f"{len(ELSEWHERE)} are elsewhere or not applicable. {len(own)} DMP rules, "
        f"{len(own & broken_alone())} broken alone."
    )


def severities(rule: str) -> str:
    found = {item.severity for rules in LISTS.values() for item in rules if item.id == rule}
    return ", ".join(sorted(found))


def codes(rule: str) -> str:
    found = (item.code for rules in LISTS.values() for item in rules if item.id == rule)
    return ", ".join(dict.fromkeys(code for code in found if code != answers.ANSWER)) or "none (an answer)"


def document() -> Iterator[str]:
    yield "# Rules of the metadata"
    yield ""
    yield "Written by `python -m tests.rules.catalogue`, kept equal by a test. `D-…` are the ids of the IHE checklist,"
    yield "`DMP-…` what France adds. One list per transaction and profile; the rules are shared by the client and the"
    yield "simulator, the reading is not: the client fills the neutral model from its own values before anything leaves"
    yield "(`dmp/submission_rules.py`), the simulator from received bytes (`simulator/registry_reader.py`), and so does"
    yield "`connector check`. A third profile, `tolerant`, reads answers: the same rules, as warnings, but for"
    yield f"{', '.join(f'`{rule}`' for rule in sorted(answers.REFUSED))}, which stay errors."
    yield ""
    yield count_line()
    yield ""
    yield "In the profile `ihe`: CX without type, XON without `IDNST`, no signature asked, codes free unless the domain"
    yield "gives its code file, hash and size accepted. In `dmp`: the French forms, the CI-SIS value sets, XAdES."
    yield ""
    yield "| Rule | What it asks | Lists | Client | Simulator | Severity | Code |"
    yield "|---|---|---|---|---|---|---|"
    for rule, lists in listed().items():
        cells = (
            rule,
            WHAT[rule],
            ", ".join(lists),
            client_side(rule, lists),
            simulator_side(lists),
            severities(rule),
            codes(rule),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "## Ids that are no rule of a list"
    yield ""
    yield "| Id | Where |"
    yield "|---|---|"
    for identifier, where in ELSEWHERE.items():
        yield f"| {identifier} | {where} |"


if __name__ == "__main__":
    print("\n".join(document()))
