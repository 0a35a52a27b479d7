"""Floor 3: HL7 v2 as written by HL7, IHE PAM-FR and the volet CDA-in-HL7v2."""
