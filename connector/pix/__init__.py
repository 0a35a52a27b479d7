"""Floor 4: cross-referenced identities (ITI-9 in HL7v2, ITI-45 in HL7v3)."""
