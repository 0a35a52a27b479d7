"""The nodes a pattern is asked of: an expression for each kind of context, always a superset of what matches."""

from __future__ import annotations

import pytest

from connector.kit.narrowing import EVERY, Head, candidates, common_head, split

V3 = {"cda": "urn:hl7-org:v3", "lab": "urn:oid:1.3.6.1.4.1.19376.1.3.2"}


@pytest.mark.parametrize(
    ("contexts", "expression"),
    [
        (["/"], "/"),
        (["cda:author"], "//cda:author"),
        (["*[cda:templateId/@root='1.2']"], "key('k','1.2')/.."),
        (['cda:act[cda:templateId/@root = "1.2"]/cda:code'], "key('k','1.2')/../cda:code"),
        (["cda:act[cda:templateId[@root='1.2']]//cda:code"], "key('k','1.2')/..//cda:code"),
        (["*[not(@x) and cda:templateId/@root='1.2']"], "key('k','1.2')/.."),
        (["*[cda:templateId/@root='1.2'][2]/*[cda:templateId/@root='1.3']"], "key('k','1.3')/.."),
        # what does not follow from the predicate is not relied upon
        (["*[@x or cda:templateId/@root='1.2']"], "//*"),
        (["*[not(cda:templateId/@root='1.2')]"], "//*"),
        (["*[lab:templateId/@root='1.2']"], "//*"),
        (["/cda:a/cda:b", "/cda:a/cda:b/cda:c", "/cda:a"], "/cda:a/(. | cda:b/(. | cda:c))"),
        (["//cda:a[@x='/y']/cda:b//cda:c"], "//cda:a/(cda:b/(.//cda:c))"),
        (["cda:a | cda:b[.='|']"], "//cda:a | //cda:b"),
        (["cda:a", "cda:a[1]"], "//cda:a"),
        (["cda:a/@x"], EVERY),
        (["ancestor::cda:a"], EVERY),
        (["id('x')/cda:a"], EVERY),
    ],
)
def test_the_expression_of_a_context(contexts: list[str], expression: str) -> None:
    assert candidates(contexts, V3, "k") == expression


def test_an_expression_is_cut_only_where_it_is_at_its_own_level() -> None:
    assert list(split("a[b/c]/d['/']/(e/f)", "/")) == ["a[b/c]", "d['/']", "(e/f)"]


HEAD = "//cda:a[cda:b[@x='/']]"


@pytest.mark.parametrize(
    ("contexts", "head"),
    [
        ([HEAD, f"{HEAD}/cda:c", f"{HEAD}/*[@y]/cda:d"], Head(HEAD, "cda:a")),
        ([f"{HEAD}/cda:c", "cda:e"], None),
        ([f"{HEAD}/cda:c", f"{HEAD}//cda:d"], None),
        ([f"{HEAD}/cda:c | cda:e"], None),
        ([f"{HEAD}[2]", f"{HEAD}/cda:c"], None),
        (["//cda:a/cda:c"], None),
        (["/cda:a[@x]/cda:c"], None),
        (["cda:a[@x]/cda:c"], None),
    ],
)
def test_the_step_all_contexts_begin_with(contexts: list[str], head: Head | None) -> None:
    assert common_head(contexts) == head
