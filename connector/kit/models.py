"""Which suite of the kit a document asks for, by the templateId of its model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from connector.cda.model import InstanceId

_CI_SIS: Final = "1.2.250.1.213.1.1.1."
MODELS: Final = {
    _CI_SIS + arc: model
    for arc, model in {
        "2.1.1": "CARD-F-PRC-AVK",
        "2.1.2": "CARD-F-PRC-TAP",
        "2.1.3": "CARD-F-PRC-DCI",
        "2.1.4": "CARD-F-PRC-PSC",
        "2.1.5": "CARD-F-PRC-PPV",
        "5.1": "CSE-CS8",
        "5.2": "CSE-CS9",
        "5.3": "CSE-CS24",
        "5.4": "CSE-MDE",
        "8": "CANCER-FRCP",
        "12.1": "OBP-SAP",
        "12.2": "OBP-SNM",
        "12.3": "OBP-SNE",
        "12.4": "OBP-SCM",
        "12.5": "OBP-SEM",
        "13": "VSM",
        "15": "AVC-AUNV",
        "16": "AVC-EUNV",
        "17": "AVC-SUNV",
        "18": "OPH-CR-RTN",
        "21": "LDL-EES",
        "22": "DLU-EHPAD-DLU",
        "23": "DLU-EHPAD-FLUDT",
        "24": "DLU-EHPAD-FLUDR",
        "25": "AVC-PAVC",
        "26": "CANCER-PPS",
        "27": "CANCER-D2LM-FIN",
        "28": "CANCER-D2LM-FIDD",
        "29": "LDL-SES",
        "30": "SDM-MR",
        "32": "CANCER-CR-GM",
        "36": "CNAM-HR",
        "37": "VAC",
        "38": "TLM-DA",
        "39": "EP-MED-DM",
        "40": "ANEST-CR-ANEST",
        "41": "ANEST-CR-CPA",
        "42": "OPH-BRE",
        "45": "IMG-CR-IMG",
        "46": "VAC-NOTE",
        "47": "IMG-DA-IMG",
        "51": "IPS-FR",
        "54": "eDISP-MED",
        "55": "BIO-CR-BIO",
        "59": "BIO-TROD",
    }.items()
}
"""templateId root of a document model, and the name its suites carry before their version."""


def document_suites(templates: Iterable[InstanceId], names: Sequence[str]) -> tuple[str, ...]:
    """Names of the document suites for these templateIds, among `names` ("CI-SIS_LDL-SES_2022.01").

    The version is the templateId's extension. Without one, the oldest version: only models from before versions do
    without. A version that has no suite is judged by the next one, or by the newest.
    """
    found = []
    for template in templates:
        model = MODELS.get(template.root)
        versions = sorted(_version(name) for name in names if model and _is_of(name, model))
        if versions:
            newer = [version for version in versions if version[0] >= _comparable(template.extension)]
            found.append((newer or versions[-1:])[0][1])
    return tuple(dict.fromkeys(found))


def _is_of(name: str, model: str) -> bool:
    """`VSM_1.4_2022.01` is of VSM; `VAC-NOTE_2023.01` is not of VAC."""
    return name.removeprefix("CI-SIS_").startswith(f"{model}_")


def _version(name: str) -> tuple[str, str]:
    return name.rpartition("_")[2], name


def _comparable(extension: str) -> str:
    """`201310`, as the first models wrote it, is 2013.10."""
    return f"{extension[:4]}.{extension[4:]}" if extension.isdigit() and len(extension) == 6 else extension
