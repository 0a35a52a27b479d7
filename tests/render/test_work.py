"""The work of a page grows with the document, not with its square: counted, not timed.

What Python does is counted call by call; what the stylesheet does, template by template. Within one template libxslt
compares each node found with all the others only where several nodes lead down or up at once, or are put together by
`|`: no expression of ours does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import pytest
from lxml import etree

from connector.render.html.annotate import annotate
from connector.render.html.page import read_document
from connector.render.html.stylesheet import DATA, letter_stylesheet
from tests.render.letters import with_entries, with_narrative

XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"
FEW: Final = 300


def entry(place: str, inner: str = "") -> str:
    text = f'<text><reference value="#{place}"/></text>'
    return f'<observation classCode="OBS" moodCode="EVN"><code code="c"/>{text}{inner}</observation>'


def said(count: int) -> str:
    return "".join(f'<content ID="x{rank}">fait {rank}</content>' for rank in range(count))


MANY: dict[str, Callable[[int], bytes]] = {
    "entries": lambda count: with_entries(said(count), *(entry(f"x{rank}") for rank in range(count))),
    "entries that lead nowhere": lambda count: with_entries(said(count), *(entry(f"y{rank}") for rank in range(count))),
    "parts of one entry": lambda count: with_entries(
        said(count),
        entry("x0", "".join(f"<entryRelationship>{entry(f'y{rank}')}</entryRelationship>" for rank in range(count))),
    ),
    "places without text": lambda count: with_narrative('<content ID="x"/>' * count),
    "notes": lambda count: with_narrative(
        "".join(f'<footnote ID="f{rank}">n</footnote><footnoteRef IDREF="f{rank}"/>' for rank in range(count))
    ),
    "images": lambda count: with_narrative('<renderMultiMedia referencedObject="a b"/>' * count),
    "rows": lambda count: with_narrative(f"<table><tbody>{'<tr><td>a</td></tr>' * count}</tbody></table>"),
    "cells": lambda count: with_narrative(f"<table><tbody><tr>{'<td>a</td>' * count}</tr></tbody></table>"),
    "items": lambda count: with_narrative(f"<list>{'<item>a</item>' * count}</list>"),
    "strays": lambda count: with_narrative(f"<table>{'a<content>b</content>' * count}<tbody><tr/></tbody></table>"),
    "links": lambda count: with_narrative('<linkHtml href="#a">a</linkHtml>' * count),
}


@pytest.mark.parametrize("many", MANY.values(), ids=MANY.keys())
def test_twice_as_much_is_twice_the_work(many: Callable[[int], bytes]) -> None:
    less, more, most = (work(many(FEW * factor)) for factor in (1, 2, 4))
    assert most - more <= 2.1 * (more - less)
    assert more - less < 1000 * FEW


def work(cda: bytes) -> int:
    """Calls of Python, with those of functions of lxml, and templates applied."""
    document = read_document(cda)
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        annotate(document)
    finally:
        sys.setprofile(None)
    return calls + templates(document)


def templates(document: etree._Element) -> int:
    """Profiles of one stylesheet add up: what was counted before is taken away."""
    before, after = (_profiled(tree) for tree in (etree.fromstring("<nothing/>"), document))
    return after - before


def _profiled(tree: etree._Element) -> int:
    made: Any = letter_stylesheet()(tree, link="''", profile_run=True)
    return sum(int(template.get("calls")) for template in made.xslt_profile.getroot())


QUADRATIC: Final = {
    "descendants of several nodes": r"(?<![.(\s\[])//|/(?:descendant|ancestor)",
    "siblings": r"(?:following|preceding)",
    "a union": r"(?<!\|)\|(?!\|)",
}


@pytest.mark.parametrize("pattern", QUADRATIC.values(), ids=QUADRATIC.keys())
def test_no_expression_compares_all_with_all(pattern: str) -> None:
    expressions = [
        (file.name, str(node.get(name)))
        for file in sorted(DATA.glob("*.xsl"))
        for node in etree.parse(file).iter(f"{XSL}*")
        for name in ("select", "test", "use")
        if node.get(name)
    ]
    assert len(expressions) > 300
    assert [(file, said) for file, said in expressions if re.search(pattern, said)] == []


@pytest.mark.parametrize(
    ("what", "expression"),
    [
        ("descendants of several nodes", "v3:entry//v3:observationMedia"),
        ("descendants of several nodes", "v3:entry/descendant::*"),
        ("siblings", "not(following-sibling::v3:*)"),
        ("a union", "v3:addr | v3:telecom"),
    ],
)
def test_the_check_sees_what_it_is_for(what: str, expression: str) -> None:
    assert re.search(QUADRATIC[what], expression)
