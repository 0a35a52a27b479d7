"""Self-presenting documents: shown by the stylesheet they carry, when it carries no script (EX_2.1-1115).

That stylesheet is a program of somebody else: it runs in a process of its own, which opens no file and no address and
has little time and memory, and what it makes is cleaned like any foreign page.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from lxml import etree

from connector.base.finding import Finding
from connector.cda.checks import check_document
from connector.cda.header import clinical_document
from connector.render.html.annotate import annotate
from connector.render.html.model import Html, warning

_TIMEOUT: Final = 20
"""Seconds, of which the stylesheet may use OWN_SECONDS (`foreign.py`); the rest is for a process to start."""
_SCRIPT: Final = "CDA-20"
_FIELD: Final = "/xsl:stylesheet"


def presented(cda: bytes, root: etree._Element) -> tuple[Html | None, tuple[Finding, ...]]:
    """What the document shows of itself, or None and why it is shown by our stylesheet."""
    if any(finding.rule == _SCRIPT for finding in check_document(cda, None, max_bytes=len(cda))):
        return None, (_refused("RENDER-10", "un script", "aucun script (EX_2.1-1115)", "contient un script"),)
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "connector.render.html.foreign"],
            input=cda,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        why = "trop de temps" if isinstance(error, subprocess.TimeoutExpired) else f"code {error.returncode}"
        return None, (_refused("RENDER-11", why, "une page", "n'a donné aucune page"),)
    findings, attachments = annotate(clinical_document(root))
    return Html(ran.stdout, findings, attachments, own_style=True), ()


def _refused(rule: str, found: str, expected: str, what: str) -> Finding:
    text = f"La feuille de style du document {what} : il est montré par celle du connecteur"
    return warning(rule, _FIELD, found, expected, text)
