"""The lists of rules of a submission, by transaction and profile (ihe-rules D.2, D.3, D.8; dmp-interface c).

Same engine, two profiles: `dmp` adds the French rules to those of IHE. Findings come in the order of the list. The
rules on the memory of the registry (patient known, duplicates, replacement) are in state.py and update.py; the XAdES
signature is judged by the simulator alone. Queries, retrievals and answers have lists of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.base.finding import Finding
from connector.rules.case import Case, Rule, Transaction, apply
from connector.rules.content import CONTENT_RULES
from connector.rules.entry import ENTRY_RULES
from connector.rules.french import FRENCH_RULES
from connector.rules.links import LINK_RULES
from connector.rules.people import PEOPLE_RULES
from connector.rules.shape import SHAPE_RULES
from connector.rules.update import (
    DMP_REVISION_RULES,
    REVISION_RULES,
    SERVED_UPDATE_RULES,
    UPDATE_ERROR,
    UPDATE_RULES,
    Revision,
)
from connector.rules.values import VALUE_RULES

Rules = tuple[Rule[Case], ...]

IHE_RULES: Rules = SHAPE_RULES + ENTRY_RULES + PEOPLE_RULES + LINK_RULES + VALUE_RULES
DMP_RULES: Rules = IHE_RULES + FRENCH_RULES + CONTENT_RULES
"""ITI-41."""

_PARTS = frozenset({"D-28", "D-38a", "D-38b", "D-48"})
_FEED_ONLY = frozenset({"DMP-02", "DMP-03", "DMP-04", "DMP-12"})
_REGISTRY_ERROR = "XDSRegistryMetadataError"


def _without(rules: Rules, ids: frozenset[str]) -> Rules:
    return tuple(rule for rule in rules if rule.id not in ids)


def _coded(rules: Iterable[Rule[Case]], code: str) -> Rules:
    return tuple(rule.coded(code) for rule in rules)


IHE_REGISTER_RULES: Rules = _coded(_without(IHE_RULES, _PARTS), _REGISTRY_ERROR)
DMP_REGISTER_RULES: Rules = IHE_REGISTER_RULES + _coded(FRENCH_RULES, _REGISTRY_ERROR)
"""ITI-42: the same metadata between a repository and a registry, without any part."""

IHE_METADATA_RULES: Rules = _without(IHE_RULES, _PARTS)
DMP_METADATA_RULES: Rules = IHE_METADATA_RULES + FRENCH_RULES
"""Metadata alone."""

# There D-67 tells the same object twice, and D-69 has no sense: this is the right transaction.
IHE_UPDATE_RULES: Rules = _coded(_without(IHE_RULES, _PARTS | {"D-29", "D-69"}), UPDATE_ERROR) + UPDATE_RULES
DMP_UPDATE_RULES: Rules = (
    IHE_UPDATE_RULES + _coded(_without(FRENCH_RULES, _FEED_ONLY), UPDATE_ERROR) + SERVED_UPDATE_RULES
)
"""ITI-57."""

_LISTS: dict[Transaction, tuple[Rules, Rules]] = {
    "ITI-41": (IHE_RULES, DMP_RULES),
    "ITI-42": (IHE_REGISTER_RULES, DMP_REGISTER_RULES),
    "metadata": (IHE_METADATA_RULES, DMP_METADATA_RULES),
    "ITI-57": (IHE_UPDATE_RULES, DMP_UPDATE_RULES),
}


def rules_of(transaction: Transaction, *, ihe_pure: bool) -> Rules:
    """The list of a transaction in a profile."""
    ihe, dmp = _LISTS[transaction]
    return ihe if ihe_pure else dmp


def judge(case: Case) -> tuple[Finding, ...]:
    """Every finding of the message itself, first one first (ihe-rules D, "report all")."""
    return apply(rules_of(case.transaction, ihe_pure=case.settings.ihe_pure), case)


def judge_revision(revision: Revision) -> tuple[Finding, ...]:
    """Every finding of an update against the version in force; the message itself is for `judge`."""
    rules = REVISION_RULES
    if not revision.case.settings.ihe_pure:
        rules += DMP_REVISION_RULES
    return apply(rules, revision)
