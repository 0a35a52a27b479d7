"""OIDs of the code systems of medicines, said once (cda-lettre-de-liaison §2.1, Traitement)."""

from __future__ import annotations

from typing import Final

CIS: Final = "1.2.250.1.213.2.3.1"
CIP: Final = "1.2.250.1.213.2.3.2"
ATC: Final = "2.16.840.1.113883.6.73"

UCD: Final = "1.2.250.1.213.2.62"
"""The OID under which the agency's kit looks UCD codes up (`profils/terminologies/terminologie/Terminologies.txt`).

No official example has a UCD. Two neighbours are often taken for it: UCD_OF_GUIDES below, and 1.2.250.1.213.2.3.3,
which the example VAC_2023.01 calls CIP and gives to codes of packs.
"""

UCD_OF_GUIDES: Final = "1.2.250.1.213.2.61"
"""What the agency's FHIR guides call UCD: read, never written, since the examples of CDA name sites of care by it."""
