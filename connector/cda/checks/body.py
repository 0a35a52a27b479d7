"""Rules about a level-1 body: it is what it says to be (cda-lettre-de-liaison §7; the kit looks at none of it)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from connector.cda.checks import pdf
from connector.cda.checks.media import MEDIA
from connector.cda.checks.model import Document, Fault
from connector.cda.checks.words import says
from connector.cda.nodes import child

_TEXT: Final = "/ClinicalDocument/component/nonXMLBody/text"
_SHOWN: Final = 80


def media_type(document: Document) -> Iterator[Fault]:
    text = document.body.text
    if text is not None and text.get("mediaType", "") not in MEDIA:
        shown = text.get("mediaType", "aucun")[:_SHOWN]
        yield Fault(f"{_TEXT}/@mediaType", shown, ", ".join(MEDIA), "Le type du corps n'est pas de ceux du DMP")


def inline(document: Document) -> Iterator[Fault]:
    """The body is in the document, in base64."""
    text = document.body.text
    if text is None:
        return
    if child(text, "reference") is not None:
        yield Fault(f"{_TEXT}/reference", "un renvoi", "le contenu lui-même", "Le corps n'est pas dans le document")
    elif text.get("compression"):
        yield Fault(f"{_TEXT}/@compression", text.get("compression", "")[:_SHOWN], "aucune", "Le corps est comprimé")
    elif text.get("representation") != "B64":
        shown = text.get("representation", "aucune")
        yield Fault(f"{_TEXT}/@representation", shown[:_SHOWN], "B64", "Le corps n'est pas annoncé en base64")


def base64_body(document: Document) -> Iterator[Fault]:
    text = document.body.text
    if text is None or child(text, "reference") is not None:
        return
    if document.body.blank:
        yield Fault(_TEXT, "vide", "le contenu en base64", "Le corps du document est vide")
    elif len(text) and any(isinstance(node.tag, str) for node in text):
        yield Fault(_TEXT, "des éléments", "le contenu en base64", "Le corps contient autre chose que du base64")
    elif document.body.content is None:
        yield Fault(_TEXT, "base64 invalide", "base64 de la RFC 4648", "Le corps n'est pas un base64 valide")


def magic(document: Document) -> Iterator[Fault]:
    """The first and last bytes are those of the announced type."""
    text, content = document.body.text, document.body.content
    kind = "" if text is None else text.get("mediaType", "")
    if content is not None and kind in MEDIA and not MEDIA[kind](content):
        yield Fault(_TEXT, "un autre contenu", f"un fichier {kind}", "Le corps n'est pas du type annoncé")


def plain_text(document: Document) -> Iterator[Fault]:
    """Words, for who opens the document to read them."""
    if (content := _plain(document)) is not None and not says(content.decode("utf-8-sig", "replace")):
        yield Fault(_TEXT, "des blancs", "un texte", "Le corps du document ne contient aucun mot")


def charset(document: Document) -> Iterator[Fault]:
    """UTF-8 unless another one is announced: else each accent is read as something else."""
    content, text = _plain(document), document.body.text
    if content is None or text is None:
        return
    announced = text.get("charset", "").strip()
    try:
        content.decode(announced or "utf-8-sig")
    except (UnicodeDecodeError, LookupError):
        said = "Le texte n'est pas dans le jeu de caractères annoncé : ses accents seraient illisibles"
        yield Fault(f"{_TEXT}/@charset", "un autre codage", announced[:32] or "UTF-8", said)


def pdf_encrypted(document: Document) -> Iterator[Fault]:
    """A reader without the password sees nothing. What only forbids printing opens: PDF/A warns of it."""
    text = "Le PDF demande un mot de passe : le lecteur n'en verra rien"

    def look(content: bytes) -> Iterator[Fault]:
        if pdf.locked(content):
            yield Fault(_TEXT, "mot de passe", "un PDF qui s'ouvre", text)

    yield from _of_pdf(document, look)


def _plain(document: Document) -> bytes | None:
    """The body that is text, as it says; what is another file is CDA-33."""
    text, content = document.body.text, document.body.content
    is_text = text is not None and text.get("mediaType") == "text/plain"
    return content if content is not None and is_text and MEDIA["text/plain"](content) else None


def pdf_acts(document: Document) -> Iterator[Fault]:
    yield from _of_pdf(
        document,
        lambda content: (
            Fault(_TEXT, what, "un PDF à lire seulement", f"Le PDF contient : {what}") for what in pdf.acts(content)
        ),
    )


def pdf_archive(document: Document) -> Iterator[Fault]:
    def look(content: bytes) -> Iterator[Fault]:
        if not pdf.claims_pdfa(content):
            yield Fault(_TEXT, "PDF", "PDF/A-1", "Le PDF ne se déclare pas PDF/A : sa conservation n'est pas assurée")

    yield from _of_pdf(document, look)


def _of_pdf(document: Document, look: Callable[[bytes], Iterator[Fault]]) -> Iterator[Fault]:
    text = document.body.text
    if text is None or text.get("mediaType") != "application/pdf":
        return
    content = document.body.content
    if content is not None and MEDIA["application/pdf"](content):
        yield from look(content)
