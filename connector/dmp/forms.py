"""Composite texts of XDS (CX, XCN, XON…) as each profile writes them (dmp-interface c.4, ihe-rules D.8).

Pure text: an identifier, a name and a profile in, the HL7 components out.
"""

from __future__ import annotations

from connector.xds.iti18 import Profile

PERSON_OID = "1.2.250.1.71.4.2.1"
STRUCTURE_OID = "1.2.250.1.71.4.2.2"
SNR_OID = "1.3.2"
"""SIREN registry: authority of the structure behind a referenced digital service (c.4)."""

_ESCAPES = str.maketrans({"\\": "\\E\\", "^": "\\S\\", "&": "\\T\\", "|": "\\F\\", "~": "\\R\\"})


def escape(text: str) -> str:
    """HL7 delimiters of a name, escaped: they must not open a component."""
    return text.translate(_ESCAPES)


def cx(value: str, oid: str, type_code: str, profile: Profile) -> str:
    """`value^^^&oid&ISO`, with CX-5 in France."""
    return f"{value}^^^&{oid}&ISO" + (f"^{type_code}" if profile == "dmp" else "")


def xcn(identifier: str, family: str, given: str, *, oid: str, name_type: str, id_type: str, profile: Profile) -> str:
    """A person or a software; XCN-10 (`name_type`) and XCN-13 (`id_type`) in France only.

    The authority and the type go with the identifier: all are left out together.
    """
    if not identifier:
        named = f"^{escape(family)}^{escape(given)}"
        return f"{named}^^^^^^^{name_type}" if profile == "dmp" else named
    base = f"{escape(identifier)}^{escape(family)}^{escape(given)}^^^^^^&{oid}&ISO"
    return f"{base}^{name_type}^^^{id_type}" if profile == "dmp" else base


def xon(name: str, identifier: str, *, oid: str = STRUCTURE_OID, profile: Profile) -> str:
    """A structure; the authority goes with the identifier, so both are left out together (c.4)."""
    if not identifier:
        return escape(name)
    kind = ("SIREN" if oid == SNR_OID else "IDNST") if profile == "dmp" else ""
    return f"{escape(name)}^^^^^&{oid}&ISO^{kind}^^^{escape(identifier)}"


def cxi(value: str, oid: str, kind: str) -> str:
    """A reference to something else than the document: `value^^^&oid&ISO^kind` (c.3, ihe-rules D-18)."""
    return f"{escape(value)}^^^&{oid}&ISO^{kind}"


def specialty(code: str, display: str, system: str, profile: Profile) -> str:
    """`code^label^system` in France, `code^^^&system&ISO` elsewhere."""
    if profile == "dmp":
        return f"{escape(code)}^{escape(display)}^{system}"
    return f"{escape(code)}^^^&{system}&ISO"
